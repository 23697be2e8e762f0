package main

import (
	"cmp"
	"context"
	"fmt"
	"go/version"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"countersign/dev/internal/chromium"
	"countersign/dev/internal/ports"
	"countersign/dev/internal/postgres"
	"countersign/dev/internal/stack"
)

// doctor prints what was found. It changes nothing.
func doctor(ctx context.Context, c checkout, _ []string) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	row := func(what, found string) { fmt.Fprintf(table, "%s\t%s\n", what, found) }

	row("go", goFound(ctx, c.root))
	row("git", firstLine(ctx, "git", "--version"))
	row("make", firstLine(ctx, "make", "--version"))
	row("C compiler", cCompilerFound(ctx))
	if bin, err := postgres.Find(ctx); err == nil {
		row("Postgres", bin.Version+" in "+bin.Dir)
	} else {
		row("Postgres", err.Error())
	}
	row("Chromium", chromiumFound(ctx))
	for _, name := range []string{"temporal", "worker", "starter"} {
		if info, err := os.Stat(c.bin(name)); err == nil {
			row("bin/"+name, "built "+info.ModTime().Format("2006-01-02 15:04"))
		} else {
			row("bin/"+name, "not built yet: make build")
		}
	}
	row("DATABASE_URL", cmp.Or(stack.Mask(os.Getenv("DATABASE_URL")), "not set: a private Postgres"))
	row("TEMPORAL_ADDRESS", cmp.Or(os.Getenv("TEMPORAL_ADDRESS"), "not set: a private Temporal"))

	dirs, err := stacks(c)
	if err != nil {
		return err
	}
	row("state", c.home)
	for _, dir := range dirs {
		found := "stopped"
		if pid := stack.Holder(dir); pid != 0 {
			found = fmt.Sprintf("runs (process %d)", pid)
		}
		kept, err := ports.Read(stack.PortsFile(dir))
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(kept)) {
			state := "free"
			if listens(fmt.Sprintf("127.0.0.1:%d", kept[name])) == nil {
				state = "answers"
			}
			found += fmt.Sprintf(", %s %d %s", name, kept[name], state)
		}
		row("stack "+filepath.Base(dir), found)
	}
	return table.Flush()
}

// goFound compares the toolchain with what dev/go.mod asks for, which is more than the root's.
func goFound(ctx context.Context, root string) string {
	found, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return "not found"
	}
	mod, err := os.ReadFile(filepath.Join(root, "dev", "go.mod"))
	if err != nil {
		return err.Error()
	}
	have, want := strings.TrimSpace(string(found)), "go"+string(goLine.FindSubmatch(mod)[1])
	if version.Compare(have, want) < 0 {
		return fmt.Sprintf("%s, too old: %s or newer is needed", have, want)
	}
	return fmt.Sprintf("%s (%s or newer is needed)", have, want)
}

var goLine = regexp.MustCompile(`(?m)^go (\S+)$`)

func chromiumFound(ctx context.Context) string {
	path, err := chromium.Find()
	if err != nil {
		return err.Error()
	}
	version, err := chromium.Version(ctx, path)
	if err != nil {
		return err.Error()
	}
	return version + " in " + path
}

// firstLine is what a program says of itself.
func firstLine(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "not found"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}
