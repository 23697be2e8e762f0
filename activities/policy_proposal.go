package activities

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain/incentive"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// MaySetPolicies tells whether somebody proposes and activates policies in the console.
func MaySetPolicies(p person.Person) bool {
	return p.OfVendor() && p.Holds(person.VendorOperations, person.FinanceManager)
}

// proposalRules are the constraints of proposals that repeat a rule.
var proposalRules = map[string]refusal.Refusal{
	"eng_02_second_pair": refusal.New("ENG-02", "ENG_SELF_APPROVAL", "proposal", "Who proposed a policy does not activate or reject it; ask a colleague."),
}

// ProposePolicyInput is a new version of a policy that somebody proposes.
type ProposePolicyInput struct {
	Kind   string
	Policy interface{ Check() error }
	Base   int    // the version of the kind that it was made from; 0: there was none
	Note   string // why; 1 to 500 characters
	Person string
	Key    string // of the request; the same once more proposes nothing (COM-20)
	At     time.Time
}

// ProposePolicy writes down a new version for somebody else to activate, and answers its number. Refused: people without the role
// (COM-16), a missing note, what the newest version says already (COM-08), what was made from an older version and would undo
// the newest one unseen (ENG-03).
func (p *Programme) ProposePolicy(ctx context.Context, in ProposePolicyInput) (int64, error) {
	in.Note = strings.TrimSpace(in.Note)
	var id int64
	err := inTx(ctx, p.DB, func(tx *sqlx.Tx) error {
		if err := maySetPolicies(ctx, tx, in.Person); err != nil {
			return err
		}
		if reflect.TypeOf(policyTypes[in.Kind]) != reflect.TypeOf(in.Policy) {
			return unknown("policy for", in.Kind)
		}
		if err := in.Policy.Check(); err != nil {
			return fmt.Errorf("the policy of %s is not in order: %w", in.Kind, err)
		}
		if n := utf8.RuneCountInString(in.Note); n < 1 || n > 500 {
			return refusal.List{refusal.New("COM-08", "CBC.0100", "note", "Say why the policy changes, in 1 to 500 characters: who activates it reads that.")}
		}
		if n := len(in.Key); n < 1 || n > 64 {
			return refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "proposal", "The form has no key of its own; open it again.")}
		}
		body, err := json.Marshal(in.Policy)
		if err != nil {
			return err
		}
		if id, err = proposedBefore(ctx, tx, in, body); id != 0 || err != nil { // whatever became of it meanwhile
			return err
		}
		newest, err := newestPolicy(ctx, tx, in.Kind, in.Policy)
		switch {
		case err != nil:
			return err
		case newest.same(body):
			return refusal.List{refusal.New("COM-08", "CBC.0100", "policy", "Version %d says exactly this already; change something first.", newest.Version)}
		case newest.Version > in.Base:
			return refusal.List{refusal.New("ENG-03", "ENG_STATE", "policy", "Version %d is newer than the one that this form began with; check what you would change now, then propose it.", newest.Version)}
		}
		err = tx.GetContext(ctx, &id, proposeSQL, in.Kind, body, newest.Version, in.Note, in.Person, stored(in.At), in.Key)
		if errors.Is(err, sql.ErrNoRows) { // the form was sent twice at once
			id, err = proposedBefore(ctx, tx, in, body)
		}
		if err != nil {
			return fmt.Errorf("propose policy: %w", err)
		}
		return nil
	})
	return id, Final(err)
}

const proposeSQL = `
	INSERT INTO policy_proposals (kind, body, base, note, proposed_by, proposed_at, request_key) VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (proposed_by, request_key) DO NOTHING RETURNING proposal_id`

// proposedBefore answers the proposal that the key made, if it is the same one (COM-20); 0: it made none.
func proposedBefore(ctx context.Context, tx *sqlx.Tx, in ProposePolicyInput, body []byte) (int64, error) {
	var before struct {
		ID   int64 `db:"proposal_id"`
		Same bool  `db:"same"`
	}
	err := tx.GetContext(ctx, &before, `
		SELECT proposal_id, kind = $3 AND body = $4::jsonb AND note = $5 AS same FROM policy_proposals WHERE proposed_by = $1 AND request_key = $2`,
		in.Person, in.Key, in.Kind, body, in.Note)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, nil
	case err == nil && !before.Same:
		return 0, refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "proposal", "This form was sent before with other content; open the form again.")}
	}
	return before.ID, err
}

func maySetPolicies(ctx context.Context, tx *sqlx.Tx, id string) error {
	who, err := findPerson(ctx, tx, id)
	if err != nil {
		return err
	}
	if who == nil || !MaySetPolicies(*who) {
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+id, "%q holds neither the role %s nor %s; somebody with one of them sets policies.", id, person.VendorOperations, person.FinanceManager)}
	}
	return nil
}

// policyVersion is a version of a policy.
type policyVersion struct {
	Version int    `db:"version"`
	Body    []byte `db:"body"`
}

// same tells whether a policy says the same, whatever version it bears.
func (v policyVersion) same(body []byte) bool {
	var before, after map[string]any
	if json.Unmarshal(v.Body, &before) != nil || json.Unmarshal(body, &after) != nil {
		return false
	}
	delete(before, "version")
	delete(after, "version")
	return reflect.DeepEqual(before, after)
}

// newestPolicy reads the version that a policy would follow, of an incentive plan that plan's; the zero version: there is none.
func newestPolicy(ctx context.Context, tx *sqlx.Tx, kind string, policy any) (policyVersion, error) {
	plan := ""
	if p, ok := policy.(incentive.Policy); ok {
		plan = p.PlanName
	}
	var v policyVersion
	err := tx.GetContext(ctx, &v, `
		SELECT version, body FROM policies WHERE kind = $1 AND ($2 = '' OR body ->> 'plan_name' = $2) ORDER BY version DESC LIMIT 1`, kind, plan)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return v, fmt.Errorf("look for policy: %w", err)
	}
	return v, nil
}

// What becomes of a proposal.
const (
	Activated = "activated"
	Rejected  = "rejected"
	Withdrawn = "withdrawn"
)

// DecideProposalInput is what somebody decides about a proposal.
type DecideProposalInput struct {
	Proposal int64
	Outcome  string // activated, rejected, or withdrawn by who proposed it
	Person   string
	Reason   string // at most 500 characters; needed to reject
	At       time.Time
}

// DecideProposal activates a proposed policy, rejects it or takes it back, and answers the version that it became (0: none). The same
// decision of the same person once more changes nothing. Refused: people without the role (COM-16), who proposed it (ENG-02), one that
// is decided, one that another version has overtaken (ENG-03).
func (p *Programme) DecideProposal(ctx context.Context, in DecideProposalInput) (int, error) {
	in.At, in.Reason = stored(in.At), strings.TrimSpace(in.Reason)
	var version int
	err := inTx(ctx, p.DB, func(tx *sqlx.Tx) (err error) {
		if err := maySetPolicies(ctx, tx, in.Person); err != nil {
			return err
		}
		proposed, err := lockProposal(ctx, tx, in.Proposal)
		if err != nil {
			return err
		}
		if proposed.Outcome == in.Outcome && proposed.DecidedBy == in.Person {
			version = proposed.Version
			return nil
		}
		if list := proposed.judge(in); len(list) > 0 {
			return list
		}
		if in.Outcome == Activated {
			if version, err = activate(ctx, tx, proposed, in.At); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE policy_proposals SET outcome = $2, decided_by = $3, decided_at = $4, reason = $5, version = nullif($6, 0) WHERE proposal_id = $1`,
			in.Proposal, in.Outcome, in.Person, in.At, in.Reason, version)
		if err != nil {
			return fmt.Errorf("decide proposal: %w", err)
		}
		return nil
	})
	return version, Final(err)
}

// proposal is a proposed policy under its lock.
type proposal struct {
	ID         int64  `db:"proposal_id"`
	Kind       string `db:"kind"`
	Body       []byte `db:"body"`
	Base       int    `db:"base"`
	ProposedBy string `db:"proposed_by"`
	Outcome    string `db:"outcome"`
	DecidedBy  string `db:"decided_by"`
	Version    int    `db:"version"`
}

func lockProposal(ctx context.Context, tx *sqlx.Tx, id int64) (proposal, error) {
	var p proposal
	err := tx.GetContext(ctx, &p, `
		SELECT proposal_id, kind, body, base, proposed_by, coalesce(outcome, '') AS outcome, coalesce(decided_by, '') AS decided_by, coalesce(version, 0) AS version
		  FROM policy_proposals WHERE proposal_id = $1 FOR UPDATE`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return p, unknown("proposal", fmt.Sprint(id))
	}
	if err != nil {
		return p, fmt.Errorf("lock proposal: %w", err)
	}
	return p, nil
}

func (p proposal) judge(in DecideProposalInput) refusal.List {
	object := fmt.Sprintf("proposal %d", p.ID)
	var list refusal.List
	switch {
	case in.Outcome != Activated && in.Outcome != Rejected && in.Outcome != Withdrawn:
		list = append(list, refusal.New("COM-08", "CBC.0100", object, "A proposal is activated, rejected or withdrawn; %q is none of it.", in.Outcome))
	case in.Outcome == Withdrawn && in.Person != p.ProposedBy:
		list = append(list, refusal.New("COM-16", "CBC.0151", object, "Only who proposed a policy takes it back; you may reject it."))
	case in.Outcome != Withdrawn && in.Person == p.ProposedBy:
		list = append(list, proposalRules["eng_02_second_pair"])
	}
	if p.Outcome != "" {
		list = append(list, refusal.New("ENG-03", "ENG_STATE", object, "This proposal is %s already.", p.Outcome))
	}
	if n := utf8.RuneCountInString(in.Reason); n > 500 || in.Outcome == Rejected && n == 0 {
		list = append(list, refusal.New("COM-08", "CBC.0100", "reason", "Say why, in 1 to 500 characters."))
	}
	return list
}

// activate makes a proposal the newest version, unless another one came meanwhile.
func activate(ctx context.Context, tx *sqlx.Tx, p proposal, at time.Time) (int, error) {
	policy := reflect.New(reflect.TypeOf(policyTypes[p.Kind]))
	if err := json.Unmarshal(p.Body, policy.Interface()); err != nil {
		return 0, fmt.Errorf("%w: proposal %d: %w", errDefect, p.ID, err)
	}
	checked, ok := policy.Elem().Interface().(interface{ Check() error })
	if !ok {
		return 0, fmt.Errorf("%w: a policy of %s has no check", errDefect, p.Kind)
	}
	if _, err := tx.ExecContext(ctx, lockPoliciesSQL, p.Kind); err != nil { // before looking for the newest
		return 0, fmt.Errorf("lock policies: %w", err)
	}
	newest, err := newestPolicy(ctx, tx, p.Kind, checked)
	if err != nil {
		return 0, err
	}
	if newest.Version != p.Base {
		return 0, refusal.List{refusal.New("ENG-03", "ENG_STATE", fmt.Sprintf("proposal %d", p.ID),
			"Version %d was set after this was proposed on top of version %d; reject it, and propose the change anew.", newest.Version, p.Base)}
	}
	return setPolicy(ctx, tx, p.Kind, checked, p.ProposedBy, at)
}
