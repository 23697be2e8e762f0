// Command limits says what a programme of a million partners would ask of the house, and what gives way first. It reads what a case
// costs from the recorded histories, from rows.json (what a case leaves in Postgres) and from measured.json (what the benchmarks
// measured), plays a year hour by hour, and writes docs/limits.md with a picture.
//
//	cd bench && go run ./limits
//	DATABASE_URL=postgres://… go run ./limits -rows   # there, reads rows.json anew from a database in which cases of every kind ended
package main

import (
	"bytes"
	"encoding/json"
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
	flag.Parse()
	if err := run(*histories, *here, *out, *rows); err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
}

func run(histories, here, out string, rows bool) error {
	if rows {
		left, err := readRows(os.Getenv("DATABASE_URL"))
		if err != nil {
			return err
		}
		text, err := json.MarshalIndent(left, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(here, "rows.json"), append(text, '\n'), 0o644)
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
	if err := read(filepath.Join(here, "measured.json"), &m); err != nil {
		return err
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

// measured is what the benchmarks came to on one machine of two cores, and where that is written down.
type measured struct {
	StepsPerSecond   float64 `json:"steps_per_second"`   // decisions or starts of cases, everything counted, Temporal with Postgres
	TimersPerSecond  float64 `json:"timers_per_second"`  // cases that wake at one instant
	RowsPerSecond    float64 `json:"rows_per_second"`    // of consumption, calculated
	ImportPerSecond  float64 `json:"import_per_second"`  // of consumption, taken in
	EntriesPerSecond float64 `json:"entries_per_second"` // posted
	SleeperBytes     float64 `json:"sleeper_bytes"`      // of Temporal's store, a sleeping case
	WALPerStep       float64 `json:"wal_per_step"`       // bytes of Postgres' log a step: Temporal's and ours
	IndexFactor      float64 `json:"index_factor"`       // bytes of a table with its indexes to the bytes of its rows
}

// headroom is how much of a capacity may be used in the busiest hour.
const headroom = 0.7
