package ports

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPortsStayTheSame(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ports.json")
	first, err := Keep(file, Want{Name: "a"}, Want{Name: "b"})
	require.NoError(t, err)
	assert.NotZero(t, first["a"])
	assert.NotEqual(t, first["a"], first["b"])

	again, err := Keep(file, Want{Name: "a"}, Want{Name: "b"}, Want{Name: "c", Preferred: first["a"]})
	require.NoError(t, err)
	assert.Equal(t, first["a"], again["a"])
	assert.Equal(t, first["b"], again["b"])
	assert.NotContains(t, []int{0, first["a"], first["b"]}, again["c"])
}

func TestThePreferredPortIsTakenOnlyWhenItIsFree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	busy := l.Addr().(*net.TCPAddr).Port

	kept, err := Keep(filepath.Join(t.TempDir(), "ports.json"), Want{Name: "a", Preferred: busy})
	require.NoError(t, err)
	assert.NotEqual(t, busy, kept["a"])

	free := kept["a"]
	require.NoError(t, l.Close())
	kept, err = Keep(filepath.Join(t.TempDir(), "ports.json"), Want{Name: "a", Preferred: free})
	require.NoError(t, err)
	assert.Equal(t, free, kept["a"])
}
