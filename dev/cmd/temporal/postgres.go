package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/lib/pq"
	"go.temporal.io/server/common/config"
	postgresplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/schema"
	v12 "go.temporal.io/server/schema/postgresql/v12"

	"countersign/dev/visibility"
)

// The databases of Temporal in a Postgres cluster.
const (
	mainDatabase       = "temporal"
	visibilityDatabase = "temporal_visibility"
)

// historyShards cannot change once a cluster has state. Each has one writer at a time; four keep a small machine busy.
const historyShards = 4

// postgresStores prepares both databases in the server that a URL leads to, with all of Temporal's indexes or the lean set
// of them, and answers how they are reached.
func postgresStores(ctx context.Context, server string, allIndexes bool) (map[string]config.DataStore, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return nil, errors.New("the Postgres URL is malformed; write it like postgres://user:password@host:5432/postgres")
	}
	stores := map[string]config.DataStore{}
	for _, store := range []struct {
		database, schema, version, after string
		connections                      int // of each of the four services
	}{
		{database: mainDatabase, schema: "postgresql/v12/temporal/schema.sql", version: v12.Version, connections: 10},
		{database: visibilityDatabase, schema: "postgresql/v12/visibility/schema.sql", version: v12.VisibilityVersion, after: visibility.Lean, connections: 5},
	} {
		if allIndexes {
			store.after = ""
		}
		if err := setUp(ctx, *u, store.database, store.schema, store.version, store.after); err != nil {
			return nil, fmt.Errorf("prepare database %s: %w", store.database, err)
		}
		password, _ := u.User.Password()
		stores[store.database] = config.DataStore{SQL: &config.SQL{
			PluginName: postgresplugin.PluginNamePGX, DatabaseName: store.database, ConnectAddr: u.Host, ConnectProtocol: "tcp",
			User: u.User.Username(), Password: password, MaxConns: store.connections, MaxIdleConns: store.connections, MaxConnLifetime: time.Hour,
			ConnectAttributes: attributes(u.Query()),
		}}
	}
	return stores, nil
}

// attributes are a URL's parameters as Temporal's configuration wants them.
func attributes(q url.Values) map[string]string {
	a := map[string]string{}
	for key := range q {
		a[key] = q.Get(key)
	}
	return a
}

// setUp makes a database with its schema, all of it or nothing, and runs the statements of after; done again it runs these only.
func setUp(ctx context.Context, server url.URL, database, file, version, after string) (err error) {
	admin, err := sql.Open("postgres", server.String())
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, admin.Close()) }()
	_, err = admin.ExecContext(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(database))
	if exists := (*pq.Error)(nil); err != nil && (!errors.As(err, &exists) || exists.Code.Name() != "duplicate_database") {
		return err
	}
	server.Path = "/" + database
	db, err := sql.Open("postgres", server.String())
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after COMMIT there is nothing to undo
	var made bool
	if err := tx.QueryRowContext(ctx, `SELECT to_regclass('schema_version') IS NOT NULL`).Scan(&made); err != nil {
		return err
	}
	if !made {
		text, err := fs.ReadFile(schema.Assets(), file)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(text)+versionTables); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO schema_version (version_partition, db_name, creation_time, curr_version, min_compatible_version) VALUES (0, $1, now(), $2, $2)`,
			database, version); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, after); err != nil {
		return err
	}
	return tx.Commit()
}

// versionTables are those by which the server checks that a schema is its own, as Temporal's tool makes them.
const versionTables = `
CREATE TABLE schema_version (version_partition INT NOT NULL, db_name VARCHAR(255) NOT NULL, creation_time TIMESTAMP, curr_version VARCHAR(64),
	min_compatible_version VARCHAR(64), PRIMARY KEY (version_partition, db_name));
CREATE TABLE schema_update_history (version_partition INT NOT NULL, year INT NOT NULL, month INT NOT NULL, update_time TIMESTAMP NOT NULL,
	description VARCHAR(255), manifest_md5 VARCHAR(64), new_version VARCHAR(64), old_version VARCHAR(64), PRIMARY KEY (version_partition, year, month, update_time));`
