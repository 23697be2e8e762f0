package frame

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// StoreBytes is what Temporal's SQLite file and its log hold; 0 on Postgres, where its databases have a size.
func (s *Servers) StoreBytes() float64 { return s.storeSize() }

// MemoryOf is the resident memory of a process in megabytes.
func MemoryOf(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status does not tell VmRSS", pid)
}
