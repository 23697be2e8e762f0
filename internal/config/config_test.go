package config

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsNotSetHasItsDefault(t *testing.T) {
	c, err := Load(map[string]string{"DATABASE_URL": "postgres://x"})
	require.NoError(t, err)
	require.Equal(t, Config{DatabaseURL: "postgres://x", DatabaseOwnerURL: "postgres://x", MetricsAddress: "127.0.0.1:9464", LogLevel: slog.LevelInfo}, c)
	require.NoError(t, c.NeedDatabase())
	require.ErrorContains(t, Config{}.NeedDatabase(), "DATABASE_URL")
}

func TestAMalformedVariableIsNamed(t *testing.T) {
	_, err := Load(map[string]string{"LOG_LEVEL": "loud"})
	require.ErrorContains(t, err, "LogLevel")
	require.ErrorContains(t, err, "loud")
}
