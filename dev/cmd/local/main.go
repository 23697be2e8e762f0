// Command local runs Countersign on one machine without Docker: a private Postgres and Temporal, the worker, the demo,
// the tests. Built into bin/ it finds the rest of the checkout from there; see the Makefile.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"countersign/dev/internal/child"
	"countersign/dev/internal/stack"
)

const usage = `usage: local COMMAND

  up [--bare]       Postgres, Temporal, worker and console over a programme that has lived for months, until Ctrl-C; state is kept
                    between runs. --bare: the same with two partners to whom nothing has happened, on a stack of its own
  env               shell commands that let bin/starter talk to what up runs
  demo              the demo on a stack of its own
  bench ARGS...     starter bench park ARGS on a stack of its own
  test -- CMD...    CMD with DATABASE_URL, COUNTERSIGN_BIN and CHROMIUM set, on a throw-away Postgres
  stack --dir DIR   a throw-away Postgres and Temporal for a test: JSON lines on stdout, until SIGTERM or end of stdin
  race              prints -race if the race detector can be used, after installing a C compiler where it may
  doctor            what was found on this machine, and what runs
  clean             stops every stack of this checkout and removes its data`

// checkout is what the commands work on.
type checkout struct {
	root   string
	home   string // of its stacks
	memory string // of stacks that are thrown away, where it has room
}

// exitCode ends this process with the code of the command it ran, which has said why itself.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

func main() {
	syscall.Umask(0o022) // Postgres' account must be able to enter the folders made here

	err := run()
	if code := exitCode(0); errors.As(err, &code) {
		os.Exit(int(code))
	}
	if err != nil {
		say("%v", err)
		os.Exit(1)
	}
}

func run() error {
	commands := map[string]func(context.Context, checkout, []string) error{
		"up": up, "env": printEnv, "demo": demo, "bench": bench, "test": test, "stack": runStack, "race": race, "doctor": doctor, "clean": clean,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, usage)
		return exitCode(2)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return err
	}
	root := filepath.Dir(filepath.Dir(self))

	// After the first signal the default is back: a second Ctrl-C ends this process at once, and the children with it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	defer stop()
	return commands[os.Args[1]](ctx, checkout{root: root, home: stack.Home(root), memory: stack.Memory(root)}, os.Args[2:])
}

// scratch is where a stack lies that is thrown away.
func (c checkout) scratch() string {
	if stack.HasRoom() {
		return c.memory
	}
	return c.home
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "local: "+format+"\n", args...) }

func (c checkout) bin(name string) string { return filepath.Join(c.root, "bin", name) }

// command is a program of the checkout, run in its root with this process's outputs.
func (c checkout) command(env []string, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = c.root, env
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

// runToEnd runs a command whose exit code becomes ours.
func runToEnd(ctx context.Context, cmd *exec.Cmd) error {
	err := child.Run(ctx, cmd)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		if exit.ExitCode() < 0 { // a signal; nobody else says so
			say("%s: %v", filepath.Base(cmd.Path), err)
			return exitCode(1)
		}
		return exitCode(exit.ExitCode())
	}
	return err
}
