package child

import (
	"context"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// leaveWithin is how long a command and what it started may take to end after SIGTERM.
const leaveWithin = 30 * time.Second

// Run runs cmd to its end, in a process group of its own that gets SIGTERM when ctx ends. It returns when no process of
// the group is left: one that outlives cmd is asked to stop, then killed.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	runtime.LockOSThread() // see Child.keep
	defer runtime.UnlockOSThread()
	own(cmd, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		return err
	}
	group := -cmd.Process.Pid
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()

	var err error
	select {
	case err = <-exited:
	case <-ctx.Done():
		_ = syscall.Kill(group, syscall.SIGTERM) // ESRCH: all gone already
		select {
		case err = <-exited:
		case <-time.After(leaveWithin):
			_ = syscall.Kill(group, syscall.SIGKILL)
			err = <-exited
		}
	}

	for end := time.Now().Add(leaveWithin); syscall.Kill(group, syscall.SIGTERM) == nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			_ = syscall.Kill(group, syscall.SIGKILL)
			break
		}
	}
	return err
}
