package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/domain/invoice"
	"countersign/domain/refusal"
	"countersign/domain/requisition"

	"github.com/jmoiron/sqlx"
)

// askInvoice opens the invoice list, which is the requisition's own (PAY-08), and leaves the turn to the partner (INV-01, INV-12).
func (r *requisitionRow) askInvoice(ctx context.Context, tx *sqlx.Tx, e event, requested time.Time) (refusal.List, error) {
	info, err := informationVersion(ctx, tx, r.Partner, r.Version)
	if err != nil {
		return nil, err
	}
	if _, list, err := openInvoiceList(ctx, tx, invoiceOrder{
		Case: r.Number, Business: info, RequestedAt: requested, Buyer: r.Entity, ServiceItem: "incentive", Period: r.Period, Amount: r.Settlement, Due: r.InvoiceDue, At: e.At,
	}); err != nil || len(list) > 0 {
		return list, err
	}
	e.Rule = "INV-01"
	if err := moveCase(ctx, tx, &r.caseRow, moveTo{State: string(requisition.WaitingInvoice), DueAt: r.dueOf(), Amount: &r.Settlement}, e); err != nil {
		return nil, err
	}
	return nil, r.rewind(ctx, tx, e.At)
}

// step runs one step of a requisition under its lock.
func (q *Requisitions) step(ctx context.Context, s caseStep, f func(*sqlx.Tx, *requisitionRow) (refusal.List, error)) (Standing, error) {
	s.db = q.DB
	return s.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		if c.Kind != requisition.Kind {
			return nil, unknown("requisition", c.Number)
		}
		r, err := readRequisition(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		return f(tx, r)
	})
}

// invoices carries a requisition on when its invoices were sent, arrived or were reviewed.
func (requisitionCase) invoices(ctx context.Context, tx *sqlx.Tx, c caseRow, l invoice.List, e event) (refusal.List, error) {
	r, err := readRequisition(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	switch l.State {
	case invoice.InTransit: // it waits until they arrive
		if list := r.only(requisition.WaitingInvoice, "invoices are sent while it waits for them"); len(list) > 0 {
			return list, nil
		}
		e.From, e.To = r.State, r.State
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		return nil, r.rewind(ctx, tx, e.At)
	case invoice.InReview: // due on the second working day (INV-14)
		if err := moveCase(ctx, tx, &r.caseRow, moveTo{State: string(requisition.InvoiceReview)}, e); err != nil {
			return nil, err
		}
		policy, err := requisitionPolicy(ctx, tx, r.PolicyVersion, e.At)
		if err != nil {
			return nil, err
		}
		return openInvoiceReview(ctx, tx, r.caseRow, policy.ReviewRole, policy.EscalationRole, e.At)
	case invoice.ToReissue, invoice.ToIssue: // back to the partner for new ones (INV-15)
		if err := moveCase(ctx, tx, &r.caseRow, moveTo{State: string(requisition.WaitingInvoice), DueAt: r.dueOf()}, e); err != nil {
			return nil, err
		}
		return nil, r.rewind(ctx, tx, e.At)
	case invoice.Accepted:
	}
	return r.invoicesAccepted(ctx, tx, l, e)
}

// only refuses a step in any other state.
func (r *requisitionRow) only(s requisition.State, sentence string) refusal.List {
	if r.state() == s {
		return nil
	}
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+r.Number, "The requisition is %s; %s.", r.State, sentence)}
}

// GoOnInput says that a result of business information is there.
type GoOnInput struct {
	Case string
	At   time.Time
}

// GoOn lets a paused payment continue when no change of business information is in review any more (AUT-05). It changes
// nothing otherwise, so that it may come at any time.
func (q *Requisitions) GoOn(ctx context.Context, in GoOnInput) (Standing, error) {
	in.At = stored(in.At)
	s := caseStep{number: in.Case, key: "go-on/" + in.At.Format(time.RFC3339Nano), actor: "rule", via: viaRule, action: "resume", at: in.At}
	return q.step(ctx, s, func(tx *sqlx.Tx, r *requisitionRow) (refusal.List, error) {
		if r.state() != requisition.Paying || r.PausedAt == nil {
			return nil, nil
		}
		return r.settle(ctx, tx, in.At)
	})
}

// AskSpecialInput asks for another method, or to take the request back.
type AskSpecialInput struct {
	Case, Person, Key string
	Special           requisition.Special
	At                time.Time
}

// AskSpecial puts a special case to vendor operations, who answer within two working days (PAY-15). Without a special reason
// nothing changes after submission (PAY-14).
func (q *Requisitions) AskSpecial(ctx context.Context, in AskSpecialInput) (Standing, error) {
	in.At = stored(in.At)
	s := caseStep{number: in.Case, key: "special/" + in.Key, actor: in.Person, via: viaRequest, action: "ask for a special case", note: string(in.Special.Method) + " " + in.Special.Reason, at: in.At}
	return q.step(ctx, s, func(tx *sqlx.Tx, r *requisitionRow) (refusal.List, error) {
		submitted, policy, err := r.submitted(ctx, tx, in.At)
		if err != nil {
			return nil, err
		}
		by, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		if list := requisition.JudgeSpecial(by, in.Person, in.Special, submitted, policy); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO method_requests (case_number, key, wanted_method, reason, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			r.Number, in.Key, in.Special.Method, in.Special.Reason, in.Person, in.At); err != nil {
			return nil, fmt.Errorf("ask for special case: %w", err)
		}
		e := s.event()
		e.From, e.To, e.Rule = r.State, r.State, "PAY-15"
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		_, list, err := openRound(ctx, tx, r.caseRow, matterOpening{
			Matter: requisition.SpecialCase, Chain: policy.Chain(requisition.SpecialCase.Name), OpenedBy: in.Person, At: in.At, From: in.At, Amount: &r.Settlement,
			Question: fmt.Sprintf("Special case of %s: %s. Its reason: %s", r.Number, in.Special.Words(r.Method), in.Special.Reason),
		})
		return list, err
	})
}

// submitted is the requisition as a special case finds it.
func (r *requisitionRow) submitted(ctx context.Context, tx *sqlx.Tx, at time.Time) (requisition.Submitted, requisition.Policy, error) {
	s := requisition.Submitted{Case: r.Number, Partner: r.Partner, State: r.state(), Method: r.Method, Gross: r.Gross, Moved: r.SentAt != nil}
	policy, err := requisitionPolicy(ctx, tx, r.PolicyVersion, at)
	if err != nil {
		return s, policy, err
	}
	var bills []requisition.Bill
	if err := tx.SelectContext(ctx, &bills, `
		SELECT b.bill_id, b.association, b.generated_at FROM requisition_bills r JOIN bills b USING (bill_id) WHERE r.case_number = $1 AND r.amount > 0`, r.Number); err != nil {
		return s, policy, fmt.Errorf("read bills: %w", err)
	}
	for _, b := range bills {
		if g := requisition.GroupOf(b.Association, b.GeneratedAt, policy.CutOver); !slices.Contains(s.Groups, g) {
			s.Groups = append(s.Groups, g)
		}
	}
	if err := tx.GetContext(ctx, &s.Asked, `SELECT EXISTS (SELECT 1 FROM method_requests WHERE case_number = $1 AND state = 'asked')`, r.Number); err != nil {
		return s, policy, fmt.Errorf("look for special case: %w", err)
	}
	return s, policy, nil
}

// asked reads the special case that waits for its answer; nil when there is none.
func (r *requisitionRow) asked(ctx context.Context, tx *sqlx.Tx) (*requisition.Special, error) {
	var s struct {
		Method requisition.Method `db:"wanted_method"`
		Reason string             `db:"reason"`
	}
	err := tx.GetContext(ctx, &s, `SELECT wanted_method, reason FROM method_requests WHERE case_number = $1 AND state = 'asked'`, r.Number)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read special case: %w", err)
	}
	return &requisition.Special{Method: s.Method, Reason: s.Reason}, nil
}

// judgeSpecial checks again, when it is granted, that no money has moved meanwhile (PAY-15).
func (r *requisitionRow) judgeSpecial(ctx context.Context, tx *sqlx.Tx) (refusal.List, error) {
	wanted, err := r.asked(ctx, tx)
	if err != nil || wanted == nil { // it was answered or closed: its task says so
		return nil, err
	}
	submitted, policy, err := r.submitted(ctx, tx, r.OpenedAt)
	if err != nil {
		return nil, err
	}
	return requisition.JudgeChange(*wanted, submitted, policy), nil
}

// specialAnswered carries out what operations granted: the request is taken back, or goes on by another method (PAY-15).
func (r *requisitionRow) specialAnswered(ctx context.Context, tx *sqlx.Tx, granted bool, e event) (refusal.List, error) {
	wanted, err := r.asked(ctx, tx)
	if err != nil || wanted == nil {
		return nil, errors.Join(fmt.Errorf("%w: no special case of %s waits", errDefect, r.Number), err)
	}
	state := "refused"
	if granted {
		state = "granted"
	}
	if _, err := tx.ExecContext(ctx, `UPDATE method_requests SET state = $2, answered_at = $3 WHERE case_number = $1 AND state = 'asked'`, r.Number, state, e.At); err != nil {
		return nil, fmt.Errorf("answer special case: %w", err)
	}
	e.Rule = "PAY-15"
	if err := r.notify(ctx, tx, requisition.SpecialAsked, e.Key+"/answer", state+": "+wanted.Words(r.Method)+" "+e.Note, e.At); err != nil {
		return nil, err
	}
	switch {
	case !granted:
		e.From, e.To = r.State, r.State
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		return nil, r.rewind(ctx, tx, e.At)
	case wanted.Method == "":
		return nil, r.reject(ctx, tx, e)
	}
	return r.change(ctx, tx, wanted.Method, e)
}

// change carries a requisition on by another method. What was asked about the former one goes away.
func (r *requisitionRow) change(ctx context.Context, tx *sqlx.Tx, to requisition.Method, e event) (refusal.List, error) {
	if err := r.withdrawQuestions(ctx, tx, to, e.At); err != nil {
		return nil, err
	}
	info, err := informationVersion(ctx, tx, r.Partner, r.Version) // AUT-08: that of the submission
	if err != nil {
		return nil, err
	}
	r.Method, r.AccountName, r.Bank, r.Branch, r.AccountNo = to, "", "", "", ""
	if to == requisition.Bank {
		r.AccountName, r.Bank, r.Branch, r.AccountNo = info.AccountName, info.Bank, info.Branch, info.AccountNo
	}
	parts, err := r.parts(ctx, tx)
	if err != nil {
		return nil, err
	}
	r.Settlement = requisition.Settlement(to, r.Gross, parts, r.ServiceRate)
	if err := r.set(ctx, tx, `method = $2, settlement = $3, bank_account_name = $4, bank_name = $5, branch = $6, account_no = $7`,
		to, r.Settlement, r.AccountName, r.Bank, r.Branch, r.AccountNo); err != nil {
		return nil, err
	}
	switch state := r.state(); {
	case state == requisition.Paying:
		e.From, e.To = r.State, r.State
		if err := appendEvent(ctx, tx, e); err != nil {
			return nil, err
		}
		r.Attempts++
		if err := r.set(ctx, tx, `attempts = $2`, r.Attempts); err != nil {
			return nil, err
		}
		return r.settle(ctx, tx, e.At)
	case !to.NeedsInvoice(), state == requisition.Failed:
		return r.pay(ctx, tx, e)
	}
	e.From, e.To = r.State, r.State
	if err := appendEvent(ctx, tx, e); err != nil || r.state() != requisition.Review {
		return nil, err
	}
	return r.askReview(ctx, tx, e.At)
}

// withdrawQuestions closes what was asked about payment by the former method; the review of invoices stays where they are needed.
func (r *requisitionRow) withdrawQuestions(ctx context.Context, tx *sqlx.Tx, to requisition.Method, at time.Time) error {
	stays := ""
	if to.NeedsInvoice() {
		stays = invoice.Review.Name
	}
	if err := endPayment(ctx, tx, r.Number, false, at); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE tasks SET state = 'closed' WHERE case_number = $1 AND state IN ('open', 'waiting') AND matter <> $2`,
		r.Number, stays); err != nil {
		return fmt.Errorf("withdraw tasks: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE approvals SET outcome = 'closed', closed_at = $3 WHERE case_number = $1 AND outcome = '' AND matter <> $2`,
		r.Number, stays, at); err != nil {
		return fmt.Errorf("withdraw rounds: %w", err)
	}
	return nil
}

// closeSpecial closes a special case whose requisition ended meanwhile.
func closeSpecial(ctx context.Context, tx *sqlx.Tx, number string, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE method_requests SET state = 'closed', answered_at = $2 WHERE case_number = $1 AND state = 'asked'`, number, at); err != nil {
		return fmt.Errorf("close special case: %w", err)
	}
	return nil
}
