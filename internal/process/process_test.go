package process

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"testing"

	"countersign/internal/pgtest"
	"countersign/schema"

	"github.com/stretchr/testify/require"
)

func TestGivenAProcessThatServes_WhenItBeginsAndEnds_ThenItIsReadyOnlyInBetweenAndLeavesNothingOpen(t *testing.T) {
	logger := func(out io.Writer, level slog.Level) *slog.Logger {
		return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
	}
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	database := pgtest.URL(t)
	t.Setenv("DATABASE_URL", "")
	_, err := Begin(t.Context(), "clerk", logger, io.Discard)
	require.ErrorContains(t, err, "DATABASE_URL is not set")

	t.Setenv("DATABASE_URL", database)
	t.Setenv("LOG_LEVEL", "WARN")
	var out bytes.Buffer
	p, err := Begin(t.Context(), "clerk", logger, &out)
	require.NoError(t, err)
	p.Log.Info("small talk")
	slog.Warn("to all")
	require.Contains(t, out.String(), "to all")
	require.NotContains(t, out.String(), "small talk")
	require.ErrorContains(t, p.Listen(t.Context(), "CLERK_ADDRESS", "nowhere"), "CLERK_ADDRESS: ")
	require.NoError(t, p.Open(schema.OpenBy))
	require.Equal(t, Connections, p.DB.Stats().MaxOpenConnections)
	require.NoError(t, p.answers.Ask(t.Context()))
	p.Close()
	require.ErrorContains(t, p.DB.Ping(), "closed")
	require.ErrorContains(t, p.answers.Ask(context.Background()), "closed")
}
