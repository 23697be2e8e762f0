// Package postgres finds or installs a Postgres server and runs a private cluster with it.
package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lib/pq"

	"countersign/dev/internal/child"
)

// name is the cluster's superuser and the database made in it.
const name = "countersign"

// Cluster is a private Postgres in one folder: TCP on 127.0.0.1 with a password, no socket.
type Cluster struct {
	Bin       Binaries
	Dir       string   // holds data and password; its parent is one that Account may enter
	Log       *os.File // the server's output
	Port      int
	Throwaway bool // for tests: nothing survives a power cut, and many packages connect at once
	Say       func(format string, args ...any)
	Back      func() // called each time the server is back after it died by itself

	password string
	child    child.Child
}

// Start makes the cluster if there is none, starts the server and keeps it running until Stop.
func (c *Cluster) Start(ctx context.Context) error {
	account, err := Account()
	if err != nil {
		return err
	}
	if err := c.init(account); err != nil {
		return fmt.Errorf("set up Postgres in %s: %w", c.Dir, err)
	}
	if err := c.endLeftover(); err != nil {
		return err
	}
	c.child = child.Child{
		Name: "Postgres",
		Cmd: func() *exec.Cmd {
			cmd := c.command(account, "postgres", c.settings()...)
			cmd.Stdout, cmd.Stderr = c.Log, c.Log
			return cmd
		},
		Ready: c.answers,
		Stop:  syscall.SIGINT, // "fast": open transactions are rolled back; SIGTERM would wait for every client to leave
		Grace: 20 * time.Second,
		Say:   c.Say,
		Back:  c.Back,
	}
	if err := c.child.Start(ctx); err != nil {
		return err
	}
	if err := Create(ctx, c.url("postgres"), name); err != nil {
		c.Stop()
		return err
	}
	return nil
}

// Stop ends the server cleanly.
func (c *Cluster) Stop() { c.child.Shutdown() }

// PID is the postmaster once it answers, zero while there is none.
func (c *Cluster) PID() int { return c.child.PID() }

// URL leads to the cluster's database, password included.
func (c *Cluster) URL() string { return c.url(name) }

func (c *Cluster) url(database string) string {
	return (&url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(name, c.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)),
		Path:     database,
		RawQuery: "sslmode=disable", // it never leaves this machine
	}).String()
}

func (c *Cluster) data() string { return filepath.Join(c.Dir, "data") }

func (c *Cluster) settings() []string {
	set := []string{"listen_addresses=127.0.0.1", fmt.Sprintf("port=%d", c.Port), "unix_socket_directories="}
	if c.Throwaway {
		set = append(set, "max_connections=300", "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	args := []string{"-D", c.data()}
	for _, s := range set {
		args = append(args, "-c", s)
	}
	return args
}

// init makes password and data; both are whole or absent, however often it was interrupted before.
func (c *Cluster) init(account *syscall.Credential) error {
	passwordFile := filepath.Join(c.Dir, "password")
	if text, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION")); err == nil {
		if made := strings.TrimSpace(string(text)); number(made) != number(c.Bin.Version) {
			return fmt.Errorf("its data are of Postgres %s, the server found is %s: install %s, or give the data up with make clean", made, c.Bin.Version, made)
		}
		password, err := os.ReadFile(passwordFile)
		c.password = string(password)
		return err
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	fresh := c.data() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	c.password = rand.Text()
	if err := errors.Join(os.MkdirAll(fresh, 0o700), os.WriteFile(passwordFile, []byte(c.password), 0o600)); err != nil {
		return err
	}
	if account != nil {
		for _, path := range []string{c.Dir, fresh, passwordFile} {
			if err := os.Chown(path, int(account.Uid), int(account.Gid)); err != nil {
				return err
			}
		}
	}
	args := []string{"-D", fresh, "-U", name, "--pwfile", passwordFile, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"}
	if c.Throwaway {
		args = append(args, "--no-sync")
	}
	cmd := c.command(account, "initdb", args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return os.Rename(fresh, c.data())
}

// command is a program of the server under account, with nothing of the caller's environment: PGPORT and its like would
// change what it does.
func (c *Cluster) command(account *syscall.Credential, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.Bin.Dir, program), args...)
	cmd.Dir = c.Dir
	cmd.Env = []string{"PATH=" + c.Bin.Dir + ":/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Setpgid: true}
	return cmd
}

// answers asks for one row.
func (c *Cluster) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return withDB(c.url("postgres"), func(db *sql.DB) error { return db.PingContext(ctx) })
}

// endLeftover deals with a postmaster.pid in a cluster that nobody else uses (the caller holds its folder's lock). The
// server left over from a killed supervisor is stopped. A number that by now belongs to another process would keep ours
// from starting, so the file goes. With the number of no process the file stays: Postgres then makes sure by itself that
// no session of the dead server is left.
func (c *Cluster) endLeftover() error {
	file := filepath.Join(c.data(), "postmaster.pid")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return nil
	}
	if !c.serves(pid) {
		return os.Remove(file)
	}
	c.Say("stopping the Postgres that an earlier run left behind (process %d)", pid)
	_ = syscall.Kill(pid, syscall.SIGINT) // ESRCH: gone meanwhile
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if !c.serves(pid) {
			return nil
		}
	}
	return fmt.Errorf("process %d, a Postgres on %s, does not stop", pid, c.data())
}

// serves says whether process pid is a server on this cluster's data.
func (c *Cluster) serves(pid int) bool {
	var args []byte
	var err error
	if runtime.GOOS == "linux" {
		args, err = os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	} else {
		args, err = exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	}
	return err == nil && strings.Contains(string(args), c.data())
}

// Account is who runs the server: nil for this user, or, as Postgres refuses to run as root, an unprivileged account.
func Account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, candidate := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(candidate)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("running as root, and there is no account postgres or nobody to run Postgres under")
}

// Create creates database in the server that url leads to, unless it is there.
func Create(ctx context.Context, url, database string) error {
	err := execute(ctx, url, "CREATE DATABASE "+pq.QuoteIdentifier(database))
	if pqErr := (*pq.Error)(nil); errors.As(err, &pqErr) && pqErr.Code.Name() == "duplicate_database" {
		return nil
	}
	return err
}

// Drop drops database, connected sessions included, if it is there.
func Drop(ctx context.Context, url, database string) error {
	return execute(ctx, url, "DROP DATABASE IF EXISTS "+pq.QuoteIdentifier(database)+" WITH (FORCE)")
}

func execute(ctx context.Context, url, statement string) error {
	return withDB(url, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, statement)
		if err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
		return nil
	})
}

func withDB(url string, do func(*sql.DB) error) error {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}
