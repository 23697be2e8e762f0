package solution_test

import (
	"strings"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/solution"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const second = time.Second

func at(t testing.TB, text string) time.Time {
	t.Helper()
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if when, err := time.ParseInLocation(layout, text, calendar.Zone); err == nil {
			return when
		}
	}
	t.Fatalf("%q is no instant", text)
	return time.Time{}
}

func shown(when time.Time) string { return when.In(calendar.Zone).Format("2006-01-02T15:04") }

func validity(t testing.TB, passed string) solution.Validity {
	return solution.DefaultPolicy().ValidFrom(at(t, passed))
}

// Rule: CERT-06, CERT-07, CERT-08, CERT-09, CERT-10
func TestGivenASolutionThatPassed_WhenItsCertificateIsCounted_ThenItHoldsTwelveMonthsOfTheCalendar(t *testing.T) {
	for _, tc := range []struct{ rule, passed, window, until string }{
		{"CERT-06 and CERT-08", "2024-03-15T10:20", "2025-01-14T10:20", "2025-03-15T10:20"},
		{"CERT-07 and CERT-09: a leap day", "2024-02-29T09:00", "2024-12-30T09:00", "2025-02-28T09:00"},
		{"CERT-10: days left are not added", "2025-02-10T16:00", "2025-12-12T16:00", "2026-02-10T16:00"},
		{"CERT-11", "2025-05-06T11:00", "2026-03-07T11:00", "2026-05-06T11:00"},
		{"a month's end", "2024-08-31T23:59", "2025-07-02T23:59", "2025-08-31T23:59"},
		{"the day before a leap day", "2023-02-28T09:00", "2023-12-30T09:00", "2024-02-28T09:00"},
		{"a night that is another day in UTC", "2024-03-15T03:00", "2025-01-14T03:00", "2025-03-15T03:00"},
	} {
		v := validity(t, tc.passed)
		require.Equal(t, []string{tc.passed, tc.window, tc.until}, []string{shown(v.CertifiedAt), shown(v.WindowAt), shown(v.Until)}, tc.rule)
	}
}

// Rule: CERT-06
func TestGivenAnApprovalWithinASecond_WhenItsCertificateIsCounted_ThenItEndsWithAWholeSecondAsItIsPrinted(t *testing.T) {
	v := solution.DefaultPolicy().ValidFrom(at(t, "2024-03-15T10:20").Add(345678 * time.Microsecond))
	require.Equal(t, at(t, "2025-03-15T10:20"), v.Until)
	require.Equal(t, at(t, "2025-01-14T10:20"), v.WindowAt)
}

// Rule: CERT-07
func TestGivenMonthsOfOtherLengths_WhenThePolicySaysLess_ThenTheMonthsEndHolds(t *testing.T) {
	p := solution.DefaultPolicy()
	p.Months = 6
	require.Equal(t, "2025-02-28T09:00", shown(p.ValidFrom(at(t, "2024-08-31T09:00")).Until))
}

// Rule: CERT-08, CERT-12
func TestGivenACertificate_WhenItsInstantsCome_ThenTheStateChangesAtThemAndNotASecondBefore(t *testing.T) {
	v := validity(t, "2024-03-15T10:20")
	for _, tc := range []struct {
		at   time.Time
		want solution.State
	}{
		{v.CertifiedAt, solution.Certified},
		{v.WindowAt.Add(-second), solution.Certified},
		{v.WindowAt, solution.Expiring},
		{v.WindowAt.Add(second), solution.Expiring},
		{v.Until.Add(-second), solution.Expiring},
		{v.Until, solution.Expired},
		{v.Until.Add(second), solution.Expired},
	} {
		require.Equal(t, tc.want, v.StateAt(tc.at), shown(tc.at))
	}
}

func reminders(t testing.TB, p solution.Policy, v solution.Validity, after time.Time) (all []string) {
	for {
		r, ok := p.Reminder(v, after)
		if !ok {
			return all
		}
		all, after = append(all, shown(r.At)), r.At
	}
}

// Rule: CERT-22
func TestGivenACertificate_WhenItsRemindersAreCounted_ThenTheFirstIsNotBeforeTheWindow(t *testing.T) {
	p := solution.DefaultPolicy()
	for passed, want := range map[string][]string{
		"2024-03-15T10:20": {"2025-01-14T10:20", "2025-02-13T09:00", "2025-03-08T09:00", "2025-03-15T09:00"}, // the window opens after 09:00
		"2024-02-29T09:00": {"2024-12-30T09:00", "2025-01-29T09:00", "2025-02-21T09:00", "2025-02-28T09:00"}, // at it
		"2024-03-15T08:00": {"2025-01-14T09:00", "2025-02-13T09:00", "2025-03-08T09:00", "2025-03-15T09:00"}, // before it; the last one comes after the end
	} {
		v := validity(t, passed)
		require.Equal(t, want, reminders(t, p, v, v.CertifiedAt), passed)
	}
}

// Rule: CERT-23
func TestGivenRemindersWhoseTimeHasPassed_WhenTheNextIsLookedFor_ThenOnlyThoseAheadAreLeft(t *testing.T) {
	p, v := solution.DefaultPolicy(), validity(t, "2024-03-15T10:20")
	require.Equal(t, []string{"2025-03-08T09:00", "2025-03-15T09:00"}, reminders(t, p, v, at(t, "2025-02-13T09:00")), "at its instant it was sent")
	require.Equal(t, []string{"2025-02-13T09:00", "2025-03-08T09:00", "2025-03-15T09:00"}, reminders(t, p, v, at(t, "2025-02-13T08:59:59")))
	p.Months = 1 // the window of 20 days: nothing is ever sent before it
	p.WindowDays, p.ReminderDays = 20, []int{20, 7, 0}
	v = p.ValidFrom(at(t, "2025-01-31T10:00"))
	require.Equal(t, []string{"2025-02-08T10:00", "2025-02-21T09:00", "2025-02-28T09:00"}, reminders(t, p, v, v.CertifiedAt))
}

// Rule: CERT-22
func TestGivenAReminderAfterTheEnd_WhenItIsWritten_ThenItSaysThatTheSolutionIsCertifiedNoMore(t *testing.T) {
	v := validity(t, "2024-03-15T08:00")
	data := solution.NoticeData{Case: "SOL000001", Partner: "P1001", Name: "Atlas", Version: "2.1", Until: v.Until}
	before, _ := solution.RunsOut.Text(data)
	require.Contains(t, before, "认证即将到期")
	data.Expired = true
	after, body := solution.RunsOut.Text(data)
	require.Contains(t, after, "is certified no more")
	require.Contains(t, body, "2025-03-15 08:00:00 UTC+8")
}

var seller = &person.Person{ID: "mei", Name: "Mei", PartnerID: "P1001", Active: true, Roles: []person.Role{person.PartnerAdministrator}}

var paper = strings.Repeat("ab", 32)

func whole(t solution.Type) solution.Entry {
	return solution.Entry{
		Type: t, Name: "Atlas", Version: "2.1", Contact: solution.Contact{Name: "Kim", Mobile: "13800138000", Email: "kim@a.example"},
		Materials: []solution.Material{{Type: solution.Description, Document: paper, Name: "a.pdf"}, {Type: solution.Deployment, Document: paper, Name: "b.pdf"}},
	}
}

func facts(when time.Time, e solution.Entry) solution.Facts {
	return solution.Facts{
		At: when, Policy: solution.DefaultPolicy(), Submitter: seller, Known: true, Path: true,
		Draft: &solution.Draft{ID: "SD000001", Partner: "P1001", Revision: 1, Entry: e},
	}
}

// again is a re-certification of what passed on 2024-03-15T10:20 (2024-02-29T09:00 for ADV).
func again(t *testing.T, when string, certified, e solution.Entry) solution.Facts {
	passed := "2024-03-15T10:20"
	if certified.Type == solution.Advanced {
		passed = "2024-02-29T09:00"
	}
	v := validity(t, passed)
	f := facts(at(t, when), e)
	f.Draft.Case = "SOL000001"
	f.Case = &solution.Solution{Case: "SOL000001", State: v.StateAt(f.At), Origin: solution.New, CertRound: 1, Certified: &certified, Validity: &v}
	return f
}

var submission = solution.Submission{RequestKey: "k", PartnerID: "P1001", Submitter: "mei", Draft: "SD000001", Revision: 1}

func judged(f solution.Facts) []string { return solution.Judge(submission, f).Codes() }

// Rule: CERT-01, CERT-02
func TestGivenADraft_WhenItIsSubmitted_ThenEveryGuardThatFailsIsListedInOrder(t *testing.T) {
	when := at(t, "2025-03-03T10:00")
	require.Empty(t, judged(facts(when, whole(solution.Cloud))))

	step1 := whole(solution.Cloud)
	step1.Contact = solution.Contact{}
	f := facts(when, step1)
	list := solution.Judge(submission, f)
	require.Equal(t, []string{"CERT_INCOMPLETE"}, list.Codes())
	require.Contains(t, list[0].Message, "These parts are missing: contact.")

	f.Draft.Entry, f.Path = solution.Entry{Type: solution.Advanced}, false
	list = solution.Judge(submission, f)
	require.Equal(t, []string{"CERT_NO_SW_PATH", "CERT_INCOMPLETE"}, list.Codes())
	require.Contains(t, list[1].Message, "name, version, materials, contact.")

	f = facts(when, whole(solution.Cloud))
	f.Draft.Materials, f.Draft.Contact.Mobile = f.Draft.Materials[:1], ""
	require.Contains(t, solution.Judge(submission, f)[0].Message, "materials: deployment, contact's mobile.")

	f.Submitter, f.Draft.Partner, f.Known = nil, "P2002", true
	require.Equal(t, []string{"CBC.0151", "CBC.0100"}, judged(f), "nobody, and another partner's draft, of which nothing is said")
}

// Rule: CERT-08, CERT-09, CERT-19
func TestGivenACertifiedSolution_WhenReCertificationIsApplied_ThenTheWindowOpensAtItsInstantAndNeverCloses(t *testing.T) {
	for _, tc := range []struct {
		kind solution.Type
		when string
		want []string
	}{
		{solution.Cloud, "2025-01-14T10:19:59", []string{"CERT_WINDOW_NOT_OPEN"}},
		{solution.Cloud, "2025-01-14T10:20:00", nil},
		{solution.Cloud, "2025-01-14T10:20:01", nil},
		{solution.Advanced, "2024-12-30T08:59:59", []string{"CERT_WINDOW_NOT_OPEN"}},
		{solution.Advanced, "2024-12-30T09:00:00", nil},
		{solution.Advanced, "2024-12-30T09:00:01", nil},
		{solution.Cloud, "2025-03-15T10:20:00", nil}, // expired at this very instant
		{solution.Cloud, "2027-01-10T10:00:00", nil}, // CERT-19
	} {
		require.ElementsMatch(t, tc.want, judged(again(t, tc.when, whole(tc.kind), whole(tc.kind))), tc.when)
	}
	list := solution.Judge(submission, again(t, "2025-01-14T10:19:59", whole(solution.Cloud), whole(solution.Cloud)))
	require.Equal(t, "CERT-08", list[0].Rule)
	require.Contains(t, list[0].Message, "opens on 2025-01-14 10:20:00 UTC+8, 60 days before expiry")
}

// Rule: CERT-13
func TestGivenASyncedAdvancedSolution_WhenReCertificationIsApplied_ThenOnlyNewOnesCanBe(t *testing.T) {
	f := again(t, "2025-01-10T10:00", whole(solution.Advanced), whole(solution.Advanced))
	f.Case.Origin = solution.Synced
	require.Equal(t, solution.Expiring, f.Case.State)
	require.Equal(t, []string{"CERT_NOT_NEW"}, judged(f))
	f = again(t, "2025-02-10T10:00", whole(solution.Cloud), whole(solution.Cloud))
	f.Case.Origin = solution.Synced
	require.Empty(t, judged(f), "the limit is that of advanced solutions")
}

// Rule: CERT-14, CERT-15
func TestGivenAReCertification_WhenOtherFieldsThanVersionAndMaterialsChange_ThenTheyAreLocked(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   solution.Type
		change func(*solution.Entry)
		want   []string
		rule   string
	}{
		"CERT-14: an advanced one's name":     {solution.Advanced, func(e *solution.Entry) { e.Name = "Boreas" }, []string{"CERT_FIELD_LOCKED"}, "CERT-14"},
		"CERT-14: version 2.1 to 3.0":         {solution.Advanced, func(e *solution.Entry) { e.Version = "3.0" }, nil, ""},
		"CERT-14: materials":                  {solution.Advanced, func(e *solution.Entry) { e.Materials[0].Document = strings.Repeat("cd", 32) }, nil, ""},
		"CERT-15: a cloud solution's contact": {solution.Cloud, func(e *solution.Entry) { e.Contact.Email = "lou@a.example" }, []string{"CERT_FIELD_LOCKED"}, "CERT-15"},
		"CERT-15: its version":                {solution.Cloud, func(e *solution.Entry) { e.Version = "3.0" }, nil, ""},
		"its type":                            {solution.Cloud, func(e *solution.Entry) { e.Type = solution.Advanced }, []string{"CERT_FIELD_LOCKED"}, "CERT-15"},
	} {
		e := whole(tc.kind)
		tc.change(&e)
		list := solution.Judge(submission, again(t, "2025-02-10T10:00", whole(tc.kind), e))
		require.ElementsMatch(t, tc.want, list.Codes(), name)
		if tc.want != nil {
			require.Equal(t, tc.rule, list[0].Rule, name)
		}
	}
	unknown := whole(solution.Cloud)
	unknown.Contact = solution.Contact{}
	require.Empty(t, judged(again(t, "2025-02-10T10:00", unknown, whole(solution.Cloud))), "what was certified elsewhere lacked a contact, who is named now")
}

// Rule: CERT-16, PGM-08
func TestGivenAReviewThatRuns_WhenASecondIsApplied_ThenOneIsOpenAndEverythingElseIsSaidToo(t *testing.T) {
	f := again(t, "2025-02-10T10:00", whole(solution.Cloud), whole(solution.Cloud))
	f.Case.Pending, f.Draft.Sent = true, true
	require.Equal(t, []string{"CERT_PENDING"}, judged(f))

	e := whole(solution.Advanced)
	e.Name, e.Version = "Boreas", ""
	f = again(t, "2024-12-01T10:00", whole(solution.Advanced), e)
	f.Case.Pending, f.Case.Origin, f.Path = true, solution.Synced, false
	require.Equal(t, []string{"CERT_INCOMPLETE", "CERT_WINDOW_NOT_OPEN", "CERT_NOT_NEW", "CERT_FIELD_LOCKED", "CERT_PENDING"}, judged(f), "no path is asked for any more")
}

// Rule: ENG-03
func TestGivenACaseThatWasNotRejected_WhenItIsSentAgain_ThenTheStateRefuses(t *testing.T) {
	for state, want := range map[solution.State][]string{solution.Rejected: nil, solution.Deleted: {"ENG_STATE"}} {
		f := facts(at(t, "2025-03-03T10:00"), whole(solution.Cloud))
		f.Draft.Case, f.Case = "SOL000001", &solution.Solution{Case: "SOL000001", State: state}
		require.ElementsMatch(t, want, judged(f), state)
	}
	for state, want := range map[solution.State]bool{solution.Rejected: true, solution.UnderReview: false, solution.Certified: false, solution.Expired: false} {
		list := solution.JudgeDelete(seller, "mei", "P1001", solution.Solution{Case: "SOL000001", State: state})
		require.Equal(t, want, len(list) == 0, state)
	}
	for _, m := range []solution.Move{{solution.Certified, solution.Expired}, {solution.Expired, solution.Expiring}, {solution.Certified, solution.Deleted}, {"", solution.Rejected}} {
		require.False(t, solution.CanMove(m.From, m.To), m)
	}
}

// Rule: CERT-20
func TestGivenASolution_WhenItsCertificateIsAskedFor_ThenOnlyACertifiedOneHasOne(t *testing.T) {
	for state, want := range map[solution.State][]string{
		solution.Certified: nil, solution.Expiring: nil, solution.Rejected: {"CERT_NO_CERTIFICATE"}, solution.Expired: {"CERT_NO_CERTIFICATE"}, solution.UnderReview: {"CERT_NO_CERTIFICATE"},
	} {
		require.ElementsMatch(t, want, solution.JudgeCertificate("SOL000001", state).Codes(), state)
	}
}

// Rule: CERT-01, CERT-02
func TestGivenWhatIsEntered_WhenADraftIsSaved_ThenItNeedNotBeWholeButIsWhatItSays(t *testing.T) {
	f := solution.DraftFacts{By: seller, Person: "mei", Partner: "P1001", Known: true, Path: true}
	e := solution.Change{Type: new(solution.Cloud)}.In(solution.Entry{})
	require.Empty(t, solution.JudgeDraft(e, f))
	f.Path = false
	require.Equal(t, []string{"CERT_NO_SW_PATH"}, solution.JudgeDraft(e, f).Codes())
	long := strings.Repeat("x", 129)
	e = solution.Change{Name: &long, Version: &long, ContactMobile: new("call me"), ContactEmail: new("kim"), Materials: []solution.Material{{Type: "song", Document: "x"}}}.In(solution.Entry{})
	require.Len(t, solution.JudgeDraft(e, f), 8, "type, name, version, material's type and document, mobile, email, path")
	f.Path, f.Wanted, f.Seen, f.Draft = true, "SD000001", 1, &solution.Draft{ID: "SD000001", Partner: "P1001", Revision: 2}
	require.Equal(t, []string{"ENG_STATE"}, solution.JudgeDraft(whole(solution.Cloud), f).Codes(), "a colleague was faster")
	f.Case = &solution.Solution{Case: "SOL000001", Pending: true}
	require.Equal(t, []string{"CERT_PENDING", "ENG_STATE"}, solution.JudgeDraft(whole(solution.Cloud), f).Codes())
}

func TestGivenThePolicy_WhenItIsChecked_ThenEveryFaultIsSaid(t *testing.T) {
	require.NoError(t, solution.DefaultPolicy().Check())
	err := solution.Policy{WindowDays: 400, ReminderDays: []int{7, 30, -1}, Materials: []string{"song"}}.Check()
	for _, fault := range []string{"review_role", "escalation_role", "review_term", "months", "window_days", "reminder_days", "materials"} {
		require.ErrorContains(t, err, fault)
	}
}

// Rule: CERT-06, CERT-08, CERT-22
func TestGivenAnyInstant_WhenItIsCertified_ThenWindowRemindersAndEndFollowInOrder(t *testing.T) {
	p := solution.DefaultPolicy()
	rapid.Check(t, func(t *rapid.T) {
		passed := time.Unix(rapid.Int64Range(946684800, 4102444800).Draw(t, "passed"), 0)
		v := p.ValidFrom(passed)
		if !passed.Before(v.WindowAt) || v.Until.Sub(v.WindowAt) != 60*24*time.Hour {
			t.Fatalf("window %v of %v", v.WindowAt, passed)
		}
		after, n := passed, 0
		for {
			r, ok := p.Reminder(v, after)
			if !ok {
				break
			}
			if r.At.Before(v.WindowAt) || !r.At.After(after) || calendar.DateOf(r.At).After(calendar.DateOf(v.Until)) {
				t.Fatalf("reminder %v of %v", r, v)
			}
			after, n = r.At, n+1
		}
		if n != 4 {
			t.Fatalf("%d reminders of %v", n, v)
		}
		when := passed.Add(time.Duration(rapid.Int64Range(0, 500*24*3600).Draw(t, "after")) * time.Second)
		if (v.StateAt(when) == solution.Expired) != !when.Before(v.Until) {
			t.Fatalf("%v at %v", v, when)
		}
	})
}
