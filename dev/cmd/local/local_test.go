package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/dev/internal/stack"
)

// startStack runs bin/local stack as an end-to-end test does, and returns the lines it prints.
func startStack(t *testing.T, more ...string) (cmd *exec.Cmd, stdin io.Closer, next func() running) {
	t.Helper()
	binary, err := filepath.Abs("../../../bin/local")
	require.NoError(t, err)
	require.FileExists(t, binary, "make build makes it")
	cmd = exec.Command(binary, append([]string{"stack", "--dir", t.TempDir()}, more...)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // ended already where the test got so far

	lines := bufio.NewScanner(out)
	return cmd, in, func() (line running) {
		t.Helper()
		require.True(t, lines.Scan(), "another line")
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		return line
	}
}

// answering are the addresses of a stack's two servers.
func answering(t *testing.T, line running) []string {
	t.Helper()
	u, err := url.Parse(line.DatabaseURL)
	require.NoError(t, err)
	return []string{u.Host, line.TemporalAddress}
}

func requireSilence(t *testing.T, addresses []string) {
	t.Helper()
	for _, address := range addresses {
		require.Eventually(t, func() bool { return listens(address) != nil }, time.Minute, 50*time.Millisecond, address)
	}
}

func TestAStackRestartsWhatIsKilledAndEndsWithItsTest(t *testing.T) {
	cmd, stdin, next := startStack(t, "--memory")
	first := next()
	if stack.HasRoom() {
		assert.Contains(t, first.TemporalDir, "/dev/shm/countersign-")
	}
	for _, address := range answering(t, first) {
		require.NoError(t, listens(address))
	}

	require.NoError(t, syscall.Kill(first.PostgresPID, syscall.SIGKILL))
	second := next()
	require.NoError(t, syscall.Kill(second.TemporalPID, syscall.SIGKILL))
	third := next()
	assert.NotEqual(t, first.PostgresPID, third.PostgresPID)
	assert.NotEqual(t, second.TemporalPID, third.TemporalPID)
	assert.Equal(t, first.DatabaseURL, third.DatabaseURL)
	assert.Equal(t, first.TemporalAddress, third.TemporalAddress)

	require.NoError(t, stdin.Close())
	require.NoError(t, cmd.Wait())
	requireSilence(t, answering(t, first))
	assert.NoDirExists(t, first.TemporalDir)
}

func TestAKilledStackLeavesNothingRunning(t *testing.T) {
	cmd, _, next := startStack(t)
	line := next()
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	requireSilence(t, answering(t, line))
}

func TestInDatabase(t *testing.T) {
	moved, err := inDatabase("postgres://ann:p%40ss@db:5432/countersign?sslmode=disable", "demo")
	require.NoError(t, err)
	assert.Equal(t, "postgres://ann:p%40ss@db:5432/demo?sslmode=disable", moved)

	_, err = inDatabase("host=db user=ann password=secret", "demo")
	require.ErrorContains(t, err, "DATABASE_URL must have the form")
	assert.NotContains(t, err.Error(), "secret")
}

func TestExportsAreSafeForAShell(t *testing.T) {
	out, err := exec.Command("sh", "-c", exports([]string{"HOME=/x", `DATABASE_URL=a'b "c" $d`, "TEMPORAL_ADDRESS=h:1"})+`printf %s "$DATABASE_URL"`).Output()
	require.NoError(t, err)
	assert.Equal(t, `a'b "c" $d`, string(out))
}
