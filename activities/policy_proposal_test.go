package activities_test

import (
	"testing"
	"time"

	"countersign/activities"
	"countersign/demo"
	"countersign/domain/organisation"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// policyOffice is the demo programme with a second person who may set policies.
func policyOffice(t *testing.T) (*activities.Programme, *sqlx.DB) {
	t.Helper()
	db := pgtest.New(t)
	p := &activities.Programme{DB: db}
	file, err := activities.ParseProgramme(demo.Programme)
	require.NoError(t, err)
	_, err = p.Load(t.Context(), file, "test", proposedAt)
	require.NoError(t, err)
	db.MustExec(`INSERT INTO people (person_id, name) VALUES ('he', 'He Qing'), ('gu', 'Gu Yan')`)
	db.MustExec(`INSERT INTO person_roles (person_id, role) VALUES ('he', 'vendor-operations'), ('gu', 'vendor-operations')`)
	return p, db
}

var proposedAt = time.Date(2026, time.November, 3, 1, 0, 0, 0, time.UTC)

func refusedWith(t *testing.T, err error, rule string) {
	t.Helper()
	list := activities.RefusalOf(err)
	require.NotEmpty(t, list, "%v", err)
	require.Equal(t, rule, list[0].Rule, list.Error())
}

func TestGivenAProposedPolicyWhenItIsDecidedThenASecondPairOfEyesActivatesItOnce(t *testing.T) {
	ctx := t.Context()
	p, db := policyOffice(t)
	policy := withdrawal.DefaultPolicy()
	policy.CodeTries = 3
	in := activities.ProposePolicyInput{Kind: withdrawal.Kind, Policy: policy, Base: 1, Note: "fewer tries", Person: "zhao", Key: "k1", At: proposedAt}
	id, err := p.ProposePolicy(ctx, in)
	require.NoError(t, err)
	again, err := p.ProposePolicy(ctx, in)
	require.NoError(t, err)
	require.Equal(t, id, again, "one key is one proposal")
	other := in
	other.Note = "something else"
	_, err = p.ProposePolicy(ctx, other)
	refusedWith(t, err, "COM-20")

	decide := func(who, outcome, reason string) (int, error) {
		return p.DecideProposal(ctx, activities.DecideProposalInput{Proposal: id, Outcome: outcome, Person: who, Reason: reason, At: proposedAt.Add(time.Hour)})
	}
	_, err = decide("zhao", activities.Activated, "")
	refusedWith(t, err, "ENG-02")
	_, err = decide("li", activities.Activated, "")
	refusedWith(t, err, "COM-16")
	_, err = decide("he", activities.Withdrawn, "")
	refusedWith(t, err, "COM-16")
	_, err = decide("he", activities.Rejected, "")
	refusedWith(t, err, "COM-08")
	_, err = decide("he", "blessed", "")
	refusedWith(t, err, "COM-08")
	var versions int
	require.NoError(t, db.Get(&versions, `SELECT max(version) FROM policies WHERE kind = 'withdrawal'`))
	require.Equal(t, 1, versions, "nothing counts before it is activated")

	version, err := decide("he", activities.Activated, "")
	require.NoError(t, err)
	require.Equal(t, 2, version)
	version, err = decide("he", activities.Activated, "")
	require.NoError(t, err)
	require.Equal(t, 2, version, "a double click activates once")
	again, err = p.ProposePolicy(ctx, in)
	require.NoError(t, err)
	require.Equal(t, id, again, "the form that is sent once more is that proposal still (COM-20)")
	_, err = decide("gu", activities.Rejected, "too late")
	refusedWith(t, err, "ENG-03")
	var tries, by string
	require.NoError(t, db.QueryRow(`SELECT body ->> 'code_tries', set_by FROM policies WHERE kind = 'withdrawal' AND version = 2`).Scan(&tries, &by))
	require.Equal(t, []string{"3", "zhao"}, []string{tries, by})
	_, err = db.Exec(`UPDATE policy_proposals SET reason = 'x'`)
	require.ErrorContains(t, err, "UPDATE is refused", "what was decided stays (PGM-12)")
}

func TestGivenAnotherVersionSetMeanwhileWhenAProposalIsActivatedThenItIsRefusedAndMayBeTakenBack(t *testing.T) {
	ctx := t.Context()
	p, _ := policyOffice(t)
	policy := withdrawal.DefaultPolicy()
	policy.CodeTries = 3
	id, err := p.ProposePolicy(ctx, activities.ProposePolicyInput{Kind: withdrawal.Kind, Policy: policy, Base: 1, Note: "n", Person: "he", Key: "k1", At: proposedAt})
	require.NoError(t, err)
	policy.CodeTries = 4
	_, err = p.SetPolicy(ctx, withdrawal.Kind, policy, "zhao", proposedAt)
	require.NoError(t, err)
	_, err = p.DecideProposal(ctx, activities.DecideProposalInput{Proposal: id, Outcome: activities.Activated, Person: "zhao", At: proposedAt})
	refusedWith(t, err, "ENG-03")
	version, err := p.DecideProposal(ctx, activities.DecideProposalInput{Proposal: id, Outcome: activities.Withdrawn, Person: "he", At: proposedAt})
	require.NoError(t, err)
	require.Zero(t, version)
	_, err = p.ProposePolicy(ctx, activities.ProposePolicyInput{Kind: withdrawal.Kind, Policy: policy, Base: 2, Note: "n", Person: "he", Key: "k2", At: proposedAt})
	refusedWith(t, err, "COM-08") // the newest says the same
	policy.CodeTries = 5
	old := activities.ProposePolicyInput{Kind: withdrawal.Kind, Policy: policy, Base: 1, Note: "n", Person: "he", Key: "k5", At: proposedAt}
	_, err = p.ProposePolicy(ctx, old)
	refusedWith(t, err, "ENG-03") // made from version 1, it would undo version 2
	old.Base = 2
	_, err = p.ProposePolicy(ctx, old)
	require.NoError(t, err, "nothing was done under the key")
	_, err = p.ProposePolicy(ctx, activities.ProposePolicyInput{Kind: withdrawal.Kind, Policy: withdrawal.DefaultPolicy(), Person: "he", Key: "k3", At: proposedAt})
	refusedWith(t, err, "COM-08") // no note
	_, err = p.ProposePolicy(ctx, activities.ProposePolicyInput{Kind: withdrawal.Kind, Policy: policy, Note: "n", Person: "li", Key: "k4", At: proposedAt})
	refusedWith(t, err, "COM-16")
	_, err = p.DecideProposal(ctx, activities.DecideProposalInput{Proposal: 999, Outcome: activities.Activated, Person: "zhao", At: proposedAt})
	require.True(t, activities.IsNotFound(err), "%v", err)
}

// COM-10: each unmasking is a line of the audit log; a refused one is a refusal.
func TestGivenMaskedColumnsWhenThePartnersPeopleAreUncoveredThenEachPressIsWrittenDown(t *testing.T) {
	ctx := t.Context()
	_, db := policyOffice(t)
	o := &activities.Organisation{DB: db}
	in := activities.UnmaskInput{Person: "wang", Partner: "P1001", List: organisation.PersonList, Columns: []string{"mobile", "email"}, At: proposedAt}
	require.NoError(t, o.Unmask(ctx, in))
	require.NoError(t, o.Unmask(ctx, in), "the same press once more")
	in.At = proposedAt.Add(time.Minute)
	in.Columns = []string{"email"}
	require.NoError(t, o.Unmask(ctx, in))
	var lines int
	require.NoError(t, db.Get(&lines, `SELECT count(*) FROM audit_log WHERE person_id = 'wang' AND of_partner = 'P1001' AND list = 'persons'`))
	require.Equal(t, 3, lines)

	in.Person = "li"
	refusedWith(t, o.Unmask(ctx, in), "COM-16")
	in.Person, in.Columns = "wang", []string{"password"}
	refusedWith(t, o.Unmask(ctx, in), "COM-08")
	require.NoError(t, db.Get(&lines, `SELECT count(*) FROM audit_log`))
	require.Equal(t, 3, lines, "what is refused uncovers nothing")
	require.NoError(t, db.Get(&lines, `SELECT count(*) FROM refusals WHERE action = 'unmask'`))
	require.Equal(t, 2, lines)
}
