package staff_test

import (
	"strings"
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/staff"

	"github.com/stretchr/testify/require"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04:05", text, calendar.Zone)
	require.NoError(t, err)
	return when
}

func day(t *testing.T, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	require.NoError(t, err)
	return d
}

var document = strings.Repeat("ab", 32)

// request names one pre-sales specialist with all proofs.
func request(month string) staff.Request {
	return staff.Request{
		RequestKey: "k1", PartnerID: "P-100", Submitter: "pa", Month: month, Scenario: staff.PreSales,
		Persons: []staff.Use{{Person: "S-1", Project: "PR-9"}},
		Proofs:  []staff.Proof{{Kind: staff.Employment, Document: document}, {Kind: staff.SocialSecurity, Document: document}, {Kind: staff.ProjectProof, Document: document}},
	}
}

// facts are those of a partner that may request, with the specialists S-1 and S-2.
func facts(t *testing.T, when string) staff.Facts {
	t.Helper()
	policy := staff.DefaultPolicy()
	policy.Rates = map[staff.Scenario]money.Amount{staff.PreSales: money.Must("20000.00"), staff.Expert: money.Must("15000.00"), staff.CapabilityCentre: money.Must("10000.00")}
	specialist := func(id string) staff.Specialist {
		return staff.Specialist{
			ID: id, Name: id, PartnerID: "P-100", Role: staff.SolutionArchitect, Certificates: []string{"HCIP"},
			CloudSince: day(t, "2023-01-01"), Since: day(t, "2023-12-01"),
		}
	}
	return staff.Facts{
		At: at(t, when), Policy: policy, Known: true, Qualified: true,
		Submitter:   &person.Person{ID: "pa", Name: "Pa", PartnerID: "P-100", Active: true, Roles: []person.Role{person.PartnerAdministrator}},
		Specialists: map[string]staff.Specialist{"S-1": specialist("S-1"), "S-2": specialist("S-2")},
	}
}

func refused(t *testing.T, r staff.Request, f staff.Facts) []string {
	t.Helper()
	_, list := staff.Judge(r, f)
	return list.Codes()
}

func TestGivenAQualifiedPartner_WhenItRequestsAMonth_ThenTheRateOfEachSpecialistAddsUp(t *testing.T) {
	r := request("2024-05")
	r.Persons = append(r.Persons, staff.Use{Person: "S-2", Project: "PR-10"})
	plan, list := staff.Judge(r, facts(t, "2024-05-20 10:00:00"))
	require.Empty(t, list)
	require.Equal(t, "40000.00", plan.Amount.String())
	require.Equal(t, "2024-05", plan.Month.String())
}

// Rule: FHM-01
func TestGivenNoQualification_WhenAMonthIsRequested_ThenItIsRefused(t *testing.T) {
	f := facts(t, "2024-05-20 10:00:00")
	f.Qualified = false
	require.Equal(t, []string{"FHM_QUALIFICATION"}, refused(t, request("2024-05"), f))
}

// Rule: AUT-09
func TestGivenNoCertification_WhenAMonthIsRequested_ThenEveryGuardThatFailsIsListedInOrder(t *testing.T) {
	f := facts(t, "2024-05-20 10:00:00")
	f.Certification = refusal.List{refusal.New("AUT-01", "AUT_BUSINESS_INFO", "partner P-100", "Complete it.")}
	f.Qualified = false
	require.Equal(t, []string{"AUT_BUSINESS_INFO", "FHM_QUALIFICATION"}, refused(t, request("2024-05"), f))
}

// Rule: FHM-02
func TestGivenAMonthWithARequest_WhenItIsRequestedAgain_ThenThereIsOneAMonth(t *testing.T) {
	for _, state := range []staff.State{staff.InReview, staff.Passed, staff.Failed} {
		f := facts(t, "2024-05-20 10:00:00")
		f.Month = staff.Record{Case: "S000001", CaseState: state}
		require.Equal(t, []string{"FHM_ONE_PER_MONTH"}, refused(t, request("2024-05"), f), state)
	}
	require.Equal(t, []string{"ENG_STATE"}, refused(t, request("2024-06"), facts(t, "2024-05-31 23:59:59")), "a month is requested from its first day on")
	require.Empty(t, refused(t, request("2024-06"), facts(t, "2024-06-01 00:00:00")))
}

// Rule: FHM-03
func TestGivenAFailedMonth_WhenItIsSentAgain_ThenOnlyInThatSameMonth(t *testing.T) {
	for _, tc := range []struct {
		when string
		want []string
	}{
		{"2024-05-28 12:00:00", nil},
		{"2024-05-31 23:59:59", nil},
		{"2024-06-01 00:00:00", []string{"FHM_MONTH_OVER"}},
	} {
		f := facts(t, tc.when)
		f.Month, f.Resubmits = staff.Record{Case: "S000001", CaseState: staff.Failed}, "S000001"
		require.ElementsMatch(t, tc.want, refused(t, request("2024-05"), f), tc.when)
	}
	f := facts(t, "2024-06-01 00:00:00") // May failed on 2024-05-28: a new request
	f.Month = staff.Record{Case: "S000001", CaseState: staff.Failed}
	require.Equal(t, []string{"FHM_MONTH_OVER"}, refused(t, request("2024-05"), f))
	require.Equal(t, []string{"FHM_MONTH_OVER"}, refused(t, request("2024-05"), facts(t, "2024-06-01 00:00:00")), "never requested: lapsed")
}

// Rule: ENG-03
func TestGivenARequestThatDidNotFail_WhenItIsSentAgain_ThenTheStateRefuses(t *testing.T) {
	for _, state := range []staff.State{staff.InReview, staff.Passed} {
		f := facts(t, "2024-05-28 12:00:00")
		f.Month, f.Resubmits = staff.Record{Case: "S000001", CaseState: state}, "S000001"
		require.Equal(t, []string{"ENG_STATE"}, refused(t, request("2024-05"), f), state)
	}
	for _, m := range []staff.Move{{staff.Passed, staff.InReview}, {staff.InReview, staff.Lapsed}, {"", staff.Passed}} {
		require.False(t, staff.CanMove(m.From, m.To), m)
	}
	require.True(t, staff.CanMove(staff.Failed, staff.InReview))
}

// Rule: FHM-04
func TestGivenTheQuarterWasRequested_WhenAFailedMonthIsSentAgain_ThenItIsRefused(t *testing.T) {
	f := facts(t, "2024-07-01 10:00:00") // Q2 requested on this day
	f.Month, f.Resubmits, f.Quarter = staff.Record{Case: "S000003", CaseState: staff.Failed}, "S000003", "Q000001"
	require.Equal(t, []string{"FHM_MONTH_OVER", "FHM_QUARTER_REQUESTED"}, refused(t, request("2024-06"), f), "both guards, both said")
	f.At = at(t, "2024-06-30 10:00:00") // all three months were final before the quarter's end
	require.Equal(t, []string{"FHM_QUARTER_REQUESTED"}, refused(t, request("2024-06"), f))
}

// Rule: FHM-05
func TestGivenAPreSalesSpecialist_WhenUsedAThirdTimeInTheFundingYear_ThenRefused(t *testing.T) {
	f := facts(t, "2024-11-10 10:00:00")
	s := f.Specialists["S-1"] // started 2023-12-01
	s.Uses = []staff.PastUse{{Case: "S000001", Scenario: staff.PreSales, On: day(t, "2024-07-10")}, {Case: "S000002", Scenario: staff.PreSales, On: day(t, "2024-09-10")}}
	f.Specialists["S-1"] = s
	require.Equal(t, []string{"FHM_PERSON_LIMIT"}, refused(t, request("2024-11"), f))
	f.At = at(t, "2024-11-30 23:59:59")
	require.Equal(t, []string{"FHM_PERSON_LIMIT"}, refused(t, request("2024-11"), f), "the funding year's last instant")
	f.At = at(t, "2024-12-01 00:00:00")
	require.Empty(t, refused(t, request("2024-12"), f), "the next funding year has begun")
	s.Uses = s.Uses[:1]
	f.At, f.Specialists["S-1"] = at(t, "2024-11-10 10:00:00"), s
	require.Empty(t, refused(t, request("2024-11"), f), "the second use")
}

// Rule: FHM-05
func TestGivenASpecialist_WhenACertificateTheHalfYearOrTheRoleIsMissing_ThenEachIsSaid(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*staff.Specialist)
		want   []string
	}{
		"in order":                     {func(*staff.Specialist) {}, nil},
		"no certificate":               {func(s *staff.Specialist) { s.Certificates = nil }, []string{"FHM_PERSON_LIMIT"}},
		"another certificate":          {func(s *staff.Specialist) { s.Certificates = []string{"HCIA"} }, []string{"FHM_PERSON_LIMIT"}},
		"exactly half a year":          {func(s *staff.Specialist) { s.CloudSince = day(t, "2023-11-20") }, []string{"FHM_PERSON_LIMIT"}},
		"half a year and a day":        {func(s *staff.Specialist) { s.CloudSince = day(t, "2023-11-19") }, nil},
		"another role":                 {func(s *staff.Specialist) { s.Role = "engineer" }, []string{"FHM_PERSON_LIMIT"}},
		"bound to another":             {func(s *staff.Specialist) { s.PartnerID = "P-200" }, []string{"FHM_PERSON_LIMIT"}},
		"not started":                  {func(s *staff.Specialist) { s.Since = day(t, "2024-05-21") }, []string{"FHM_PERSON_LIMIT"}},
		"neither certificate nor role": {func(s *staff.Specialist) { s.Certificates, s.Role = nil, "" }, []string{"FHM_PERSON_LIMIT", "FHM_PERSON_LIMIT"}},
	} {
		f := facts(t, "2024-05-20 10:00:00")
		f.Policy.Certificates = []string{"HCIP"}
		s := f.Specialists["S-1"]
		tc.change(&s)
		f.Specialists["S-1"] = s
		require.ElementsMatch(t, tc.want, refused(t, request("2024-05"), f), name)
	}
	f := facts(t, "2024-05-20 10:00:00")
	r := request("2024-05")
	r.Scenario = staff.CapabilityCentre
	s := f.Specialists["S-1"]
	s.Role, s.Certificates = "", nil
	f.Specialists["S-1"] = s
	require.Empty(t, refused(t, r, f), "the limits are those of pre-sales specialists")
	r.Persons[0].Person = "S-9"
	require.Equal(t, []string{"FHM_PERSON_LIMIT"}, refused(t, r, f), "nobody knows S-9")
}

// Rule: FHM-06
func TestGivenAPersonUsedInTheExpertScheme_WhenRequestedInPreSales_ThenTheSchemesExclude(t *testing.T) {
	f := facts(t, "2024-05-20 10:00:00")
	s := f.Specialists["S-1"]
	s.Uses = []staff.PastUse{{Case: "S000001", Scenario: staff.Expert, On: day(t, "2024-04-02")}}
	f.Specialists["S-1"] = s
	require.Equal(t, []string{"FHM_EXCLUSIVE"}, refused(t, request("2024-05"), f))
}

// Rule: FHM-07
func TestGivenAProjectUsedForS1_WhenUsedForS2_ThenRefused(t *testing.T) {
	f := facts(t, "2024-05-20 10:00:00")
	f.Projects = map[string]string{"PR-9": "S-1"}
	r := request("2024-05")
	require.Empty(t, refused(t, r, f), "S-1's own project")
	r.Persons[0].Person = "S-2"
	require.Equal(t, []string{"FHM_PROJECT_USED"}, refused(t, r, f))
	r.Persons = []staff.Use{{Person: "S-1", Project: "PR-11"}, {Person: "S-2", Project: "PR-11"}}
	require.Equal(t, []string{"FHM_PROJECT_USED"}, refused(t, r, f), "within one request")
}

// Rule: FHM-08
func TestGivenAnExpertListGeneratedOn20241104_WhenFourteenWorkingDaysPassed_ThenItHasLapsed(t *testing.T) {
	china, err := calendar.New([]int{2024}, nil) // November has no holidays
	require.NoError(t, err)
	until, err := staff.DefaultPolicy().ConfirmTerm.Closes(at(t, "2024-11-04 09:00:00"), china)
	require.NoError(t, err)
	require.Equal(t, at(t, "2024-11-23 00:00:00"), until, "2024-11-22 is the last day")
	october := staff.Month{Year: 2024, Month: time.October}
	record := staff.Record{ConfirmUntil: &until, Listed: []string{"S-1"}}
	require.Equal(t, staff.ToConfirm, record.StateAt(october, at(t, "2024-11-22 23:59:59")))
	require.Equal(t, staff.Lapsed, record.StateAt(october, at(t, "2024-11-23 00:00:00")))

	r := request("2024-10")
	r.Scenario = staff.Expert
	for when, want := range map[string][]string{
		"2024-11-22 23:59:59": nil,
		"2024-11-23 00:00:00": {"ENG_STATE"},
	} {
		f := facts(t, when)
		f.Month = record
		require.ElementsMatch(t, want, refused(t, r, f), when)
	}
	f := facts(t, "2024-11-20 10:00:00")
	require.Equal(t, []string{"ENG_STATE"}, refused(t, r, f), "nothing was listed")
	f.Month = record
	r.Persons[0].Person = "S-2"
	require.Equal(t, []string{"CBC.0100"}, refused(t, r, f), "S-2 is not on the list")
	require.Equal(t, []string{"ENG_STATE"}, refused(t, request("2024-10"), f), "only the experts can be requested for it")
}

// Rule: FHM-09
func TestGivenAChangedSpecialist_WhenAProofIsAdded_ThenAnyStateTakesIt(t *testing.T) {
	p := facts(t, "2024-06-10 10:00:00").Submitter
	proof := staff.Proof{Kind: staff.Employment, Document: document}
	require.Empty(t, staff.JudgeProof(p, "pa", "P-100", "S000001", []string{"S-1"}, "S-1", proof))
	require.Equal(t, []string{"CBC.0151"}, staff.JudgeProof(nil, "xx", "P-100", "S000001", []string{"S-1"}, "S-1", proof).Codes())
	require.Equal(t, []string{"CBC.0151", "CBC.0100", "CBC.0100", "CBC.0100"}, staff.JudgeProof(p, "pa", "P-200", "S000001", []string{"S-1"}, "S-2", staff.Proof{Kind: "photo", Document: "x"}).Codes())
}

// Rule: ENG-06
// Rule: PGM-08
func TestGivenARequestWithEverythingWrong_WhenJudged_ThenCallerParametersObjectStateAmountInThisOrder(t *testing.T) {
	f := facts(t, "2024-06-01 00:00:00")
	f.Submitter.Roles, f.Qualified, f.Policy.Rates = nil, false, nil
	r := request("2024-05")
	r.RequestKey, r.Proofs = "", r.Proofs[1:]
	require.Equal(t, []string{"CBC.0151", "CBC.0100", "CBC.0100", "FHM_QUALIFICATION", "FHM_MONTH_OVER", "CBC.0100"}, refused(t, r, f))
	r.Month, r.Scenario, r.Persons = "May", "sales", nil
	require.Contains(t, refused(t, r, f), "CBC.0100")
	f.Known = false
	require.Contains(t, refused(t, r, f), "CBC.5001")
	f.Submitter = nil
	require.Contains(t, refused(t, r, f), "CBC.0151")
}

func TestGivenTextThatCannotBeKept_WhenStored_ThenItIsMarkedAndRefused(t *testing.T) {
	r := request("2024-05")
	r.RequestKey = "a\x00b"
	require.Contains(t, refused(t, r.Storable(), facts(t, "2024-05-20 10:00:00")), "CBC.0100")
	require.Equal(t, "a\x00b", r.RequestKey, "the original stays")
	require.NotEqual(t, request("2024-05").Digest(), request("2024-06").Digest())
}

func TestThePolicyOfDedicatedStaffChecksItself(t *testing.T) {
	require.NoError(t, staff.DefaultPolicy().Check())
	require.Equal(t, approval.Outcome("pass"), staff.Review.Word(approval.Approve))
	p := staff.Policy{Rates: map[staff.Scenario]money.Amount{"sales": money.Zero}}
	for _, sentence := range []string{"review_role", "confirm_term", "uses_per_year", `"sales"`, "greater than 0"} {
		require.ErrorContains(t, p.Check(), sentence)
	}
}

// Rule: ENG-04
func TestAMonthIsTakenInUTCPlus8(t *testing.T) {
	require.Equal(t, "2024-07", staff.MonthOf(time.Date(2024, 6, 30, 16, 30, 0, 0, time.UTC)).String())
	m, err := staff.ParseMonth("2024-01")
	require.NoError(t, err)
	require.Equal(t, "2023-12", m.Previous().String())
	require.Equal(t, "2024Q1", m.Quarter().String())
	_, err = staff.ParseMonth("2024-13")
	require.Error(t, err)
}

func TestEveryStateThatARequestReachesHasANotice(t *testing.T) {
	for _, m := range staff.Moves {
		subject, body := staff.NoticeOf(m.To).Text(staff.NoticeData{Case: "S000001", Partner: "P-100", Month: "2024-05", Amount: money.Must("20000.00"), Note: "why"})
		require.Contains(t, subject, "2024-05")
		require.Contains(t, body, "20000.00 CNY")
	}
	require.Empty(t, staff.NoticeOf(staff.Open))
}
