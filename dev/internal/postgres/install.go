package postgres

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"countersign/dev/internal/debian"
)

// Binaries is a folder with the server's programs.
type Binaries struct {
	Dir     string
	Version string // as postgres --version says: "15.18"
}

// oldest is the first version with everything the schema and the set-up use (DROP DATABASE ... WITH (FORCE)).
const oldest = 13

// ErrNone means that this machine has no Postgres server.
var ErrNone = errors.New("no Postgres server found: install Postgres 13 or newer (Debian: apt-get install postgresql; macOS: brew install postgresql), or set DATABASE_URL")

// Find looks for the server's programs: on PATH, then in the versioned folders of Debian, Red Hat and Homebrew, newest
// first. A link on PATH is followed, because initdb looks for its neighbours.
func Find(ctx context.Context) (Binaries, error) {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	var versioned []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return Binaries{}, err
		}
		versioned = append(versioned, found...)
	}
	slices.SortFunc(versioned, func(a, b string) int { return number(b) - number(a) })

	for _, dir := range append(dirs, versioned...) {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
		if err != nil {
			continue // initdb without a server
		}
		version := versionOf(string(out))
		if number(version) >= oldest {
			return Binaries{Dir: dir, Version: version}, nil
		}
	}
	return Binaries{}, ErrNone
}

var digits = regexp.MustCompile(`\d+`)

// number is the first number in s, zero when there is none: the major version in a folder's name or a version.
func number(s string) int {
	n, err := strconv.Atoi(digits.FindString(s))
	if err != nil {
		return 0
	}
	return n
}

// versionOf takes "15.18" from "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
func versionOf(line string) string {
	_, rest, _ := strings.Cut(line, ") ")
	version, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	return version
}

// FindOrInstall is Find that, as root on Debian or its children, installs the distribution's server when there is none.
func FindOrInstall(ctx context.Context, say func(format string, args ...any)) (Binaries, error) {
	bin, err := Find(ctx)
	if !errors.Is(err, ErrNone) {
		return bin, err
	}
	if !debian.CanInstall() {
		return Binaries{}, err
	}
	say("no Postgres server found: installing Debian's, once")
	if err := debian.Install(ctx, "postgresql-common"); err != nil {
		return Binaries{}, err
	}
	// The package would create and start a cluster of its own on port 5432; we need only its programs. Its configuration
	// file is there once postgresql-common is, and is read when the server's package follows.
	const conf = "/etc/postgresql-common/createcluster.conf"
	text, err := os.ReadFile(conf)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Binaries{}, err
	}
	if err := os.WriteFile(conf, append(text, "\ncreate_main_cluster = false\n"...), 0o644); err != nil {
		return Binaries{}, err
	}
	if err := debian.Install(ctx, "postgresql"); err != nil {
		return Binaries{}, err
	}
	return Find(ctx)
}
