// Command engine measures the programme beside references in one run and writes docs/benchmarks/engine.md.
//
//	make bench                       everything, forty minutes
//	bin/bench --quick --out DIR      a smoke of about a minute
//	bin/bench --parts a,d --rounds 5
//	bin/bench consumption -rows 1000000, bin/bench incentive -rows 10000000    part g by itself, in any size, on DATABASE_URL
//	bin/bench console -keep, bin/bench console -use NAME -only inbox           part h by itself, on the servers of a stack
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"countersign/bench/console"
	"countersign/bench/consumption"
	"countersign/bench/frame"
	"countersign/bench/incentive"
	"countersign/bench/ledger"
	"countersign/bench/parked"
)

// parts in the order of the page; package frame says how to add one.
func parts() []frame.Part {
	return []frame.Part{
		againstBare("a", frame.SQLite), againstBare("a-postgres", frame.Postgres), leanIndexes(), otherEngines(), decisionLatency(), afterKill(),
		ledger.Part(), parked.Part(), consumption.Part(), incentive.Part(), console.Part(),
	}
}

func main() {
	if len(os.Args) > 1 {
		switch args := os.Args[2:]; os.Args[1] {
		case "host":
			exit(host(args))
		case "consumption":
			exit(consumption.Main(context.Background(), "bin", args))
		case "incentive":
			exit(incentive.Main(context.Background(), args))
		case "console":
			exit(console.Main(context.Background(), "bin", args))
		}
	}
	exit(run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run() (err error) {
	h := frame.House{}
	var only, out, name string
	flag.BoolVar(&h.Quick, "quick", false, "a smoke: small, two rounds")
	flag.IntVar(&h.Rounds, "rounds", 5, "rounds that count")
	flag.StringVar(&only, "parts", "", "only these, with commas between them")
	flag.StringVar(&out, "out", "", "folder of the page (default docs/benchmarks for a whole run, else a temporary one)")
	flag.StringVar(&name, "name", "engine", "name of the page")
	flag.StringVar(&h.Bin, "bin", "bin", "folder of the built programmes")
	flag.Parse()
	if h.Quick {
		h.Rounds = 2
	}
	if out == "" {
		if out = "docs/benchmarks"; h.Quick || only != "" {
			out = filepath.Join(os.TempDir(), "countersign-bench")
		}
	}
	if h.Bin, err = filepath.Abs(h.Bin); err != nil {
		return err
	}
	chosen := parts()
	if only != "" {
		wanted := strings.Split(only, ",")
		for _, id := range wanted {
			if !slices.ContainsFunc(chosen, func(p frame.Part) bool { return p.ID == id }) {
				return fmt.Errorf("there is no part %q", id)
			}
		}
		chosen = slices.DeleteFunc(chosen, func(p frame.Part) bool { return !slices.Contains(wanted, p.ID) })
	}
	if h.Dir, err = os.MkdirTemp("", "countersign-bench-"); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer func() {
		err = errors.Join(err, h.Close())
		if err == nil {
			err = os.RemoveAll(h.Dir)
		} else {
			h.Say("the logs are in %s", h.Dir)
		}
	}()
	report := frame.Report{Machine: h.Describe(ctx), Rounds: h.Rounds, Quick: h.Quick, Command: "make bench"}
	if only != "" {
		report.Command = `make bench BENCH="--parts ` + only + `"`
	}
	load := report.Machine.Load // before our own
	for _, p := range chosen {
		h.Say("(%s) %s", p.ID, p.Title)
		began := time.Now()
		section, err := p.Run(ctx, &h)
		if err != nil {
			return fmt.Errorf("part %s: %w", p.ID, err)
		}
		section.ID, section.Title, section.Took = p.ID, p.Title, time.Since(began)
		report.Sections = append(report.Sections, section)
		if err := report.Write(h.Dir, name); err != nil { // beside the logs, in case that a later part fails
			return err
		}
	}
	report.Machine = h.Describe(ctx)
	report.Machine.Load = load
	if err := report.Write(out, name); err != nil {
		return err
	}
	h.Say("written: %s", filepath.Join(out, name+".md"))
	return nil
}
