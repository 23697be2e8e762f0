// Package ports chooses TCP ports once and keeps them in a file, so that a restarted process is found where it was.
package ports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
)

// Want is a port by name. Preferred is taken when it is free; zero means any.
type Want struct {
	Name      string
	Preferred int
}

// Keep returns a port for every want: the one that file holds from an earlier start, else a free one, which file holds
// from now on. It does not look whether a kept port is free: whoever listens there may be the process that is meant.
func Keep(file string, wants ...Want) (map[string]int, error) {
	kept, err := Read(file)
	if err != nil {
		return nil, err
	}
	taken := make(map[int]bool)
	for _, port := range kept {
		taken[port] = true
	}
	changed := false
	for _, w := range wants {
		if kept[w.Name] != 0 {
			continue
		}
		port := w.Preferred
		if port == 0 || taken[port] || !free(port) {
			if port, err = anyFree(taken); err != nil {
				return nil, err
			}
		}
		kept[w.Name], taken[port], changed = port, true, true
	}
	if !changed {
		return kept, nil
	}
	text, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return nil, err
	}
	return kept, os.WriteFile(file, append(text, '\n'), 0o644)
}

// Read returns the ports that file holds; none when there is no file.
func Read(file string) (map[string]int, error) {
	kept := make(map[string]int)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return kept, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return kept, nil
}

// Below 32768 lies no port that a Linux kernel or macOS gives to an outgoing connection, so a kept one is still free at
// the next start unless another server took it.
const lowest, highest = 20000, 32000

func anyFree(taken map[int]bool) (int, error) {
	for range 1000 {
		if port := lowest + rand.IntN(highest-lowest); !taken[port] && free(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d on 127.0.0.1", lowest, highest)
}

func free(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
