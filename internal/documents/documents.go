// Package documents keeps files by what they contain. The name of a document is the SHA-256 of its content, so that the
// same content is kept once, and what comes back is compared with its name.
//
// Contents are kept in the table documents, in a folder or in a bucket that speaks S3; the row is always in Postgres.
// Outside, the content is written first and the row afterwards: what a crash leaves between is a content that no row
// names, which harms nobody and which the next upload of the same file takes up.
package documents

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"time"

	"github.com/jmoiron/sqlx"
)

// What is wrong with what was found.
var (
	ErrUnknown = errors.New("no such document")
	ErrMissing = errors.New("its content is not in the configured place")
	ErrDamaged = errors.New("its content is not what was uploaded")
)

// place keeps contents outside of Postgres. put replaces what is there; get answers fs.ErrNotExist for what is not there.
type place interface {
	name() string
	put(ctx context.Context, d *Document) error
	get(ctx context.Context, id string) (io.ReadCloser, error)
}

// Store keeps documents.
type Store struct {
	DB      *sqlx.DB
	Rules   Rules
	outside place // nil: new contents go into Postgres
}

// Info is what is known of a document without its content.
type Info struct {
	ID        string `db:"document_id" json:"document"` // SHA-256, hexadecimal
	MediaType string `db:"media_type"  json:"media_type"`
	Size      int64  `db:"size"        json:"size"`
	StoredIn  string `db:"stored_in"   json:"stored_in"` // postgres, folder or s3
}

// Put writes the content outside, if that is where contents go and it is not there whole. It comes before the transaction
// of Record.
func (s *Store) Put(ctx context.Context, d *Document) error {
	if s.outside == nil {
		return nil
	}
	content, err := s.outside.get(ctx, d.ID)
	if err == nil {
		_, err = io.Copy(io.Discard, verify(d.ID, content))
		err = errors.Join(err, content.Close())
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
		err = s.outside.put(ctx, d)
	}
	if err != nil {
		return fmt.Errorf("store document %s: %w", d.ID, err)
	}
	return nil
}

// Record writes the row, and with it the content if that goes into Postgres. A content that is known stays as it is; of two
// uploads at once the second waits for the first.
func (s *Store) Record(ctx context.Context, tx *sqlx.Tx, d *Document, by string, at time.Time) error {
	in, content := "postgres", d.Content
	if s.outside != nil {
		in, content = s.outside.name(), nil
	}
	if _, err := tx.ExecContext(ctx, recordSQL, d.ID, d.MediaType, d.Size(), in, content, by, at); err != nil {
		return fmt.Errorf("record document %s: %w", d.ID, err)
	}
	return nil
}

const recordSQL = `
	INSERT INTO documents (document_id, media_type, size, stored_in, content, uploaded_by, uploaded_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (document_id) DO NOTHING`

// Get opens a document. Its reader ends in ErrDamaged instead of io.EOF when the content is not the one uploaded, so nothing
// may be trusted before the end.
func (s *Store) Get(ctx context.Context, id string) (Info, io.ReadCloser, error) {
	var row struct {
		Info
		Content []byte `db:"content"`
	}
	err := s.DB.GetContext(ctx, &row, `SELECT document_id, media_type, size, stored_in, content FROM documents WHERE document_id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return Info{}, nil, fmt.Errorf("document %s: %w", id, ErrUnknown)
	}
	if err != nil {
		return Info{}, nil, fmt.Errorf("read document %s: %w", id, err)
	}
	if row.Content != nil {
		return row.Info, verify(id, io.NopCloser(bytes.NewReader(row.Content))), nil
	}
	if s.outside == nil {
		return row.Info, nil, fmt.Errorf("document %s was stored in a %s, but DOCUMENTS names none: %w", id, row.StoredIn, ErrMissing)
	}
	content, err := s.outside.get(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		return row.Info, nil, fmt.Errorf("document %s: %w", id, ErrMissing)
	}
	if err != nil {
		return row.Info, nil, fmt.Errorf("open document %s: %w", id, err)
	}
	return row.Info, verify(id, content), nil
}

// verified compares a content with its name as it is read.
type verified struct {
	io.ReadCloser
	id  string
	sum hash.Hash
}

func verify(id string, content io.ReadCloser) io.ReadCloser {
	return &verified{content, id, sha256.New()}
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	v.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(v.sum.Sum(nil)) != v.id {
		return n, fmt.Errorf("document %s: %w", v.id, ErrDamaged)
	}
	return n, err
}

// Bad is a document that did not come back as it was.
type Bad struct {
	Info
	Problem string `json:"problem"`
}

// Verification is what reading every document found.
type Verification struct {
	Documents int   `json:"documents"`
	Bytes     int64 `json:"bytes"`
	Bad       []Bad `json:"bad"`
}

// Verify reads every document and compares it with its name; progress may be nil. What was uploaded since it began is left
// to the next time. A place that does not answer is an error: it says nothing about the documents.
func (s *Store) Verify(ctx context.Context, progress func(done, all int64)) (Verification, error) {
	v := Verification{Bad: []Bad{}}
	var all []Info
	if err := s.DB.SelectContext(ctx, &all, `SELECT document_id, media_type, size, stored_in FROM documents ORDER BY document_id`); err != nil {
		return v, fmt.Errorf("list documents: %w", err)
	}
	for i, d := range all {
		n, err := s.read(ctx, d.ID)
		switch {
		case errors.Is(err, ErrMissing), errors.Is(err, ErrDamaged):
			v.Bad = append(v.Bad, Bad{d, err.Error()})
		case err != nil:
			return v, err
		}
		v.Documents, v.Bytes = v.Documents+1, v.Bytes+n
		if progress != nil {
			progress(int64(i+1), int64(len(all)))
		}
	}
	return v, nil
}

func (s *Store) read(ctx context.Context, id string) (int64, error) {
	_, content, err := s.Get(ctx, id)
	if err != nil {
		return 0, err
	}
	defer content.Close()
	return io.Copy(io.Discard, content)
}
