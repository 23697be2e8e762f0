// Command limits says what a programme of a million partners would ask of the house, and what gives way first. It reads what a case
// costs from the recorded histories, from rows.json (what a case leaves in Postgres) and from measured.json (what the benchmarks
// measured), plays a year hour by hour, and writes docs/limits.md with a picture.
//
//	cd bench && go run ./limits
//	DATABASE_URL=postgres://… go run ./limits -rows                # there, reads rows.json anew from a database in which cases of every kind ended
//	go run ./limits -bench ../docs/benchmarks/engine.json         # takes the benchmark's figures into measured.json, and writes the page
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	histories := flag.String("histories", "../workflows/testdata/histories", "folder of recorded histories")
	here := flag.String("data", "limits", "folder of rows.json and measured.json")
	out := flag.String("out", "../docs", "folder of limits.md and limits.svg")
	rows := flag.Bool("rows", false, "read rows.json anew from DATABASE_URL, and end")
	bench := flag.String("bench", "", "take the figures of this run of the benchmark into measured.json")
	flag.Parse()
	if err := run(*histories, *here, *out, *bench, *rows); err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
}

func run(histories, here, out, bench string, rows bool) error {
	if rows {
		left, err := readRows(os.Getenv("DATABASE_URL"))
		if err != nil {
			return err
		}
		return write(filepath.Join(here, "rows.json"), left)
	}
	costs, err := readHistories(histories)
	if err != nil {
		return err
	}
	var left map[string]footprint
	if err := read(filepath.Join(here, "rows.json"), &left); err != nil {
		return err
	}
	var m measured
	figures := filepath.Join(here, "measured.json")
	if err := read(figures, &m); err != nil {
		return err
	}
	if bench != "" {
		if err := errors.Join(m.take(bench), write(figures, m)); err != nil {
			return err
		}
	}
	for _, f := range flows {
		if _, ok := costs[f.kind]; !ok {
			return fmt.Errorf("no history of kind %s", f.kind)
		}
		if _, ok := left[f.kind]; !ok {
			return fmt.Errorf("rows.json has no %s; make it anew with -rows", f.kind)
		}
	}
	var page bytes.Buffer
	million, err := playYear(1_000_000, costs)
	if err != nil {
		return err
	}
	if err := writePage(&page, costs, left, m, million); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "limits.md"), page.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "limits.svg"), picture(million, m), 0o644)
}

func write(path string, what any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(what); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

func read(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// headroom is how much of a capacity may be used in the busiest hour.
const headroom = 0.7
