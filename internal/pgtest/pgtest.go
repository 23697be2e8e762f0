// Package pgtest gives every test a Postgres database of its own, made from a migrated template.
package pgtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"countersign/schema"

	"github.com/jmoiron/sqlx"
)

// New makes a database with the newest schema and connects to it as the programme's role. The database is dropped when
// the test ends. Without DATABASE_URL the test fails: it never skips.
func New(t testing.TB) *sqlx.DB {
	t.Helper()
	db, err := schema.Open(URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Owner connects to the database of New as the login of DATABASE_URL, for what only the owner may do.
func Owner(t testing.TB, programme *sqlx.DB) *sqlx.DB {
	t.Helper()
	var name string
	if err := programme.Get(&name, `SELECT current_database()`); err != nil {
		t.Fatal(err)
	}
	db, err := sqlx.Open("postgres", named(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Empty makes a database without a schema, for tests of migrations, and connects to it as the owner's login.
func Empty(t testing.TB) *sqlx.DB {
	t.Helper()
	admin, err := sql.Open("postgres", base(t))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	db, err := sqlx.Open("postgres", fresh(t, admin, "template0"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // so that a SET holds
	t.Cleanup(func() { db.Close() })
	return db
}

// URL makes a database with the newest schema and returns how the owner reaches it.
func URL(t testing.TB) string {
	t.Helper()
	admin, err := sql.Open("postgres", base(t))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	return fresh(t, admin, templateFor(t, admin))
}

// fresh makes a database from a template, dropped when the test ends, and returns how the owner reaches it.
func fresh(t testing.TB, admin *sql.DB, template string) string {
	t.Helper()
	name := fmt.Sprintf("countersign_%d_%d", os.Getpid(), next.Add(1))
	var how string // files are copied for a quarter of what the log of each page costs, which is how Postgres does it since 15
	if err := admin.QueryRow(`SELECT CASE WHEN current_setting('server_version_num')::int >= 150000 THEN ' STRATEGY file_copy' ELSE '' END`).Scan(&how); err != nil {
		t.Fatalf("reach Postgres: %v", err)
	}
	if _, err := admin.Exec(`CREATE DATABASE ` + name + ` TEMPLATE ` + template + how); err != nil {
		t.Fatalf("make the test's database: %v", err)
	}
	t.Cleanup(func() {
		admin, err := sql.Open("postgres", base(t))
		if err != nil {
			t.Error(err)
			return
		}
		defer admin.Close()
		if _, err := admin.Exec(`DROP DATABASE IF EXISTS ` + name + ` WITH (FORCE)`); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return named(t, name)
}

var (
	next atomic.Int64
	once sync.Mutex
	done string // the template that this process has made sure of
)

// templateFor migrates one database per state of the schema; test processes that start together wait for the first.
func templateFor(t testing.TB, admin *sql.DB) string {
	t.Helper()
	once.Lock()
	defer once.Unlock()
	if done != "" {
		return done
	}
	ctx := context.Background()
	conn, err := admin.Conn(ctx)
	if err != nil {
		t.Fatalf("reach Postgres: %v", err)
	}
	defer conn.Close() // and with it the lock
	name := "countersign_" + schemaHash(t)
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock(hashtext($1))`, name); err != nil {
		t.Fatalf("reach Postgres: %v", err)
	}
	var there bool
	if err := conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)`, name).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if !there {
		for _, q := range []string{`DROP DATABASE IF EXISTS ` + name, `CREATE DATABASE ` + name} {
			if _, err := conn.ExecContext(ctx, q); err != nil {
				t.Fatal(err)
			}
		}
		migrate(t, named(t, name))
		if _, err := conn.ExecContext(ctx, `ALTER DATABASE `+name+` WITH IS_TEMPLATE true`); err != nil {
			t.Fatal(err)
		}
	}
	done = name
	return done
}

func migrate(t testing.TB, url string) {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := schema.Migrate(context.Background(), db); err != nil {
		t.Fatal(err)
	}
}

func schemaHash(t testing.TB) string {
	t.Helper()
	hashes, err := schema.Hashes()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for name, hash := range hashes {
		all = append(all, name+hash)
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return hex.EncodeToString(sum[:6])
}

func base(t testing.TB) string {
	t.Helper()
	v := os.Getenv("DATABASE_URL")
	if v == "" {
		t.Fatal("DATABASE_URL is not set: tests need a real Postgres; `make test` starts one")
	}
	return v
}

func named(t testing.TB, database string) string {
	t.Helper()
	u, err := url.Parse(base(t))
	if err != nil {
		t.Fatal("DATABASE_URL is malformed")
	}
	u.Path = "/" + database
	return u.String()
}
