// Package schema is the database as the programme needs it: migrations and reference data, embedded in the binaries.
package schema

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"countersign/domain/calendar"
	"countersign/internal/prepared"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// ProgrammeRole is the database role under which the programme works: it owns nothing.
const ProgrammeRole = "countersign_programme"

// PartnerRole is the database role under which a partner's people read: rows of other partners do not exist for it.
// See views.Reader.ForPartner.
const PartnerRole = "countersign_partner"

//go:embed migrations/*.sql
var files embed.FS

// Migrate brings the database to the newest version, one migration at a time under a lock, then lays in reference data.
// The login needs the right to create roles the first time on a cluster. It returns the versions applied now.
func Migrate(ctx context.Context, db *sql.DB) ([]int64, error) {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	applied := make([]int64, len(results))
	for i, r := range results {
		applied[i] = r.Source.Version
	}
	return applied, layInCalendar(ctx, db)
}

// layInCalendar adds the years of the embedded calendar that the database does not know yet. Days that an operator
// changed stay as they are.
func layInCalendar(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("lay in calendar: %w", err)
	}
	defer tx.Rollback()
	china := calendar.China()
	for _, year := range china.Years() {
		res, err := tx.ExecContext(ctx, `INSERT INTO calendar_years (year) VALUES ($1) ON CONFLICT DO NOTHING`, year)
		if err != nil {
			return fmt.Errorf("calendar year %d: %w", year, err)
		}
		if added, err := res.RowsAffected(); err != nil || added == 0 {
			continue
		}
		for _, d := range china.Days() {
			if d.Date.Year != year {
				continue
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO calendar_days (day, year, working, name) VALUES ($1, $2, $3, $4)`,
				d.Date, year, d.Working, d.Name); err != nil {
				return fmt.Errorf("calendar day %s: %w", d.Date, err)
			}
		}
	}
	return tx.Commit()
}

// Hashes gives each migration's SHA-256 by file name: a released migration never changes.
func Hashes() (map[string]string, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	hashes := map[string]string{}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		hashes[strings.TrimPrefix(name, "migrations/")] = hex.EncodeToString(sum[:])
	}
	return hashes, nil
}

// Session is how the programme's sessions are set. A plan is kept while its tables grow, those of foreign keys too: one that reads a table's
// only page from end to end is slow when there are a thousand. What is read is mostly in memory, where a jump costs no more than the next page.
const Session = "-c role=" + ProgrammeRole + " -c timezone=UTC -c random_page_cost=1.1"

// PageSession is what sessions of a server of pages are set to beside: a page asks for little, and neither compiling a statement nor starting
// workers for it pays. Row security makes statements look dearer to the planner than they are.
const PageSession = Session + " -c jit=off -c max_parallel_workers_per_gather=0"

// Open connects as the programme's role, in UTC (COM-04). The login of the URL is a member of it (or its owner, on one's own machine).
// The connection is tried at first use, not here, and keeps its statements prepared.
func Open(databaseURL string) (*sqlx.DB, error) { return OpenBy(prepared.Driver, databaseURL) }

// OpenBy is Open by a driver of another name, which wraps that one.
func OpenBy(driver, databaseURL string) (*sqlx.DB, error) {
	return open(driver, databaseURL, map[string]string{"options": Session})
}

// OpenForPages is OpenBy for a server that answers people.
func OpenForPages(driver, databaseURL string) (*sqlx.DB, error) {
	return open(driver, databaseURL, map[string]string{"options": PageSession})
}

// OpenOwner connects as the login of the URL itself, to migrate.
func OpenOwner(databaseURL string) (*sqlx.DB, error) { return open("postgres", databaseURL, nil) }

// open adds settings to a connection string. The driver does not look at the context while a server that accepts the
// connection says nothing, so there is always a limit for connecting.
func open(driver, dsn string, settings map[string]string) (*sqlx.DB, error) {
	if !strings.Contains(dsn, "://") {
		for key, value := range settings {
			dsn += fmt.Sprintf(" %s='%s'", key, value)
		}
		if !strings.Contains(dsn, "connect_timeout") {
			dsn += " connect_timeout=" + connectTimeout
		}
		return connect(driver, dsn)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("the database URL is malformed; write it like postgres://user:password@host:5432/database")
	}
	q := u.Query()
	for key, value := range settings {
		q.Set(key, strings.TrimSpace(q.Get(key)+" "+value))
	}
	if !q.Has("connect_timeout") {
		q.Set("connect_timeout", connectTimeout)
	}
	u.RawQuery = q.Encode()
	return connect(driver, u.String())
}

// connect tells sqlx that it is Postgres, whatever the driver is called.
func connect(driver, dsn string) (*sqlx.DB, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	return sqlx.NewDb(db, "postgres"), nil
}

const connectTimeout = "5" // seconds
