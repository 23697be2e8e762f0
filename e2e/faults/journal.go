package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"countersign/domain"
)

// note is one line of a caller's journal: what it is about to ask, or what it was answered.
type note struct {
	Case    string       `json:"case"`
	Step    int          `json:"step"`
	Answer  bool         `json:"answer,omitempty"` // else it is about to ask
	Number  string       `json:"number,omitempty"` // of the case, as told
	State   domain.State `json:"state,omitempty"`  // as told
	Refused []string     `json:"refused,omitempty"`
	Error   string       `json:"error,omitempty"` // a final answer that is neither
	At      time.Time    `json:"at"`
}

// asked names one request.
type asked struct {
	Case string
	Step int
}

// journal is what a caller knows after it was killed: an append-only file. A line is on disk before anything happens by it;
// lines that come at once are forced together.
type journal struct {
	mu      sync.Mutex
	file    *os.File
	pending []byte
	waiting []chan error
	writing bool
}

// readJournal reads a journal; a line that was cut off by the caller's death was never acted on.
func readJournal(path string) (map[asked][]note, error) {
	notes := map[asked][]note{}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return notes, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var n note
		if json.Unmarshal(lines.Bytes(), &n) == nil {
			k := asked{n.Case, n.Step}
			notes[k] = append(notes[k], n)
		}
	}
	return notes, lines.Err()
}

// answered is the answer among notes, nil if there is none.
func answered(notes []note) *note {
	for i := range notes {
		if notes[i].Answer {
			return &notes[i]
		}
	}
	return nil
}

// openJournal goes on behind what is there. A line that was cut off is ended.
func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := file.WriteString("\n"); err != nil {
		return nil, err
	}
	return &journal{file: file}, nil
}

// write returns when the line is on disk.
func (j *journal) write(n note) error {
	n.At = time.Now().UTC()
	line, err := json.Marshal(n)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	j.mu.Lock()
	j.pending, j.waiting = append(append(j.pending, line...), '\n'), append(j.waiting, done)
	if !j.writing {
		j.writing = true
		go j.flush()
	}
	j.mu.Unlock()
	if err := <-done; err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (j *journal) flush() {
	for {
		j.mu.Lock()
		lines, waiting := j.pending, j.waiting
		j.pending, j.waiting = nil, nil
		if len(waiting) == 0 {
			j.writing = false
			j.mu.Unlock()
			return
		}
		j.mu.Unlock()
		_, err := j.file.Write(lines)
		if err == nil {
			err = j.file.Sync()
		}
		for _, w := range waiting {
			w <- err
		}
	}
}
