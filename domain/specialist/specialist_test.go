package specialist_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/specialist"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var file = strings.Repeat("ab", 32)

func application(path specialist.Path) specialist.Application {
	return specialist.Application{RequestKey: "k1", PartnerID: "P1001", Submitter: "mei", Account: "A1", Path: path, Materials: []string{file}}
}

func administrator() specialist.Caller {
	roles := []person.Role{person.PartnerAdministrator}
	return specialist.Caller{
		ID: "mei", Of: &organisation.Person{ID: "mei", Name: "Mei", Partner: "P1001", Active: true, Status: organisation.Active, Roles: roles},
		Person: &person.Person{ID: "mei", Name: "Mei", PartnerID: "P1001", Active: true, Roles: roles},
	}
}

func facts() specialist.Facts {
	return specialist.Facts{Caller: administrator(), Known: true, Linked: true, Location: "Shenzhen"}
}

// Rule: ORG-38, ORG-39, ORG-40, ORG-41, PGM-08
func TestGivenAMember_WhenTheAdministratorApplies_ThenEveryFailedGuardIsToldInItsOrder(t *testing.T) {
	for _, path := range specialist.Paths {
		require.Empty(t, specialist.Judge(application(path), facts()), path)
	}
	for _, path := range []specialist.Path{"DST", "SW", "OTH", ""} { // ORG-40
		require.Equal(t, []string{"SPC_PATH"}, specialist.Judge(application(path), facts()).Codes(), path)
	}

	without := facts()
	without.Location = ""
	require.Equal(t, []string{"SPC_LOCATION"}, specialist.Judge(application("SVC"), without).Codes())
	invited := facts()
	invited.Linked = false
	require.Equal(t, []string{"SPC_NOT_BOUND"}, specialist.Judge(application("SVC"), invited).Codes())
	other := facts()
	other.Other = "PS000009"
	require.Equal(t, []string{"SPC_STATE"}, specialist.Judge(application("SVC"), other).Codes(), "an application on another path is running")

	all := specialist.Facts{Caller: specialist.Caller{ID: "mei"}, Known: true, Live: "PS000001", State: specialist.Review}
	a := application("DST")
	a.RequestKey, a.Materials = "", nil
	require.Equal(t, []string{"CBC.0151", "CBC.0100", "CBC.0100"}, specialist.Judge(a, all).Codes(), "a stranger learns nothing about the member")
	all.Caller = administrator()
	require.Equal(t, []string{"CBC.0100", "CBC.0100", "SPC_NOT_BOUND", "SPC_LOCATION", "SPC_PATH", "SPC_STATE"}, specialist.Judge(a, all).Codes())
	unknown := facts()
	unknown.Known = false
	require.Equal(t, []string{"CBC.5001"}, specialist.Judge(application("SVC"), unknown).Codes())
	clerk := facts()
	clerk.Caller.Of.Roles = []person.Role{person.PartnerIncentives}
	require.Equal(t, []string{"CBC.0151"}, specialist.Judge(application("SVC"), clerk).Codes())
	a = application("SVC")
	a.Materials = []string{"contract.pdf"}
	require.Equal(t, []string{"CBC.0100"}, specialist.Judge(a, facts()).Codes(), "a name is no document")
}

// Rule: ORG-41
func TestGivenALiveCase_WhenTheMemberIsAppliedForAgain_ThenOnlyARejectionLetsIt(t *testing.T) {
	for _, s := range []specialist.State{specialist.Review, specialist.Rejected, specialist.Recognised, specialist.CancelReview, specialist.CancelRejected} {
		f := facts()
		f.Live, f.State = "PS000001", s
		if s == specialist.Rejected {
			require.Empty(t, specialist.Judge(application("SVC"), f))
			continue
		}
		require.Equal(t, []string{"SPC_STATE"}, specialist.Judge(application("SVC"), f).Codes(), s)
	}
}

// Rule: ORG-42, ORG-43
func TestGivenAState_WhenAStepIsAskedFor_ThenOnlyItsOwnStatesAllowIt(t *testing.T) {
	vendor := specialist.Caller{ID: "ou", Person: &person.Person{ID: "ou", Name: "Ou", Active: true, Roles: []person.Role{person.VendorOperations}}}
	for _, s := range []specialist.State{
		specialist.Review, specialist.Rejected, specialist.Recognised, specialist.CancelReview, specialist.CancelRejected, specialist.CancelApproved, specialist.Revoked,
	} {
		step := specialist.Step{Key: "k", Caller: administrator(), Case: "PS000001", PartnerID: "P1001", State: s, Reason: "left the company", Document: file, Enclosed: true}
		require.Equal(t, specialist.CanMove(s, specialist.CancelReview), len(specialist.JudgeCancel(step)) == 0, "cancel in %s", s)
		require.Equal(t, specialist.CanMove(s, specialist.CancelRejected), len(specialist.JudgeWithdraw(step)) == 0, "withdraw in %s", s)
		step.Caller = vendor
		require.Equal(t, specialist.CanMove(s, specialist.Revoked), len(specialist.JudgeRevoke(step)) == 0, "revoke in %s", s)
	}

	normal := specialist.Step{Key: "k", Caller: administrator(), Case: "PS000001", PartnerID: "P1001", State: specialist.Recognised, Reason: "left"}
	require.Equal(t, []string{"SPC_REASON_FILE"}, specialist.JudgeCancel(normal).Codes(), "normal without file")
	normal.Document, normal.Enclosed, normal.Reason = file, true, " "
	normal.Reason = specialist.Reason(normal.Reason)
	require.Equal(t, []string{"SPC_REASON_FILE"}, specialist.JudgeCancel(normal).Codes(), "a file without reason")
	normal.State = specialist.Review
	require.Equal(t, []string{"SPC_STATE", "SPC_REASON_FILE"}, specialist.JudgeCancel(normal).Codes(), "both at once")
	normal.Caller = vendor
	require.Equal(t, "CBC.0151", specialist.JudgeCancel(normal).Codes()[0], "the vendor does not apply")
	normal.Caller = administrator()
	require.Equal(t, []string{"CBC.0151", "SPC_STATE", "SPC_REASON_FILE"}, specialist.JudgeRevoke(normal).Codes())
	long := normal
	long.Caller, long.State, long.Reason = vendor, specialist.Recognised, specialist.Reason(strings.Repeat("长", specialist.MaxReason+1))
	require.Equal(t, []string{"SPC_REASON_FILE"}, specialist.JudgeRevoke(long).Codes())
}

// Rule: ORG-37
func TestGivenASpecialistsState_WhenTheLinkIsToEnd_ThenOnlyWhoIsNoSpecialistAndNotUnderReviewMayGo(t *testing.T) {
	for s, free := range map[specialist.State]bool{
		"": true, specialist.Rejected: true, specialist.CancelApproved: true, specialist.Revoked: true,
		specialist.Review: false, specialist.Recognised: false, specialist.CancelReview: false, specialist.CancelRejected: false,
	} {
		require.Equal(t, free, specialist.Unbindable(s), s)
	}
}

// Whatever happens, in whichever order: a case only ever goes by lawful steps, ends once, and is decided only while it is asked.
//
// Rule: ORG-41, ORG-42, ORG-43, ENG-03
func TestWhateverIsAskedAndDecidedEveryStepIsLawfulAndAnEndIsAnEnd(t *testing.T) {
	vendor := specialist.Caller{ID: "ou", Person: &person.Person{ID: "ou", Name: "Ou", Active: true, Roles: []person.Role{person.VendorOperations}}}
	rapid.Check(t, func(t *rapid.T) {
		state, before := specialist.Review, specialist.State("")
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			s := specialist.Step{Key: "k", Caller: administrator(), Case: "PS000001", PartnerID: "P1001", State: state, Reason: "left", Document: file, Enclosed: true}
			f := facts()
			f.Live, f.State = "PS000001", state
			allowed := map[specialist.State]bool{}
			if len(specialist.Judge(application("SVC"), f)) == 0 {
				allowed[specialist.Review] = true
			}
			if len(specialist.JudgeCancel(s)) == 0 {
				allowed[specialist.CancelReview] = true
			}
			if len(specialist.JudgeWithdraw(s)) == 0 {
				allowed[before] = true
			}
			if s.Caller = vendor; len(specialist.JudgeRevoke(s)) == 0 {
				allowed[specialist.Revoked] = true
			}
			for _, m := range specialist.Matters {
				if asked := map[string]specialist.State{"review": specialist.Review, "cancellation": specialist.CancelReview}[m.Name]; asked == state {
					allowed[specialist.VerdictOf(m, approval.Approve).To], allowed[specialist.VerdictOf(m, approval.Reject).To] = true, true
				}
			}
			for to := range allowed {
				if !specialist.CanMove(state, to) {
					t.Fatalf("%s leads to %s, which is no lawful step", state, to)
				}
			}
			if ended := len(allowed) == 0; ended != specialist.Ended(state) {
				t.Fatalf("%s leads to %v", state, allowed)
			} else if ended {
				return
			}
			to := rapid.SampledFrom(slices.Sorted(maps.Keys(allowed))).Draw(t, "to")
			if to == specialist.CancelReview {
				before = state
			}
			state = to
		}
	})
}

// Rule: ORG-38
func TestGivenAPolicy_WhenItIsChecked_ThenStepsOfBothMattersBearDifferentNames(t *testing.T) {
	p := specialist.DefaultPolicy()
	require.NoError(t, p.Check())
	steps := approval.Chain{Steps: []approval.Step{{Name: "vendor", Who: []approval.Candidate{{Role: person.VendorOperations}}}}}
	p.Approval, p.Cancellation = steps, steps
	require.ErrorContains(t, p.Check(), "vendor")
	require.Error(t, specialist.Policy{}.Check())
	require.Empty(t, specialist.MatterOf("other").Approve)
}
