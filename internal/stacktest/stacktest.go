// Package stacktest runs the built programme on servers of its own, for tests that kill and pause them: Postgres and Temporal
// by `local stack`, which starts them again when they die, and workers as processes.
package stacktest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"countersign/internal/codec"

	"go.temporal.io/sdk/client"
)

// Patience is how long to wait for what has to come; a healthy machine needs a small part of it.
const Patience = 2 * time.Minute

// Addresses is the line that the stack prints each time both servers answer.
type Addresses struct {
	DatabaseURL     string `json:"database_url"`
	TemporalAddress string `json:"temporal_address"`
	PostgresBin     string `json:"postgres_bin"` // folder with the server's programs
	PayloadKeys     string `json:"payload_keys"` // what the programme encrypts with
	TemporalDir     string `json:"temporal_dir"` // where Temporal keeps its database
	UIURL           string `json:"ui_url"`       // of the Temporal UI
	PostgresPID     int    `json:"postgres_pid"`
	TemporalPID     int    `json:"temporal_pid"`
}

// Servers is one Postgres and one Temporal.
type Servers struct {
	Bin string // folder of the built programme
	Dir string // for logs, and whatever its user puts there; it goes with Stop
	Now Addresses

	environ []string
	process *exec.Cmd
	hold    func() error // closes the stack's stdin: it stops
	ended   chan struct{}
	lines   chan Addresses
	workers int
}

// Bin is where the built programme lies, as `local test` says.
func Bin() (string, error) {
	if bin := os.Getenv("COUNTERSIGN_BIN"); bin != "" {
		return bin, nil
	}
	return "", errors.New("COUNTERSIGN_BIN is not set: end-to-end tests run the built programme on servers of their own; `make test` sets everything up")
}

// Start starts servers and returns when they answer; name begins the name of their folder, more goes to `local stack`. What was
// started is to be stopped after an error, too.
func (s *Servers) Start(name string, more ...string) (err error) {
	if s.Bin == "" {
		if s.Bin, err = Bin(); err != nil {
			return err
		}
	}
	if s.Dir, err = os.MkdirTemp("", name); err != nil {
		return err
	}
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own
	s.process = exec.Command(filepath.Join(s.Bin, "local"), append([]string{"stack", "--dir", filepath.Join(s.Dir, "servers")}, more...)...)
	s.process.Env, s.process.Stderr = Environ(), log
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours: it ends when we do
	stdin, err := s.process.StdinPipe()
	if err != nil {
		return err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("%w; `make test` builds it", err)
	}
	s.hold, s.ended, s.lines = stdin.Close, make(chan struct{}), make(chan Addresses, 1000)
	go func() {
		defer close(s.ended)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			var line Addresses
			if json.Unmarshal(scanner.Bytes(), &line) == nil {
				s.lines <- line
			}
		}
		_ = s.process.Wait() // how it ended is in its log
	}()
	if err := s.Await(func(Addresses) bool { return true }); err != nil {
		return err
	}
	s.environ = Environ("DATABASE_URL="+s.Now.DatabaseURL, "TEMPORAL_ADDRESS="+s.Now.TemporalAddress, "METRICS_ADDRESS=off", "PAYLOAD_KEYS="+s.Now.PayloadKeys,
		"TEMPORAL_CONFIG_FILE="+filepath.Join(s.Dir, "none.toml"))
	return nil
}

func (s *Servers) log() string { return filepath.Join(s.Dir, "stack.log") }

// Await waits for a line of the stack.
func (s *Servers) Await(wanted func(Addresses) bool) error {
	end := time.After(Patience)
	for {
		select {
		case s.Now = <-s.lines:
			if wanted(s.Now) {
				return nil
			}
		case <-s.ended:
			return fmt.Errorf("the servers ended; %s", Tail(s.log()))
		case <-end:
			return fmt.Errorf("the servers do not answer; %s", Tail(s.log()))
		}
	}
}

// Look takes in what the stack has said meanwhile, without waiting.
func (s *Servers) Look() {
	for {
		select {
		case s.Now = <-s.lines:
		default:
			return
		}
	}
}

// KillPostgres and KillTemporal end a server as a crash would. They return when it answers again.
func (s *Servers) KillPostgres() error {
	pid := s.Now.PostgresPID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill Postgres, process %d: %w", pid, err)
	}
	return s.Await(func(a Addresses) bool { return a.PostgresPID != pid })
}

func (s *Servers) KillTemporal() error {
	pid := s.Now.TemporalPID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill Temporal, process %d: %w", pid, err)
	}
	return s.Await(func(a Addresses) bool { return a.TemporalPID != pid })
}

// Dial connects to Temporal as the programme does, under a name of its own.
func (s *Servers) Dial(identity string) (client.Client, error) {
	return Dial(s.Now.TemporalAddress, s.Now.PayloadKeys, identity)
}

// Dial is the same for who has the address and the keys from elsewhere.
func Dial(address, keys, identity string) (client.Client, error) {
	payloads, err := codec.Parse(keys)
	if err != nil {
		return nil, err
	}
	options := client.Options{HostPort: address, Identity: identity, Logger: Quiet}
	if err := payloads.Apply(&options); err != nil {
		return nil, err
	}
	return client.Dial(options)
}

// Stop ends the servers and removes their folder.
func (s *Servers) Stop() {
	if s.hold != nil {
		_ = s.hold() // they end by themselves
		select {
		case <-s.ended:
		case <-time.After(Patience):
			_ = s.process.Process.Kill()
		}
	}
	if s.Dir != "" {
		_ = os.RemoveAll(s.Dir) // it lies in the temporary folder
	}
}

// Environ is this process's environment without what would lead elsewhere, and more.
func Environ(more ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, "DATABASE_") || strings.HasPrefix(name, "TEMPORAL_") || strings.HasPrefix(name, "PAYLOAD_KEYS") || name == "SMTP_URL" || name == "METRICS_ADDRESS" || name == "LOG_LEVEL" {
			continue
		}
		env = append(env, e)
	}
	return append(env, more...)
}

// Environ is what a process of the programme needs to find the servers, which keep their addresses when they come back.
func (s *Servers) Environ(more ...string) []string { return slices.Concat(s.environ, more) }

// Worker is the process of one worker, of the programme or of what it is compared with, or of a console.
type Worker struct {
	Process *exec.Cmd
	Log     string
	Ended   chan struct{} // closed when it has
}

// StartWorker starts a worker, a binary of the programme or one built in another way, and waits until it says that it runs.
func (s *Servers) StartWorker(command []string, more ...string) (*Worker, error) {
	s.workers++
	return StartProcess(command, s.Environ(more...), filepath.Join(s.Dir, fmt.Sprintf("worker-%d.log", s.workers)), "worker runs")
}

// StartConsole starts the server on a free port, and answers where browsers find it.
func (s *Servers) StartConsole(more ...string) (*Worker, string, error) {
	s.workers++
	log := filepath.Join(s.Dir, fmt.Sprintf("server-%d.log", s.workers))
	w, err := StartProcess([]string{filepath.Join(s.Bin, "server")}, s.Environ(append([]string{"CONSOLE_ADDRESS=127.0.0.1:0"}, more...)...), log, "server runs")
	if err != nil {
		return nil, "", err
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return nil, "", err
	}
	for line := range strings.Lines(string(text)) {
		var said struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "server runs" {
			return w, "http://" + said.Address, nil
		}
	}
	w.Kill()
	return nil, "", fmt.Errorf("the server does not say where it is; %s", Tail(log))
}

// StartProcess starts a program with the environment env and a log of its own, and waits until that contains ready.
func StartProcess(command, env []string, log, ready string) (*Worker, error) {
	w := &Worker{Process: exec.Command(command[0], command[1:]...), Log: log, Ended: make(chan struct{})}
	out, err := os.Create(w.Log)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the process has its own
	w.Process.Env, w.Process.Stdout, w.Process.Stderr = env, out, out
	w.Process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := w.Process.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(command[0]), err)
	}
	go func() {
		defer close(w.Ended)
		_ = w.Process.Wait() // how it ended is in its log
	}()
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case <-w.Ended:
			return nil, fmt.Errorf("%s ended at once; %s", filepath.Base(command[0]), Tail(w.Log))
		default:
		}
		if text, err := os.ReadFile(w.Log); err == nil && strings.Contains(string(text), ready) {
			return w, nil
		}
	}
	w.Kill()
	return nil, fmt.Errorf("%s does not say %q; %s", filepath.Base(command[0]), ready, Tail(w.Log))
}

// PID is the process.
func (w *Worker) PID() int { return w.Process.Process.Pid }

// Stop ends the worker cleanly, or after half a minute as a crash would.
func (w *Worker) Stop() {
	_ = syscall.Kill(w.PID(), syscall.SIGTERM) // it may have ended
	select {
	case <-w.Ended:
	case <-time.After(30 * time.Second):
		w.Kill()
	}
}

// Kill ends the worker as a crash would.
func (w *Worker) Kill() {
	_ = syscall.Kill(-w.Process.Process.Pid, syscall.SIGKILL) // it may have ended by itself
	<-w.Ended
}

// Tail is the end of a log, for an error's sake.
func Tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Sprintf("its log ends with:\n%s", strings.Join(lines[max(0, len(lines)-10):], "\n"))
}
