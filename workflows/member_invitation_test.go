package workflows

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/member"
	"countersign/domain/specialist"
	"countersign/views"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
)

// Rule: ORG-27, ORG-28, ORG-34
func TestORG27GivenAnInvitation_WhenItIsAcceptedOneSecondBeforeItLapses_ThenTheMemberIsBound(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	i := invites("k1", "A1")
	run := c.starts("2025-03-03 10:00:00", i)
	bound := run.accepts("2025-03-10 09:59:59", 1, "A1")
	run.toEnd(i)

	require.NoError(t, run.opened.err)
	require.Equal(t, second("2025-03-10 10:00:00").UTC(), run.opened.standing.DueAt.UTC())
	require.Equal(t, second("2025-03-08 10:00:00").UTC(), run.opened.standing.WakeAt.UTC(), "one timer at a time: the reminder on day 5")
	require.NoError(t, bound.err)
	require.Equal(t, CaseResult{Case: "I000001", State: member.Bound}, run.result)
	require.Equal(t, []string{"mei invite >INVITED ORG-29", "clock remind INVITED>INVITED ORG-27", "account A1 accept INVITED>BOUND ORG-34"}, c.history("I000001"))
	require.Equal(t, 1, c.count(`SELECT count(*) FROM member_links WHERE account_id = 'A1' AND partner_id = 'P1001' AND case_number = 'I000001' AND notice_version = '2025-01' AND linked_at = '2025-03-10T09:59:59+08:00'`))
	require.Equal(t, []string{"sent@1", "reminder@1", "bound"}, c.told("A1"))
	require.Equal(t, 1, c.count(`SELECT count(*) FROM outbox WHERE person_id = 'mei' AND key LIKE 'invitation/I000001/bound/%'`))
}

// Rule: ORG-27
func TestORG27GivenAnInvitation_WhenItIsAcceptedAtTheInstantOfItsLapse_ThenItIsLate(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	i := invites("k1", "A1")
	run := c.starts("2025-03-03 10:00:00", i)
	late := run.accepts("2025-03-10 10:00:00", 1, "A1")
	run.toEnd(i)

	require.Equal(t, []string{"INV_EXPIRED"}, late.refused().Codes())
	require.Equal(t, CaseResult{Case: "I000001", State: member.Lapsed}, run.result)
	require.Equal(t, 1, c.count(`SELECT count(*) FROM cases WHERE case_number = 'I000001' AND closed_at = '2025-03-10T10:00:00+08:00'`))
	require.Equal(t, 1, c.count(`SELECT count(*) FROM outbox WHERE person_id = 'mei' AND key LIKE 'invitation/I000001/lapsed/%'`))
	require.Equal(t, []string{"sent@1", "reminder@1"}, c.told("A1"), "who lapsed is not told")
	require.Zero(t, c.count(`SELECT count(*) FROM member_links`))
}

// Rule: ORG-28
func TestORG28GivenTheMessageOnTheSite_WhenItsMailIsLate_ThenTheTermCountsFromTheMessage(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	number := c.invited(invites("k1", "A1"), "2025-03-03 10:00:00")
	link := c.link(number, 1)
	post := postbox{}
	_, err := (&activities.Outbox{DB: c.db, Mail: &post}).DeliverNext(context.Background(), second("2025-03-03 10:03:00"))
	require.NoError(t, err)
	require.Equal(t, "li@home.example", post.address)
	require.Contains(t, post.body, link, "the mail is a copy, with the link")
	require.Contains(t, post.body, "2025-03-10 10:00:00 (UTC+8)")
	require.Equal(t, 1, c.count(`SELECT count(*) FROM outbox m JOIN invitation_tokens t ON t.sent_at = m.written_at WHERE m.account_id = 'A1' AND m.secret AND m.body = '' AND m.sent_at = '2025-03-03T10:03:00+08:00' AND t.expires_at = '2025-03-10T10:00:00+08:00'`))
	_, err = c.accept(c.ticks("a", link, "A1"), "2025-03-10 10:00:00")
	require.Equal(t, []string{"INV_EXPIRED"}, codes(err))
}

// postbox keeps the last mail.
type postbox struct{ address, subject, body string }

func (p *postbox) Deliver(_ context.Context, address, subject, body string) error {
	p.address, p.subject, p.body = address, subject, body
	return nil
}

// Rule: ORG-29, ORG-30
func TestORG29GivenWhatTheAdministratorKnows_WhenTheAccountIsLookedFor_ThenOneIsFoundOrNothingHappens(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	find := func(by member.By, text, chosen, person string) (string, error) {
		return c.members.FindAccount(context.Background(), activities.FindAccountInput{Partner: "P1001", Person: person, By: by, Text: text, Account: chosen, At: second("2025-03-03 10:00:00")})
	}
	for _, q := range []struct {
		by                    member.By
		text, chosen, account string
	}{{member.ByMobile, "138 0013 8000", "", "A1"}, {member.ByEmail, "LI@home.example", "A2", "A2"}, {member.ByName, "li.lei.2", "", "A2"}} {
		account, err := find(q.by, q.text, q.chosen, "mei")
		require.NoError(t, err)
		require.Equal(t, q.account, account)
	}
	for _, q := range []struct {
		by           member.By
		text, person string
		want         []string
	}{
		{member.ByEmail, "li@home.example", "mei", []string{"INV_CHOOSE"}},
		{member.ByMobile, "13000130000", "mei", []string{"INV_NOT_FOUND"}},
		{member.ByMobile, "", "mei", []string{"INV_NOT_FOUND"}},
		{member.ByMobile, "13800138000", "clerk", []string{"CBC.0151"}},
		{member.ByMobile, "13800138000", "p2", []string{"CBC.0151"}},
		{member.ByMobile, "13000130000", "p2", []string{"CBC.0151"}},
		{member.ByEmail, "li@home.example", "p2", []string{"CBC.0151"}},
		{"shoe size", "44", "mei", []string{"CBC.0100"}},
	} {
		_, err := find(q.by, q.text, "", q.person)
		require.Equal(t, q.want, codes(err))
	}
	require.Zero(t, c.count(`SELECT count(*) FROM outbox`), "nothing was sent")
	require.Zero(t, c.count(`SELECT count(*) FROM invitation_counters`), "nothing counted")
	require.NotZero(t, c.count(`SELECT count(*) FROM refusals WHERE kind = 'invitation'`))
	require.Zero(t, c.count(`SELECT count(*) FROM refusals WHERE refusals::text LIKE '%home.example%' OR refusals::text LIKE '%13000130000%' OR key LIKE '%13000130000%'`), "what was entered is kept nowhere")
}

// Rule: ORG-21, ORG-23, ORG-24, ORG-30
func TestORG30GivenAnAccountThatFailsACondition_WhenItIsInvited_ThenNothingIsSentOrCounted(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	for account, want := range map[string][]string{"E": {"INV_ENTERPRISE"}, "N": {"INV_NOT_AUTHENTICATED"}, "Q": {"INV_IS_PARTNER"}, "X": {"INV_NOT_FOUND"}} {
		_, err := c.invite(invites("k-"+account, account), "2025-03-03 10:00:00")
		require.Equal(t, want, codes(err), account)
	}
	i := invites("k", "E")
	run := c.starts("2025-03-03 10:00:00", i).toEnd(i)
	require.Equal(t, []string{"INV_ENTERPRISE"}, run.opened.refused().Codes())
	require.Equal(t, []string{"INV_ENTERPRISE"}, run.result.Refused.Codes())
	require.Zero(t, c.count(`SELECT (SELECT count(*) FROM cases) + (SELECT count(*) FROM outbox) + (SELECT count(*) FROM invitation_counters) + (SELECT count(*) FROM invitation_tokens)`))

	c.db.MustExec(`UPDATE partners SET site = 'international' WHERE partner_id = 'P1001'`)
	require.Equal(t, "I000001", c.invited(invites("k-site", "N"), "2025-03-03 10:00:00"), "ORG-23 holds on the China site only")
}

// Rule: ORG-31
func TestORG31GivenAHundredSendings_WhenOneMoreIsAsked_ThenItWaitsForMidnight(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	number := c.invited(invites("k0", "A1"), "2025-03-03 09:00:00")
	for n := 1; n < 100; n++ {
		_, err := c.again(number, invites(fmt.Sprintf("k%d", n), "A1"), "2025-03-03 16:00:00")
		require.NoError(t, err, "sending %d", n+1)
	}
	_, err := c.again(number, invites("k100", "A1"), "2025-03-03 16:00:00")
	require.Equal(t, []string{"INV_DAILY_LIMIT"}, codes(err), "the 101st")
	_, err = c.invite(invites("k101", "A2"), "2025-03-03 23:59:59")
	require.Equal(t, []string{"INV_DAILY_LIMIT"}, codes(err))
	require.Equal(t, 1, c.count(`SELECT count(*) FROM invitation_counters WHERE sent = 100 AND day = '2025-03-03'`))
	require.Equal(t, 100, c.count(`SELECT count(*) FROM outbox WHERE secret`))
	require.NotEmpty(t, c.invited(by("P2", "p2", invites("k102", "A2")), "2025-03-03 23:59:59"), "each partner has its own")
	c.invited(invites("k103", "A2"), "2025-03-04 00:00:00")
	_, err = c.again(number, invites("k104", "A1"), "2025-03-04 00:00:01")
	require.NoError(t, err)
	require.Equal(t, 1, c.count(`SELECT count(*) FROM invitation_counters WHERE partner_id = 'P1001' AND sent = 2 AND day = '2025-03-04'`))
	_, err = c.db.Exec(`UPDATE invitation_counters SET sent = 1 WHERE partner_id = 'P1001' AND day = '2025-03-04'`)
	require.ErrorContains(t, err, "only grows")
}

// Rule: ORG-33
func TestORG33GivenAnInvitation_WhenItIsSentAgain_ThenTheOldLinkIsVoidAndANewTermRuns(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	i, more := invites("k1", "A1"), invites("k2", "A1")
	run := c.starts("2025-03-03 10:00:00", i)
	again := run.sends("2025-03-06 10:00:00", more)
	repeated := run.sends("2025-03-06 11:00:00", more)
	own := run.sends("2025-03-06 12:00:00", i)
	old := run.accepts("2025-03-06 10:00:01", 1, "A1")
	limited := run.sends("2025-03-07 10:00:00", by("P1001", "clerk", invites("k3", "A1")))
	stranger := run.sends("2025-03-07 11:00:00", by("P2", "p2", invites("k4", "A1")))
	bound := run.accepts("2025-03-13 09:59:59", 2, "A1")
	run.toEnd(i)

	require.NoError(t, again.err)
	require.Equal(t, second("2025-03-13 10:00:00").UTC(), again.standing.DueAt.UTC())
	require.Equal(t, second("2025-03-11 10:00:00").UTC(), again.standing.WakeAt.UTC())
	require.Equal(t, again.standing, repeated.standing, "the same key sends nothing")
	require.NoError(t, own.err)
	require.Equal(t, []string{"INV_USED"}, old.refused().Codes())
	require.Equal(t, []string{"CBC.0151"}, limited.refused().Codes())
	require.Equal(t, []string{"CBC.0100"}, stranger.refused().Codes(), "another partner has a run of its own")
	require.NoError(t, bound.err)
	require.Equal(t, CaseResult{Case: "I000001", State: member.Bound}, run.result)
	require.Equal(t, []string{"sent@1", "sent@2", "reminder@2", "bound"}, c.told("A1"))
	require.Equal(t, 2, c.count(`SELECT sum(sent) FROM invitation_counters`))
	require.Equal(t, 1, c.count(`SELECT count(*) FROM invitation_tokens WHERE sending = 1 AND replaced_at = '2025-03-06T10:00:00+08:00'`))
}

// Rule: ORG-33
func TestORG33GivenALapsedOrUnboundMember_WhenInvitedAgain_ThenItIsANewCase(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	first := c.invited(invites("k1", "A1"), "2025-03-03 10:00:00")
	_, err := c.invite(invites("k2", "A1"), "2025-03-04 10:00:00")
	require.Equal(t, []string{"ENG_STATE"}, codes(err), "it waits; its run would send it again")
	_, err = c.again(first, invites("k3", "A1"), "2025-03-10 10:00:00")
	require.Equal(t, []string{"ENG_STATE"}, codes(err), "its term is over, whether the clock was there or not")
	_, err = c.clock(first, "2025-03-10 10:00:00")
	require.NoError(t, err)
	_, err = c.again(first, invites("k4", "A1"), "2025-03-10 10:00:01")
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
	next := c.invited(invites("k5", "A1"), "2025-03-10 10:00:01")
	require.NotEqual(t, first, next)
	_, err = c.accept(c.ticks("a1", c.link(first, 1), "A1"), "2025-03-10 11:00:00")
	require.Equal(t, []string{"INV_EXPIRED", "INV_USED"}, codes(err), "the first case's link")
	_, err = c.accept(c.ticks("a2", c.link(next, 1), "A1"), "2025-03-10 11:00:00")
	require.NoError(t, err)
	_, err = c.invite(invites("k6", "A1"), "2025-03-11 10:00:00")
	require.Equal(t, []string{"ENG_STATE"}, codes(err), "linked already")
	_, err = c.unbind("P1001", "mei", "A1", "2025-03-12 10:00:00")
	require.NoError(t, err)
	require.Equal(t, "I000003", c.invited(invites("k7", "A1"), "2025-03-12 10:00:01"))
	repeat, err := c.invite(invites("k7", "A1"), "2025-03-12 10:00:02")
	require.NoError(t, err)
	require.Equal(t, "I000003", repeat.Case)
}

// Rule: ORG-33, ORG-27
func TestORG33GivenAnInvitationWhoseTermIsOver_WhenItIsSentAgain_ThenItLapsesAndANewRunIsAsked(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	i := invites("k1", "A1")
	run := c.starts("2025-03-03 10:00:00", i)
	late := run.sends("2025-03-10 10:00:00", invites("k2", "A1"))
	run.toEnd(i)
	require.True(t, metEndedRun(late.err), "%v", late.err)
	require.Equal(t, CaseResult{Case: "I000001", State: member.Lapsed}, run.result)
	require.Equal(t, []string{"mei invite >INVITED ORG-29", "clock remind INVITED>INVITED ORG-27", "clock lapse INVITED>LAPSED ORG-27"}, c.history("I000001"))
	next := invites("k2", "A1")
	second := c.starts("2025-03-10 10:00:01", next)
	second.accepts("2025-03-11 10:00:00", 1, "A1")
	second.toEnd(next)
	require.Equal(t, CaseResult{Case: "I000002", State: member.Bound}, second.result)
}

// Rule: ORG-34, ORG-35
func TestORG34GivenALink_WhenItIsFollowed_ThenOnlyTheInvitedAccountWithATickIsLinked(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	i := invites("k1", "A1")
	run := c.starts("2025-03-03 10:00:00", i)
	wrong := run.accepts("2025-03-04 10:00:00", 1, "A2")
	unticked := run.asks("2025-03-04 11:00:00", AcceptUpdate, &clubAnswer{}, func() any {
		a := c.ticks("n", c.link("I000001", 1), "A1")
		a.Notice = ""
		return a
	})
	malformed := run.asks("2025-03-04 12:00:00", AcceptUpdate, &clubAnswer{}, func() any { return member.Acceptance{Case: "I000001", Account: "A1", Proof: "guess"} })
	guessed := run.asks("2025-03-04 13:00:00", AcceptUpdate, &clubAnswer{}, func() any {
		return member.Acceptance{Key: "g", Case: "I000001", Account: "A1", Proof: strings.Repeat("ab", 32), Notice: member.CurrentNotice().Version}
	})
	bound := run.accepts("2025-03-05 10:00:00", 1, "A1")
	run.toEnd(i)

	require.Equal(t, []string{"INV_WRONG_ACCOUNT"}, wrong.refused().Codes())
	require.Equal(t, []string{"INV_CONSENT"}, unticked.refused().Codes())
	require.Equal(t, []string{"CBC.0100"}, malformed.refused().Codes())
	require.Equal(t, []string{"INV_USED"}, guessed.refused().Codes())
	require.NoError(t, bound.err)
	require.Equal(t, 1, c.count(`SELECT count(*) FROM member_links WHERE notice_version = $1`, member.CurrentNotice().Version))
	require.Equal(t, 3, c.count(`SELECT count(*) FROM events WHERE action = 'accept refused'`))

	_, err := c.members.FollowLink(context.Background(), "https://partners.example/invitations/"+member.Token{}.String())
	require.Equal(t, []string{"INV_USED"}, codes(err))
	_, err = c.members.FollowLink(context.Background(), "not a link")
	require.Equal(t, []string{"INV_USED"}, codes(err))
}

// Rule: ORG-22, ORG-36
func TestORG36GivenAnInvitation_WhenTheMemberIsLinkedElsewhereMeanwhile_ThenAcceptingIsRefused(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	i := invites("k1", "A1")
	run := c.starts("2025-03-03 10:00:00", i)
	run.env.RegisterDelayedCallback(func() { c.joins("P2", "p2", "A1", "2025-03-04 10:00:00") }, 24*time.Hour)
	refused := run.accepts("2025-03-05 10:00:00", 1, "A1")
	again := run.sends("2025-03-05 11:00:00", invites("k2", "A1"))
	run.env.RegisterDelayedCallback(func() {
		_, err := c.unbind("P2", "p2", "A1", "2025-03-06 10:00:00")
		require.NoError(t, err)
	}, 72*time.Hour)
	accepted := run.accepts("2025-03-06 10:00:01", 1, "A1")
	run.toEnd(i)
	require.Equal(t, []string{"INV_LINKED_ELSEWHERE"}, refused.refused().Codes())
	require.Equal(t, []string{"INV_LINKED_ELSEWHERE"}, again.refused().Codes(), "an account that fails a condition gets no invitation (ORG-30)")
	require.NoError(t, accepted.err, "after P2 unbinds it passes")
	require.Equal(t, CaseResult{Case: "I000001", State: member.Bound}, run.result)
}

// Rule: ORG-25, ORG-26
func TestORG25GivenLinksToThreePartnersInAYear_WhenAFourthInvites_ThenTheFirstHasToBeOlder(t *testing.T) {
	c := newClub(t, "2024-07-01 08:00:00")
	c.linkOf("A1", "P1001", "2024-07-01 09:00:00")
	c.linkOf("A1", "P2", "2024-11-01 09:00:00")
	c.linkOf("A1", "P3", "2025-02-01 09:00:00")
	c.linkOf("A2", "P1001", "2024-08-01 09:00:00")
	c.linkOf("A2", "P1001", "2024-09-01 09:00:00")
	c.linkOf("A2", "P2", "2024-11-01 09:00:00")
	_, err := c.invite(by("P4", "p4", invites("k1", "A1")), "2025-07-01 09:00:00")
	require.Equal(t, []string{"INV_THREE_PARTNERS"}, codes(err))
	number := c.invited(by("P4", "p4", invites("k2", "A1")), "2025-07-01 09:00:01")
	_, err = c.accept(c.ticks("a", c.link(number, 1), "A1"), "2025-07-01 09:00:02")
	require.NoError(t, err)
	c.invited(by("P4", "p4", invites("k3", "A2")), "2025-07-01 09:00:00") // P1, P1, P2 are two
}

// Rule: ORG-37, ORG-32
func TestORG37GivenAMember_WhenTheAdministratorUnbinds_ThenNothingIsSharedFromThenOn(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	r := views.Reader{DB: c.db}
	number := c.joins("P1001", "mei", "A1", "2025-03-03 10:00:00")
	lapsed := c.invited(invites("k2", "A2"), "2025-03-03 11:00:00")
	_, err := c.clock(lapsed, "2025-03-12 00:00:00")
	require.NoError(t, err)
	c.invited(invites("k3", "A3"), "2025-03-12 10:00:00")
	members, err := r.Members(context.Background(), "P1001", "", nil)
	require.NoError(t, err)
	require.Len(t, members, 1)
	require.Equal(t, []string{"l***", "L***", "138****8000", "l***@home.example"}, []string{members[0].AccountName, members[0].Name, members[0].Mobile, members[0].Email})

	_, err = c.unbind("P1001", "clerk", "A1", "2025-05-01 09:00:00")
	require.Equal(t, []string{"CBC.0151"}, codes(err))
	_, err = c.unbind("P1001", "mei", "A3", "2025-05-01 09:00:00")
	require.Equal(t, []string{"ENG_STATE"}, codes(err), "only invited")
	in := activities.UnbindInput{Key: "u1", Partner: "P1001", Account: "A1", Person: "mei", At: second("2025-05-01 10:00:00")}
	for range 2 {
		now, err := c.members.Unbind(context.Background(), in)
		require.NoError(t, err)
		require.Equal(t, member.Unbound, now.State)
	}
	in.Key = "u2"
	_, err = c.members.Unbind(context.Background(), in)
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
	members, err = r.Members(context.Background(), "P1001", "", nil)
	require.NoError(t, err)
	require.Empty(t, members, "hidden at once")
	require.Equal(t, 1, c.count(`SELECT count(*) FROM member_links WHERE case_number = $1 AND unlinked_at = '2025-05-01T10:00:00+08:00' AND unlinked_by = 'mei'`, number))
	require.Equal(t, []string{"sent@1", "bound", "unbound"}, c.told("A1"))
	require.Equal(t, 1, c.count(`SELECT count(*) FROM outbox WHERE person_id = 'mei' AND key LIKE 'invitation/' || $1 || '/unbound/%'`, number))
	require.Equal(t, []string{"mei unbind BOUND>UNBOUND ORG-37", "mei unbind refused UNBOUND>UNBOUND ORG-37"}, c.history(number)[3:])

	list, err := r.Invitations(context.Background(), "P1001", "")
	require.NoError(t, err)
	var states []string
	for _, i := range list {
		states = append(states, i.Account+" "+string(i.State)+" "+i.Target)
	}
	require.Equal(t, []string{"A3 INVITED 137****7000", "A2 LAPSED 139****9000", "A1 UNBOUND 138****8000"}, states)
	only, err := r.Invitations(context.Background(), "P1001", member.Lapsed)
	require.NoError(t, err)
	require.Len(t, only, 1)
}

// Rule: ORG-27
func TestORG27GivenAWorkerThatWasAway_WhenItComesBackAfterTheTerm_ThenTheLapseHasItsOwnInstantAndNobodyIsReminded(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	number := c.invited(invites("k1", "A1"), "2025-03-03 10:00:00")
	_, err := c.accept(c.ticks("a", c.link(number, 1), "A1"), "2025-03-11 12:00:00")
	require.Equal(t, []string{"INV_EXPIRED"}, codes(err), "the guard looks at the clock, not at what a job has done")
	for range 2 {
		now, err := c.clock(number, "2025-03-12 08:00:00")
		require.NoError(t, err)
		require.Equal(t, member.Lapsed, now.State)
		require.True(t, now.Ended)
	}
	require.Equal(t, []string{"sent@1"}, c.told("A1"))
	require.Equal(t, 1, c.count(`SELECT count(*) FROM events WHERE case_number = $1 AND to_state = 'LAPSED' AND at = '2025-03-10T10:00:00+08:00'`, number))

	i := invites("k2", "A1")
	next := c.invited(i, "2025-03-12 10:00:00")
	run := c.starts("2025-03-20 10:00:00", i)
	run.env.ExecuteWorkflow(MemberInvitation, MemberInvitationInput{Resume: next}) // a run that takes over a case whose workflow is gone
	require.NoError(t, run.env.GetWorkflowError())
	require.Equal(t, 1, c.count(`SELECT count(*) FROM cases WHERE case_number = $1 AND state = 'LAPSED' AND closed_at = '2025-03-19T10:00:00+08:00'`, next))
}

// Rule: ENG-01, PGM-10, COM-20
func TestGivenASending_WhenTheStepRunsTwice_ThenOneMessageLeaves(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	for range 2 {
		s, err := c.acts.OpenInvitation(context.Background(), activities.OpenInvitationInput{Invitation: invites("k1", "A1"), WorkflowID: "w", RunID: "r", At: second("2025-03-03 10:00:00")})
		require.NoError(t, err)
		require.Equal(t, "I000001", s.Case)
		_, err = c.again("I000001", invites("k2", "A1"), "2025-03-03 11:00:00")
		require.NoError(t, err)
		_, err = c.again("I000001", invites("k1", "A1"), "2025-03-03 12:00:00")
		require.NoError(t, err, "the key of the opening")
	}
	require.Equal(t, 2, c.count(`SELECT count(*) FROM outbox`))
	require.Equal(t, 2, c.count(`SELECT sum(sent) FROM invitation_counters`))
	other := invites("k1", "A2")
	_, err := c.invite(other, "2025-03-03 13:00:00")
	require.Equal(t, []string{"COM_REQUEST_KEY"}, codes(err))
	a := c.ticks("a", c.link("I000001", 2), "A1")
	for range 2 {
		s, err := c.accept(a, "2025-03-03 14:00:00")
		require.NoError(t, err)
		require.Equal(t, member.Bound, s.State)
	}
	a.Key = "b"
	_, err = c.accept(a, "2025-03-03 14:00:00")
	require.Equal(t, []string{"INV_USED"}, codes(err))
	require.Equal(t, 1, c.count(`SELECT count(*) FROM member_links`))
}

// Rule: ENG-03
func TestGivenARunThatAnOperatorCancels_WhenItsInvitationWaits_ThenItGoesOn(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	i := invites("k1", "A1")
	run := c.starts("2025-03-03 10:00:00", i)
	run.env.RegisterDelayedCallback(run.env.CancelWorkflow, time.Hour)
	run.accepts("2025-03-05 10:00:00", 1, "A1")
	run.toEnd(i)
	require.Equal(t, member.Bound, run.result.State)
	require.Equal(t, 1, c.count(`SELECT count(*) FROM events WHERE action = 'stop refused'`))
}

func TestGivenARun_WhenItsCaseChanges_ThenTheSearchAttributesFollow(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	i := invites("k1", "A1")
	run := c.starts("2025-03-03 10:00:00", i)
	var shown []string
	run.env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
		a, ok := args.Get(0).(temporal.SearchAttributes)
		require.True(t, ok)
		state, _ := a.GetKeyword(caseState)
		due, _ := a.GetTime(caseDue)
		shown = append(shown, strings.TrimSpace(state+" "+due.In(second("2025-03-03 10:00:00").Location()).Format("2006-01-02 15:04")))
	}).Return(nil)
	run.sends("2025-03-06 10:00:00", invites("k2", "A1"))
	run.toEnd(i)
	require.Len(t, shown, 3, "opened, sent again, ended; the reminder changes nothing: %v", shown)
	require.Equal(t, "INVITED 2025-03-10 10:00", shown[0])
	require.Contains(t, shown[1], "2025-03-13 10:00")
	require.Contains(t, shown[2], "LAPSED")
}

// Rule: PGM-12
func TestGivenTheRun_WhenItIsLookedAt_ThenNothingOfTheMemberWentThroughTemporal(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	i := invites("k1", "A1")
	text, err := json.Marshal(MemberInvitationInput{Invitation: i})
	require.NoError(t, err)
	number := c.invited(i, "2025-03-03 10:00:00")
	accepted, err := json.Marshal(c.ticks("a", c.link(number, 1), "A1"))
	require.NoError(t, err)
	now, err := c.accept(c.ticks("a", c.link(number, 1), "A1"), "2025-03-04 10:00:00")
	require.NoError(t, err)
	answer, err := json.Marshal(now)
	require.NoError(t, err)
	all := InvitationID(i) + string(text) + string(accepted) + string(answer)
	token := strings.TrimPrefix(c.link(number, 1), "https://partners.example/invitations/")
	read, ok := member.ParseToken(token)
	require.True(t, ok)
	for _, secret := range []string{token, hex.EncodeToString(read.Hash()), "13800138000", "home.example", "li.lei", "Li Lei"} {
		require.NotContains(t, all, secret)
	}
	require.Equal(t, "invitation/P1001/A1", InvitationID(i))
	require.Zero(t, c.count(`SELECT count(*) FROM invitation_tokens WHERE token_hash = $1`, read[:]), "only the hash is stored")
	require.Zero(t, c.count(`SELECT count(*) FROM events WHERE note LIKE '%' || $1 || '%'`, token))
}

// Rule: ORG-32, ORG-37
func TestORG37GivenASpecialist_WhenTheMemberIsUnbound_ThenOnlyAfterTheCancellationWasApproved(t *testing.T) {
	ctx := context.Background()
	c := newClub(t, "2025-02-10 09:00:00")
	c.load(teamRecords)
	m := &team{house: c.house, specialists: &activities.ProjectSpecialists{DB: c.db}, cases: c.cases}
	c.joins("P1001", "mei", "A1", "2025-02-10 10:00:00")
	r := views.Reader{DB: c.db}
	stands := func() string {
		list, err := r.Invitations(ctx, "P1001", "")
		require.NoError(t, err)
		members, err := r.Members(ctx, "P1001", "", nil)
		require.NoError(t, err)
		for _, linked := range members {
			require.Equal(t, list[0].Specialist, linked.Specialist)
		}
		return strings.TrimSpace(string(list[0].State) + " " + list[0].Specialist)
	}
	require.Equal(t, "BOUND", stands())
	require.NoError(t, m.specialists.LocateMember(ctx, activities.LocateMemberInput{Partner: "P1001", Account: "A1", Location: "Shenzhen", Person: "mei", At: m.now}))
	number := m.recognised("A1", "SVC")
	require.Equal(t, "BOUND SPECIALIST", stands())
	_, err := c.unbind("P1001", "mei", "A1", "2025-04-30 10:00:00")
	require.Equal(t, []string{"SPC_STATE"}, codes(err))

	_, err = m.specialists.CancelSpecialist(ctx, m.step(number, "mei", "left", m.reasonFile(number), "2025-04-30 11:00"))
	require.NoError(t, err)
	_, err = c.unbind("P1001", "mei", "A1", "2025-04-30 12:00:00")
	require.Equal(t, []string{"SPC_STATE"}, codes(err))
	_, err = m.answers(number, specialist.CancelMatter, 1, approval.Decision{Person: "pan", Outcome: "approve"}, "2025-04-30 13:00")
	require.NoError(t, err)
	require.Equal(t, "BOUND CANCEL_APPROVED", stands())
	_, err = c.unbind("P1001", "mei", "A1", "2025-05-01 09:00:00")
	require.NoError(t, err)
	members, err := r.Members(ctx, "P1001", "", nil)
	require.NoError(t, err)
	require.Empty(t, members)
	require.Equal(t, "UNBOUND", stands(), "what a link led to is not told of a link that is gone")
}
