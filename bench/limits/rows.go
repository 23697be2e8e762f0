package main

import (
	"context"
	"errors"
	"fmt"

	"countersign/schema"
)

// footprint is what one case leaves in Postgres, on average: rows, and their bytes without indexes and page overhead.
type footprint struct {
	Cases int     `json:"cases"` // that were looked at
	Rows  float64 `json:"rows"`
	Bytes float64 `json:"bytes"`
}

// readRows counts, in every table that names a case, what the cases of each kind left there.
func readRows(url string) (map[string]footprint, error) {
	if url == "" {
		return nil, errors.New("DATABASE_URL names no database; take one in which cases of every kind ended")
	}
	ctx := context.Background()
	db, err := schema.OpenOwner(url)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	left := map[string]footprint{}
	counted, err := db.QueryxContext(ctx, `SELECT kind, count(*) FROM cases GROUP BY kind`)
	if err != nil {
		return nil, fmt.Errorf("count cases: %w", err)
	}
	defer counted.Close()
	for counted.Next() {
		var kind string
		var n int
		if err := counted.Scan(&kind, &n); err != nil {
			return nil, err
		}
		left[kind] = footprint{Cases: n}
	}
	if err := counted.Err(); err != nil {
		return nil, err
	}
	var tables []string
	if err := db.SelectContext(ctx, &tables, `
		SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
		 WHERE column_name = 'case_number' AND table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name`); err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	add := func(query string) error {
		rows, err := db.QueryxContext(ctx, query)
		if err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		defer rows.Close()
		for rows.Next() {
			var kind string
			var n, bytes float64
			if err := rows.Scan(&kind, &n, &bytes); err != nil {
				return err
			}
			f := left[kind]
			f.Rows, f.Bytes = f.Rows+n/float64(f.Cases), f.Bytes+bytes/float64(f.Cases)
			left[kind] = f
		}
		return rows.Err()
	}
	for _, table := range tables {
		if err := add(fmt.Sprintf(`SELECT c.kind, count(*), sum(pg_column_size(t.*)) FROM %q t JOIN cases c USING (case_number) GROUP BY c.kind`, table)); err != nil {
			return nil, err
		}
	}
	// What hangs on a case by another name: the postings of its entries and the messages about it.
	if err := add(`SELECT c.kind, count(*), sum(pg_column_size(p.*)) FROM postings p JOIN entries e USING (entry_id) JOIN cases c USING (case_number) GROUP BY c.kind`); err != nil {
		return nil, err
	}
	return left, add(`SELECT c.kind, count(*), sum(pg_column_size(m.*)) FROM outbox m JOIN cases c ON c.case_number = substring(m.key FROM '[A-Z]+[0-9]{6,}') GROUP BY c.kind`)
}
