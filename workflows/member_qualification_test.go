package workflows

import (
	"context"
	"fmt"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/qualification"
	"countersign/domain/specialist"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// Rule: ORG-44
func TestORG44GivenTwelveBoundMembers_WhenThePageOpens_ThenItsHeadShowsTheFigures(t *testing.T) {
	m := newTeam(t)
	for i := range 12 {
		m.member(fmt.Sprintf("A%02d", i))
	}
	for i := range 5 {
		m.recognised(fmt.Sprintf("A%02d", i), "SVC")
	}
	for i := 5; i < 7; i++ {
		_, err := m.apply(applies(fmt.Sprint("k", i), fmt.Sprintf("A%02d", i), "LRN"), "2025-03-05 10:00")
		require.NoError(t, err)
	}
	m.bound("B1", "P2002", "2025-02-10 09:00") // another partner's
	m.member("A99")
	require.NoError(t, m.unbind("A99", "2025-03-06 10:00"))
	page, err := views.Reader{DB: m.db}.Specialists(context.Background(), "P1001", "", nil)
	require.NoError(t, err)
	require.Equal(t, views.SpecialistFigures{Bound: 12, Specialists: 5, UnderReview: 2}, page.SpecialistFigures)
	require.Len(t, page.Members, 12)
	require.Equal(t, specialist.Recognised, page.Members[0].State)
	require.Equal(t, specialist.Review, page.Members[5].State)
	require.Empty(t, page.Members[7].State, "bound and nothing more")
	require.Equal(t, "P***", page.Members[7].Name, "masked (PGM-05)")

	_, err = m.specialists.CancelSpecialist(context.Background(), m.step("PS000001", "mei", "left", m.reasonFile("PS000001"), "2025-03-07 10:00"))
	require.NoError(t, err)
	page, err = views.Reader{DB: m.db}.Specialists(context.Background(), "P1001", "", nil)
	require.NoError(t, err)
	require.Equal(t, views.SpecialistFigures{Bound: 12, Specialists: 5, UnderReview: 3}, page.SpecialistFigures, "still a specialist until it is decided")
	_, err = m.answers("PS000001", specialist.CancelMatter, 1, approval.Decision{Person: "ou", Outcome: "approve"}, "2025-03-08 10:00")
	require.NoError(t, err)
	page, err = views.Reader{DB: m.db}.Specialists(context.Background(), "P1001", "", nil)
	require.NoError(t, err)
	require.Equal(t, views.SpecialistFigures{Bound: 12, Specialists: 4, UnderReview: 2}, page.SpecialistFigures)
	require.Equal(t, specialist.CancelApproved, page.Members[0].State)
	one, err := views.Reader{DB: m.db}.SpecialistCase(context.Background(), "PS000001")
	require.NoError(t, err)
	require.Equal(t, []string{"left", "P***"}, []string{one.Reason, one.Name}) // Rule: PGM-05
	require.NoError(t, m.unbind("A00", "2025-03-09 10:00"))
	one, err = views.Reader{DB: m.db}.SpecialistCase(context.Background(), "PS000001")
	require.NoError(t, err)
	require.Empty(t, one.Name, "hidden at once (ORG-37)")
	_, err = views.Reader{DB: m.db}.SpecialistCase(context.Background(), "I-P1001")
	require.True(t, activities.IsNotFound(err))
}

// records keeps qualification records of members.
func (m *team) records(in activities.ChangeQualificationInput) (activities.MemberRecord, error) {
	m.n++
	if in.Key == "" {
		in.Key = fmt.Sprint("q", m.n)
	}
	if in.At.IsZero() {
		in.At = m.now.Add(time.Duration(m.n) * time.Second)
	}
	return (&activities.MemberQualifications{DB: m.db}).ChangeQualification(context.Background(), in)
}

func (m *team) mayRead(account, member, person string) []string {
	return codes((&activities.MemberQualifications{DB: m.db}).MayReadQualification(context.Background(), account, member, person))
}

// Rule: ORG-45, ORG-37
func TestORG45GivenRecordsOfAMember_WhenSomebodyEditsOrReads_ThenOwnOnesAreTheMembersAndVendorMadeOnesTheEcosystemManagers(t *testing.T) {
	m := newTeam(t)
	m.member("A1")
	m.account("A2")
	project := qualification.Content{Title: "Migration of a bank", Organisation: "Bank", From: day("2024-01-01")}
	own, err := m.records(activities.ChangeQualificationInput{Member: "A1", Account: "A1", Kind: qualification.Project, Content: project, Key: "q-own"})
	require.NoError(t, err)
	require.Equal(t, qualification.Members, own.Origin)
	again, err := m.records(activities.ChangeQualificationInput{Member: "A1", Account: "A1", Kind: qualification.Project, Content: project, Key: "q-own"})
	require.NoError(t, err)
	require.Equal(t, own.Record, again.Record, "the same request key answers the first time")
	made, err := m.records(activities.ChangeQualificationInput{Person: "ou", Account: "A1", Kind: qualification.Project, Content: project})
	require.NoError(t, err)
	require.Equal(t, qualification.Vendors, made.Origin)

	changed := project
	changed.Until = day("2024-12-31")
	saved, err := m.records(activities.ChangeQualificationInput{Member: "A1", Record: own.Record, Content: changed})
	require.NoError(t, err, "the member edits the own project")
	require.Equal(t, 2, saved.Version)
	for speaker, in := range map[string]activities.ChangeQualificationInput{
		"the member edits a vendor-made record":     {Member: "A1", Record: made.Record, Content: changed},
		"and does not remove it":                    {Member: "A1", Record: made.Record, Remove: true},
		"nor does who made it":                      {Person: "ou", Record: made.Record, Content: changed},
		"the administrator only reads":              {Person: "mei", Record: own.Record, Content: changed},
		"another member":                            {Member: "A2", Record: own.Record, Content: changed},
		"the ecosystem manager of the member's own": {Person: "wang", Record: own.Record, Content: changed},
		"the administrator adds nothing":            {Person: "mei", Account: "A1", Kind: qualification.Project, Content: project},
		"nobody":                                    {Person: "nobody", Record: own.Record, Content: changed},
	} {
		_, err := m.records(in)
		require.Equal(t, []string{"CBC.0151"}, codes(err), speaker)
	}
	through, err := m.records(activities.ChangeQualificationInput{Person: "wang", Record: made.Record, Content: changed})
	require.NoError(t, err, "through the ecosystem manager")
	require.Equal(t, qualification.Vendors, through.Origin, "it stays the vendor's")
	_, err = m.records(activities.ChangeQualificationInput{Member: "A1", Account: "A1", Kind: qualification.Project, Content: changed, Key: "q-own"})
	require.Equal(t, []string{"COM_REQUEST_KEY"}, codes(err))
	_, err = m.records(activities.ChangeQualificationInput{Member: "A1", Account: "A1", Kind: "hobby", Content: qualification.Content{From: day("2024-01-02"), Until: day("2024-01-01")}})
	require.Equal(t, []string{"CBC.0100", "CBC.0100"}, codes(err))
	_, err = m.records(activities.ChangeQualificationInput{Member: "A9", Account: "A9", Kind: qualification.Training, Content: project})
	require.Equal(t, []string{"CBC.5001"}, codes(err))
	_, err = m.records(activities.ChangeQualificationInput{Member: "A1", Record: "Q999999", Content: project})
	require.True(t, activities.IsNotFound(err))

	removed, err := m.records(activities.ChangeQualificationInput{Member: "A1", Record: own.Record, Remove: true})
	require.NoError(t, err)
	require.True(t, removed.Removed)
	_, err = m.records(activities.ChangeQualificationInput{Member: "A1", Record: own.Record, Content: changed})
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
	list, err := views.Reader{DB: m.db}.Qualifications(context.Background(), "A1")
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, made.Record, list[0].Record)
	require.Equal(t, 5, m.count(`SELECT count(*) FROM member_qualifications`), "what was said before stays")
	_, err = m.db.Exec(`UPDATE member_qualifications SET title = 'x'`)
	require.Error(t, err)

	require.Empty(t, m.mayRead("A1", "A1", ""))
	require.Empty(t, m.mayRead("A1", "", "mei"), "the administrator reads while the link exists")
	require.Empty(t, m.mayRead("A1", "", "max"))
	require.Empty(t, m.mayRead("A1", "", "ou"))
	require.Equal(t, []string{"CBC.0151"}, m.mayRead("A1", "A2", ""))
	require.Equal(t, []string{"SPC_NOT_BOUND"}, m.mayRead("A2", "", "mei"))
	require.NoError(t, m.unbind("A1", "2025-05-01 00:00"))
	require.Equal(t, []string{"SPC_NOT_BOUND"}, m.mayRead("A1", "", "mei"), "hidden at once")
	require.Empty(t, m.mayRead("A1", "A1", ""))
}

// certified is who counts for P1001 at an instant, by level.
func (m *team) certified(at time.Time) map[string]int {
	m.t.Helper()
	found, err := views.Reader{DB: m.db}.CertifiedStaff(context.Background(), "P1001", at)
	require.NoError(m.t, err)
	out := map[string]int{}
	for _, c := range found {
		out[c.Level] = c.Staff
	}
	return out
}

// Rule: ORG-46
func TestORG46GivenMembersWithCertificates_WhenOneIsUnboundOn1May_ThenTheCountersFallOn1May(t *testing.T) {
	m := newTeam(t)
	for i, account := range []string{"A1", "A2"} {
		m.member(account)
		for n, level := range []string{"HCIP", "HCIP", "HCIE"}[:3-i] { // two of one level count once
			_, err := m.records(activities.ChangeQualificationInput{
				Member: account, Account: account, Kind: qualification.Certificate, At: cst("2025-03-01 10:00").Add(time.Duration(10*i+n) * time.Second),
				Content: qualification.Content{Title: "Cloud", Level: level, From: day("2024-01-01"), Until: day("2025-06-30")},
			})
			require.NoError(t, err)
		}
	}
	_, err := m.records(activities.ChangeQualificationInput{Member: "A1", Account: "A1", Kind: qualification.Certificate, Content: qualification.Content{Title: "Cloud", From: day("2024-01-01")}})
	require.Equal(t, []string{"CBC.0100"}, codes(err), "a certificate has a level")
	m.bound("B1", "P2002", "2025-02-10 09:00")
	_, err = m.records(activities.ChangeQualificationInput{Member: "B1", Account: "B1", Kind: qualification.Certificate, At: cst("2025-03-01 10:00"), Content: qualification.Content{Title: "Cloud", Level: "HCIE", From: day("2024-01-01")}})
	require.NoError(t, err)

	require.NoError(t, m.unbind("A1", "2025-05-01 00:00"))
	unbound := cst("2025-05-01 00:00")
	require.Equal(t, map[string]int{"HCIP": 2, "HCIE": 1}, m.certified(unbound.Add(-time.Second)), "one second before")
	require.Equal(t, map[string]int{"HCIP": 1}, m.certified(unbound), "at that instant")
	require.Equal(t, map[string]int{"HCIP": 1}, m.certified(unbound.Add(time.Second)))

	require.Empty(t, m.certified(cst("2025-02-10 09:00").Add(-time.Second)), "before the links")
	require.Empty(t, m.certified(cst("2025-02-20 09:00")), "before the certificates were entered")
	require.Equal(t, map[string]int{"HCIP": 1}, m.certified(cst("2025-07-01 00:00").Add(-time.Second)), "the last day counts in full")
	require.Empty(t, m.certified(cst("2025-07-01 00:00")))
}
