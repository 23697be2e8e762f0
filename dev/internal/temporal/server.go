// Package temporal runs the Temporal server built from cmd/temporal. It does not import the server.
package temporal

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"

	"countersign/dev/internal/child"
)

// Server is one Temporal with its UI on 127.0.0.1, all state in one folder.
type Server struct {
	Binary       string
	Dir          string
	Log          *os.File // the server's output
	Port, UIPort int
	Codec        string // where the UI has payloads decrypted; empty: nowhere
	Postgres     string // server that keeps the state instead of the folder; empty: none
	AllIndexes   bool   // of Temporal's visibility store in Postgres; else the lean set
	Say          func(format string, args ...any)
	Back         func() // called each time the server is back after it died by itself

	child child.Child
}

// Start starts the server, returns when it serves, and keeps it running until Stop.
func (s *Server) Start(ctx context.Context) error {
	s.child = child.Child{
		Name: "Temporal",
		Cmd: func() *exec.Cmd {
			cmd := exec.Command(s.Binary, "-dir", s.Dir, "-port", strconv.Itoa(s.Port), "-ui-port", strconv.Itoa(s.UIPort))
			if s.Codec != "" {
				cmd.Args = append(cmd.Args, "-codec-endpoint", s.Codec)
			}
			if s.Postgres != "" {
				cmd.Env = append(os.Environ(), "TEMPORAL_POSTGRES="+s.Postgres) // no argument: it has a password
			}
			if s.AllIndexes {
				cmd.Args = append(cmd.Args, "-all-indexes")
			}
			cmd.Stdout, cmd.Stderr = s.Log, s.Log
			return cmd
		},
		Ready: func(ctx context.Context) error { return Serving(ctx, s.Address()) },
		Stop:  syscall.SIGTERM,
		Grace: 30 * time.Second,
		Say:   s.Say,
		Back:  s.Back,
	}
	return s.child.Start(ctx)
}

// Stop ends the server cleanly.
func (s *Server) Stop() { s.child.Shutdown() }

// PID is the server's process once it serves, zero while there is none.
func (s *Server) PID() int { return s.child.PID() }

// Address is the frontend's host:port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// UIURL is where a browser finds the UI.
func (s *Server) UIURL() string { return fmt.Sprintf("http://127.0.0.1:%d", s.UIPort) }

// Serving asks the frontend at address for its health.
func Serving(ctx context.Context, address string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	answer, err := health.NewHealthClient(conn).Check(ctx, &health.HealthCheckRequest{Service: "temporal.api.workflowservice.v1.WorkflowService"})
	if err != nil {
		return err
	}
	if answer.Status != health.HealthCheckResponse_SERVING {
		return fmt.Errorf("%s answers %s", address, answer.Status)
	}
	return nil
}
