package baseline

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/person"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	mei = &person.Person{ID: "mei", Name: "Mei", PartnerID: "P1", Active: true, Roles: []person.Role{person.PartnerAdministrator}}
	dai = &person.Person{ID: "dai", Name: "Dai", Active: true, Roles: []person.Role{PartnerDevelopment}}
	ava = &person.Person{ID: "ava", Name: "Ava", Active: true, Roles: []person.Role{SolutionArchitect}}
)

// whole is a project that lacks nothing.
func whole(s State) Project {
	p := Project{ID: "BD000001", Partner: "P1", Case: "BL000001", State: s, Files: map[string]File{
		Presentation: {Document: "a"}, FeatureList: {Document: "b", Checked: true}, DesignPaper: {Document: "c"}, TestReport: {Document: "d"},
	}}
	p.Name, p.Version, p.Summary, p.Lead = "X", "1.0", "plans", ByPartner
	p.Contact.Name, p.Contact.Mobile, p.Contact.Email = "Kim", "13800138000", "kim@a.example"
	for _, i := range DefaultPolicy().ReleaseItems {
		p.Files[ReleaseItem(i.Name)] = File{Document: "e"}
	}
	return p
}

// Rule: CERT-28, CERT-29, CERT-30, ENG-03
func TestGivenAnyOrderOfRequestsAndDecisions_WhenTheyAreTaken_ThenMainLineAndTracksMoveLawfullyAndByThemselves(t *testing.T) {
	actions := []struct {
		action Action
		by     *person.Person
	}{
		{SubmitAgain, mei}, {ApplyDesign, mei}, {HandInDesign, mei}, {HandInVerification, mei}, {ListGoods, dai}, {GoodsAreListed, dai}, {BeginConfigurator, mei}, {EndConfigurator, ava}, {SubmitRelease, mei},
	}
	rapid.Check(t, func(t *rapid.T) {
		state, tracks, open := ProjectReview, map[Track]On{}, []string{ProjectMatter.Name}
		done := false
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if state == Released {
				break
			}
			before, was := state, map[Track]State{}
			for k, v := range tracks {
				was[k] = v.State
			}
			var e Effect
			if len(open) > 0 && rapid.Bool().Draw(t, "decide") {
				i := rapid.IntRange(0, len(open)-1).Draw(t, "matter")
				m := MatterOf(open[i])
				open = slices.Delete(slices.Clone(open), i, i+1)
				e = After(m, rapid.Bool().Draw(t, "approved"))
				if m == DesignMatter || m == VerificationMatter {
					require.Empty(t, e.State, "a track decides nothing of the main line")
				} else {
					require.Empty(t, e.Track, "nor the other way round")
				}
			} else {
				a := rapid.SampledFrom(actions).Draw(t, "action")
				f := ActFacts{Person: a.by, Policy: DefaultPolicy(), Saved: whole(state), Tracks: tracks, Open: open, Release: rapid.Bool().Draw(t, "saved"), Helper: ava}
				var refused []string
				act := Act{RequestKey: "k", Person: a.by.ID, Action: a.action, Reference: "ava"}
				effect, list := JudgeAct(act, f)
				if refused = list.Codes(); len(refused) > 0 {
					require.Equal(t, Effect{}, effect)
					if slices.Contains(refused, "CERT_PROJECT_OPEN") {
						require.False(t, done)
					}
					continue
				}
				if e = effect; e.Ask.Name != "" {
					require.NotContains(t, open, e.Ask.Name, "nobody is asked twice")
					open = append(slices.Clone(open), e.Ask.Name)
				}
			}
			if e.State != "" {
				require.True(t, CanMove(before, e.State), "%s to %s", before, e.State)
				state = e.State
			}
			if e.Track != "" {
				require.True(t, CanTrack(e.Track, was[e.Track], e.To), "%s: %s to %s", e.Track, was[e.Track], e.To)
				tracks[e.Track] = On{State: e.To, Reference: "ava"}
			}
			done = done || state == ProjectDone
			if !done {
				require.Empty(t, tracks[Goods].State, "no goods before the project is done")
				require.Empty(t, tracks[Configurator].State)
			}
			if state == ReleaseReview || state == Released {
				require.Equal(t, []State{Verified, GoodsListed}, []State{tracks[Design].State, tracks[Goods].State})
			}
		}
	})
}

// Rule: CERT-28
func TestCERT28GivenAnyStateOfTheProject_WhenDesignIsAppliedFor_ThenItBegins(t *testing.T) {
	for s, said := range map[State]string{ProjectReview: "project under review, designing", ProjectRejected: "project refused, designing", ProjectDone: "project done, designing"} {
		e, list := JudgeAct(Act{RequestKey: "k", Person: "mei", Action: ApplyDesign}, ActFacts{Person: mei, Policy: DefaultPolicy(), Saved: whole(s)})
		require.Empty(t, list)
		require.Equal(t, Effect{Track: Design, To: Designing}, e)
		require.Equal(t, said, Said(s, map[Track]State{Design: Designing}))
	}
}

// Rule: PGM-08, CERT-30
func TestGivenAReleaseWithoutAnything_WhenItIsSubmitted_ThenEveryGuardIsListedInTheTablesOrder(t *testing.T) {
	p := whole(ProjectReview)
	p.Files = nil
	_, list := JudgeAct(Act{RequestKey: "k", Person: "dai", Action: SubmitRelease}, ActFacts{Person: dai, Policy: DefaultPolicy(), Saved: p, Staged: 1})
	require.Equal(t, []string{"CBC.0151", "CERT_INCOMPLETE", "CERT_PROJECT_OPEN"}, list.Codes())
	require.Contains(t, list[1].Message, "verification, goods listing, release application, introduction, deployment-guide, service-agreement, saving what was uploaded")
	_, list = JudgeAct(Act{RequestKey: "k", Person: "mei", Action: SubmitRelease}, ActFacts{
		Person: mei, Policy: DefaultPolicy(), Saved: whole(ReleaseReview), Release: true,
		Tracks: map[Track]On{Design: {State: Verified}, Goods: {State: GoodsListed}},
	})
	require.Equal(t, []string{"CERT_PENDING"}, list.Codes())
}

// Rule: CERT-25, PGM-08
func TestCERT25GivenASavedProject_WhenItIsChangedWhileReviewedUnderAnotherName_ThenBothGuardsAreListed(t *testing.T) {
	p := whole(ProjectReview)
	e := p.Entry
	e.Name = "Y"
	require.Equal(t, []string{"CERT_PENDING", "CERT_NAME_FROZEN"}, JudgeSave(e, SaveFacts{Person: mei, By: "mei", Partner: "P1", Known: true, Saved: &p}).Codes())
	p.State = ProjectRejected
	require.Equal(t, []string{"CERT_NAME_FROZEN"}, JudgeSave(e, SaveFacts{Person: mei, By: "mei", Partner: "P1", Known: true, Saved: &p}).Codes())
	require.Empty(t, JudgeSave(p.Entry, SaveFacts{Person: mei, By: "mei", Partner: "P1", Known: true, Saved: &p}))
	require.Equal(t, []string{"ENG_STATE"}, JudgeDelete(p, mei, "mei").Codes(), "what was submitted is not deleted")
	long := Entry{Name: strings.Repeat("名", 129), Lead: "both"}.Storable()
	require.Equal(t, []string{"CBC.0151", "CBC.5001", "CBC.0100", "CBC.0100"}, JudgeSave(long, SaveFacts{By: "x", Partner: "P9"}).Codes())
}

// Rule: CERT-26
func TestCERT26GivenFeatureLists_WhenTheyAreChecked_ThenColumnsCellsAndValuesAreThoseOfTheTemplate(t *testing.T) {
	const header = "feature,description,cloud_service,status,remark\n"
	for name, c := range map[string]struct {
		list string
		want []string
	}{
		"as the template":     {header + "plan,plans,ECS,available,\nshow,shows,OBS,planned,later\n", nil},
		"no feature":          {header, []string{"line 1: the list names no feature"}},
		"another column":      {"feature,description,status,cloud_service,remark\na,b,c,d,\n", []string{"line 1: the columns are feature, description, status, cloud_service, remark; the template has feature, description, cloud_service, status, remark", `line 2: status is "d"; it is one of available, planned`}},
		"a cell too few":      {header + "plan,plans,ECS,available\n", []string{"line 2: 4 columns instead of 5"}},
		"an empty cell":       {header + "plan,  ,ECS,available,\n", []string{"line 2: description is not filled in"}},
		"an unknown value":    {header + "plan,plans,ECS,done,\n", []string{`line 2: status is "done"; it is one of available, planned`}},
		"the same twice":      {header + "plan,plans,ECS,available,\nplan,more,ECS,planned,\n", []string{`line 3: feature "plan" stands in line 2 already`}},
		"more than the limit": {header + many(501), []string{"line 502: the list has more than 500 features"}},
	} {
		r := csv.NewReader(strings.NewReader(c.list))
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		require.NoError(t, err, name)
		check := DefaultPolicy().Features.NewChecker(rows[0])
		for i, row := range rows[1:] {
			check.Row(i+2, row)
		}
		require.Equal(t, c.want, check.End(), name)
	}
	check := DefaultPolicy().Features.NewChecker([]string{"x"})
	for i := range 100 {
		check.Row(i, nil)
	}
	require.True(t, check.Full())
	require.Len(t, check.End(), mostFindings, "the first findings show what is wrong with the rest")
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d,d,ECS,planned,\n", i)
	}
	return b.String()
}

// Rule: CERT-26
func TestCERT26GivenWhatAFileHolds_WhenItIsJudged_ThenProtectedAndUnauthorisedContentIsForbidden(t *testing.T) {
	f := FileFacts{Person: mei, By: "mei", Saved: whole(ProjectRejected), Item: Presentation, Policy: DefaultPolicy()}
	for name, c := range map[string]struct {
		content Content
		want    []string
	}{
		"a PDF":                {Content{Name: "a.pdf", MediaType: "application/pdf"}, nil},
		"an encrypted archive": {Content{Name: "a.zip", MediaType: "application/zip", Protected: "encrypted archive"}, []string{"CERT_FORBIDDEN_FILE"}},
		"a program":            {Content{Name: "a.pdf", MediaType: "application/octet-stream", Program: "a program for Linux"}, []string{"CERT_FORBIDDEN_FILE"}},
		"source in an archive": {Content{Name: "a.zip", MediaType: "application/zip", Entries: []string{"doc/a.txt", "src/Core.JAVA"}}, []string{"CERT_FORBIDDEN_FILE"}},
		"another type":         {Content{Name: "a.gif", MediaType: "image/gif"}, []string{"CERT_FORBIDDEN_FILE"}},
		"too many files":       {Content{Name: "a.zip", MediaType: "application/zip", Entries: make([]string, mostEntries+1)}, []string{"CERT_FORBIDDEN_FILE"}},
		"what is not read":     {Content{Name: "a.pdf", MediaType: "application/pdf", Fault: "The file is empty; choose another."}, []string{"CBC.0100"}},
	} {
		require.Equal(t, c.want, append([]string(nil), JudgeFile(c.content, f).Codes()...), name)
	}
	f.Saved = whole(ProjectReview)
	require.Equal(t, []string{"CERT_PENDING"}, JudgeFile(Content{Name: "a.pdf", MediaType: "application/pdf"}, f).Codes())
	f.Item = ReleaseItem("introduction")
	require.Equal(t, []string{"CERT_PROJECT_OPEN"}, JudgeFile(Content{Name: "a.pdf", MediaType: "application/pdf"}, f).Codes())
	f.Item, f.Saved = ReleaseItem("song"), whole(ProjectDone)
	require.Equal(t, []string{"CBC.0100"}, JudgeFile(Content{Name: "a.pdf", MediaType: "application/pdf"}, f).Codes())
	f.Item, f.Staged = ReleaseItem("introduction"), 20
	require.Equal(t, []string{"CBC.0100"}, JudgeFile(Content{Name: "a.pdf", MediaType: "application/pdf"}, f).Codes())
}

func TestGivenThePolicy_WhenItIsChecked_ThenTheDefaultIsInOrderAndEveryFaultIsTold(t *testing.T) {
	require.NoError(t, DefaultPolicy().Check())
	p := DefaultPolicy()
	p.ReviewRole, p.Features.Columns, p.ReleaseItems, p.MediaTypes, p.FileLimit, p.Uploads = "", nil, nil, nil, 0, 0
	p.ForbiddenNames = []string{"exe"}
	err := p.Check()
	for _, says := range []string{"review_role", "features", "release_items", "media_types", "file_limit", "uploads", `"exe"`} {
		require.ErrorContains(t, err, says)
	}
}

func TestGivenEveryMatter_WhenItIsDecided_ThenThePartnerIsToldInBothLanguages(t *testing.T) {
	for _, m := range []approval.Matter{ProjectMatter, DesignMatter, VerificationMatter, ReleaseMatter} {
		require.NotEmpty(t, RuleOf(m))
		require.Contains(t, Question(m, "Atlas"), "Atlas")
		for _, o := range []approval.Outcome{approval.Approve, approval.Reject} {
			subject, body := NoticeOf(m, o).Text(NoticeData{Case: "BL000001", Partner: "P1", Name: "Atlas", Note: "why"})
			require.Regexp(t, `基线解决方案 BL000001 \p{Han}+.* / Joint solution BL000001 \w+`, subject)
			require.Contains(t, body, "why")
		}
	}
}
