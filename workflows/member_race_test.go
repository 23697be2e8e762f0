package workflows

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/member"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// atOnce runs steps side by side and answers their errors.
func atOnce(steps ...func() error) []error {
	errs := make([]error, len(steps))
	var wait sync.WaitGroup
	for n, step := range steps {
		wait.Go(func() { errs[n] = step() })
	}
	wait.Wait()
	return errs
}

// Rule: ORG-22, ORG-36
func TestORG22GivenTwoPartnersWhoInvitedTheSameMember_WhenBothLinksAreFollowedAtOnce_ThenOneGetsTheMember(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	for _, account := range []string{"A1", "A2", "A3"} {
		var follows []func() error
		for _, p := range [][2]string{{"P1001", "mei"}, {"P2", "p2"}, {"P3", "p3"}, {"P4", "p4"}} {
			number := c.invited(by(p[0], p[1], invites("k-"+account, account)), "2025-03-03 10:00:00")
			a := c.ticks("a-"+p[0], c.link(number, 1), account)
			follows = append(follows, func() error {
				_, err := c.accept(a, "2025-03-04 10:00:00")
				return err
			})
		}
		won := 0
		for _, err := range atOnce(follows...) {
			if err == nil {
				won++
				continue
			}
			require.Equal(t, []string{"INV_LINKED_ELSEWHERE"}, codes(err))
		}
		require.Equal(t, 1, won)
		require.Equal(t, 1, c.count(`SELECT count(*) FROM member_links WHERE account_id = $1`, account))
	}
	require.Equal(t, 3, c.count(`SELECT count(*) FROM cases WHERE state = 'BOUND'`))
	require.Equal(t, 9, c.count(`SELECT count(*) FROM cases WHERE state = 'INVITED'`))
}

// Rule: ORG-27
func TestORG27GivenAnInvitation_WhenItIsAcceptedAndLapsesAtOnce_ThenTheInstantsDecide(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	for n := range 6 {
		number := c.invited(invites(fmt.Sprintf("k%d", n), "A1"), "2025-03-03 10:00:00")
		a := c.ticks("a", c.link(number, 1), "A1")
		errs := atOnce(
			func() error { _, err := c.accept(a, "2025-03-10 09:59:59"); return err },
			func() error { _, err := c.clock(number, "2025-03-10 10:00:00"); return err },
		)
		require.NoError(t, errs[1])
		if errs[0] == nil {
			require.Equal(t, 1, c.count(`SELECT count(*) FROM cases WHERE case_number = $1 AND state = 'BOUND'`, number))
			_, err := c.unbind("P1001", "mei", "A1", "2025-03-10 10:00:00")
			require.NoError(t, err)
			continue
		}
		require.Equal(t, []string{"INV_EXPIRED"}, codes(errs[0]), "the clock was there first: one run does both in turn, the earlier instant first")
		require.Equal(t, 1, c.count(`SELECT count(*) FROM cases WHERE case_number = $1 AND state = 'LAPSED'`, number))
	}
}

// Rule: ORG-33
func TestORG33GivenAnInvitation_WhenItIsSentAgainAndAcceptedAtOnce_ThenOneOfBothHappens(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	for n := range 6 {
		number := c.invited(invites(fmt.Sprintf("k%d", n), "A1"), "2025-03-03 10:00:00")
		a := c.ticks("a", c.link(number, 1), "A1")
		errs := atOnce(
			func() error { _, err := c.accept(a, "2025-03-04 10:00:00"); return err },
			func() error {
				_, err := c.again(number, invites(fmt.Sprintf("again%d", n), "A1"), "2025-03-04 10:00:00")
				return err
			},
		)
		if errs[0] == nil {
			require.Equal(t, []string{"ENG_STATE"}, codes(errs[1]), "linked already")
		} else {
			require.Equal(t, []string{"INV_USED"}, codes(errs[0]))
			require.NoError(t, errs[1])
			_, err := c.accept(c.ticks("b", c.link(number, 2), "A1"), "2025-03-04 11:00:00")
			require.NoError(t, err)
		}
		_, err := c.unbind("P1001", "mei", "A1", "2025-03-05 10:00:00")
		require.NoError(t, err)
	}
}

// Rule: ORG-33, PGM-09
func TestORG33GivenOneMember_WhenTwoRunsInviteAtOnce_ThenOneInvitationIsLive(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	var opens []func() error
	for n := range 6 {
		opens = append(opens, func() error {
			_, err := c.acts.OpenInvitation(context.Background(), activities.OpenInvitationInput{Invitation: invites(fmt.Sprintf("k%d", n), "A1"), WorkflowID: "w", RunID: fmt.Sprint(n), At: second("2025-03-03 10:00:00")})
			return err
		})
	}
	won := 0
	for _, err := range atOnce(opens...) {
		if err == nil {
			won++
			continue
		}
		require.Equal(t, []string{"ENG_STATE"}, codes(err))
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, c.count(`SELECT count(*) FROM invitations`))
	require.Equal(t, 1, c.count(`SELECT sum(sent) FROM invitation_counters`))
}

// Rule: ORG-31
func TestORG31GivenOneSendingLeft_WhenSeveralAreAskedAtOnce_ThenOneIsSent(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	c.db.MustExec(`INSERT INTO invitation_counters (partner_id, day, sent, most) VALUES ('P1001', '2025-03-03', 99, 100)`)
	var opens []func() error
	for _, account := range []string{"A1", "A2", "A3"} {
		opens = append(opens, func() error {
			_, err := c.acts.OpenInvitation(context.Background(), activities.OpenInvitationInput{Invitation: invites("k"+account, account), WorkflowID: account, RunID: account, At: second("2025-03-03 16:00:00")})
			return err
		})
	}
	won := 0
	for _, err := range atOnce(opens...) {
		if err == nil {
			won++
			continue
		}
		require.Equal(t, []string{"INV_DAILY_LIMIT"}, codes(err))
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, c.count(`SELECT count(*) FROM outbox WHERE secret`))
	require.Equal(t, 100, c.count(`SELECT sent FROM invitation_counters`))
}

// Whatever two partners, a member and the clock do in whatever order: no step breaks, and everything adds up afterwards (newClub
// verifies). A member is linked to one partner at most, and every invitation went along its moves.
func TestGivenAnyLifeOfInvitations_WhenItIsLivedOnTheDatabase_ThenEverythingAddsUp(t *testing.T) {
	c := newClub(t, "2025-03-03 09:00:00")
	n, clockNow := 0, second("2025-03-03 10:00:00")
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			n++
			clockNow = clockNow.Add(time.Duration(rapid.IntRange(1, 5*24*3600).Draw(t, "seconds")) * time.Second)
			at := clockNow.In(second("2025-03-03 10:00:00").Location()).Format("2006-01-02 15:04:05")
			account := rapid.SampledFrom([]string{"A1", "A2"}).Draw(t, "account")
			p := rapid.SampledFrom([][2]string{{"P1001", "mei"}, {"P2", "p2"}}).Draw(t, "partner")
			i := by(p[0], p[1], invites(fmt.Sprintf("k%d", n), account))
			var live []string
			require.NoError(t, c.db.Select(&live, `SELECT case_number FROM invitations WHERE partner_id = $1 AND account_id = $2 AND live`, p[0], account))
			var err error
			switch step := rapid.SampledFrom([]string{"invite", "again", "accept", "unbind", "clock"}).Draw(t, "step"); {
			case step == "invite" || len(live) == 0:
				_, err = c.invite(i, at)
			case step == "again":
				_, err = c.again(live[0], i, at)
			case step == "accept":
				sendings := c.count(`SELECT max(sending) FROM invitation_tokens WHERE case_number = $1`, live[0])
				_, err = c.accept(c.ticks(fmt.Sprintf("a%d", n), c.link(live[0], rapid.IntRange(1, sendings).Draw(t, "sending")), account), at)
			case step == "unbind":
				_, err = c.unbind(p[0], p[1], account, at)
			default:
				_, err = c.clock(live[0], at)
			}
			if err != nil {
				require.NotEmpty(t, codes(err), "a refusal, nothing else: %v", err)
			}
		}
		require.Zero(t, c.count(`SELECT count(*) FROM (SELECT 1 FROM member_links WHERE unlinked_at IS NULL GROUP BY account_id HAVING count(*) > 1) x`))
	})
	for _, state := range []member.State{member.Bound, member.Lapsed, member.Unbound} {
		require.NotZero(t, c.count(`SELECT count(*) FROM events WHERE to_state = $1`, state), state)
	}
}
