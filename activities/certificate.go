package activities

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"countersign/domain/certificate"
	"countersign/domain/refusal"
	"countersign/internal/pdf"

	"github.com/jmoiron/sqlx"
)

// certificateOf is what a certificate certifies.
type certificateOf struct {
	Kind    certificate.Kind
	Partner string
	Subject string // the solution's number, the plan
	Name    string // of the solution, the plan
	Grade   string // CLOUD or ADV; the tier
	Version string // of a solution
	Case    string // that was approved
	Cycle   int    // which of its approvals, from 1
	From    time.Time
	Until   time.Time // out
	At      time.Time // when it is issued
}

// issueCertificate issues a certificate in the transaction that approves, under the case's lock, and takes the place of the one
// that the partner has of the same subject. One for each case and cycle: the second time answers the first.
func issueCertificate(ctx context.Context, tx *sqlx.Tx, of certificateOf) (number string, err error) {
	err = tx.GetContext(ctx, &number, `SELECT certificate_no FROM certificates WHERE case_number = $1 AND cycle = $2`, of.Case, of.Cycle)
	if !errors.Is(err, sql.ErrNoRows) {
		return number, err
	}
	partner, err := businessFacts(ctx, tx, of.Partner, of.At)
	if err != nil {
		return "", err
	}
	if err := tx.GetContext(ctx, &number, `SELECT numbered(to_char($1::timestamptz AT TIME ZONE interval '08:00', '"CERT-"YYYY"-"'), nextval('certificate_numbers'))`, of.At); err != nil {
		return "", fmt.Errorf("number certificate: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE certificates SET replaced_by = $4 WHERE kind = $1 AND partner_id = $2 AND subject = $3 AND replaced_by IS NULL`,
		of.Kind, of.Partner, of.Subject, number); err != nil {
		return "", fmt.Errorf("replace certificate: %w", err)
	}
	code := make([]byte, 16)
	if _, err := rand.Read(code); err != nil {
		return "", fmt.Errorf("draw code: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO certificates (certificate_no, kind, partner_id, subject, holder, name, grade, version, issuer, case_number, cycle, valid_from, valid_until, issued_at, code)
		SELECT $1, $2, p.partner_id, $4, `+holderSQL+`, $5, $6, $7, coalesce((SELECT v.name FROM vendor_addresses v WHERE v.entity = $8), $8), $9, $10, $11, $12, $13, $14
		  FROM partners p WHERE p.partner_id = $3`,
		number, of.Kind, of.Partner, of.Subject, of.Name, of.Grade, of.Version, partner.Entity, of.Case, of.Cycle, of.From, of.Until, of.At,
		base64.RawURLEncoding.EncodeToString(code)); err != nil {
		return "", fmt.Errorf("issue certificate: %w", err)
	}
	return number, nil
}

// unprintable refuses names with which no certificate could be printed, before anybody reviews them (CERT-20).
func unprintable(object string, texts ...string) (refusal.List, error) {
	for _, text := range texts {
		var missing *pdf.Missing
		switch err := pdf.Printable(text); {
		case errors.As(err, &missing):
			return refusal.List{refusal.New("CERT-20", "CBC.0100", object, "No certificate could be printed: %s.", missing)}, nil
		case err != nil:
			return nil, err
		}
	}
	return nil, nil
}

// holderSQL is whom a certificate of a partner p names: its verified name, else its company's, else the account's (CERT-20).
const holderSQL = `coalesce(nullif(p.verified_name, ''), (SELECT c.name FROM companies c WHERE c.company_id = p.company_id), p.name)`
