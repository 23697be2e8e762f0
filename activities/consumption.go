package activities

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"countersign/domain/consumption"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Consumption takes in what customers used, file by file. No person decides and no clock runs: each method is one
// transaction and no workflow.
type Consumption struct{ DB *sqlx.DB }

// ImportInput is one file of consumption.
type ImportInput struct {
	Name     string
	Content  io.ReadSeeker // read once, again when it has rows that are known; its size is no matter
	Person   string
	At       time.Time
	Partial  bool                  // take the good rows of a file that has bad ones
	Limit    int                   // of the faults that are told; all are counted
	Progress func(done, all int64) // octets; may be nil
}

// ImportReport is what became of a file.
type ImportReport struct {
	Import   int64               `json:"import"` // its number; 0: nothing of it was taken in
	File     string              `json:"file"`
	Format   consumption.Format  `json:"format"`
	Known    bool                `json:"known"`    // the whole file was taken in before, as that import
	Added    int64               `json:"added"`    // rows
	Old      int64               `json:"old"`      // rows that other files brought
	Repeated int64               `json:"repeated"` // rows that stand in the file more than once, without the first
	Bad      int64               `json:"bad"`      // rows that are left out, and with them the whole file unless Partial
	Faults   []consumption.Fault `json:"faults"`
}

// Import takes in a file, all of it or nothing; a file that was taken in before adds nothing, and neither does a row that
// another file brought (ENG-01). Bad rows are no error, see the report.
func (c *Consumption) Import(ctx context.Context, in ImportInput) (ImportReport, error) {
	in.At = stored(in.At)
	f := &intake{ImportInput: in, db: c.DB}
	err := f.take(ctx)
	if errors.Is(err, errKnownRow) { // most files have none, and looking for them costs twice the time
		f.sift = true
		err = f.take(ctx)
	}
	return f.report, Final(err)
}

// digestOf reads a file to its end, for its hash.
func digestOf(ctx context.Context, content io.ReadSeeker) (digest [32]byte, err error) {
	h := sha256.New()
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return digest, err
	}
	_, err = io.Copy(h, readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return content.Read(p)
	}))
	return [32]byte(h.Sum(nil)), err
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// mayImport refuses whoever is not of the vendor's operations.
func mayImport(ctx context.Context, tx *sqlx.Tx, by string) (refusal.List, error) {
	who, err := findPerson(ctx, tx, by)
	if err != nil {
		return nil, err
	}
	if who == nil || !who.OfVendor() || !who.Holds(person.VendorOperations) {
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+by,
			"Only the vendor's operations take in consumption; %q is not one of them. Have somebody with the role %s do it.", by, person.VendorOperations)}, nil
	}
	return nil, nil
}

// oneAtATime lets imports, and changes of what they look at, wait for each other. What is read in the transaction holds
// until its end, and two files that have rows in common cannot wait for one another.
func oneAtATime(ctx context.Context, tx *sqlx.Tx) error {
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('consumption'))`); err != nil {
		return fmt.Errorf("lock consumption: %w", err)
	}
	return nil
}

// readKnown reads accounts, bindings and rates: as many as there are customers and months, however long the file is.
func readKnown(ctx context.Context, tx *sqlx.Tx) (consumption.Known, error) {
	k := consumption.Known{Accounts: map[consumption.Account]string{}, Bindings: map[string][]consumption.Binding{}, Rates: map[consumption.Rate]rate{}}
	var accounts []AccountRecord
	if err := tx.SelectContext(ctx, &accounts, `SELECT provider, billing_account, sub_account, customer_id FROM billing_accounts`); err != nil {
		return k, fmt.Errorf("read billing accounts: %w", err)
	}
	for _, a := range accounts {
		k.Accounts[consumption.Account{Provider: a.Provider, BillingAccount: a.BillingAccount, SubAccount: a.SubAccount}] = a.Customer
	}
	var bindings []struct {
		Customer    string     `db:"customer_id"`
		Partner     *string    `db:"partner_id"`
		Association *string    `db:"association"`
		Tier2       *string    `db:"tier2"`
		From        *time.Time `db:"bound_from"`
		Until       *time.Time `db:"bound_until"`
	}
	if err := tx.SelectContext(ctx, &bindings, `
		SELECT customer_id, b.partner_id, association, tier2, bound_from, bound_until
		  FROM customers c LEFT JOIN customer_bindings b USING (customer_id) ORDER BY customer_id, bound_from`); err != nil {
		return k, fmt.Errorf("read bindings: %w", err)
	}
	for _, b := range bindings {
		if b.Partner == nil {
			k.Bindings[b.Customer] = nil // a customer without any
			continue
		}
		binding := consumption.Binding{Partner: *b.Partner, Association: consumption.Association(*b.Association), From: *b.From}
		if b.Tier2 != nil {
			binding.Tier2 = *b.Tier2
		}
		if b.Until != nil {
			binding.Until = *b.Until
		}
		k.Bindings[b.Customer] = append(k.Bindings[b.Customer], binding)
	}
	var rates []rateRow
	if err := tx.SelectContext(ctx, &rates, `SELECT currency, month, rate FROM exchange_rates`); err != nil {
		return k, fmt.Errorf("read rates: %w", err)
	}
	for _, r := range rates {
		k.Rates[consumption.Rate{Currency: r.Currency, Month: r.Month}] = r.Rate
	}
	return k, nil
}

// errKnownRow tells that a row of the file is there already.
var errKnownRow = errors.New("a row is known")

// knownRow recognises the violation of a partition's primary key.
func knownRow(err error) error {
	var violation *pq.Error
	if errors.As(err, &violation) && violation.Code == "23505" {
		return fmt.Errorf("%w: %w", errKnownRow, err)
	}
	return err
}
