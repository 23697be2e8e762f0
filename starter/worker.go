package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// ownWorker is the demo's worker: a process of its own, in a group of its own, so that nothing else dies with it.
type ownWorker struct {
	path    string
	environ map[string]string
	log     string // file
	command *exec.Cmd
	ended   chan struct{}
}

// stillborn is how long a worker is watched that ends as soon as it begins.
const stillborn = 300 * time.Millisecond

// start runs the worker; its messages stay in the outbox, where the story reads them.
func (w *ownWorker) start() error {
	if w.log == "" {
		w.log = filepath.Join(os.TempDir(), fmt.Sprintf("countersign-demo-worker-%d.log", os.Getpid()))
	}
	out, err := os.OpenFile(w.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() // the process has its own
	w.command = exec.Command(w.path)
	w.command.Stdout, w.command.Stderr = out, out
	w.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	for name, value := range w.environ {
		if name != "SMTP_URL" && name != "METRICS_ADDRESS" {
			w.command.Env = append(w.command.Env, name+"="+value)
		}
	}
	w.command.Env = append(w.command.Env, "METRICS_ADDRESS=off")
	if err := w.command.Start(); err != nil {
		w.command = nil
		return fmt.Errorf("start the worker: %w", err)
	}
	w.ended = make(chan struct{})
	go func(c *exec.Cmd, ended chan struct{}) {
		_ = c.Wait() // how it ended is in its log
		close(ended)
	}(w.command, w.ended)
	select {
	case <-w.ended:
		return fmt.Errorf("the worker %s ended at once: %s", w.path, w.told())
	case <-time.After(stillborn):
		return nil
	}
}

// kill ends the worker with SIGKILL, as a crash would, and answers which process it was; 0 when there is none.
func (w *ownWorker) kill() int {
	if w.command == nil {
		return 0
	}
	pid := w.command.Process.Pid
	_ = syscall.Kill(-pid, syscall.SIGKILL) // it may have ended by itself
	<-w.ended
	w.command = nil
	return pid
}

// told is the worker's last line, for an error's sake.
func (w *ownWorker) told() string {
	text, err := os.ReadFile(w.log)
	if err != nil {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(lines[len(lines)-1])
}
