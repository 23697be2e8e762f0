package frame

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Machine names what was measured on, without a host's name.
type Machine struct {
	CPU, Kernel, Memory, Go, Postgres, Temporal string
	Cores                                       int
	At                                          time.Time
	Load                                        string // when the run began: what else the machine did
	Revision                                    string
}

// Describe looks at this machine. Versions of servers come from those that ran.
func (h *House) Describe(ctx context.Context) Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), At: time.Now().UTC().Truncate(time.Minute)}
	m.CPU = fieldOf("/proc/cpuinfo", "model name")
	m.Memory = fieldOf("/proc/meminfo", "MemTotal")
	if kB := 0.0; m.Memory != "" {
		if _, err := fmt.Sscanf(m.Memory, "%f kB", &kB); err == nil {
			m.Memory = fmt.Sprintf("%.1f GB", kB/1024/1024)
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(text))
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(text), " ")
	}
	if out, err := exec.CommandContext(ctx, "go", "version", "-m", filepath.Join(h.Bin, "temporal")).Output(); err == nil {
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); len(f) >= 3 && f[1] == "go.temporal.io/server" {
				m.Temporal = f[2]
			}
		}
	}
	for _, s := range h.servers {
		_ = s.Admin.GetContext(ctx, &m.Postgres, `SHOW server_version`) // unknown stays empty
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				m.Revision = s.Value
			}
		}
	}
	return m
}

func fieldOf(file, key string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
