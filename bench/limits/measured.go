package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"countersign/bench/frame"
)

// figure is one figure and where it was measured.
type figure struct {
	Value float64 `json:"value"`
	From  string  `json:"from"`
}

// measured is what the benchmarks came to on one machine of two cores.
type measured struct {
	StepsPerSecond   figure `json:"steps_per_second"   text:"steps of cases, a second"`
	TimersPerSecond  figure `json:"timers_per_second"  text:"cases that wake at one instant, a second"`
	RowsPerSecond    figure `json:"rows_per_second"    text:"rows of consumption calculated, a second"`
	ImportPerSecond  figure `json:"import_per_second"  text:"rows of consumption taken in, a second"`
	EntriesPerSecond figure `json:"entries_per_second" text:"ledger entries, a second"`
	MailsPerSecond   figure `json:"mails_per_second"   text:"messages of the outbox that one sender hands to a mail server, a second"`
	SleeperBytes     figure `json:"sleeper_bytes"      text:"bytes of Temporal's store, a sleeping case"`
	WALPerStep       figure `json:"wal_per_step"       text:"bytes of Postgres' log a step, Temporal's and ours"`
	IndexFactor      figure `json:"index_factor"       text:"bytes of a table with indexes to those of its rows"`
}

// each gives every figure with its words.
func (m *measured) each(f func(words string, one *figure)) {
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		f(v.Type().Field(i).Tag.Get("text"), v.Field(i).Addr().Interface().(*figure))
	}
}

// stepsOfCase are the application and three decisions of the benchmark's withdrawal.
const stepsOfCase = 4

// take takes what a run of the benchmark measured, from the JSON beside its page; what it did not measure stays.
func (m *measured) take(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var run struct {
		Quick    bool
		Sections []struct {
			ID     string
			Series frame.AllSeries
		}
	}
	if err := json.Unmarshal(text, &run); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if run.Quick {
		return fmt.Errorf("%s is of a smoke run, whose figures mean nothing", file)
	}
	page := strings.TrimSuffix(filepath.Base(file), ".json") + ".md"
	for _, s := range run.Sections {
		set := func(one *figure, column string, times float64, ours func(name string) bool) {
			for _, series := range s.Series {
				if v := s.Series.Median(column, series.Name); v > 0 && ours(series.Name) {
					*one = figure{v * times, fmt.Sprintf("%s (%s), %s", page, s.ID, series.Name)}
				}
			}
		}
		named := func(want string) func(string) bool { return func(name string) bool { return name == want } }
		switch s.ID {
		case "a-postgres":
			set(&m.StepsPerSecond, frame.Rate, stepsOfCase, named("Countersign"))
			set(&m.WALPerStep, frame.WAL, 1024.0/stepsOfCase, named("Countersign"))
		case "c":
			set(&m.EntriesPerSecond, "entries/s", 1, named("ours in BEGIN … COMMIT, 1,000 partner accounts"))
		case "e": // the last one that is at rest
			set(&m.SleeperBytes, "Temporal's store kB per case", 1024, func(name string) bool { return strings.HasSuffix(name, " parked") })
		case "g-import":
			set(&m.ImportPerSecond, "rows/s", 1, named("ours"))
		case "g-calculation":
			set(&m.RowsPerSecond, "rows/s", 1, named("ours"))
		}
	}
	return nil
}
