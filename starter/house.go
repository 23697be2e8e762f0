package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/calendar"
	"countersign/internal/config"
	"countersign/internal/telemetry"
	"countersign/schema"
	"countersign/views"
	"countersign/workflows"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/temporal"
)

// dialTimeout is how long a person waits for a server that does not answer.
const dialTimeout = 5 * time.Second

// house is what one command works with; it connects to what the command asks for and to nothing else.
type house struct {
	environ  map[string]string
	out, err io.Writer
	json     bool

	traces    *telemetry.Traces
	db        *sqlx.DB
	temporal  client.Client
	namespace string
}

func (h *house) close() {
	if h.temporal != nil {
		h.temporal.Close()
	}
	if h.db != nil {
		_ = h.db.Close() // the command is over
	}
}

func (h *house) config() (config.Config, error) { return config.Load(h.environ) }

// database connects as the programme's role.
func (h *house) database(ctx context.Context) (*sqlx.DB, error) {
	if h.db != nil {
		return h.db, nil
	}
	c, err := h.config()
	if err != nil {
		return nil, err
	}
	if err := c.NeedDatabase(); err != nil {
		return nil, err
	}
	driver, err := h.traces.Driver()
	if err != nil {
		return nil, err
	}
	db, err := schema.OpenBy(driver, c.DatabaseURL)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	h.db = db
	return db, reach(ctx, db, c.DatabaseURL, "DATABASE_URL")
}

// reach tells in one sentence what is wrong when a database does not answer.
func reach(ctx context.Context, db *sqlx.DB, url, variable string) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	err := db.PingContext(ctx)
	var answer *pq.Error
	var network net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer) && answer.Code == "22023": // the programme's role is missing
		return fmt.Errorf("the database at %s does not know the programme yet (%s); run: starter migrate", where(url), answer.Message)
	case errors.As(err, &answer):
		return fmt.Errorf("the Postgres server at %s refuses the connection (%s); correct %s", where(url), answer.Message, variable)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Errorf("the Postgres server at %s does not answer within %s; start it or correct %s", where(url), dialTimeout, variable)
	}
	return fmt.Errorf("the Postgres server at %s cannot be reached (%s); start it or correct %s", where(url), cause(err), variable)
}

// where is host, port and database of a connection string, without user and password.
func where(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.Host == "" {
		return "the named address"
	}
	return u.Host + u.Path
}

// cause is the innermost reason of a network error: "connection refused".
func cause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		for inner := errors.Unwrap(op.Err); inner != nil; inner = errors.Unwrap(inner) {
			err = inner
		}
	}
	return err.Error()
}

func (h *house) reader(ctx context.Context) (views.Reader, error) {
	db, err := h.database(ctx)
	return views.Reader{DB: db}, err
}

func (h *house) withdrawals(ctx context.Context) (*activities.Withdrawals, error) {
	db, err := h.database(ctx)
	return &activities.Withdrawals{DB: db, Channel: activities.ByHand{}}, err
}

// desk reaches cases.
func (h *house) desk(ctx context.Context) (desk.Desk, error) {
	db, err := h.database(ctx)
	return desk.Desk{DB: db, Temporal: h.cluster}, err
}

// cluster connects to Temporal; its logger is silent: what people need is in the answer.
func (h *house) cluster(ctx context.Context) (client.Client, error) {
	if h.temporal != nil {
		return h.temporal, nil
	}
	interceptors, err := h.traces.Interceptors()
	if err != nil {
		return nil, err
	}
	c, namespace, err := config.Temporal(ctx, slog.New(slog.DiscardHandler), func(o *client.Options) { o.Interceptors = append(o.Interceptors, interceptors...) }, dialTimeout)
	if err != nil {
		return nil, err
	}
	h.temporal, h.namespace = c, namespace
	return c, nil
}

// uiAddress is where the Temporal UI shows a case; empty when no UI is known. It asks no server.
func (h *house) uiAddress(workflowID, runID string) string {
	c, err := h.config()
	if err != nil || c.TemporalUIURL == "" {
		return ""
	}
	namespace := client.DefaultNamespace
	if options, err := envconfig.LoadDefaultClientOptions(); err == nil && options.Namespace != "" {
		namespace = options.Namespace
	}
	return c.CaseInTemporal(namespace, workflowID, runID)
}

// stopped is an exit code whose cause was already told.
type stopped int

func (s stopped) Error() string { return fmt.Sprintf("exit code %d", int(s)) }

// answer tells the person how a command ended and gives its exit code.
func (h *house) answer(c *cobra.Command, err error) int {
	var code stopped
	var usage usageError
	switch list := activities.RefusalOf(err); {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case list != nil:
		h.refused(list)
		return 1
	case errors.As(err, &usage):
		fmt.Fprintf(h.err, "%s\nUsage: %s\nMore with: %s --help\n", ended(usage.Error()), c.UseLine(), c.CommandPath())
	default:
		fmt.Fprintf(h.err, "%s\n", sentence(err))
	}
	return 2
}

// sentence says an error to a person: what is wrong and what to do, where that is known.
func sentence(err error) string {
	var app *temporal.ApplicationError
	var violation *pq.Error
	var namespace *serviceerror.NamespaceNotFound
	switch {
	case errors.As(err, &app):
		return ended(app.Message())
	case errors.As(err, &violation) && violation.Code == "42P01":
		return "The database is not migrated; run: starter migrate."
	case errors.As(err, &namespace):
		return fmt.Sprintf("Temporal has no namespace %q; create it or set TEMPORAL_NAMESPACE.", namespace.Namespace)
	case errors.Is(err, context.Canceled):
		return "Interrupted."
	}
	return ended(err.Error())
}

// ended is a text as one sentence, with its full stop.
func ended(text string) string {
	text = capital(strings.TrimSpace(text))
	if strings.HasSuffix(text, ".") || strings.Contains(text, "\n") { // several lines show a place in a file
		return text
	}
	return text + "."
}

// inTime bounds an update and tells its timeout: the message may be on its way, and asking again with the key is safe.
func inTime[T any](ctx context.Context, key, look string, send func(context.Context) (T, error)) (T, error) {
	got, err := desk.InTime(ctx, send)
	return got, toldLate(err, key, look)
}

// toldLate says what to do about an answer that did not come in time.
func toldLate(err error, key, look string) error {
	if !errors.Is(err, desk.ErrLate) {
		return err
	}
	return fmt.Errorf("%w: the request is being processed, or waits for a worker of the task queue %q; look with: %s; or repeat the command with the same key %s, which does nothing twice",
		err, workflows.TaskQueue, look, key)
}

// shown is an instant as people read it.
func shown(t time.Time) string { return t.In(calendar.Zone).Format("2006-01-02 15:04 -07:00") }

// shownToTheSecond is for timelines.
func shownToTheSecond(t time.Time) string {
	return t.In(calendar.Zone).Format("2006-01-02 15:04:05 -07:00")
}

func shownOr(t *time.Time, otherwise string) string {
	if t == nil {
		return otherwise
	}
	return shown(*t)
}
