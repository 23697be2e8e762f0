// Command starter is the command line of the programme: it starts cases, answers tasks and looks things up.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/caarlos0/env/v11"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, env.ToMap(os.Environ())))
}

// run is the whole command; its answer is the exit code: 0 done, 1 refused by the rules, 2 anything else.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, environ map[string]string) int {
	h := &house{environ: environ, out: stdout, err: stderr}
	defer h.close()
	root := h.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	return h.answer(command, err)
}
