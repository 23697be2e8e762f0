package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"countersign/dev/internal/child"
	"countersign/dev/internal/postgres"
	"countersign/dev/internal/stack"
	"countersign/dev/internal/temporal"
)

// notice stands above each page, in the console's two languages: nobody takes the demo's money for anybody's.
const notice = "演示环境，一切均为虚构 · Demo: everything here is made up"

// up runs everything until ctx ends, over a programme that has lived for months; with --bare on a stack of its own where nothing has happened.
func up(ctx context.Context, c checkout, args []string) (err error) {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	bare := flags.Bool("bare", false, "two partners to whom nothing has happened")
	if err := flags.Parse(args); err != nil {
		return exitCode(2)
	}
	name := "up"
	if *bare {
		name = "bare"
	}
	options := c.options(name)
	options.UsualPorts, options.Codec = true, true
	s, err := stack.Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	env := append(s.Env(), "LOG_LEVEL="+cmp.Or(os.Getenv("LOG_LEVEL"), "WARN")) // so that the accounts below stay in sight
	if err := os.WriteFile(c.envFile(), []byte(exports(env)), 0o600); err != nil {
		return err
	}
	if err := child.Run(ctx, c.command(env, c.bin("starter"), "migrate")); err != nil {
		return fmt.Errorf("starter migrate: %w", err)
	}
	cast, err := c.programme(ctx, env, *bare)
	if err != nil {
		return err
	}
	worker := serves("the worker", s.MetricsAddress, func() *exec.Cmd { return c.command(env, c.bin("worker")) })
	if err := worker.Start(ctx); err != nil {
		return err
	}
	defer worker.Shutdown()
	codec := serves("the codec server", s.CodecAddress, func() *exec.Cmd {
		return c.command(env, c.bin("starter"), "codec", "serve", "--address", s.CodecAddress)
	})
	if s.TemporalUIURL != "" {
		if err := codec.Start(ctx); err != nil {
			return err
		}
		defer codec.Shutdown()
	}

	accounts, err := c.demoAccounts(ctx, env, filepath.Join(options.Dir, "accounts"), cast)
	if err != nil {
		return err
	}
	console := serves("the console", s.ConsoleAddress, func() *exec.Cmd {
		return c.command(append(env, "CONSOLE_ADDRESS="+s.ConsoleAddress, "CONSOLE_NOTICE="+notice), c.bin("server"))
	})
	if err := console.Start(ctx); err != nil {
		return err
	}
	defer console.Shutdown()

	fmt.Printf(`
Countersign is up.
  console         http://%s
%s  Temporal UI     %s
  codec server    http://%s (the link above signs a browser in, so that the UI shows what is in a payload)
  Temporal        %s
  database        %s
  worker metrics  http://%s/metrics
  logs            %s; LOG_LEVEL=INFO make up tells each step here
bin/starter finds all that after: eval "$(bin/local env)"
Partners, people and money are made up. Ctrl-C stops it and keeps its state; make clean begins anew.

`, s.ConsoleAddress, signIns(accounts), s.TemporalUIURL, s.CodecAddress, s.TemporalAddress, stack.Mask(s.DatabaseURL), s.MetricsAddress, filepath.Join(options.Dir, "*.log"))

	<-ctx.Done()
	say("stopping: the worker finishes what it has begun, then Temporal, then Postgres")
	return nil
}

// serves is one of our programs, which is ready when it listens at an address.
func serves(name, address string, cmd func() *exec.Cmd) child.Child {
	return child.Child{
		Name: name, Cmd: cmd, Ready: func(context.Context) error { return listens(address) },
		Stop: syscall.SIGTERM, Grace: time.Minute, Say: say,
	}
}

// signIns lists the demo's accounts, a line each.
func signIns(accounts []account) string {
	var b strings.Builder
	for _, a := range accounts {
		fmt.Fprintf(&b, "    sign in as    %-6s %s  %s\n", a.ID, a.password, a.About)
	}
	return b.String()
}

// printEnv prints what up wrote for other terminals.
func printEnv(_ context.Context, c checkout, _ []string) error {
	text, err := os.ReadFile(c.envFile())
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("nothing to print before the first make up")
	}
	_, writeErr := os.Stdout.Write(text)
	return errors.Join(err, writeErr)
}

func (c checkout) envFile() string { return filepath.Join(c.home, "env") }

// exports are the shell commands that set what the programme reads; a later value of a name counts, as everywhere.
func exports(env []string) string {
	var b strings.Builder
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, "DATABASE_") || strings.HasPrefix(name, "TEMPORAL_") || strings.HasPrefix(name, "PAYLOAD_KEYS") {
			fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
		}
	}
	return b.String()
}

// demo plays the demo.
func demo(ctx context.Context, c checkout, _ []string) error { return c.alone(ctx, "demo", "demo") }

// bench lets many cases sleep.
func bench(ctx context.Context, c checkout, args []string) error {
	return c.alone(ctx, "bench", append([]string{"bench", "park"}, args...)...)
}

// alone runs a command of the starter that starts its own worker, on an empty stack, and passes its exit code on.
func (c checkout) alone(ctx context.Context, name string, args ...string) (err error) {
	options := c.options(name)
	if pid := stack.Holder(options.Dir); pid != 0 {
		return fmt.Errorf("a %s of this checkout runs already (process %d)", name, pid)
	}
	if err := os.RemoveAll(options.Dir); err != nil {
		return err
	}
	var borrowed []string
	if options.DatabaseURL != "" {
		owner, giveBack, err := c.borrowDatabase(ctx, name, &options.DatabaseURL)
		if err != nil {
			return err
		}
		defer giveBack()
		borrowed = append(borrowed, "DATABASE_OWNER_URL="+owner)
	}
	s, err := stack.Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if options.TemporalAddress != "" {
		namespace := fmt.Sprintf("countersign-%s-%s-%d", name, stack.Short(c.root), time.Now().Unix())
		giveBack, err := temporal.Borrow(ctx, s.TemporalAddress, namespace)
		if err != nil {
			return err
		}
		defer func() {
			if err := giveBack(context.WithoutCancel(ctx)); err != nil {
				say("%v", err)
			}
		}()
		borrowed = append(borrowed, "TEMPORAL_NAMESPACE="+namespace)
	}
	env := append(s.Env(), borrowed...)
	return runToEnd(ctx, c.command(env, c.bin("starter"), append(args, "--worker", c.bin("worker"))...))
}

// borrowDatabase makes an empty database for a stack in a server that others use too, and turns databaseURL to it. The
// result is the URL for its owner.
func (c checkout) borrowDatabase(ctx context.Context, name string, databaseURL *string) (owner string, giveBack func(), err error) {
	server := cmp.Or(os.Getenv("DATABASE_OWNER_URL"), *databaseURL)
	database := "countersign_" + name + "_" + stack.Short(c.root)
	if owner, err = inDatabase(server, database); err != nil {
		return "", nil, err
	}
	if *databaseURL, err = inDatabase(*databaseURL, database); err != nil {
		return "", nil, err
	}
	if err := errors.Join(postgres.Drop(ctx, server, database), postgres.Create(ctx, server, database)); err != nil {
		return "", nil, err
	}
	return owner, func() {
		if err := postgres.Drop(context.WithoutCancel(ctx), server, database); err != nil {
			say("%v", err)
		}
	}, nil
}

// options are those of a stack that uses the servers which the caller names.
func (c checkout) options(name string) stack.Options {
	return stack.Options{
		Dir:             filepath.Join(c.home, name),
		TemporalBinary:  c.bin("temporal"),
		DatabaseURL:     os.Getenv("DATABASE_URL"),
		TemporalAddress: os.Getenv("TEMPORAL_ADDRESS"),
		TemporalUIURL:   os.Getenv("TEMPORAL_UI_URL"),
		Say:             say,
	}
}

// inDatabase is databaseURL with another database.
func inDatabase(databaseURL, database string) (string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", errors.New("DATABASE_URL must have the form postgres://USER:PASSWORD@HOST:PORT/DATABASE, so that a database of its own can be made there")
	}
	u.Path = "/" + database
	return u.String(), nil
}

func listens(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	return conn.Close()
}
