package activities

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/business"
	"countersign/domain/calendar"
	"countersign/domain/refusal"
	"countersign/internal/documents"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Businesses records what is known about partners as companies. Everything is instant: a decision is one command.
type Businesses struct {
	DB    *sqlx.DB
	Store *documents.Store // nil: takes no files
}

// certification answers what is known about a partner at an instant and every guard of its certification that fails: the
// check of every process that pays (AUT-01, AUT-04, AUT-05, AUT-09). The partner's row is locked, so that no change of its
// business information begins meanwhile.
func certification(ctx context.Context, tx *sqlx.Tx, partner string, at time.Time) (refusal.List, business.Facts, error) {
	if _, err := tx.ExecContext(ctx, `SELECT 1 FROM partners WHERE partner_id = $1 FOR SHARE`, partner); err != nil {
		return nil, business.Facts{}, fmt.Errorf("lock partner %s: %w", partner, err)
	}
	f, err := businessFacts(ctx, tx, partner, at)
	return business.Certified(f, at), f, err
}

// businessFacts reads what is known about a partner; domain.ErrNotFound when there is none.
func businessFacts(ctx context.Context, q sqlx.QueryerContext, partner string, at time.Time) (business.Facts, error) {
	f := business.Facts{Partner: partner}
	var row struct {
		VerifiedName string `db:"verified_name"`
		Entity       string `db:"entity"`
		business.RealName
	}
	err := sqlx.GetContext(ctx, q, &row, partnerFactsSQL, partner, calendar.DateOf(at))
	if errors.Is(err, sql.ErrNoRows) {
		return f, unknown("partner", partner)
	}
	if err != nil {
		return f, fmt.Errorf("read partner %s: %w", partner, err)
	}
	f.VerifiedName, f.Entity, f.RealName = row.VerifiedName, row.Entity, row.RealName
	if err := sqlx.SelectContext(ctx, q, &f.Qualifications, `
		SELECT valid_from, valid_until FROM qualifications WHERE partner_id = $1 ORDER BY valid_from`, partner); err != nil {
		return f, fmt.Errorf("read qualifications: %w", err)
	}
	if f.Latest, err = informationWhere(ctx, q, partner, ``); err != nil {
		return f, err
	}
	f.Certified, err = informationWhere(ctx, q, partner, `AND status = 'passed'`)
	return f, err
}

const partnerFactsSQL = `
	SELECT p.verified_name, coalesce(r.status, '') AS status, r.valid_until,
	       coalesce((SELECT s.entity FROM signing_entities s WHERE s.partner_id = p.partner_id AND s.effective_from <= $2
	                  ORDER BY s.effective_from DESC LIMIT 1), p.entity) AS entity
	  FROM partners p LEFT JOIN real_names r USING (partner_id)
	 WHERE p.partner_id = $1`

// informationWhere reads the newest version that fits, one in review before all others; nil when there is none. The condition is a fixed fragment.
func informationWhere(ctx context.Context, q sqlx.QueryerContext, partner, condition string, args ...any) (*business.Information, error) {
	var i business.Information
	err := sqlx.GetContext(ctx, q, &i, informationSQL+condition+` ORDER BY status = 'in-review' DESC, version DESC LIMIT 1`, append([]any{partner}, args...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read business information of %s: %w", partner, err)
	}
	return &i, nil
}

const informationSQL = `
	SELECT version, company_name, code_type, code, registered_address, contact, taxpayer_type, service_fee_tax_rate, tax_number,
	       bank_account_name, bank_name, branch, account_no, settlement_currency, bank_letter, status, failure_reason, submitted_by, submitted_at, certified_at
	  FROM business_information WHERE partner_id = $1 `

// informationVersion is one version of a partner's business information, as a case kept it (AUT-08).
func informationVersion(ctx context.Context, q sqlx.QueryerContext, partner string, version int) (business.Information, error) {
	i, err := informationWhere(ctx, q, partner, `AND version = $2`, version)
	if err == nil && i == nil {
		err = fmt.Errorf("%w: partner %s has no business information %d", errDefect, partner, version)
	}
	if err != nil {
		return business.Information{}, err
	}
	return *i, nil
}

// BusinessStanding is where a partner's business information stands after a command.
type BusinessStanding struct {
	Partner string                `json:"partner"`
	Status  business.Status       `json:"status"`
	Latest  *business.Information `json:"latest,omitempty"`
	Waiting []WaitingRun          `json:"-"` // the runs that a decision lets go on
}

// WaitingRun is a run that waits for the result of a change of business information (AUT-05).
type WaitingRun struct {
	Case       string `db:"case_number"`
	WorkflowID string `db:"workflow_id"`
}

// SubmitBusinessInput submits business information, or changes it.
type SubmitBusinessInput struct {
	Submission business.Submission
	Letter     *documents.Document // the bank confirmation letter that comes with it (AUT-06); nil: none, or one that is stored
	At         time.Time
}

// SubmitBusiness puts business information into review. The same key with the same content changes nothing, with another
// one it is refused (COM-20); a refusal is one row in refusals.
func (b *Businesses) SubmitBusiness(ctx context.Context, in SubmitBusinessInput) (BusinessStanding, error) {
	in.At = stored(in.At)
	if in.Letter == nil {
		return b.submit(ctx, in, true)
	}
	in.Submission.Letter = in.Letter.ID
	if now, err := b.submit(ctx, in, false); err != nil { // a stranger's file is not even stored
		return now, err
	}
	if err := b.Store.Put(ctx, in.Letter); err != nil {
		return BusinessStanding{}, Final(err)
	}
	return b.submit(ctx, in, true)
}

// submit judges business information and, when it is to, writes it.
func (b *Businesses) submit(ctx context.Context, in SubmitBusinessInput, write bool) (BusinessStanding, error) {
	s := in.Submission
	return b.command(ctx, s.Partner, refusedRequest{
		Key: fmt.Sprintf("business/%s/%s/%s", s.Partner, s.RequestKey, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: "business", Action: "submit",
		Person: s.Submitter, Partner: s.Partner, RequestKey: s.RequestKey,
	}, func(tx *sqlx.Tx, f business.Facts) (refusal.List, error) {
		var digest []byte
		err := tx.GetContext(ctx, &digest, `SELECT request_digest FROM business_information WHERE partner_id = $1 AND request_key = $2`, s.Partner, s.RequestKey)
		switch {
		case err == nil && bytes.Equal(digest, s.Digest()):
			return nil, nil
		case err == nil:
			return refusal.List{disbursementRules["com_20_business_key"]}, nil
		case !errors.Is(err, sql.ErrNoRows):
			return nil, fmt.Errorf("look for request %s: %w", s.RequestKey, err)
		}
		by, err := findPerson(ctx, tx, s.Submitter)
		if err != nil {
			return nil, err
		}
		known, err := supplier(ctx, tx, s.CodeType, s.Code)
		if err != nil {
			return nil, err
		}
		info, list := business.JudgeSubmission(s, by, f, known)
		if len(list) > 0 || !write {
			return list, nil
		}
		if in.Letter != nil {
			if err := b.Store.Record(ctx, tx, in.Letter, s.Submitter, in.At); err != nil {
				return nil, err
			}
		}
		info.SubmittedBy, info.SubmittedAt = s.Submitter, in.At
		return nil, insertInformation(ctx, tx, s.Partner, info, s.RequestKey, s.Digest())
	})
}

func supplier(ctx context.Context, tx *sqlx.Tx, codeType, code string) (*business.Supplier, error) {
	var s business.Supplier
	err := tx.GetContext(ctx, &s, `SELECT account_no, entity, currency FROM supplier_file WHERE code_type = $1 AND code = $2`, codeType, code)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read supplier file: %w", err)
	}
	return &s, nil
}

func insertInformation(ctx context.Context, tx *sqlx.Tx, partner string, i business.Information, key string, digest []byte) error {
	if _, err := tx.ExecContext(ctx, insertInformationSQL, partner, i.Company, i.CodeType, i.Code, i.RegisteredAddress, i.Contact, i.Taxpayer, i.ServiceFeeRate,
		i.TaxNumber, i.AccountName, i.Bank, i.Branch, i.AccountNo, i.Currency, i.Letter, i.Status, i.SubmittedBy, i.SubmittedAt, key, digest, i.CertifiedAt); err != nil {
		return fmt.Errorf("insert business information: %w", err)
	}
	return nil
}

const insertInformationSQL = `
	INSERT INTO business_information (partner_id, version, company_name, code_type, code, registered_address, contact, taxpayer_type, service_fee_tax_rate,
	       tax_number, bank_account_name, bank_name, branch, account_no, settlement_currency, bank_letter, status, submitted_by, submitted_at, request_key, request_digest,
	       certified_at, decided_at)
	SELECT $1, 1 + coalesce((SELECT max(version) FROM business_information WHERE partner_id = $1), 0), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
	       $16, $17, $18::timestamptz, $19, $20, $21::timestamptz, $21`

// DecideBusinessInput passes or fails the business information that is in review.
type DecideBusinessInput struct {
	Partner string
	Person  string
	Pass    bool
	Reason  string // of a failure
	Key     string
	At      time.Time
}

// DecideBusiness decides what is in review: the partner is told, what passes is written to the supplier file (AUT-06), and
// the runs that wait for the result are answered, so that the caller can wake them (AUT-05).
func (b *Businesses) DecideBusiness(ctx context.Context, in DecideBusinessInput) (BusinessStanding, error) {
	in.At = stored(in.At)
	now, err := b.command(ctx, in.Partner, refusedRequest{
		Key: fmt.Sprintf("business/%s/decide/%s/%s", in.Partner, in.Key, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: "business", Action: "decide",
		Person: in.Person, Partner: in.Partner, RequestKey: in.Key,
	}, func(tx *sqlx.Tx, f business.Facts) (refusal.List, error) {
		if f.Latest != nil && in.Key != "" {
			done, list, err := in.before(ctx, tx)
			if done || err != nil || len(list) > 0 {
				return list, err
			}
		}
		by, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		if list := business.JudgeDecision(by, in.Person, in.Pass, in.Reason, f); len(list) > 0 {
			return list, nil
		}
		return nil, in.write(ctx, tx, f)
	})
	if err != nil {
		return now, err
	}
	if err := b.DB.SelectContext(ctx, &now.Waiting, waitingRunsSQL, in.Partner); err != nil {
		return now, Final(fmt.Errorf("look for waiting runs: %w", err))
	}
	return now, nil
}

const waitingRunsSQL = `
	SELECT case_number, workflow_id FROM cases JOIN requisitions USING (case_number) WHERE cases.partner_id = $1 AND closed_at IS NULL AND paused_at IS NOT NULL ORDER BY case_number`

// before tells whether the decision was made by an earlier run of it (COM-20).
func (in DecideBusinessInput) before(ctx context.Context, tx *sqlx.Tx) (bool, refusal.List, error) {
	var first struct {
		Status business.Status `db:"status"`
		By     string          `db:"decided_by"`
	}
	err := tx.GetContext(ctx, &first, `SELECT status, coalesce(decided_by, '') AS decided_by FROM business_information WHERE partner_id = $1 AND decision_key = $2`, in.Partner, in.Key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil, nil
	case err != nil:
		return false, nil, fmt.Errorf("look for decision %s: %w", in.Key, err)
	case first.By != in.Person || (first.Status == business.Passed) != in.Pass:
		return false, refusal.List{rules["com_20_decision_key"]}, nil
	}
	return true, nil, nil
}

func (in DecideBusinessInput) write(ctx context.Context, tx *sqlx.Tx, f business.Facts) error {
	status, reason := business.Passed, ""
	if !in.Pass {
		status, reason = business.Failed, in.Reason
	}
	res, err := tx.ExecContext(ctx, decideBusinessSQL, in.Partner, f.Latest.Version, status, reason, in.Person, in.At, in.Key)
	if err != nil {
		return fmt.Errorf("decide business information: %w", err)
	}
	if err := one(res, fmt.Errorf("%w: business information of %s is not in review", errDefect, in.Partner)); err != nil {
		return err
	}
	if in.Pass {
		if err := keepSupplier(ctx, tx, *f.Latest, f.Entity); err != nil {
			return err
		}
	}
	subject, body := business.Notice(in.Partner, in.Pass, reason) // AUT-07
	roles := make([]string, len(business.Applicants))
	for i, r := range business.Applicants {
		roles[i] = string(r)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT $1 || '/' || person_id, person_id, $2, $3, $4, $4 FROM people p
		 WHERE active AND (person_id = $5 OR partner_id = $6 AND held_roles(p.person_id) && $7::text[])
		ON CONFLICT (key) DO NOTHING`, fmt.Sprintf("business/%s/%d", in.Partner, f.Latest.Version), subject, body, in.At, f.Latest.SubmittedBy, in.Partner, pq.Array(roles)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

const decideBusinessSQL = `
	UPDATE business_information
	   SET status = $3, failure_reason = $4, decided_by = $5, decided_at = $6::timestamptz, decision_key = nullif($7, ''), certified_at = CASE WHEN $3 = 'passed' THEN $6::timestamptz END
	 WHERE partner_id = $1 AND version = $2 AND status = 'in-review'`

// keepSupplier writes to the supplier file what passed.
func keepSupplier(ctx context.Context, tx *sqlx.Tx, i business.Information, entity string) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO supplier_file (code_type, code, account_no, entity, currency) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (code_type, code) DO UPDATE SET account_no = excluded.account_no, entity = excluded.entity, currency = excluded.currency`,
		i.CodeType, i.Code, i.AccountNo, entity, i.Currency); err != nil {
		return fmt.Errorf("keep supplier file: %w", err)
	}
	return nil
}

// ReadBusiness answers what is known about a partner at an instant, with every guard of its certification that fails.
func (b *Businesses) ReadBusiness(ctx context.Context, partner string, at time.Time) (business.Facts, refusal.List, error) {
	f, err := businessFacts(ctx, b.DB, partner, at)
	if err != nil {
		return f, nil, Final(err)
	}
	return f, business.Certified(f, at), nil
}

// command runs one command about a partner's business information under the partner's lock; its refusal is recorded.
func (b *Businesses) command(ctx context.Context, partner string, r refusedRequest, f func(*sqlx.Tx, business.Facts) (refusal.List, error)) (BusinessStanding, error) {
	now := BusinessStanding{Partner: partner}
	err := judged(ctx, b.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		if _, err := tx.ExecContext(ctx, `SELECT 1 FROM partners WHERE partner_id = $1 FOR NO KEY UPDATE`, partner); err != nil {
			return nil, fmt.Errorf("lock partner %s: %w", partner, err)
		}
		facts, err := businessFacts(ctx, tx, partner, r.At)
		if err != nil {
			return nil, err
		}
		if list, err := f(tx, facts); err != nil || len(list) > 0 {
			return list, err
		}
		facts, err = businessFacts(ctx, tx, partner, r.At)
		now.Status, now.Latest = facts.Status(), facts.Latest
		return nil, err
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, r, list)
		return err
	})
	return now, Final(err)
}
