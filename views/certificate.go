package views

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"countersign/domain"
	"countersign/domain/certificate"
)

// Certificate is one certificate as its partner sees it.
type Certificate struct {
	Number  string            `db:"certificate_no" json:"certificate"`
	Kind    certificate.Kind  `db:"kind"           json:"kind"`
	Partner string            `db:"partner_id"     json:"partner"`
	Subject string            `db:"subject"        json:"subject"`
	Holder  string            `db:"holder"         json:"holder"`
	Name    string            `db:"name"           json:"name"`
	Grade   string            `db:"grade"          json:"grade"`
	Version string            `db:"version"        json:"version,omitempty"`
	Issuer  string            `db:"issuer"         json:"issuer"`
	Case    string            `db:"case_number"    json:"case"`
	Cycle   int               `db:"cycle"          json:"cycle"`
	From    time.Time         `db:"valid_from"     json:"valid_from"`
	Until   time.Time         `db:"valid_until"    json:"valid_until"` // this instant out
	Issued  time.Time         `db:"issued_at"      json:"issued_at"`
	By      string            `db:"replaced_by"    json:"replaced_by,omitempty"`
	Over    *time.Time        `db:"replaced_at"    json:"replaced_at,omitempty"`
	Ended   *time.Time        `db:"ended_at"       json:"ended_at,omitempty"` // the plan's membership ended early
	State   certificate.State `db:"-"              json:"state"`              // at the instant that was asked for
	Code    string            `db:"code"           json:"-"`                  // on the paper only
}

// Validity is when it holds.
func (c Certificate) Validity() certificate.Validity {
	return certificate.Validity{From: c.From, Until: c.Until, ReplacedAt: c.Over, EndedAt: c.Ended}
}

// Address is where it is verified, under the configured address.
func (c Certificate) Address(base string) string { return base + "/" + c.Number + "/" + c.Code }

// CertificateFilter narrows a list; an empty field takes all.
type CertificateFilter struct{ Number, Partner, Subject, Case string }

// Certificates lists certificates, the newest first, with what they are at an instant.
func (r Reader) Certificates(ctx context.Context, f CertificateFilter, at time.Time) ([]Certificate, error) {
	all, err := rows[Certificate](ctx, r.q(), "certificates", certificatesSQL, f.Number, f.Partner, f.Subject, f.Case)
	for i := range all {
		all[i].State = all[i].Validity().At(at)
	}
	return all, err
}

// Certificate is one of them by its number.
func (r Reader) Certificate(ctx context.Context, number string, at time.Time) (Certificate, error) {
	c, err := row[Certificate](ctx, r.q(), "certificate", number, certificatesSQL, number, "", "", "")
	c.State = c.Validity().At(at)
	return c, err
}

const certificatesSQL = `
	SELECT c.certificate_no, c.kind, c.partner_id, c.subject, c.holder, c.name, c.grade, c.version, c.issuer, c.case_number, c.cycle, c.valid_from, c.valid_until,
	       c.issued_at, coalesce(c.replaced_by, '') AS replaced_by, n.issued_at AS replaced_at, c.code,
	       CASE WHEN c.kind = 'plan' THEN (SELECT i.until_at FROM plan_identities i WHERE i.partner_id = c.partner_id AND i.plan = c.subject AND i.from_at <= c.issued_at
	                                        ORDER BY i.from_at DESC LIMIT 1) END AS ended_at
	  FROM certificates c LEFT JOIN certificates n ON n.certificate_no = c.replaced_by
	 WHERE ($1 = '' OR c.certificate_no = $1) AND ($2 = '' OR c.partner_id = $2) AND ($3 = '' OR c.subject = $3) AND ($4 = '' OR c.case_number = $4)
	 ORDER BY c.issued_at DESC, c.certificate_no DESC`

// VerifiedCertificate is what anybody is told who has a certificate's number and code: nothing of any person, and nothing at all
// without the code.
type VerifiedCertificate struct {
	Number     string            `json:"certificate"`
	State      certificate.State `json:"state"`
	At         time.Time         `json:"at"`
	Title      string            `json:"title,omitempty"`
	Holder     string            `json:"holder,omitempty"`
	Name       string            `json:"name,omitempty"`
	Grade      string            `json:"grade,omitempty"`
	Version    string            `json:"version,omitempty"`
	Issuer     string            `json:"issuer,omitempty"`
	From       string            `json:"valid_from,omitempty"`
	Until      string            `json:"valid_until,omitempty"`
	ReplacedBy string            `json:"replaced_by,omitempty"` // from then on that it was
}

// VerifyCertificate says what a certificate is at an instant.
func (r Reader) VerifyCertificate(ctx context.Context, number, code string, at time.Time) (VerifiedCertificate, error) {
	v := VerifiedCertificate{Number: number, State: certificate.Unknown, At: at}
	c, err := r.Certificate(ctx, number, at)
	if errors.Is(err, domain.ErrNotFound) || err == nil && subtle.ConstantTimeCompare([]byte(code), []byte(c.Code)) != 1 {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	v.State, v.Title, v.Holder, v.Name, v.Grade, v.Version = c.State, c.Kind.Title().String(), c.Holder, certificate.Spelt(c.Name), certificate.Spelt(c.Grade), c.Version
	v.Issuer, v.From, v.Until = c.Issuer, c.Validity().FromText(), c.Validity().UntilText()
	if c.State == certificate.Replaced {
		v.ReplacedBy = c.By
	}
	return v, nil
}
