package activities

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"

	"github.com/lib/pq"
	"go.temporal.io/sdk/temporal"
)

// Cause is what a log may say of an error: where it came from, and nothing that somebody entered. An error's own text quotes
// names and amounts: a refusal to the person who applied, Postgres a value that it cannot read.
type Cause struct {
	Type       string `json:"type"`                 // of a shaped error TypeRefused and the like, else the Go type of the innermost one
	SQLState   string `json:"sqlstate,omitempty"`   // Postgres' answer
	Constraint string `json:"constraint,omitempty"` // that was violated
	Text       string `json:"text,omitempty"`       // where it holds names of machines, tables and columns only
}

// CauseOf looks through what an error wraps, whether it came from here or through Temporal.
func CauseOf(err error) Cause {
	var shaped *temporal.ApplicationError
	var answer *pq.Error
	var network *net.OpError
	switch {
	case errors.As(err, &shaped):
		c := Cause{Type: shaped.Type()}
		if shaped.Type() == TypeDefect && shaped.HasDetails() {
			_ = shaped.Details(&c) // of an older build: the type has to do
		}
		return c
	case errors.As(err, &answer):
		c := Cause{Type: "postgres", SQLState: string(answer.Code), Constraint: answer.Constraint}
		if !slices.Contains([]string{"22", "P0"}, c.SQLState[:min(2, len(c.SQLState))]) { // these quote values; others keep them in their detail
			c.Text = answer.Message
		}
		return c
	case errors.As(err, &network):
		return Cause{Type: "connection", Text: network.Error()}
	}
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, known) {
			return Cause{Type: "connection", Text: known.Error()}
		}
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return Cause{Type: fmt.Sprintf("%T", err)}
}

// Discreet is for a log's handler: a line says an error's cause in place of its words, where these may quote what somebody entered. Errors of Temporal
// and of connections stay as they are: they know nothing of cases.
func Discreet(_ []string, a slog.Attr) slog.Attr {
	err, ok := a.Value.Any().(error)
	var shaped *temporal.ApplicationError
	var answer *pq.Error
	if ok && (errors.As(err, &shaped) || errors.As(err, &answer)) {
		a.Value = slog.AnyValue(CauseOf(err))
	}
	return a
}
