package activities

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"countersign/domain"
	"countersign/domain/bill"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/internal/documents"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/activity"
)

// Exports writes what a search of the incentive detail finds into files that are fetched later (INC-11).
type Exports struct {
	DB *sqlx.DB
	// Lines writes all lines that match to a file, whose ending says how, and reports after each how many are written; an error of that ends it.
	Lines func(ctx context.Context, f bill.LineFilter, file string, written func(lines int64) error) (bill.LineTotal, error)
	Limit int64 // octets of a file; zero: bill.ExportLimit
}

// Export is one search that was exported, without the file.
type Export struct {
	ID      int64             `db:"export_id"   json:"export"`
	Key     string            `db:"request_key" json:"request_key"`
	AskedBy string            `db:"asked_by"    json:"asked_by"`
	Filter  json.RawMessage   `db:"filter"      json:"filter"`
	Format  bill.ExportFormat `db:"format"      json:"format"`
	State   domain.State      `db:"state"       json:"state"`
	Lines   int64             `db:"lines"       json:"lines"`
	Amount  money.Amount      `db:"amount"      json:"amount"`
	Hash    string            `db:"sha256"      json:"sha256,omitempty"`
	AskedAt time.Time         `db:"asked_at"    json:"asked_at"`
	DoneAt  *time.Time        `db:"done_at"     json:"done_at,omitempty"`
	Error   string            `db:"error"       json:"error,omitempty"`
}

const exportSQL = `
	SELECT export_id, request_key, asked_by, filter, format, state, coalesce(lines, 0) AS lines, coalesce(amount, 0) AS amount, coalesce(sha256, '') AS sha256, asked_at, done_at, error
	  FROM exports`

func (e Export) object() string { return "export " + strconv.FormatInt(e.ID, 10) }

func (e Export) search() (f bill.LineFilter, err error) { return f, json.Unmarshal(e.Filter, &f) }

// AskExportInput asks for all lines that match, as a file.
type AskExportInput struct {
	Key    string // of the request
	Person string
	Filter bill.LineFilter // for a partner's person: their own partner's, which need not be said
	Format bill.ExportFormat
	At     time.Time
}

// AskExport records that an export runs; LinesExport does it. The same key with the same request answers the first export,
// however far it is, with another one it is refused (COM-20).
func (e *Exports) AskExport(ctx context.Context, in AskExportInput) (Export, error) {
	in.At = stored(in.At)
	var asked Export
	err := e.command(ctx, "ask", in.Person, in.Key, in.At, func(tx *sqlx.Tx, who *person.Person) (refusal.List, error) {
		if who != nil && !who.OfVendor() && in.Filter.Partner == "" {
			in.Filter.Partner = who.PartnerID
		}
		if list := in.guard(who); len(list) > 0 {
			return list, nil
		}
		filter, err := json.Marshal(in.Filter)
		if err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO exports (request_key, asked_by, filter, format, asked_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (request_key) DO NOTHING`,
			in.Key, in.Person, filter, in.Format, in.At); err != nil {
			return nil, fmt.Errorf("ask for export: %w", err)
		}
		err = tx.GetContext(ctx, &asked, exportSQL+` WHERE request_key = $1 AND asked_by = $2 AND filter = $3 AND format = $4`, in.Key, in.Person, filter, in.Format)
		if errors.Is(err, sql.ErrNoRows) {
			return refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "request key", "The request key %s is taken by another export; use a key of its own.", in.Key)}, nil
		}
		return nil, err
	})
	return asked, err
}

func (in AskExportInput) guard(who *person.Person) (list refusal.List) {
	switch {
	case who == nil || !who.Active:
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+in.Person, "%q is not an active person; speak as somebody who is registered.", in.Person))
	case !bill.MayExport(*who, in.Filter.Partner) && who.PartnerID == in.Filter.Partner:
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+in.Person, "%s holds neither the role %s nor %s; have one do it who does.", who.Name, bill.Deciders[0], bill.Deciders[1]))
	case !bill.MayExport(*who, in.Filter.Partner):
		list = append(list, refusal.New("INC-11", "CBC.0151", "partner "+in.Filter.Partner, "%s exports the lines of %s only; search for those.", who.Name, who.PartnerID))
	}
	if in.Format != bill.Workbook && in.Format != bill.CSV {
		list = append(list, refusal.New("INC-11", "CBC.0100", "format", "An export is written as %s or %s, not as %q; name one of them.", bill.Workbook, bill.CSV, in.Format))
	}
	if n := len([]rune(in.Key)); n < 1 || n > 64 {
		list = append(list, refusal.New("COM-03", "CBC.0100", "request key", "A request key has 1 to 64 characters."))
	}
	return list
}

// command runs a command about exports. It opens no case: a refusal of it is a row in refusals.
func (e *Exports) command(ctx context.Context, action, by, key string, at time.Time, f func(tx *sqlx.Tx, who *person.Person) (refusal.List, error)) error {
	return Final(judged(ctx, e.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		who, err := findPerson(ctx, tx, by)
		if err != nil {
			return nil, err
		}
		return f(tx, who)
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("%s/%s/%s/%s/%s", bill.ExportKind, action, by, key, at.Format(time.RFC3339Nano)),
			At:  at, Kind: bill.ExportKind, Action: action, Person: by, RequestKey: key,
		}, list)
		return err
	}))
}

// WriteExport writes the file of an export that runs and keeps it, in one transaction. One whose file is there stays as it
// is. The answer is why there can be no file, in a sentence; empty: there is one.
func (e *Exports) WriteExport(ctx context.Context, key string) (problem string, err error) {
	if activity.IsActivity(ctx) {
		stop := beating(ctx)
		defer stop()
	}
	x, err := e.find(ctx, e.DB, key)
	if err != nil || x.State != bill.Running || x.Hash != "" {
		return x.Error, Final(err)
	}
	folder, err := os.MkdirTemp("", "countersign-export-*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	content, total, err := e.write(ctx, x, folder)
	if errors.Is(err, errTooLarge) {
		return fmt.Sprintf("The file is larger than %s; narrow the search, by month or partner for example, and export it in parts.", documents.Octets(e.limit())), nil
	}
	if err != nil {
		return "", Final(fmt.Errorf("%s: %w", x.object(), err))
	}
	sum := sha256.Sum256(content)
	if _, err := e.DB.ExecContext(ctx, keepExportSQL, key, content, hex.EncodeToString(sum[:]), total.Lines, total.Amount); err != nil {
		return "", Final(fmt.Errorf("keep %s: %w", x.object(), err))
	}
	return "", nil
}

const keepExportSQL = `
	UPDATE exports SET content = $2, sha256 = $3, lines = $4, amount = $5 WHERE request_key = $1 AND state = 'RUNNING' AND content IS NULL`

var errTooLarge = errors.New("too large")

func (e *Exports) limit() int64 {
	if e.Limit > 0 {
		return e.Limit
	}
	return bill.ExportLimit
}

// write makes the file in a folder of its own; now and then it looks whether it grows too large.
func (e *Exports) write(ctx context.Context, x Export, folder string) ([]byte, bill.LineTotal, error) {
	var total bill.LineTotal
	filter, err := x.search()
	if err != nil {
		return nil, total, err
	}
	const look = 10_000 // lines
	file := filepath.Join(folder, "lines."+string(x.Format))
	total, err = e.Lines(ctx, filter, file, func(lines int64) error {
		if lines%look != 0 {
			return nil
		}
		return e.fits(folder)
	})
	if err != nil {
		return nil, total, err
	}
	if err := e.fits(folder); err != nil {
		return nil, total, err
	}
	content, err := os.ReadFile(file)
	return content, total, err
}

// fits tells whether what lies in a folder is small enough to be kept.
func (e *Exports) fits(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	size := int64(0)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		size += info.Size()
	}
	if size > e.limit() {
		return errTooLarge
	}
	return nil
}

func (e *Exports) find(ctx context.Context, q sqlx.QueryerContext, key string) (Export, error) {
	var x Export
	err := sqlx.GetContext(ctx, q, &x, exportSQL+` WHERE request_key = $1`, key)
	if errors.Is(err, sql.ErrNoRows) {
		return x, unknown("export", key)
	}
	return x, err
}

// CloseExportInput ends an export; a problem says that it failed.
type CloseExportInput struct {
	Key     string
	Problem string
	At      time.Time
}

// CloseExport ends an export that runs and tells whoever asked for it. One that has ended stays as it is.
func (e *Exports) CloseExport(ctx context.Context, in CloseExportInput) (Export, error) {
	var x Export
	err := inTx(ctx, e.DB, func(tx *sqlx.Tx) error {
		end, args := doneExportSQL, []any{in.Key, stored(in.At)}
		if in.Problem != "" {
			end, args = failExportSQL, append(args, in.Problem)
		}
		res, err := tx.ExecContext(ctx, end, args...)
		if err != nil {
			return fmt.Errorf("close export: %w", err)
		}
		ended, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if x, err = e.find(ctx, tx, in.Key); err != nil || ended == 0 {
			return err
		}
		subject, body := bill.ExportNotice(x.ID, x.Format, bill.LineTotal{Lines: x.Lines, Amount: x.Amount}, x.Error)
		_, err = tx.ExecContext(ctx, `
			INSERT INTO outbox (key, person_id, subject, body, written_at, next_at) VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (key) DO NOTHING`,
			bill.ExportKind+"/"+x.Key+"/ended", x.AskedBy, subject, body, x.DoneAt)
		return err
	})
	return x, Final(err)
}

// A clock that went back since the question ends an export when it was asked for. Of one that failed no file is kept.
const (
	doneExportSQL = `UPDATE exports SET state = 'DONE', done_at = greatest(asked_at, $2) WHERE request_key = $1 AND state = 'RUNNING'`
	failExportSQL = `
	UPDATE exports SET state = 'FAILED', error = $3, done_at = greatest(asked_at, $2), content = NULL, sha256 = NULL, lines = NULL, amount = NULL
	 WHERE request_key = $1 AND state = 'RUNNING'`
)

// FetchExportInput asks for the file of an export.
type FetchExportInput struct {
	ID     int64
	Person string // who asked for it, or vendor operations
	At     time.Time
}

// ExportFile is an export with its file.
type ExportFile struct {
	Export
	Content []byte `json:"-"`
}

// FetchExport answers the file of an export, once it was compared with its hash.
func (e *Exports) FetchExport(ctx context.Context, in FetchExportInput) (ExportFile, error) {
	in.At = stored(in.At)
	var x ExportFile
	number := strconv.FormatInt(in.ID, 10)
	err := e.command(ctx, "fetch", in.Person, number, in.At, func(tx *sqlx.Tx, who *person.Person) (refusal.List, error) {
		err := tx.GetContext(ctx, &x.Export, exportSQL+` WHERE export_id = $1`, in.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, unknown("export", number)
		}
		if err != nil {
			return nil, err
		}
		filter, err := x.search()
		if err != nil {
			return nil, err
		}
		switch {
		case who == nil || !bill.MayFetch(*who, x.AskedBy, filter.Partner): // INC-11
			return refusal.List{refusal.New("COM-16", "CBC.0151", x.object(), "Only who asked for it, or vendor operations, may have it; %q is neither. Ask for an export of your own.", in.Person)}, nil
		case x.State == bill.Running:
			return refusal.List{refusal.New("ENG-03", "ENG_STATE", x.object(), "It is still being written; fetch it when you are told that it is done.")}, nil
		case x.State == bill.Failed:
			return refusal.List{refusal.New("ENG-03", "ENG_STATE", x.object(), "It failed, and there is no file. %s", x.Error)}, nil
		}
		return nil, tx.GetContext(ctx, &x.Content, `SELECT content FROM exports WHERE export_id = $1`, in.ID)
	})
	if err != nil {
		return ExportFile{}, err
	}
	if sum := sha256.Sum256(x.Content); hex.EncodeToString(sum[:]) != x.Hash {
		return ExportFile{}, fmt.Errorf("%s is not what was written; ask for it again", x.object())
	}
	return x, nil
}
