package child

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// soon bounds what happens at once on a machine with nothing else to do.
const soon = 30 * time.Second

func TestAChildThatDiesIsStartedAgainUntilShutdown(t *testing.T) {
	back := make(chan struct{})
	c := Child{
		Name:  "sleep",
		Cmd:   func() *exec.Cmd { return exec.Command("sleep", "3600") },
		Stop:  syscall.SIGTERM,
		Grace: soon,
		Say:   t.Logf,
		Back:  func() { close(back) },
	}
	require.NoError(t, c.Start(t.Context()))
	t.Cleanup(c.Shutdown)
	first := c.PID()
	require.NotZero(t, first)

	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	select {
	case <-back:
	case <-time.After(soon):
		t.Fatal("it did not come back")
	}
	second := c.PID()
	assert.NotEqual(t, first, second)

	c.Shutdown()
	assert.Zero(t, c.PID())
	assert.ErrorIs(t, syscall.Kill(second, 0), syscall.ESRCH)
}

func TestAChildThatDiesBeforeItIsReadyIsAnError(t *testing.T) {
	c := Child{
		Name:  "false",
		Cmd:   func() *exec.Cmd { return exec.Command("false") },
		Ready: func(context.Context) error { return errors.New("not yet") },
		Stop:  syscall.SIGTERM,
		Say:   t.Logf,
	}
	require.EqualError(t, c.Start(t.Context()), "false did not start: exit status 1")
	c.Shutdown()
}

// watch gives cmd and all that it starts an end of a pipe; the result reports when the last of them is gone.
func watch(t *testing.T, cmd *exec.Cmd) (gone func()) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	cmd.ExtraFiles = []*os.File{w}
	return func() {
		t.Helper()
		require.NoError(t, w.Close())
		require.NoError(t, r.SetReadDeadline(time.Now().Add(soon)))
		_, err := r.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF)
		require.NoError(t, r.Close())
	}
}

func TestRunLeavesNothingBehind(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sleep 3600 & exit 3")
	gone := watch(t, cmd)
	var exit *exec.ExitError
	require.ErrorAs(t, Run(t.Context(), cmd), &exit)
	assert.Equal(t, 3, exit.ExitCode())
	gone()
}

func TestRunPassesTheEndOnToTheWholeGroup(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.Command("sh", "-c", "sleep 3600; true")
	gone := watch(t, cmd)
	time.AfterFunc(100*time.Millisecond, cancel)
	require.EqualError(t, Run(ctx, cmd), "signal: terminated")
	gone()
}
