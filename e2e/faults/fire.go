package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"countersign/internal/stacktest"

	"github.com/jmoiron/sqlx"
)

// field is where a plan is fought out: servers that start again by themselves, a worker behind a link, callers.
type field struct {
	stacktest.Servers
	self   string // this binary: it is the callers, too
	binary string // the worker's
	delay  time.Duration
	link   *link

	mu     sync.Mutex
	worker *stacktest.Worker // nil: between two
	idle   bool              // none is to run any more
	done   chan struct{}     // closed when none does

	asked, answered atomic.Int64
	since           time.Time // guarded by mu: the last fault, or its end
	first           time.Time // the first answer that came after
}

// watch waits for the first answer that comes later than so much from now.
func (f *field) watch(margin time.Duration) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.since, f.first = now.Add(margin), time.Time{}
	return now
}

func (f *field) heard(at time.Time) {
	f.answered.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first.IsZero() && at.After(f.since) {
		f.first = at
	}
}

func (f *field) firstAnswer() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.first
}

// keepWorker keeps a worker running, as the supervisor of a real one does, until retire.
func (f *field) keepWorker() {
	f.done = make(chan struct{})
	go func() {
		defer close(f.done)
		for {
			w, err := f.StartWorker(append(append([]string{}, f.link.Command...), f.binary),
				"DATABASE_URL="+f.link.DatabaseURL, "TEMPORAL_ADDRESS="+f.link.Temporal, "FAULTS_DELAY="+f.delay.String())
			f.mu.Lock()
			idle := f.idle
			if err == nil {
				f.worker = w
			}
			f.mu.Unlock()
			if err == nil && !idle {
				<-w.Ended
			}
			if idle {
				if err == nil {
					w.Kill()
				}
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
}

// running waits for a worker.
func (f *field) running() *stacktest.Worker {
	for end := time.Now().Add(stacktest.Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		f.mu.Lock()
		w := f.worker
		f.mu.Unlock()
		if w == nil {
			continue
		}
		select {
		case <-w.Ended:
		default:
			return w
		}
	}
	return nil
}

func (f *field) retire() {
	f.mu.Lock()
	f.idle = true
	w := f.worker
	f.mu.Unlock()
	if w != nil {
		w.Kill()
	}
	<-f.done
}

// voice is one caller's process of a round.
type voice struct {
	mu      sync.Mutex
	process *exec.Cmd
	ended   bool
	err     error
	done    chan struct{}
}

// send starts a caller and starts it again each time it is killed, until it has an answer to everything.
func (f *field) send(ctx context.Context, script string) *voice {
	p := &voice{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		for {
			var said bytes.Buffer
			p.mu.Lock()
			p.process = exec.CommandContext(ctx, f.self, "caller", script)
			p.process.Env, p.process.Stderr = f.Environ(), &said
			out, err := p.process.StdoutPipe()
			if err == nil {
				err = p.process.Start()
			}
			p.mu.Unlock()
			if err != nil {
				p.err = err
				return
			}
			for lines := bufio.NewScanner(out); lines.Scan(); {
				word, when, _ := strings.Cut(lines.Text(), " ")
				switch word {
				case "asked":
					f.asked.Add(1)
				case "answered":
					at, _ := strconv.ParseInt(when, 10, 64) // half a line, of a caller that was killed, is of no moment
					f.heard(time.Unix(0, at))
				}
			}
			err = p.process.Wait()
			if ctx.Err() != nil {
				p.err = ctx.Err()
				return
			}
			if p.process.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
				continue
			}
			if err != nil {
				p.err = fmt.Errorf("%w: %s", err, said.String())
			}
			p.mu.Lock()
			p.ended = true
			p.mu.Unlock()
			return
		}
	}()
	return p
}

// signal tells whether it reached the caller, which may have ended, or be about to start again.
func (p *voice) signal(s syscall.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.ended && p.process != nil && p.process.Process != nil && p.process.Process.Signal(s) == nil
}

// strike signals a caller, or the next one that still has something to ask; nil when none has.
func (f *field) strike(people []*voice, which int, s syscall.Signal) (struck *voice) {
	f.await(people, func() bool {
		for i := range people {
			if p := people[(which+i)%len(people)]; p.signal(s) {
				struck = p
				return true
			}
		}
		return false
	})
	return struck
}

// fired is what became of a fault.
type fired struct {
	fault
	Met       int           `json:"met"`       // processes that were struck, connections taken, sessions that waited for one
	Recovered time.Duration `json:"recovered"` // from the kill, or the end of what lasted, to the next answer; 0: nobody waited for one
}

// fight plays one round: callers play their shares while the plan's faults fire, each at its moment.
func (f *field) fight(ctx context.Context, dir string, n int, p plan, now time.Time, admin *sqlx.DB, tell func(string)) ([]fired, error) {
	f.asked.Store(0)
	f.answered.Store(0)
	r := p.Rounds[n]
	var people []*voice
	for i := range p.Callers {
		s := script{Side: max(1, 96/p.Callers), Now: now, Journal: journalOf(dir, i)}
		for k, share := range r.Shares {
			if k%p.Callers == i {
				s.Shares = append(s.Shares, share)
			}
		}
		text, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, fmt.Sprintf("script-%d-%d.json", n+1, i))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return nil, err
		}
		people = append(people, f.send(ctx, file))
	}
	var all []fired
	for _, fault := range r.Faults {
		f.await(people, func() bool { return f.asked.Load() >= int64(fault.After) })
		tell(fmt.Sprintf("round %d, request %d: %s", n+1, f.asked.Load(), fault))
		began, met, err := f.fire(ctx, fault, people, admin)
		if err != nil {
			return all, fmt.Errorf("%s: %w", fault, err)
		}
		one := fired{fault: fault, Met: met}
		if f.await(people, func() bool { return !f.firstAnswer().IsZero() }) {
			one.Recovered = f.firstAnswer().Sub(began)
		}
		all = append(all, one)
	}
	f.await(people, func() bool {
		tell(fmt.Sprintf("round %d: %d of %d answered", n+1, f.answered.Load(), r.Requests))
		return false
	})
	for i, p := range people {
		<-p.done
		if p.err != nil {
			return all, fmt.Errorf("caller %d: %w", i+1, p.err)
		}
	}
	return all, nil
}

func journalOf(dir string, caller int) string {
	return filepath.Join(dir, fmt.Sprintf("journal-%d.jsonl", caller+1))
}

// await waits for something, or until no caller has anything to ask any more; it tells whether it came.
func (f *field) await(people []*voice, come func() bool) bool {
	for {
		if come() {
			return true
		}
		over := true
		for _, p := range people {
			select {
			case <-p.done:
			default:
				over = false
			}
		}
		if over {
			return come()
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// inFlight is how long an answer may have been on its way when its giver was killed, besides the delay after COMMIT; it does not count as
// the next one.
const inFlight = 100 * time.Millisecond

// fire does one thing to the programme, and heals what lasts. It answers when that was over, and how many it met.
func (f *field) fire(ctx context.Context, one fault, people []*voice, admin *sqlx.DB) (began time.Time, met int, err error) {
	f.Look()
	var w *stacktest.Worker
	if one.Name == killWorker || one.Along == killWorker || one.Name == stopWorker {
		if w = f.running(); w == nil {
			return began, 0, errors.New("no worker runs")
		}
	}
	if strings.HasPrefix(one.Name, "kill") {
		return f.kill(one, w, people)
	}
	switch one.Name {
	case stopWorker:
		met = f.pause(one.For, w.Process.Process.Pid)
	case stopPostgres:
		met = f.pause(one.For, family(f.Now.PostgresPID)...)
	case stopTemporal:
		met = f.pause(one.For, f.Now.TemporalPID)
	case stopCaller:
		if p := f.strike(people, one.Which, syscall.SIGSTOP); p != nil {
			time.Sleep(one.For)
			p.signal(syscall.SIGCONT)
			met = 1
		}
	case cutWorker:
		if err = f.link.cut(); err == nil {
			time.Sleep(one.For)
			err, met = f.link.mend(), 1
		}
	case fillServer:
		met, err = crowd(ctx, admin, one.For)
	case fillPool:
		met, err = occupy(ctx, admin, one.For)
	}
	return f.watch(0), met, err
}

// kill ends one or two in the same instant, and waits for servers to be back. Postgres dies with all its sessions, as by a power cut.
func (f *field) kill(one fault, w *stacktest.Worker, people []*voice) (began time.Time, met int, err error) {
	was := f.Now
	began = f.watch(inFlight + f.delay)
	var servers []int
	for _, victim := range []string{one.Name, one.Along} {
		switch victim {
		case killWorker:
			w.Kill()
			met++
		case killCaller:
			if f.strike(people, one.Which, syscall.SIGKILL) != nil {
				met++
			}
		case killPostgres:
			servers = append(servers, was.PostgresPID)
		case killTemporal:
			servers = append(servers, was.TemporalPID)
		}
	}
	for _, pid := range servers {
		all := family(pid)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return began, met, fmt.Errorf("process %d: %w", pid, err)
		}
		for _, child := range all[1:] {
			_ = syscall.Kill(child, syscall.SIGKILL) // a backend may have ended
		}
		met += len(all)
	}
	if len(servers) == 0 {
		return began, met, nil
	}
	return began, met, f.Await(func(a stacktest.Addresses) bool {
		return !slices.Contains(servers, a.PostgresPID) && !slices.Contains(servers, a.TemporalPID)
	})
}

// pause stops processes for a while, and tells how many there were.
func (f *field) pause(d time.Duration, pids ...int) (met int) {
	for _, pid := range pids {
		if syscall.Kill(pid, syscall.SIGSTOP) == nil { // a backend may have ended
			met++
		}
	}
	time.Sleep(d)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	return met
}

// family is a process with its children: each backend of Postgres leads a group of its own.
func family(parent int) []int {
	pids := []int{parent}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is in order
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ") // the name may hold blanks
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file))) // the pattern has digits only
			pids = append(pids, pid)
		}
	}
	return pids
}

// crowd takes every connection that Postgres gives, the worker's and the callers' own too, and keeps them for a while.
func crowd(ctx context.Context, admin *sqlx.DB, d time.Duration) (int, error) {
	var taken []*sqlx.Conn
	defer func() {
		for _, c := range taken {
			_ = c.Close() // Postgres may be gone
		}
	}()
	first, err := admin.Connx(ctx)
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	taken = append(taken, first)
	for end := time.Now().Add(d); time.Now().Before(end); {
		c, err := admin.Connx(ctx)
		if err == nil {
			taken = append(taken, c)
			continue
		}
		// There are no more: those who have one lose it, and whoever comes first has the next.
		if _, err := first.ExecContext(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'faults'`); err != nil {
			return len(taken), fmt.Errorf("end connections: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return len(taken), nil
}

// occupy lets no step of a case go on, so that the worker's pool fills with sessions that wait, and the steps outlast their time. It
// tells how many waited at most.
func occupy(ctx context.Context, admin *sqlx.DB, d time.Duration) (most int, err error) {
	tx, err := admin.BeginTxx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // it only locked
	if _, err := tx.ExecContext(ctx, `LOCK TABLE cases IN EXCLUSIVE MODE`); err != nil {
		return 0, fmt.Errorf("lock cases: %w", err)
	}
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var now int
		if err := admin.GetContext(ctx, &now, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`); err != nil {
			return most, fmt.Errorf("count sessions: %w", err)
		}
		most = max(most, now)
	}
	return most, nil
}
