package activities

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"countersign/domain/calendar"
	"countersign/domain/consumption"
	"countersign/internal/csvfile"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// intake is one file on its way in.
type intake struct {
	ImportInput
	db     *sqlx.DB
	size   int64 // when it began
	digest [32]byte
	octets int64 // read so far
	sift   bool  // some of the rows are known: look at each

	conn   *sqlx.Conn
	tx     *sqlx.Tx
	known  consumption.Known
	copy   *copying
	months map[calendar.Date]bool // that have their partitions
	rates  map[consumption.Rate]bool
	number int64
	rows   int64 // good ones
	report ImportReport
}

// errLeftOut rolls a file back that is not taken in.
var errLeftOut = errors.New("left out")

// take runs the one transaction. COPY needs the connection itself, so it is not inTx that opens it.
func (f *intake) take(ctx context.Context) (err error) {
	if f.conn, err = f.db.Connx(ctx); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer f.conn.Close()
	// Interrupted, the transaction may not roll itself back in the midst of a COPY: both would wait for the server's answer.
	if f.tx, err = f.conn.BeginTxx(context.WithoutCancel(ctx), nil); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer f.tx.Rollback()
	f.copy, f.rows = nil, 0
	f.months, f.rates = map[calendar.Date]bool{}, map[consumption.Rate]bool{}
	f.report = ImportReport{File: f.Name, Faults: []consumption.Fault{}}
	err = f.steps(ctx)
	f.copy.abandon()
	switch {
	case errors.Is(err, errLeftOut):
		return nil
	case ctx.Err() != nil: // whatever the interrupted connection said
		return ctx.Err()
	case err != nil:
		return byConstraint(err)
	}
	if err := f.tx.Commit(); err != nil {
		return byConstraint(fmt.Errorf("commit: %w", err))
	}
	f.report.Import = f.number
	return nil
}

func (f *intake) steps(ctx context.Context) error {
	if refused, err := mayImport(ctx, f.tx, f.Person); err != nil || len(refused) > 0 {
		return errors.Join(err, refused.Err())
	}
	if err := oneAtATime(ctx, f.tx); err != nil {
		return err
	}
	if err := f.lookForFile(ctx); err != nil {
		return err
	}
	var err error
	if f.known, err = readKnown(ctx, f.tx); err != nil {
		return err
	}
	if err := f.tx.GetContext(ctx, &f.number, `SELECT nextval('consumption_import_numbers')`); err != nil {
		return fmt.Errorf("draw number: %w", err)
	}
	if f.sift {
		if _, err := f.tx.ExecContext(ctx, makeIncomingSQL); err != nil {
			return fmt.Errorf("make incoming: %w", err)
		}
	}
	if err := f.read(ctx); err != nil {
		return err
	}
	if err := f.stopIfKnown(ctx); err != nil {
		return err
	}
	f.report.Added = f.rows
	if f.sift && !f.leftOut() {
		if err := f.addIncoming(ctx); err != nil {
			return err
		}
	}
	if f.leftOut() {
		f.report.Added, f.report.Old, f.report.Repeated = 0, 0, 0
		return errLeftOut
	}
	return f.record(ctx)
}

// leftOut tells whether nothing of the file is taken: it has bad rows, or no others.
func (f *intake) leftOut() bool { return f.report.Bad > 0 && (!f.Partial || f.rows == 0) }

// lookForFile stops at a file that was taken in before as a whole (ENG-01). It is read for that only if one of its size was.
func (f *intake) lookForFile(ctx context.Context) (err error) {
	if f.size, err = f.Content.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("read %s: %w", f.Name, err)
	}
	var maybe bool
	if err := f.tx.GetContext(ctx, &maybe, `SELECT EXISTS (SELECT 1 FROM consumption_imports WHERE octets = $1 AND rows_bad = 0)`, f.size); err != nil {
		return fmt.Errorf("look for the file: %w", err)
	}
	if !maybe {
		return nil
	}
	if f.digest, err = digestOf(ctx, f.Content); err != nil {
		return fmt.Errorf("read %s: %w", f.Name, err)
	}
	return f.stopIfKnown(ctx)
}

func (f *intake) stopIfKnown(ctx context.Context) error {
	var number int64
	var format consumption.Format
	err := f.tx.QueryRowContext(ctx, `SELECT import_id, format FROM consumption_imports WHERE content_hash = $1 AND rows_bad = 0`, f.digest[:]).Scan(&number, &format)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look for the file: %w", err)
	}
	f.report = ImportReport{Import: number, File: f.Name, Format: format, Known: true, Faults: []consumption.Fault{}}
	return errLeftOut
}

// read goes through the file once. After the first bad row nothing more is sent, unless the good ones are wanted.
func (f *intake) read(ctx context.Context) error {
	if _, err := f.Content.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", f.Name, err)
	}
	hash, digest := hashBeside()
	defer hash.Close()
	f.octets = 0
	file, err := csvfile.NewReader(io.TeeReader(readerFunc(func(p []byte) (int, error) {
		n, err := f.Content.Read(p)
		if f.octets += int64(n); f.Progress != nil {
			f.Progress(f.octets, f.size)
		}
		return n, err
	}), hash))
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	layout, err := consumption.NewLayout(file.Header)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	f.report.Format = layout.Format
	for {
		fields, line, err := file.Read()
		var bad *csvfile.BadRecord
		switch {
		case errors.As(err, &bad):
			f.fault([]consumption.Fault{{Line: bad.Line, Column: bad.Column, Reason: bad.Reason}})
			continue
		case errors.Is(err, io.EOF):
			f.digest = digest() // of what was read: the file may have changed since it was looked for
			if f.rows == 0 && f.report.Bad == 0 {
				return fmt.Errorf("%s has no rows below its first line", f.Name)
			}
			return f.copy.end(ctx)
		case err != nil:
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if err := f.one(ctx, layout, fields, line); err != nil {
			return err
		}
	}
}

// hashBeside hashes what is written in a goroutine of its own, which takes a sixth of a billing export's import off the one that reads. Closed, or asked
// for the digest, it ends.
func hashBeside() (w io.WriteCloser, digest func() [32]byte) {
	from, to := io.Pipe()
	sum := make(chan [32]byte, 1)
	go func() {
		h := sha256.New()
		_, _ = io.CopyBuffer(h, from, make([]byte, 1<<16)) // as much as is read at once, so that the writer need not wait; neither of them fails
		sum <- [32]byte(h.Sum(nil))
	}()
	return to, func() [32]byte {
		_ = to.Close()
		return <-sum
	}
}

// one judges one row and sends it.
func (f *intake) one(ctx context.Context, layout *consumption.Layout, fields []string, line int) error {
	row, faults := layout.Read(fields, line, f.At)
	if len(faults) > 0 {
		f.fault(faults)
		return nil
	}
	placed, faults := f.known.Place(row, layout.Format)
	if len(faults) > 0 {
		f.fault(faults)
		return nil
	}
	f.rows++
	if f.leftOut() {
		return nil
	}
	if row.Currency != consumption.Home {
		f.rates[consumption.Rate{Currency: row.Currency, Month: placed.Period}] = true
	}
	if err := f.month(ctx, placed.Period); err != nil {
		return err
	}
	return f.copy.add(ctx, f.number, row, placed)
}

// fault counts a bad row, and keeps why while there is room.
func (f *intake) fault(faults []consumption.Fault) {
	f.report.Bad++
	f.report.Faults = append(f.report.Faults, faults[:min(len(faults), max(0, f.Limit-len(f.report.Faults)))]...)
}

// month sees to the partitions of a month and to a COPY that knows them: one that runs does not see what was made since.
// They are made by another connection and committed at once, so that no reader waits for this transaction.
func (f *intake) month(ctx context.Context, month calendar.Date) error {
	if f.months[month] {
		return nil
	}
	if err := f.copy.end(ctx); err != nil {
		return err
	}
	if _, err := f.db.ExecContext(ctx, `SELECT consumption_month($1)`, month); err != nil {
		return fmt.Errorf("make partitions of %s: %w", consumption.MonthText(month), err)
	}
	f.months[month] = true
	table := "consumption"
	if f.sift {
		table = "incoming"
	}
	var err error
	f.copy, err = beginCopy(ctx, f.conn, table)
	return err
}

// record writes the import down, and that its rates stay.
func (f *intake) record(ctx context.Context) error {
	r := f.report
	if _, err := f.tx.ExecContext(ctx, `
		INSERT INTO consumption_imports (import_id, content_hash, octets, file_name, format, rows_added, rows_known, rows_repeated, rows_bad, imported_by, imported_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		f.number, f.digest[:], f.octets, f.Name, r.Format, r.Added, r.Old, r.Repeated, r.Bad, f.Person, f.At); err != nil {
		return fmt.Errorf("record import: %w", err)
	}
	var currencies, months []string
	for r := range f.rates {
		currencies, months = append(currencies, r.Currency), append(months, r.Month.String())
	}
	if _, err := f.tx.ExecContext(ctx, `
		UPDATE exchange_rates SET first_import = $1
		 WHERE first_import IS NULL AND (currency, month) IN (SELECT * FROM unnest($2::text[], $3::date[]))`, f.number, pq.Array(currencies), pq.Array(months)); err != nil {
		return fmt.Errorf("record rates: %w", err)
	}
	return nil
}

// addIncoming adds the rows that are not there yet, and tells the others apart: brought by another file, repeated in this
// one, or of a name (row_id) that stands for something else.
func (f *intake) addIncoming(ctx context.Context) error {
	res, err := f.tx.ExecContext(ctx, addIncomingSQL)
	if err != nil {
		return fmt.Errorf("add incoming: %w", err)
	}
	if f.report.Added, err = res.RowsAffected(); err != nil {
		return err
	}
	if _, err := f.tx.ExecContext(ctx, `ANALYZE incoming`); err != nil {
		return fmt.Errorf("analyze incoming: %w", err)
	}
	var differ int64
	if err := f.tx.QueryRowContext(ctx, countIncomingSQL, f.number).Scan(&f.report.Old, &f.report.Repeated, &differ); err != nil {
		return fmt.Errorf("count incoming: %w", err)
	}
	f.report.Repeated -= f.report.Added
	if differ == 0 {
		return nil
	}
	var others []struct {
		Line   int   `db:"line"`
		Import int64 `db:"import_id"`
		There  int   `db:"there"`
	}
	if err := f.tx.SelectContext(ctx, &others, differingSQL, max(0, f.Limit-len(f.report.Faults))); err != nil {
		return fmt.Errorf("look for other rows: %w", err)
	}
	for _, o := range others {
		where := fmt.Sprintf("line %d of import %d", o.There, o.Import)
		if o.Import == f.number {
			where = fmt.Sprintf("line %d", o.There)
		}
		f.report.Faults = append(f.report.Faults, consumption.Fault{Line: o.Line, Column: "row_id", Reason: "the same row_id stands for another row, " + where})
	}
	f.report.Bad += differ
	f.rows -= differ
	return nil
}

var columns = strings.Join(copied, ", ")

var (
	makeIncomingSQL = `CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT ` + columns + ` FROM consumption WITH NO DATA`
	addIncomingSQL  = `INSERT INTO consumption (` + columns + `) SELECT ` + columns + ` FROM incoming ON CONFLICT DO NOTHING`

	countIncomingSQL = `
	SELECT count(*) FILTER (WHERE NOT d AND import_id <> $1), count(*) FILTER (WHERE NOT d AND import_id = $1), count(*) FILTER (WHERE d)
	  FROM (SELECT c.import_id, ` + differs + ` AS d FROM incoming i JOIN consumption c USING (period, partner_id, row_key)) j`

	differingSQL = `
	SELECT i.line, c.import_id, c.line AS there FROM incoming i JOIN consumption c USING (period, partner_id, row_key)
	 WHERE ` + differs + ` ORDER BY i.line LIMIT $1`
)

const differs = `(
	(i.customer_id, i.order_id, i.product, i.billing_mode, i.charge, i.region, i.marketplace, i.used_at, i.posted_at, i.currency, i.cash, i.stored_value_card, i.voucher, i.excluded_coupon)
	<> (c.customer_id, c.order_id, c.product, c.billing_mode, c.charge, c.region, c.marketplace, c.used_at, c.posted_at, c.currency, c.cash, c.stored_value_card, c.voucher, c.excluded_coupon))`
