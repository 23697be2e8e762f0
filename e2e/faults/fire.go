package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
				switch lines.Text() {
				case "asked":
					f.asked.Add(1)
				case "answered":
					f.answered.Add(1)
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

// signal reaches a caller that has not ended.
func (p *voice) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended && p.process != nil && p.process.Process != nil {
		_ = p.process.Process.Signal(s) // it may end in this moment
	}
}

// fired is what became of a fault.
type fired struct {
	fault
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
		began, err := f.fire(ctx, fault, people, admin)
		if err != nil {
			return all, fmt.Errorf("%s: %w", fault, err)
		}
		before := f.answered.Load()
		one := fired{fault: fault}
		if f.await(people, func() bool { return f.answered.Load() > before }) {
			one.Recovered = time.Since(began)
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

// fire does one thing to the programme, and heals what lasts. It answers when that was over.
func (f *field) fire(ctx context.Context, one fault, people []*voice, admin *sqlx.DB) (time.Time, error) {
	f.Look()
	pids := []int{}
	was := f.Now
	victims := []string{one.Name}
	if one.Along != "" {
		victims = append(victims, one.Along)
	}
	if strings.HasPrefix(one.Name, "kill") {
		w := f.running()
		began := time.Now()
		for _, v := range victims {
			switch v {
			case killWorker:
				if w != nil {
					w.Kill()
				}
			case killCaller:
				people[one.Which].signal(syscall.SIGKILL)
			case killPostgres:
				pids = append(pids, was.PostgresPID)
			case killTemporal:
				pids = append(pids, was.TemporalPID)
			}
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				return began, fmt.Errorf("process %d: %w", pid, err)
			}
		}
		if len(pids) == 0 {
			time.Sleep(100 * time.Millisecond) // an answer that was on its way does not count
			return began, nil
		}
		return began, f.Await(func(a stacktest.Addresses) bool {
			for _, pid := range pids {
				if a.PostgresPID == pid || a.TemporalPID == pid {
					return false
				}
			}
			return true
		})
	}

	var err error
	switch one.Name {
	case stopWorker:
		if w := f.running(); w != nil {
			f.pause(one.For, w.Process.Process.Pid)
		}
	case stopPostgres:
		f.pause(one.For, family(was.PostgresPID)...)
	case stopTemporal:
		f.pause(one.For, was.TemporalPID)
	case stopCaller:
		people[one.Which].signal(syscall.SIGSTOP)
		time.Sleep(one.For)
		people[one.Which].signal(syscall.SIGCONT)
	case cutWorker:
		if err = f.link.cut(); err == nil {
			time.Sleep(one.For)
			err = f.link.mend()
		}
	case fillPool:
		err = crowd(ctx, admin, one.For)
	}
	return time.Now(), err
}

// pause stops processes for a while.
func (f *field) pause(d time.Duration, pids ...int) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // a backend may have ended
	}
	time.Sleep(d)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
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
func crowd(ctx context.Context, admin *sqlx.DB, d time.Duration) error {
	var taken []*sqlx.Conn
	defer func() {
		for _, c := range taken {
			_ = c.Close() // Postgres may be gone
		}
	}()
	first, err := admin.Connx(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
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
			return fmt.Errorf("end connections: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}
