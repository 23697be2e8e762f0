package frame

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"countersign/internal/stacktest"
)

// Columns that Measure fills, each for one case.
const (
	WorkerCPU    = "worker CPU-ms"
	TemporalCPU  = "Temporal CPU-ms"
	PostgresCPU  = "Postgres CPU-ms"
	CPU          = "CPU-ms"       // the three together; the driver's own is not in it
	WAL          = "WAL kB"       // of the whole cluster
	Transactions = "transactions" // committed, of all databases of the cluster
	RowWrites    = "row writes"   // inserts, updates and deletes, Temporal's own apart
	StoreGrowth  = "Temporal kB"  // growth of Temporal's SQLite files
	Rate         = "cases/s"      // by the wall clock
)

// ticks of /proc a second, fixed by Linux for user space.
const ticks = 100

// Job is work whose cost is measured.
type Job struct {
	Start func(context.Context) (*stacktest.Worker, error) // the worker of this round; nil: none
	Work  func(ctx context.Context, from, n int) error
	N     int // cases that are timed
	Warm  int // cases before these, which are not
}

// Measure starts the worker, does the work and stops the worker; it answers what each case cost. CPU and time are those of
// the N cases. Sessions of Postgres hand their counts on late, at the latest when they end: WAL, transactions and rows are
// counted over the worker's whole life, warm-up included.
func (s *Servers) Measure(ctx context.Context, j Job) (Figures, error) {
	before, err := s.counters(ctx)
	if err != nil {
		return nil, err
	}
	var p *stacktest.Worker
	pids := []int{}
	if j.Start != nil {
		if p, err = j.Start(ctx); err != nil {
			return nil, err
		}
		defer p.Stop() // a second time does nothing
		pids = append(pids, p.PID())
	}
	if j.Warm > 0 {
		if err := j.Work(ctx, 0, j.Warm); err != nil {
			return nil, err
		}
	}
	first, err := s.cpu(pids)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := j.Work(ctx, j.Warm, j.N); err != nil {
		return nil, err
	}
	took := time.Since(began)
	last, err := s.cpu(pids)
	if err != nil {
		return nil, err
	}
	if p != nil {
		p.Stop()
	}
	time.Sleep(200 * time.Millisecond) // its sessions end
	after, err := s.counters(ctx)
	if err != nil {
		return nil, err
	}
	f := Figures{CPU: 0, Rate: float64(j.N) / took.Seconds()}
	for i, column := range []string{WorkerCPU, TemporalCPU, PostgresCPU} {
		f[column] = (last[i] - first[i]) / float64(j.N)
		f[CPU] += f[column]
	}
	for column, v := range after {
		f[column] = (v - before[column]) / float64(j.N+j.Warm)
	}
	return f, nil
}

// cpu is what worker, Temporal and Postgres have used so far, in milliseconds.
func (s *Servers) cpu(workers []int) (v [3]float64, err error) {
	for _, pid := range workers {
		if v[0], err = CPUOf(pid); err != nil {
			return v, err
		}
	}
	if v[1], err = CPUOf(s.TemporalPID); err != nil {
		return v, err
	}
	v[2], err = CPUOfFamily(s.PostgresPID)
	return v, err
}

// counters are what Postgres, and Temporal's SQLite files, have come to so far.
func (s *Servers) counters(ctx context.Context) (Figures, error) {
	var wal, transactions, writes float64
	row := s.Admin.QueryRowContext(ctx, `
		SELECT pg_current_wal_insert_lsn() - '0/0', (SELECT sum(xact_commit) FROM pg_stat_database),
		       (SELECT sum(tup_inserted + tup_updated + tup_deleted) FROM pg_stat_database WHERE datname NOT LIKE 'temporal%' AND datname IS NOT NULL)`)
	if err := row.Scan(&wal, &transactions, &writes); err != nil {
		return nil, fmt.Errorf("read Postgres' counters: %w", err)
	}
	f := Figures{WAL: wal / 1024, Transactions: transactions, RowWrites: writes}
	if s.Store == SQLite {
		f[StoreGrowth] = s.storeSize() / 1024
	}
	return f, nil
}

// storeSize is what Temporal's SQLite file and its log hold. The stack keeps it open, so its process knows where it lies.
func (s *Servers) storeSize() (bytes float64) {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", s.TemporalPID))
	seen := map[string]bool{}
	for _, link := range links {
		path, err := os.Readlink(link)
		if err != nil || seen[path] || !strings.HasSuffix(path, "temporal.db") {
			continue
		}
		seen[path] = true
		if info, err := os.Stat(link); err == nil {
			bytes += float64(info.Size())
		}
	}
	return bytes
}

// CPUOf is the CPU time of a process in milliseconds, of all its threads, ended ones too.
func CPUOf(pid int) (float64, error) {
	own, _, _, err := stat(pid)
	return own, err
}

// CPUOfFamily is the CPU time of a process and its children: those that live, and those it has waited for.
func CPUOfFamily(pid int) (float64, error) {
	own, reaped, _, err := stat(pid)
	if err != nil {
		return 0, err
	}
	sum := own + reaped
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		own, reaped, parent, err := stat(child)
		if err != nil || parent != pid { // it may have ended
			continue
		}
		sum += own + reaped
	}
	return sum, nil
}

// stat reads /proc/PID/stat: own CPU-ms, that of children that were waited for, and the parent.
func stat(pid int) (own, reaped float64, parent int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, 0, err
	}
	rest := ""
	if i := strings.LastIndex(string(text), ") "); i >= 0 { // the name may contain anything
		rest = string(text)[i+2:]
	}
	f := strings.Fields(rest) // f[0] is field 3 of proc(5)
	if len(f) < 15 {
		return 0, 0, 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(f))
	}
	var v [4]float64
	for i := range v {
		if v[i], err = strconv.ParseFloat(f[11+i], 64); err != nil {
			return 0, 0, 0, err
		}
	}
	parent, err = strconv.Atoi(f[1])
	return (v[0] + v[1]) * 1000 / ticks, (v[2] + v[3]) * 1000 / ticks, parent, err
}
