// Command starter is the command line of the programme: it starts cases, answers tasks and looks things up.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
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
	ctx, end, err := h.trace(ctx)
	if err != nil {
		return h.answer(root, err)
	}
	command, err := root.ExecuteContextC(ctx)
	code := h.answer(command, err)
	end(command.CommandPath(), code)
	return code
}

// trace begins the trace of one command, which has its name and none of its arguments. A malformed environment is told by
// the command that needs it.
func (h *house) trace(ctx context.Context) (context.Context, func(command string, code int), error) {
	if c, err := h.config(); err == nil {
		if h.traces, err = c.Traces(ctx, "countersign-starter", version(), func(error) {}); err != nil {
			return nil, nil, err
		}
	}
	ctx, span := h.traces.Tracer().Start(ctx, "starter")
	return ctx, func(command string, code int) {
		span.SetName(command)
		span.SetAttributes(attribute.Int("process.exit.code", code))
		if code > 1 { // a refusal is an answer
			span.SetStatus(codes.Error, "")
		}
		span.End()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patienceWithCollector)
		defer cancel()
		_ = h.traces.Close(ctx) // nobody waits longer for a collector that is away
	}, nil
}

const patienceWithCollector = 2 * time.Second
