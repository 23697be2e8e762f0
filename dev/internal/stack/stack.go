// Package stack runs Postgres and Temporal together, in a folder that one process holds at a time.
package stack

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"countersign/dev/internal/ports"
	"countersign/dev/internal/postgres"
	"countersign/dev/internal/temporal"
)

// Options say what a stack consists of.
type Options struct {
	Dir            string // its state, under Home or Memory; made if missing
	Logs           string // folder of the servers' logs; empty: Dir
	TemporalBinary string // empty: no Temporal
	Throwaway      bool   // for tests, see postgres.Cluster
	InPostgres     bool   // Temporal keeps its state in the same Postgres cluster, in databases of its own
	AllIndexes     bool   // and all its visibility indexes
	UsualPorts     bool   // prefer the ports that everybody expects to free ones
	Codec          bool   // the UI asks a codec server at CodecAddress

	// A server that is there already is used instead of a private one.
	DatabaseURL     string
	TemporalAddress string
	TemporalUIURL   string

	Say  func(format string, args ...any)
	Back func() // called each time a server is back after it died by itself
}

// Stack is a running Postgres and Temporal.
type Stack struct {
	DatabaseURL     string
	TemporalAddress string
	TemporalUIURL   string
	MetricsAddress  string // kept free for a worker
	CodecAddress    string // kept free for a codec server
	ConsoleAddress  string // kept free for the console
	PayloadKeys     string // what Temporal keeps is encrypted with; empty where the caller's environment says it

	logs     string
	open     []*os.File        // lock and logs
	postgres *postgres.Cluster // nil: DATABASE_URL
	temporal *temporal.Server  // nil: TEMPORAL_ADDRESS
}

// Start starts what o asks for and returns when it answers. On an error everything is stopped again.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := Lock(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Stack{logs: cmp.Or(o.Logs, o.Dir), open: []*os.File{lock}}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, o Options) error {
	var usual struct{ temporal, ui, metrics, codec, console int }
	if o.UsualPorts {
		usual.temporal, usual.ui, usual.metrics, usual.codec, usual.console = 7233, 8233, 9464, 8234, 8080
	}
	port, err := ports.Keep(PortsFile(o.Dir), ports.Want{Name: "postgres"},
		ports.Want{Name: "temporal", Preferred: usual.temporal}, ports.Want{Name: "temporal-ui", Preferred: usual.ui},
		ports.Want{Name: "metrics", Preferred: usual.metrics}, ports.Want{Name: "codec", Preferred: usual.codec},
		ports.Want{Name: "console", Preferred: usual.console})
	if err != nil {
		return err
	}
	s.MetricsAddress = fmt.Sprintf("127.0.0.1:%d", port["metrics"])
	s.CodecAddress = fmt.Sprintf("127.0.0.1:%d", port["codec"])
	s.ConsoleAddress = fmt.Sprintf("127.0.0.1:%d", port["console"])
	// Histories of a Temporal that is there already are written with keys that its owner has.
	if o.TemporalAddress == "" || os.Getenv("PAYLOAD_KEYS") == "" && os.Getenv("PAYLOAD_KEYS_FILE") == "" {
		if s.PayloadKeys, err = payloadKeys(filepath.Join(o.Dir, "payload-keys")); err != nil {
			return err
		}
	}

	start := func() error { return nil }
	switch {
	case o.TemporalAddress != "":
		s.TemporalAddress, s.TemporalUIURL = o.TemporalAddress, o.TemporalUIURL
	case o.TemporalBinary != "":
		log, err := s.log("temporal.log")
		if err != nil {
			return err
		}
		s.temporal = &temporal.Server{
			Binary: o.TemporalBinary, Dir: filepath.Join(o.Dir, "temporal"), Log: log,
			Port: port["temporal"], UIPort: port["temporal-ui"], AllIndexes: o.AllIndexes, Say: o.Say, Back: o.Back,
		}
		if o.Codec {
			s.temporal.Codec = "http://" + s.CodecAddress
		}
		s.TemporalAddress, s.TemporalUIURL = s.temporal.Address(), s.temporal.UIURL()
		start = func() error { return explain(s.temporal.Start(ctx), log) }
	}
	if o.InPostgres && s.temporal != nil {
		if err := s.startPostgres(ctx, o, port["postgres"]); err != nil {
			return err
		}
		s.temporal.Postgres = s.DatabaseURL
		return start()
	}
	// Temporal starts while Postgres does: neither needs the other.
	temporalUp := make(chan error, 1)
	go func() { temporalUp <- start() }()
	return errors.Join(s.startPostgres(ctx, o, port["postgres"]), <-temporalUp)
}

func (s *Stack) startPostgres(ctx context.Context, o Options, port int) error {
	if o.DatabaseURL != "" {
		s.DatabaseURL = o.DatabaseURL
		return nil
	}
	bin, err := postgres.FindOrInstall(ctx, o.Say)
	if err != nil {
		return err
	}
	log, err := s.log("postgres.log")
	if err != nil {
		return err
	}
	s.postgres = &postgres.Cluster{Bin: bin, Dir: filepath.Join(o.Dir, "postgres"), Log: log, Port: port, Throwaway: o.Throwaway, Say: o.Say, Back: o.Back}
	if err := s.postgres.Start(ctx); err != nil {
		return explain(err, log)
	}
	s.DatabaseURL = s.postgres.URL()
	return nil
}

// Stop ends Temporal, then Postgres, cleanly, and frees the folder.
func (s *Stack) Stop() error {
	if s.temporal != nil {
		s.temporal.Stop()
	}
	if s.postgres != nil {
		s.postgres.Stop()
	}
	var err error
	for _, f := range s.open {
		err = errors.Join(err, f.Close())
	}
	return err
}

// PIDs are the processes of Postgres and Temporal, zero for one that is not ours or not running.
func (s *Stack) PIDs() (postgresPID, temporalPID int) {
	if s.postgres != nil {
		postgresPID = s.postgres.PID()
	}
	if s.temporal != nil {
		temporalPID = s.temporal.PID()
	}
	return postgresPID, temporalPID
}

// PostgresBin is the folder with the programs of the private Postgres; empty when it is not ours.
func (s *Stack) PostgresBin() string {
	if s.postgres == nil {
		return ""
	}
	return s.postgres.Bin.Dir
}

// Env is what the programme's processes are given: the caller's environment with the stack's addresses in it.
func (s *Stack) Env() []string {
	var env []string
	for _, e := range os.Environ() {
		// A private Temporal has neither TLS nor API keys nor a profile, a private Postgres no second login, whatever the
		// caller uses elsewhere.
		if s.temporal != nil && strings.HasPrefix(e, "TEMPORAL_") || s.PayloadKeys != "" && strings.HasPrefix(e, "PAYLOAD_KEYS") || s.postgres != nil && strings.HasPrefix(e, "DATABASE_") {
			continue
		}
		env = append(env, e)
	}
	set := func(name, value string) {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	set("DATABASE_URL", s.DatabaseURL)
	set("TEMPORAL_ADDRESS", s.TemporalAddress)
	set("TEMPORAL_UI_URL", s.TemporalUIURL)
	set("METRICS_ADDRESS", s.MetricsAddress)
	set("PAYLOAD_KEYS", s.PayloadKeys)
	if s.temporal != nil {
		set("TEMPORAL_NAMESPACE", "default")
	}
	return env
}

// TemporalDir is where a private Temporal keeps its state.
func (s *Stack) TemporalDir() string {
	if s.temporal == nil {
		return ""
	}
	return s.temporal.Dir
}

// payloadKeys are the keys that file holds, from the first start on one of its own: without it the stack's cases could
// not be read any more.
func payloadKeys(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return "", err
	}
	keys := "local:" + base64.StdEncoding.EncodeToString(key)
	return keys, os.WriteFile(file, []byte(keys+"\n"), 0o600)
}

// log opens one of the stack's log files, empty.
func (s *Stack) log(name string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(s.logs, name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o644)
	if err == nil {
		s.open = append(s.open, f)
	}
	return f, err
}

// explain adds the end of a server's log to the error of its start: the folder may be gone when somebody wants to look.
func explain(err error, log *os.File) error {
	if err == nil {
		return nil
	}
	text, readErr := os.ReadFile(log.Name())
	if readErr != nil || len(text) == 0 {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("%w\n%s ends with:\n%s", err, log.Name(), strings.Join(lines[max(0, len(lines)-10):], "\n"))
}

// Home is where the stacks of the checkout at root keep their state. As root that is outside the checkout, which may lie
// under a folder that only root enters, because Postgres runs under another account.
func Home(root string) string {
	if os.Geteuid() != 0 {
		return filepath.Join(root, ".local")
	}
	return filepath.Join("/var/lib/countersign", Short(root))
}

// Memory is where throw-away stacks of the checkout at root keep their state while HasRoom. Each test makes a database, which is
// a thousand files: on a disk, making and removing them costs more than the test.
func Memory(root string) string { return filepath.Join(shared, "countersign-"+Short(root)) }

const shared = "/dev/shm"

// HasRoom says whether the machine has such a place, and at least two gigabytes free in it.
func HasRoom() bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(shared, &fs) == nil && fs.Bavail*uint64(fs.Bsize) >= 2<<30 //nolint:gosec,unconvert // its type differs between systems
}

// PortsFile is where the stack in dir keeps its ports.
func PortsFile(dir string) string { return filepath.Join(dir, "ports.json") }

// Short is a name for path of eight letters.
func Short(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:4])
}

// Mask replaces the password in a database URL, wherever it stands, for printing.
func Mask(databaseURL string) string {
	if databaseURL == "" {
		return ""
	}
	u, err := url.Parse(databaseURL)
	if err != nil || u.Scheme == "" {
		return "set" // key=value form, or no URL at all: not taken apart, so not shown
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}
