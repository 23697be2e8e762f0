package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/lab"
	"countersign/domain/person"

	"github.com/stretchr/testify/require"
)

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

var mei = &person.Person{ID: "mei", Name: "Mei", PartnerID: "P1001", Active: true, Roles: []person.Role{person.PartnerAdministrator}}

func application() lab.Application {
	return lab.Application{RequestKey: "k1", PartnerID: "P1001", Submitter: "mei", Path: "SW", Account: "A-1", Points: 100, Purpose: "verify a migration"}
}

func facts() lab.Facts {
	return lab.Facts{Policy: lab.DefaultPolicy(), Submitter: mei, Known: true, Stage: "SELECTED", Linked: true}
}

func TestGivenAnApplication_WhenItIsJudged_ThenEveryGuardThatFailsIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*lab.Application, *lab.Facts)
		codes  string
		rule   string // of the first
	}{
		"LAB-02: SW Selected":        {func(*lab.Application, *lab.Facts) {}, "", ""},
		"LAB-02: SVC Differentiated": {func(a *lab.Application, f *lab.Facts) { a.Path, f.Stage = "SVC", "DIFFERENTIATED" }, "", ""},
		"LAB-02: SVC RoleCertified":  {func(a *lab.Application, f *lab.Facts) { a.Path, f.Stage = "SVC", "ROLE_CERTIFIED" }, "", ""},
		"LAB-02: on no path":         {func(_ *lab.Application, f *lab.Facts) { f.Stage = "" }, "LAB_STAGE", "LAB-02"},
		"LAB-02: no such path":       {func(a *lab.Application, _ *lab.Facts) { a.Path = "sw" }, "LAB_STAGE", "LAB-02"},
		"LAB-13: LRN RoleCertified":  {func(a *lab.Application, f *lab.Facts) { a.Path, f.Stage = "LRN", "ROLE_CERTIFIED" }, "LAB_STAGE", "LAB-13"},
		"LAB-13: LRN after it was opened": {func(a *lab.Application, f *lab.Facts) {
			a.Path, f.Stage, f.Policy.OtherPaths = "LRN", "ROLE_CERTIFIED", []string{"LRN"}
		}, "", ""},
		"LAB-13: DST while only LRN is open": {func(a *lab.Application, f *lab.Facts) { a.Path, f.Policy.OtherPaths = "DST", []string{"LRN"} }, "LAB_STAGE", "LAB-13"},
		"LAB-03: 30":                         {func(a *lab.Application, _ *lab.Facts) { a.Points = 30 }, "LAB_SIZE", "LAB-03"},
		"LAB-03: 250":                        {func(a *lab.Application, _ *lab.Facts) { a.Points = 250 }, "", ""},
		"LAB-05: not linked":                 {func(_ *lab.Application, f *lab.Facts) { f.Linked = false }, "LAB_USER", "LAB-05"},
		"LAB-08: edited in review": {func(_ *lab.Application, f *lab.Facts) {
			f.Edits = &lab.Credit{Case: "L000001", Partner: "P1001", State: lab.UnderReview}
		}, "LAB_STATE", "LAB-08"},
		"LAB-08: edited when approved": {func(_ *lab.Application, f *lab.Facts) {
			f.Edits = &lab.Credit{Case: "L000001", Partner: "P1001", State: lab.Approved}
		}, "LAB_STATE", "LAB-08"},
		"LAB-08: edited when issued": {func(_ *lab.Application, f *lab.Facts) {
			f.Edits = &lab.Credit{Case: "L000001", Partner: "P1001", State: lab.Issued}
		}, "LAB_STATE", "LAB-08"},
		"LAB-07: edited when rejected": {func(_ *lab.Application, f *lab.Facts) {
			f.Edits = &lab.Credit{Case: "L000001", Partner: "P1001", State: lab.Rejected}
		}, "", ""},
		"another partner's case is edited": {func(_ *lab.Application, f *lab.Facts) {
			f.Edits = &lab.Credit{Case: "L000001", Partner: "P2002", State: lab.Rejected}
		}, "CBC.0100", "COM-08"},
		"PGM-09: one at a time for a member": {func(_ *lab.Application, f *lab.Facts) { f.Other = "L000007" }, "ENG_STATE", "PGM-09"},
		"purpose of 500 characters":          {func(a *lab.Application, _ *lab.Facts) { a.Purpose = strings.Repeat("验", 500) }, "", ""},
		"purpose of 501 characters":          {func(a *lab.Application, _ *lab.Facts) { a.Purpose = strings.Repeat("验", 501) }, "CBC.0100", "COM-08"},
		"no purpose":                         {func(a *lab.Application, _ *lab.Facts) { a.Purpose = " " }, "CBC.0100", "COM-08"},
		"no key":                             {func(a *lab.Application, _ *lab.Facts) { a.RequestKey = "" }, "CBC.0100", "COM-20"},
		"COM-16: unknown":                    {func(_ *lab.Application, f *lab.Facts) { f.Submitter = nil }, "CBC.0151", "COM-16"},
		"COM-16: no administrator": {func(_ *lab.Application, f *lab.Facts) {
			f.Submitter = &person.Person{Name: "Inc", PartnerID: "P1001", Active: true, Roles: []person.Role{person.PartnerIncentives}}
		}, "CBC.0151", "COM-16"},
		"COM-16: another partner's": {func(a *lab.Application, _ *lab.Facts) { a.PartnerID = "P2002" }, "CBC.0151", "COM-16"},
		"PGM-08: all at once": {func(a *lab.Application, f *lab.Facts) {
			a.Points, a.Path, f.Linked, f.Edits = 30, "LRN", false, &lab.Credit{Case: "L000001", Partner: "P1001", State: lab.UnderReview}
		}, "LAB_SIZE LAB_STAGE LAB_USER LAB_STATE", "LAB-03"},
	} {
		t.Run(name, func(t *testing.T) {
			a, f := application(), facts()
			c.change(&a, &f)
			list := lab.Judge(a.Storable(), f)
			require.Equal(t, c.codes, strings.Join(list.Codes(), " "))
			if c.rule != "" {
				require.Equal(t, c.rule, list[0].Rule)
			}
		})
	}
}

// Rule: LAB-03
func TestLAB03GivenAnyNumberOfPoints_WhenItIsAppliedFor_ThenOnlyTheSixSizesAreAccepted(t *testing.T) {
	var accepted []int
	for points := -1; points <= 1001; points++ {
		a := application()
		if a.Points = points; len(lab.Judge(a, facts())) == 0 {
			accepted = append(accepted, points)
		}
	}
	require.Equal(t, []int{10, 20, 50, 100, 250, 500}, accepted)
}

// Rule: LAB-09, LAB-11, PGM-02
func TestLAB11GivenAnIssuedCredit_WhenPointsAreUsed_ThenOnlyBetweenIssueAndExpiryAndNeverMoreThanThereAre(t *testing.T) {
	issued, expires := at("2025-03-07 15:00:00"), at("2026-03-07 15:00:00")
	ops := &person.Person{ID: "ou", Name: "Ou", Active: true, Roles: []person.Role{person.VendorOperations}}
	credit := lab.Credit{Case: "L000001", Partner: "P1001", State: lab.Issued, Points: 100, IssuedAt: &issued, ExpiresAt: &expires, Remaining: lab.Amount(40)}
	judge := func(points int, when string, by *person.Person, c lab.Credit) string {
		return strings.Join(lab.JudgeUse(lab.Use{Person: "ou", Points: points, Key: "u"}, at(when), by, lab.DefaultPolicy(), c).Codes(), " ")
	}
	require.Equal(t, "ENG_STATE", judge(40, "2025-03-07 14:59:59", ops, credit))
	require.Empty(t, judge(40, "2025-03-07 15:00:00", ops, credit))
	require.Empty(t, judge(1, "2025-03-07 15:00:01", ops, credit))
	require.Equal(t, "PRG.LAB.01", judge(41, "2025-03-07 15:00:00", ops, credit))
	require.Equal(t, "PRG.LAB.01", judge(1<<62+5, "2025-03-07 15:00:00", ops, credit), "a number too large for the ledger is not cut to a small one")
	require.Empty(t, judge(40, "2026-03-07 14:59:59", ops, credit))
	require.Equal(t, "ENG_STATE", judge(40, "2026-03-07 15:00:00", ops, credit))
	require.Equal(t, "ENG_STATE", judge(40, "2026-03-07 15:00:01", ops, credit))
	require.Equal(t, "CBC.0100", judge(0, "2025-03-08 15:00:00", ops, credit))
	require.Equal(t, "CBC.0100", judge(-5, "2025-03-08 15:00:00", ops, credit))
	require.Equal(t, "CBC.0151 CBC.0100 PRG.LAB.01", judge(0, "2025-03-08 15:00:00", mei, lab.Credit{Case: "L000001", State: lab.Issued, IssuedAt: &issued, ExpiresAt: &expires, Remaining: lab.Amount(-1)}))
	require.Equal(t, "CBC.0151", judge(1, "2025-03-08 15:00:00", nil, credit))
	require.Equal(t, "ENG_STATE", judge(1, "2025-03-08 15:00:00", ops, lab.Credit{Case: "L000001", State: lab.Approved}))
}

// Rule: LAB-12, LAB-05
func TestLAB12GivenAnApprovedCredit_WhenAnotherUserIsNamed_ThenOnlyAfterAFailureOrAnUnlinking(t *testing.T) {
	n := lab.Naming{Person: "mei", Account: "A-2", Key: "n"}
	for name, c := range map[string]struct {
		state         lab.State
		retry         bool
		still, linked bool
		want          string
	}{
		"issuing failed":                {lab.Approved, true, true, true, ""},
		"unlinked, nothing tried yet":   {lab.Approved, false, false, true, ""},
		"linked and nothing failed":     {lab.Approved, false, true, true, "LAB_STATE"},
		"in review":                     {lab.UnderReview, false, false, true, "LAB_STATE"},
		"issued":                        {lab.Issued, false, false, true, "LAB_STATE"},
		"the other one is not linked":   {lab.Approved, true, false, false, "LAB_USER"},
		"neither is right nor the time": {lab.Rejected, false, true, false, "LAB_USER LAB_STATE"},
	} {
		t.Run(name, func(t *testing.T) {
			list := lab.JudgeNaming(n, mei, lab.Credit{Case: "L000001", Partner: "P1001", State: c.state, Account: "A-1", Retry: c.retry}, c.still, c.linked, "")
			require.Equal(t, c.want, strings.Join(list.Codes(), " "))
		})
	}
	require.Equal(t, []string{"CBC.0151"}, lab.JudgeNaming(n, nil, lab.Credit{State: lab.Approved, Retry: true}, false, true, "").Codes())
}

func TestGivenAPolicy_WhenItIsChecked_ThenItsFaultsAreAllSaid(t *testing.T) {
	require.NoError(t, lab.DefaultPolicy().Check())
	p := lab.DefaultPolicy()
	p.OtherPaths, p.Address = []string{"LRN", "OTH"}, "https://lab.vendor.example/start"
	p.Approval.Steps = []approval.Step{{Name: "large", When: "points >= 250 and path in (SW, LRN)", Who: []approval.Candidate{{Role: "lab-manager"}}}}
	require.NoError(t, p.Check())
	require.Equal(t, []string{"SW", "SVC", "LRN", "OTH"}, p.Paths())

	err := lab.Policy{OtherPaths: []string{"SW", "LRN", "LRN", "X"}, Address: "lab"}.Check()
	for _, want := range []string{"review_role, issue_role", "remind_term and validity", `other_paths names "SW"`, `other_paths names "LRN"`, `other_paths names "X"`, "address is where the lab is"} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, "P3WD", lab.DefaultPolicy().Chain(lab.Review).Steps[0].Remind.String(), "reviewers are reminded after 3 working days")
	require.Equal(t, "P12M", lab.DefaultPolicy().Validity.String())
}

// Rule: LAB-09
func TestLAB09GivenAnIssuedCredit_WhenTheMemberIsTold_ThenInBothLanguagesWhereThePointsAreAndUntilWhen(t *testing.T) {
	expires := at("2026-03-07 15:00:00")
	subject, body := lab.ForMember.Text(lab.NoticeData{Case: "L000001", Partner: "P1001", Account: "A-1", Points: 100, Coupon: "CP-1", ExpiresAt: &expires})
	require.Equal(t, "云实验权益 100 点已发放到您的个人账号 / Lab credit of 100 points is in your personal account", subject)
	for _, want := range []string{"券号 coupon number: CP-1", "有效期至 valid until: 2026-03-07 15:00:00 UTC+8", "控制台 > 费用中心 > 优惠折扣 > 优惠券", "billing centre, discounts, coupons"} {
		require.Contains(t, body, want)
	}
	for _, n := range []lab.Notice{lab.WasApproved, lab.WasRejected, lab.WasIssued, lab.NotIssued, lab.NameAnother} {
		subject, body := n.Text(lab.NoticeData{Case: "L000001", Points: 10, Note: "because"})
		require.NotContains(t, subject, "%!")
		require.Contains(t, body, "说明 note: because")
	}
}

func TestGivenWhatIsEntered_WhenItCannotBeKept_ThenItIsMarkedAndIdentified(t *testing.T) {
	a := application()
	long := a
	long.Account, long.Purpose = strings.Repeat("x", 65), "a\x00b"
	kept := long.Storable()
	require.Equal(t, strings.Repeat("x", 64)+domain.Mark, kept.Account)
	require.Equal(t, "a"+domain.Mark+"b", kept.Purpose)
	digests := map[string]bool{string(a.Digest()): true}
	for i, change := range []func(*lab.Application){
		func(a *lab.Application) { a.RequestKey = "k2" }, func(a *lab.Application) { a.PartnerID = "P" }, func(a *lab.Application) { a.Submitter = "x" }, func(a *lab.Application) { a.Path = "SVC" },
		func(a *lab.Application) { a.Account = "A-2" }, func(a *lab.Application) { a.Points = 50 }, func(a *lab.Application) { a.Purpose = "other" },
	} {
		other := application()
		change(&other)
		require.False(t, digests[string(other.Digest())], fmt.Sprint(i))
		digests[string(other.Digest())] = true
	}
	require.Equal(t, "500", lab.Whole(lab.Amount(500)))
	require.Empty(t, lab.MatterOf("nothing").Approve)
	require.Equal(t, lab.Issue, lab.MatterOf("issue"))
}
