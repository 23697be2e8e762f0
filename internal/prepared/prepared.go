// Package prepared is lib/pq with a memory: a connection keeps the statements that it ran prepared. The same statement costs one round trip the
// next time, where it was two, and Postgres neither parses nor, mostly, plans it again.
package prepared

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/lib/pq"
)

// Driver is the name under which database/sql knows it.
const Driver = "postgres-prepared"

// most is how many statements a connection keeps; the one used longest ago goes first. A plan takes Postgres some 20 to 100 kB.
const most = 256

func init() { sql.Register(Driver, opener{}) }

type opener struct{}

func (opener) Open(dsn string) (driver.Conn, error) {
	c, err := connector(dsn)
	if err != nil {
		return nil, err
	}
	return c.Connect(context.Background())
}

func (opener) OpenConnector(dsn string) (driver.Connector, error) { return connector(dsn) }

func connector(dsn string) (driver.Connector, error) {
	c, err := pq.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return wrapped{c}, nil
}

type wrapped struct{ *pq.Connector }

func (w wrapped) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{session: c.(session), kept: map[string]*statement{}}, nil
}

func (wrapped) Driver() driver.Driver { return opener{} }

// session is what lib/pq's connections can do.
type session interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// conn belongs to one goroutine at a time, as database/sql has it.
type conn struct {
	session

	kept map[string]*statement
	uses int
	last context.Context // of the latest statement since the connection was taken
}

type statement struct {
	prepared interface {
		driver.Stmt
		driver.StmtExecContext
		driver.StmtQueryContext
	}
	used int
}

// ExecContext runs a statement. Without parameters it is one round trip as it is, and may be several statements.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.last = ctx
	if len(args) == 0 {
		return c.session.ExecContext(ctx, query, args)
	}
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	result, err := s.prepared.ExecContext(ctx, args)
	return result, c.judged(query, err)
}

// QueryContext is the same for what answers rows.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.last = ctx
	if len(args) == 0 {
		return c.session.QueryContext(ctx, query, args)
	}
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.prepared.QueryContext(ctx, args)
	return rows, c.judged(query, err)
}

// statement is the kept one, or a new one in place of that used longest ago.
func (c *conn) statement(ctx context.Context, query string) (*statement, error) {
	c.uses++
	if s := c.kept[query]; s != nil {
		s.used = c.uses
		return s, nil
	}
	if len(c.kept) == most {
		oldest := ""
		for text, s := range c.kept {
			if oldest == "" || s.used < c.kept[oldest].used {
				oldest = text
			}
		}
		if err := c.forget(oldest); err != nil {
			return nil, err
		}
	}
	made, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &statement{used: c.uses}
	var ok bool
	if s.prepared, ok = made.(interface {
		driver.Stmt
		driver.StmtExecContext
		driver.StmtQueryContext
	}); !ok {
		return nil, errors.Join(driver.ErrSkip, made.Close()) // a COPY: only Prepare runs it
	}
	c.kept[query] = s
	return s, nil
}

func (c *conn) forget(query string) error {
	s := c.kept[query]
	delete(c.kept, query)
	return s.prepared.Close()
}

// judged forgets a statement that Postgres will not run again: a migration has changed what it answers, or somebody
// deallocated it. Who tries again has it prepared anew.
func (c *conn) judged(query string, err error) error {
	if pq.As(err, "0A000", "26000") != nil {
		delete(c.kept, query) // in a transaction that failed, it cannot even be closed
	}
	return err
}

// ResetSession begins the connection's next use. What was said to its former user meanwhile is no order to stop: a request that was
// answered is over, and its context with it.
func (c *conn) ResetSession(ctx context.Context) error {
	c.last = nil
	return c.session.ResetSession(ctx)
}

// IsValid gives a connection up whose latest statement was told to stop: the order may be late and meet the next one.
func (c *conn) IsValid() bool { return (c.last == nil || c.last.Err() == nil) && c.session.IsValid() }
