// Package child keeps a process running until it is told to stop: started again when it dies by itself, and never left
// behind when this process ends, however it ends.
package child

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// Child describes one process. Fields are read only after Start.
type Child struct {
	Name  string
	Cmd   func() *exec.Cmd            // a fresh command for every start
	Ready func(context.Context) error // asked until it returns nil; nil means ready at once

	Stop  syscall.Signal // asks for a clean end
	Grace time.Duration  // how long a clean end may take before SIGKILL

	Say  func(format string, args ...any) // told when the process dies by itself and when it is back
	Back func()                           // called, if set, each time it is ready again

	pid  atomic.Int64
	quit chan struct{} // closed by Shutdown
	done chan struct{} // closed when no process is left
}

const (
	readyWithin = time.Minute
	askEvery    = 50 * time.Millisecond
	shortPause  = 500 * time.Millisecond // before a restart; doubled up to longPause while it keeps dying
	longPause   = 10 * time.Second
)

// Start starts the process and returns once it is ready. When it dies or stays silent before that, or ctx ends, it is
// gone and the error says why; after that it is kept running until Shutdown.
func (c *Child) Start(ctx context.Context) error {
	c.quit, c.done = make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go c.keep(ctx, first)
	return <-first
}

// Shutdown ends the process cleanly and returns when it is gone. A child that never started is none to stop.
func (c *Child) Shutdown() {
	if c.quit == nil {
		return
	}
	select {
	case <-c.quit:
	default:
		close(c.quit)
	}
	<-c.done
}

// PID is the process once it is ready, zero while there is none.
func (c *Child) PID() int { return int(c.pid.Load()) }

// keep runs the process again and again until Shutdown; the first run decides whether there is a second.
func (c *Child) keep(ctx context.Context, first chan<- error) {
	defer close(c.done)
	// The kernel ties Pdeathsig to the thread that started the process, not to this process: the thread stays.
	runtime.LockOSThread()

	started, pause := false, shortPause
	for {
		begin := time.Now()
		err := c.run(ctx, func() {
			if !started {
				started = true
				first <- nil
				return
			}
			c.Say("%s is back (process %d)", c.Name, c.PID())
			if c.Back != nil {
				c.Back()
			}
		})
		if !started {
			first <- fmt.Errorf("%s did not start: %w", c.Name, err)
			return
		}
		if errors.Is(err, errShutdown) {
			return
		}
		ctx = context.Background() // the caller's bounds the first start only
		if time.Since(begin) > longPause {
			pause = shortPause
		}
		c.Say("%s ended by itself (%v) and is started again", c.Name, err)
		select {
		case <-c.quit:
			return
		case <-time.After(pause):
			pause = min(2*pause, longPause)
		}
	}
}

var errShutdown = errors.New("told to stop")

// run is one life of the process: it calls ready when the process answers, and returns why there is none any more.
func (c *Child) run(ctx context.Context, ready func()) error {
	cmd := c.Cmd()
	own(cmd, c.Stop)
	if err := cmd.Start(); err != nil {
		return err
	}
	defer c.pid.Store(0)
	var ended error // written before exited closes
	exited := make(chan struct{})
	go func() {
		ended = cmd.Wait()
		close(exited)
	}()

	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- c.untilReady(ctx) }()
	for {
		select {
		case err := <-answered:
			if err != nil {
				c.end(cmd, exited)
				return err
			}
			c.pid.Store(int64(cmd.Process.Pid))
			ready()
		case <-exited:
			if ended == nil {
				return errors.New("exit status 0")
			}
			return ended
		case <-c.quit:
			c.end(cmd, exited)
			return errShutdown
		}
	}
}

// untilReady asks until the process answers.
func (c *Child) untilReady(ctx context.Context) error {
	for c.Ready != nil {
		last := c.Ready(ctx)
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer (%w): %w", ctx.Err(), last)
		case <-time.After(askEvery):
		}
	}
	return nil
}

func (c *Child) end(cmd *exec.Cmd, exited <-chan struct{}) {
	// ESRCH only: it has ended meanwhile, and exited tells.
	_ = cmd.Process.Signal(c.Stop)
	select {
	case <-exited:
		return
	case <-time.After(c.Grace):
	}
	c.Say("%s did not stop within %s and is killed", c.Name, c.Grace)
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	<-exited
}
