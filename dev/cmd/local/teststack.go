package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"countersign/dev/internal/chromium"
	"countersign/dev/internal/stack"
)

// test runs a command on a throw-away Postgres, or on DATABASE_URL, and tells it where a Chromium is.
func test(ctx context.Context, c checkout, args []string) (err error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return errors.New("nothing to run: local test -- CMD")
	}
	if err := sweep(c); err != nil {
		return err
	}
	options := stack.Options{
		Dir:         filepath.Join(c.scratch(), fmt.Sprintf("test-%d", os.Getpid())),
		Throwaway:   true,
		DatabaseURL: os.Getenv("DATABASE_URL"),
		Say:         say,
	}
	defer func() { err = errors.Join(err, os.RemoveAll(options.Dir)) }()
	s, err := stack.Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	env := append(os.Environ(), "DATABASE_URL="+s.DatabaseURL, "COUNTERSIGN_BIN="+c.bin(""))
	if browser, err := chromium.FindOrInstall(ctx, say); err == nil {
		env = append(env, chromium.Variable+"="+browser)
	} else {
		say("%v; until then the tests of the console fail", err)
	}
	return runToEnd(ctx, c.command(env, args[0], args[1:]...))
}

// running is what runStack prints, a line each time both servers answer.
type running struct {
	DatabaseURL     string `json:"database_url"`
	TemporalAddress string `json:"temporal_address"`
	UIURL           string `json:"ui_url"`
	PostgresBin     string `json:"postgres_bin"`  // folder with pg_dump and its like, of the server's version
	PayloadKeys     string `json:"payload_keys"`  // what the programme encrypts with, see PAYLOAD_KEYS
	CodecAddress    string `json:"codec_address"` // kept free for a codec server
	TemporalDir     string `json:"temporal_dir"`  // where Temporal keeps its database
	PostgresPID     int    `json:"postgres_pid"`
	TemporalPID     int    `json:"temporal_pid"`
}

// runStack is a throw-away stack for a test that wants to kill servers. It ends with the test, however that ends: the
// test holds the other end of stdin.
func runStack(ctx context.Context, c checkout, args []string) (err error) {
	flags := flag.NewFlagSet("stack", flag.ContinueOnError)
	logs := flags.String("dir", "", "folder for the servers' logs; the same folder names the same stack (required)")
	store := flags.String("temporal-store", "sqlite", "where Temporal keeps its state: sqlite, or postgres for databases of its own in the stack's cluster")
	memory := flags.Bool("memory", false, "the state lies in memory, if there is room: it outlives a server that is killed, not the machine")
	codec := flags.Bool("codec", false, "the UI asks a codec server at codec_address, which the caller runs")
	allIndexes := flags.Bool("all-indexes", false, "with --temporal-store postgres: keep the visibility indexes that Countersign does not use")
	if err := flags.Parse(args); err != nil {
		return exitCode(2)
	}
	if *store != "sqlite" && *store != "postgres" {
		return fmt.Errorf("--temporal-store is sqlite or postgres, not %q", *store)
	}
	if *logs == "" || flags.NArg() > 0 {
		flags.Usage()
		return exitCode(2)
	}
	if *logs, err = filepath.Abs(*logs); err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(*logs, 0o755), sweep(c)); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // a read error means that nobody is there any more, too
		cancel()
	}()

	home := c.home
	if *memory {
		home = c.scratch()
	}
	back := make(chan struct{}, 1)
	options := stack.Options{
		Codec: *codec,
		// Not in the test's own folder, which Postgres' account could not enter.
		Dir:            filepath.Join(home, "stack-"+stack.Short(*logs)),
		Logs:           *logs,
		TemporalBinary: c.bin("temporal"),
		InPostgres:     *store == "postgres",
		AllIndexes:     *allIndexes,
		Say:            say,
		Back: func() {
			select {
			case back <- struct{}{}:
			default: // one is waiting to be told already
			}
		},
	}
	s, err := stack.Start(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop(), os.RemoveAll(options.Dir)) }()
	for lines := json.NewEncoder(os.Stdout); ; {
		line := running{
			DatabaseURL: s.DatabaseURL, TemporalAddress: s.TemporalAddress, UIURL: s.TemporalUIURL,
			PostgresBin: s.PostgresBin(), PayloadKeys: s.PayloadKeys, TemporalDir: s.TemporalDir(), CodecAddress: s.CodecAddress,
		}
		if line.PostgresPID, line.TemporalPID = s.PIDs(); line.PostgresPID != 0 && line.TemporalPID != 0 {
			if err := lines.Encode(line); err != nil {
				return err
			}
		}
		select {
		case <-back:
		case <-ctx.Done():
			return nil
		}
	}
}
