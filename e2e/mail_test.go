package e2e

import (
	"fmt"
	"testing"

	"countersign/domain/withdrawal"
	"countersign/internal/mailtest"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// Rule: PGM-13
func TestGivenAMailServer_WhenWorkersDeliver_ThenEachMessageArrivesOnceAndSecretsAreBlanked(t *testing.T) {
	p := newPartner(t, "PMAIL", lot{withdrawal.EbankCorporate, "1000.00"})
	p.load("people: [{id: post-1, name: Post, partner: PMAIL, email: post@pmail.example, roles: [partner-withdrawals]}]")
	p.s.nobodyElsesMail(t)
	office := mailtest.New(t, 1) // busy once
	for range 2 {                // several workers share the outbox
		t.Cleanup(p.s.anotherWorker(t, "SMTP_URL="+office.URL).Kill)
	}

	p.s.ask(t, 0, nil, "code", "send", "--as", "post-1", "--target", p.id)
	arrived := func(n int) []mailtest.Letter {
		t.Helper()
		eventually(t, fmt.Sprintf("letter %d", n), func() (bool, error) { return len(office.Letters()) >= n, nil })
		eventually(t, "the record of every delivery", func() (bool, error) {
			waiting, err := p.s.views.Outbox(t.Context(), "post-1", false)
			return len(waiting) == 0, err
		})
		return office.Letters()
	}
	first := arrived(1)[0]
	require.Equal(t, "countersign@vendor.example", first.From)
	require.Equal(t, "post@pmail.example", first.To)
	require.Equal(t, "验证码 / Verification code", first.Subject)
	code := codeInMail.FindStringSubmatch(first.Body)
	require.NotNil(t, code, first.Body)

	app := p.toBank("k1", "100.00")
	app.Submitter, app.Code = "post-1", code[1]
	c := p.opens(app)
	c.must(withdrawal.Review, approve, withdrawal.Approved)
	letters := arrived(3)
	require.Len(t, letters, 3, "the code, the receipt and the approval, each once")
	for _, l := range letters[1:] {
		require.Equal(t, "post@pmail.example", l.To)
		require.Contains(t, l.Subject+l.Body, c.number)
	}

	var outbox struct {
		Messages []views.Message `json:"messages"`
	}
	p.s.ask(t, 0, &outbox, "outbox", "--person", "post-1", "--all")
	require.Len(t, outbox.Messages, 3)
	require.Equal(t, 2, outbox.Messages[0].Attempts, "the server was busy once")
	require.Empty(t, outbox.Messages[0].Body, "a delivered code is readable nowhere")
	require.NotEmpty(t, outbox.Messages[1].Body)
	require.Zero(t, p.s.count(t, `SELECT count(*) FROM outbox WHERE secret AND sent_at IS NOT NULL AND body <> ''`))
}

func TestGivenSomebodyWhoWantsADigest_WhenTheirCaseMoves_ThenTheCodeComesAtOnceAndTheRestAtNineAsOneMail(t *testing.T) {
	p := newPartner(t, "PDIGEST", lot{withdrawal.EbankCorporate, "1000.00"})
	p.load("people: [{id: post-2, name: Post, partner: PDIGEST, email: post@pdigest.example, roles: [partner-withdrawals]}]")
	p.s.ask(t, 0, nil, "person", "notify", "post-2", "digest")
	p.s.nobodyElsesMail(t)
	office := mailtest.New(t, 0)
	t.Cleanup(p.s.anotherWorker(t, "SMTP_URL="+office.URL).Kill)
	arrive := func(n int) {
		t.Helper()
		eventually(t, fmt.Sprintf("letter %d", n), func() (bool, error) { return len(office.Letters()) >= n, nil })
	}

	p.s.ask(t, 0, nil, "code", "send", "--as", "post-2", "--target", p.id)
	arrive(1)
	code := codeInMail.FindStringSubmatch(office.Letters()[0].Body)
	require.NotNil(t, code)
	app := p.toBank("k1", "100.00")
	app.Submitter, app.Code = "post-2", code[1]
	c := p.opens(app)
	c.must(withdrawal.Review, approve, withdrawal.Approved)
	require.Equal(t, 2, p.s.count(t, `SELECT count(*) FROM outbox WHERE person_id = 'post-2' AND digest_at > now() AND sent_at IS NULL AND attempts = 0`))
	require.Len(t, office.Letters(), 1)

	p.s.views.DB.MustExec(`UPDATE outbox SET digest_at = now(), next_at = now() WHERE person_id = 'post-2' AND digest_at IS NOT NULL`) // it strikes nine
	arrive(2)
	digest := office.Letters()[1]
	require.Equal(t, "post@pdigest.example", digest.To)
	require.Equal(t, "2 条通知 / 2 notifications", digest.Subject)
	require.Contains(t, digest.Body, c.number)
	eventually(t, "the record of the digest", func() (bool, error) {
		waiting, err := p.s.views.Outbox(t.Context(), "post-2", false)
		return len(waiting) == 0, err
	})
	require.Len(t, office.Letters(), 2)
}

// nobodyElsesMail has what other tests wrote to members and contacts out of the way: their addresses are nobody's.
func (s *stack) nobodyElsesMail(t *testing.T) {
	t.Helper()
	s.views.DB.MustExec(`UPDATE outbox SET sent_at = now(), body = CASE WHEN secret THEN '' ELSE body END WHERE person_id IS NULL AND sent_at IS NULL`)
}
