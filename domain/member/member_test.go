package member_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/member"
	"countersign/domain/organisation"
	"countersign/domain/person"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	instant, err := time.ParseInLocation("2006-01-02 15:04:05", text, calendar.Zone)
	require.NoError(t, err)
	return instant
}

// own is an account that fulfils every condition.
func own(links ...member.Link) member.Account {
	return member.Account{ID: "A1", RealName: member.Personal, Links: links}
}

func conditions(t testing.TB, a member.Account, site, when string) []string {
	t.Helper()
	return member.Conditions(a, "P1", site, member.DefaultPolicy(), at(t, when)).Codes()
}

func TestGivenAnAccount_WhenItIsInvited_ThenEveryConditionIsJudged(t *testing.T) {
	enterprise, plain, partners := own(), own(), own()
	enterprise.RealName, plain.RealName, partners.Partner = member.Enterprise, member.NoRealName, "P9"
	for name, c := range map[string]struct {
		account member.Account
		site    string
		want    []string
	}{
		"all fulfilled":                                         {own(), "china", []string{}},
		"ORG-21: authenticated as an enterprise":                {enterprise, "china", []string{"INV_ENTERPRISE"}},
		"ORG-21: on the international site too":                 {enterprise, "international", []string{"INV_ENTERPRISE"}},
		"ORG-22: bound to P2":                                   {own(member.Link{Partner: "P2", At: at(t, "2025-03-01 09:00:00"), Holds: true}), "china", []string{"INV_LINKED_ELSEWHERE"}},
		"ORG-22: after P2 unbinds":                              {own(member.Link{Partner: "P2", At: at(t, "2025-03-01 09:00:00")}), "china", []string{}},
		"ORG-23: China site, not authenticated":                 {plain, "china", []string{"INV_NOT_AUTHENTICATED"}},
		"ORG-23: international site, not authenticated":         {plain, "international", []string{}},
		"ORG-24: the account of a partner":                      {partners, "china", []string{"INV_IS_PARTNER"}},
		"ORG-22, ORG-23, ORG-24, PGM-08: all that fail at once": {member.Account{ID: "A1", RealName: member.NoRealName, Partner: "P9", Links: []member.Link{{Partner: "P2", Holds: true}}}, "china", []string{"INV_LINKED_ELSEWHERE", "INV_NOT_AUTHENTICATED", "INV_IS_PARTNER"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, conditions(t, c.account, c.site, "2025-07-01 09:00:00")) })
	}
}

// Rule: ORG-25, ORG-26
func TestORG25GivenLinksToThreePartners_WhenTheFirstIsTwelveMonthsOld_ThenThatInstantStillCounts(t *testing.T) {
	links := own(
		member.Link{Partner: "P1", At: at(t, "2024-07-01 09:00:00")}, member.Link{Partner: "P2", At: at(t, "2024-11-01 00:00:00")}, member.Link{Partner: "P3", At: at(t, "2025-02-01 00:00:00")})
	require.Equal(t, []string{"INV_THREE_PARTNERS"}, conditions(t, links, "china", "2025-07-01 08:59:59"))
	require.Equal(t, []string{"INV_THREE_PARTNERS"}, conditions(t, links, "china", "2025-07-01 09:00:00"))
	require.Empty(t, conditions(t, links, "china", "2025-07-01 09:00:01"))

	twice := own(member.Link{Partner: "P1", At: at(t, "2024-09-01 09:00:00")}, member.Link{Partner: "P1", At: at(t, "2024-12-01 09:00:00")}, member.Link{Partner: "P2", At: at(t, "2025-02-01 09:00:00")})
	require.Empty(t, conditions(t, twice, "china", "2025-07-01 09:00:00"), "P1, P1, P2 are two partners")
}

// Rule: ORG-26, PGM-03
func TestORG26GivenALeapDay_WhenTwelveMonthsAreLookedBack_ThenTheCalendarDecides(t *testing.T) {
	links := func(first string) member.Account {
		return own(member.Link{Partner: "P1", At: at(t, first)}, member.Link{Partner: "P2", At: at(t, "2023-11-01 09:00:00")}, member.Link{Partner: "P3", At: at(t, "2024-01-01 09:00:00")})
	}
	require.Equal(t, []string{"INV_THREE_PARTNERS"}, conditions(t, links("2023-02-28 09:00:00"), "china", "2024-02-29 09:00:00"), "2024-02-29 looks back to 2023-02-28")
	require.Empty(t, conditions(t, links("2023-02-28 08:59:59"), "china", "2024-02-29 09:00:00"))
	require.Equal(t, []string{"INV_THREE_PARTNERS"}, conditions(t, links("2024-02-29 09:00:00"), "china", "2024-10-31 09:00:00"))
}

// Rule: ORG-27, ORG-28
func TestORG27GivenAMessage_WhenItsLinkIsTimed_ThenItHoldsSevenTimesTwentyFourHours(t *testing.T) {
	s, err := member.DefaultPolicy().Sending(at(t, "2025-03-03 10:00:00"))
	require.NoError(t, err)
	require.True(t, at(t, "2025-03-10 10:00:00").Equal(s.ExpiresAt), "%s", s.ExpiresAt)
	require.True(t, at(t, "2025-03-08 10:00:00").Equal(s.WakeAt()), "day 5, at the time of sending")
	silent := member.DefaultPolicy()
	silent.RemindAfter = calendar.Term{}
	s, err = silent.Sending(at(t, "2024-02-25 10:00:00"))
	require.NoError(t, err)
	require.True(t, at(t, "2024-03-03 10:00:00").Equal(s.WakeAt()), "over the leap day; nobody is reminded")
}

// Rule: ORG-29, ORG-30, ORG-31
func TestORG29GivenWhatWasEntered_WhenAccountsAreFound_ThenExactlyOneIsMeant(t *testing.T) {
	two := []member.Found{{ID: "A1", Name: "li.lei"}, {ID: "A2", Name: "li.lei.2"}}
	facts := member.Facts{Policy: member.DefaultPolicy(), Submitter: mei(), Known: true, SentToday: 100}
	for name, c := range map[string]struct {
		found   []member.Found
		chosen  string
		account string
		want    []string
	}{
		"one":                      {two[:1], "", "A1", []string{}},
		"two, one chosen":          {two, "A2", "A2", []string{}},
		"two, none chosen":         {two, "", "", []string{"INV_CHOOSE", "INV_DAILY_LIMIT"}},
		"two, a third chosen":      {two, "A3", "", []string{"INV_CHOOSE", "INV_DAILY_LIMIT"}},
		"none":                     {nil, "", "", []string{"INV_NOT_FOUND", "INV_DAILY_LIMIT"}},
		"one, and another one was": {two[:1], "A2", "", []string{"INV_NOT_FOUND", "INV_DAILY_LIMIT"}},
	} {
		t.Run(name, func(t *testing.T) {
			account, list := member.JudgeTarget("mei", "P1", c.chosen, member.ByEmail, c.found, facts)
			require.Equal(t, c.account, account)
			require.Equal(t, c.want, list.Codes())
		})
	}
	facts.Submitter.Partner = "P2"
	for _, found := range [][]member.Found{nil, two[:1], two} {
		account, list := member.JudgeTarget("mei", "P1", "", member.ByEmail, found, facts)
		require.Empty(t, account)
		require.Equal(t, []string{"CBC.0151"}, list.Codes(), "a stranger does not learn whether there is an account")
	}
	facts.Submitter = mei()
	_, list := member.JudgeTarget("mei", "P1", "", member.ByEmail, two, facts)
	require.Contains(t, list[0].Message, "A1 (l***), A2 (l***)")
	require.NotContains(t, list.Error(), "li.lei")
	require.Equal(t, "13800138000", member.ByMobile.Normal(" 138 0013-8000"))
	require.Equal(t, "li@home.example", member.ByEmail.Normal("Li@Home.example "))
	require.Equal(t, "Li Lei", member.ByName.Normal(" Li Lei"))
}

// Rule: COM-16, ORG-30, ORG-31, PGM-08
func TestGivenAnInvitation_WhenSeveralGuardsFail_ThenAllAreToldInOrder(t *testing.T) {
	account := own(member.Link{Partner: "P2", Holds: true})
	account.RealName, account.Partner = member.Enterprise, "P9"
	f := member.Facts{At: at(t, "2025-03-03 10:00:00"), Policy: member.DefaultPolicy(), Submitter: mei(), Known: true, Account: &account, SentToday: 100}
	i := member.Invitation{PartnerID: "P1", Submitter: "mei", AccountID: "A1"}
	require.Equal(t, []string{"CBC.0100", "INV_ENTERPRISE", "INV_LINKED_ELSEWHERE", "INV_IS_PARTNER", "INV_DAILY_LIMIT"}, member.Judge(i, f).Codes())
	unknown := f
	unknown.Account = nil
	require.Equal(t, []string{"CBC.0100", "INV_NOT_FOUND", "INV_DAILY_LIMIT"}, member.Judge(i, unknown).Codes())
	f.Submitter.Partner = "P2"
	require.Equal(t, []string{"CBC.0151", "CBC.0100"}, member.Judge(i, f).Codes(), "who may not invite learns nothing about the account")
	f.Known = false
	require.Equal(t, []string{"CBC.0151", "CBC.5001", "CBC.0100"}, member.Judge(i, f).Codes())
}

// mei administers P1.
func mei() *organisation.Person {
	return &organisation.Person{ID: "mei", Name: "Mei", Partner: "P1", Active: true, Status: organisation.Active, Roles: []person.Role{person.PartnerAdministrator}}
}

// Rule: COM-16, ORG-14
func TestGivenPeople_WhenTheyInvite_ThenOnlyAnActiveAdministratorOrTheMasterAccountMay(t *testing.T) {
	account := own()
	for name, c := range map[string]struct {
		change func(*organisation.Person)
		want   []string
	}{
		"holds the role":                 {func(*organisation.Person) {}, []string{}},
		"holds the master account":       {func(p *organisation.Person) { p.Roles, p.Master = nil, true }, []string{}},
		"held it and left":               {func(p *organisation.Person) { p.Master, p.Active = true, false }, []string{"CBC.0151"}},
		"is disabled":                    {func(p *organisation.Person) { p.Status = organisation.Disabled }, []string{"CBC.0151"}},
		"has the initial password still": {func(p *organisation.Person) { p.MustChange = true }, []string{"CBC.0151"}},
		"master, the initial password":   {func(p *organisation.Person) { p.Master, p.MustChange = true, true }, []string{"CBC.0151"}},
		"another partner's":              {func(p *organisation.Person) { p.Partner = "P2" }, []string{"CBC.0151"}},
		"another partner's master":       {func(p *organisation.Person) { p.Partner, p.Master = "P2", true }, []string{"CBC.0151"}},
		"another role":                   {func(p *organisation.Person) { p.Roles = []person.Role{person.PartnerIncentives} }, []string{"CBC.0151"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := mei()
			c.change(p)
			f := member.Facts{At: at(t, "2025-03-03 10:00:00"), Policy: member.DefaultPolicy(), Submitter: p, Known: true, Account: &account}
			require.Equal(t, c.want, member.Judge(member.Invitation{RequestKey: "k", PartnerID: "P1", Submitter: "mei", AccountID: "A1"}, f).Codes())
			require.Equal(t, c.want, member.JudgeUnbind(p, "mei", "P1", "A1", "I1", member.Bound, "").Codes())
		})
	}
}

// link is a token of case I1 and the acceptance of whoever signed in with an account.
func link(account string) (*member.Sent, member.Acceptance) {
	token := member.Token{1, 2, 3}
	return &member.Sent{Hash: token.Hash()}, member.Acceptance{Case: "I1", Account: account, Proof: member.Proof(token.Hash(), "I1", account), Notice: member.CurrentNotice().Version}
}

func TestGivenALink_WhenItIsFollowed_ThenEveryGuardIsJudged(t *testing.T) {
	sent, good := link("A1")
	_, stranger := link("A2")
	unticked := good
	unticked.Notice = ""
	used, replaced := *sent, *sent
	used.Used, replaced.Replaced = true, true
	elsewhere := own(member.Link{Partner: "P2", At: at(t, "2025-03-04 10:00:00"), Holds: true})
	for name, c := range map[string]struct {
		a       member.Acceptance
		account member.Account
		token   *member.Sent
		state   member.State
		when    string
		want    []string
	}{
		"ORG-27: one second before":             {good, own(), sent, member.Invited, "2025-03-10 09:59:59", []string{}},
		"ORG-27: at the instant":                {good, own(), sent, member.Invited, "2025-03-10 10:00:00", []string{"INV_EXPIRED"}},
		"ORG-27: one second after":              {good, own(), sent, member.Invited, "2025-03-10 10:00:01", []string{"INV_EXPIRED"}},
		"ORG-27: lapsed":                        {good, own(), sent, member.Lapsed, "2025-03-11 10:00:00", []string{"INV_EXPIRED"}},
		"ORG-33: a newer one was sent":          {good, own(), &replaced, member.Invited, "2025-03-06 10:00:00", []string{"INV_USED"}},
		"ORG-33: used":                          {good, own(), &used, member.Bound, "2025-03-20 10:00:00", []string{"INV_USED"}},
		"ORG-33: no link of this case":          {good, own(), nil, member.Invited, "2025-03-06 10:00:00", []string{"INV_USED"}},
		"ORG-34: another account":               {stranger, own(), sent, member.Invited, "2025-03-06 10:00:00", []string{"INV_WRONG_ACCOUNT"}},
		"ORG-34: who learns nothing of ours":    {stranger, elsewhere, sent, member.Invited, "2025-03-06 10:00:00", []string{"INV_WRONG_ACCOUNT"}},
		"ORG-35: not ticked":                    {unticked, own(), sent, member.Invited, "2025-03-06 10:00:00", []string{"INV_CONSENT"}},
		"ORG-36: linked to P2 on 2025-03-04":    {good, elsewhere, sent, member.Invited, "2025-03-05 10:00:00", []string{"INV_LINKED_ELSEWHERE"}},
		"PGM-08: all that fail, in their order": {unticked, elsewhere, &replaced, member.Invited, "2025-03-10 10:00:00", []string{"INV_LINKED_ELSEWHERE", "INV_EXPIRED", "INV_USED", "INV_CONSENT"}},
	} {
		t.Run(name, func(t *testing.T) {
			list := member.JudgeAccept(c.a, member.AcceptFacts{
				At: at(t, c.when), Policy: member.DefaultPolicy(), Partner: "P1", Site: "china", State: c.state, ExpiresAt: at(t, "2025-03-10 10:00:00"), Invited: c.account, Token: c.token,
			})
			require.Equal(t, c.want, list.Codes())
		})
	}
}

// Rule: ORG-34
func TestORG34GivenAProof_WhenCaseOrAccountOrTokenDiffer_ThenItProvesNothing(t *testing.T) {
	sent, good := link("A1")
	old := member.Token{9}
	list := []member.Sent{{Hash: old.Hash(), Replaced: true}, *sent}
	require.Equal(t, &list[1], good.Proven(list))
	for name, a := range map[string]member.Acceptance{
		"another case":    {Case: "I2", Account: good.Account, Proof: good.Proof},
		"another account": {Case: good.Case, Account: "A2", Proof: good.Proof},
		"no proof":        {Case: good.Case, Account: good.Account},
	} {
		require.Nil(t, a.Proven(list), name)
	}
	require.Empty(t, good.WellFormed())
	for _, proof := range []string{"", "xyz", strings.Repeat("a", 62), strings.Repeat("g", 64)} {
		good.Proof = proof
		require.Equal(t, []string{"CBC.0100"}, good.WellFormed().Codes(), proof)
	}
}

func TestGivenAToken_WhenItIsRead_ThenOnlyWhatWasWrittenIsIt(t *testing.T) {
	var token member.Token
	for i := range token {
		token[i] = byte(250 + i)
	}
	for _, text := range []string{token.String(), "https://partners.example/invitations/" + token.String(), token.String() + "\n"} {
		read, ok := member.ParseToken(text)
		require.True(t, ok, text)
		require.Equal(t, token, read)
	}
	for _, text := range []string{"", "https://partners.example/invitations/", token.String()[1:], token.String() + "A", strings.Repeat("!", 43), strings.Repeat("_", 43)} {
		_, ok := member.ParseToken(text)
		require.False(t, ok, text)
	}
}

// Rule: ORG-37
func TestORG37GivenAMember_WhenUnbinding_ThenTheStatesDecide(t *testing.T) {
	for specialist, want := range map[string][]string{
		"": {}, "CANCEL_APPROVED": {}, "SPECIALIST_REJECTED": {}, "CANCELLED_BY_VENDOR": {},
		"SPECIALIST": {"SPC_STATE"}, "SPECIALIST_REVIEW": {"SPC_STATE"}, "CANCEL_REVIEW": {"SPC_STATE"}, "CANCEL_REJECTED": {"SPC_STATE"},
	} {
		require.Equal(t, want, member.JudgeUnbind(mei(), "mei", "P1", "A1", "I1", member.Bound, specialist).Codes(), specialist)
	}
	for _, state := range []member.State{member.Invited, member.Lapsed, member.Unbound} {
		require.Equal(t, []string{"ENG_STATE"}, member.JudgeUnbind(mei(), "mei", "P1", "A1", "I1", state, "").Codes(), state)
	}
	require.Equal(t, []string{"ENG_STATE", "SPC_STATE"}, member.JudgeUnbind(mei(), "mei", "P1", "A1", "I1", member.Unbound, "SPECIALIST").Codes())
	require.Equal(t, []string{"CBC.0151"}, member.JudgeUnbind(nil, "x", "P1", "A1", "I1", member.Unbound, "SPECIALIST").Codes(), "a stranger learns nothing")
}

// Rule: ORG-35
func TestORG35GivenTheNotice_WhenItIsRead_ThenItSaysInBothLanguagesWhatIsDisclosedAndWhoAnswers(t *testing.T) {
	n := member.CurrentNotice()
	require.NotEmpty(t, n.Version)
	for _, words := range []string{"授权", "披露", "账号名", "负责"} {
		require.Contains(t, n.Chinese, words)
	}
	for _, words := range []string{"authorise the vendor to disclose", "account name", "responsible for the protection"} {
		require.Contains(t, n.English, words)
	}
}

func TestGivenANotice_WhenItIsWritten_ThenOnlyTheInvitationHasTheLink(t *testing.T) {
	d := member.NoticeData{Case: "I000001", Partner: "A Ltd", Account: "A1", ExpiresAt: at(t, "2025-03-10 10:00:00"), Link: "https://partners.example/invitations/x"}
	subject, body := member.InvitationSent.Text(d)
	require.Equal(t, "A Ltd：邀请您关联个人账号 / A Ltd invites you to link your personal account", subject)
	require.Contains(t, body, "link: https://partners.example/invitations/x\n")
	require.Contains(t, body, "valid until: 2025-03-10 10:00:00 (UTC+8)\n")
	d.Link = ""
	for _, n := range []member.Notice{member.Reminder, member.HasBound, member.HasLapsed, member.HasUnbound} {
		subject, body := n.Text(d)
		require.NotEmpty(t, subject)
		require.NotContains(t, body, "link:")
		require.Equal(t, n == member.Reminder, strings.Contains(body, "2025-03-10"), n)
	}
}

func TestGivenAPolicy_WhenItIsChecked_ThenEverythingThatIsWrongIsTold(t *testing.T) {
	require.NoError(t, member.DefaultPolicy().Check())
	short := member.DefaultPolicy()
	short.Term, short.RemindAfter = calendar.MustTerm("90s"), calendar.MustTerm("60s")
	require.NoError(t, short.Check())
	late := member.DefaultPolicy()
	late.RemindAfter = late.Term
	require.ErrorContains(t, late.Check(), "remind_after")
	err := member.Policy{Term: calendar.MustTerm("P7WD"), Link: "x"}.Check()
	for _, words := range []string{"term is", "at least 1", "link is"} {
		require.ErrorContains(t, err, words)
	}
}

// Whatever happens in whatever order, an invitation goes only along its moves, ends once and is bound at most while its link holds.
func TestGivenAnyLife_WhenItIsLived_ThenOnlyLawfulMovesAreMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := member.DefaultPolicy()
		now := time.Date(2025, 3, 3, 10, 0, 0, 0, calendar.Zone)
		sending, err := policy.Sending(now)
		require.NoError(t, err)
		state, account := member.Invited, own()
		token := member.Sent{Hash: []byte("1")}
		move := func(to member.State) {
			require.True(t, member.CanMove(state, to), "%s to %s", state, to)
			state = to
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 4*24*3600).Draw(t, "seconds")) * time.Second)
			if state == member.Invited && !now.Before(sending.ExpiresAt) {
				move(member.Lapsed)
			}
			switch rapid.SampledFrom([]string{"accept", "unbind", "again", "elsewhere"}).Draw(t, "step") {
			case "accept":
				a := member.Acceptance{Case: "I1", Account: "A1", Notice: member.CurrentNotice().Version, Proof: member.Proof(token.Hash, "I1", "A1")}
				list := member.JudgeAccept(a, member.AcceptFacts{At: now, Policy: policy, Partner: "P1", State: state, ExpiresAt: sending.ExpiresAt, Invited: account, Token: a.Proven([]member.Sent{token})})
				require.Equal(t, state == member.Invited && !slices.ContainsFunc(account.Links, func(l member.Link) bool { return l.Holds }), len(list) == 0, "%s: %v", state, list)
				if len(list) == 0 {
					move(member.Bound)
					require.True(t, now.Before(sending.ExpiresAt))
					token.Used = true
					account.Links = append(account.Links, member.Link{Partner: "P1", At: now, Holds: true})
				}
			case "unbind":
				list := member.JudgeUnbind(mei(), "mei", "P1", "A1", "I1", state, "")
				require.Equal(t, state == member.Bound, len(list) == 0)
				if len(list) == 0 {
					move(member.Unbound)
					account.Links[len(account.Links)-1].Holds = false
				}
			case "again":
				if state == member.Invited {
					sending, err = policy.Sending(now)
					require.NoError(t, err)
				}
			case "elsewhere":
				if !slices.ContainsFunc(account.Links, func(l member.Link) bool { return l.Holds }) {
					account.Links = append(account.Links, member.Link{Partner: "P2", At: now, Holds: true})
				}
			}
		}
	})
}
