package activities

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// happened is when the events of these tests did.
var happened = time.Date(2025, 11, 3, 2, 30, 0, 123456000, time.UTC)

// receiver is a system that is told of events. It answers as listed, then 200, and checks every signature by the scheme's
// recipe, with nothing of the sender's.
type receiver struct {
	*httptest.Server
	secret  string
	answers []int

	mu   sync.Mutex
	told []told
}

type told struct {
	id, timestamp, body string
	good                bool // the signature
}

func newReceiver(t *testing.T, answers ...int) *receiver {
	t.Helper()
	r := &receiver{answers: answers}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	got := told{in.Header.Get("webhook-id"), in.Header.Get("webhook-timestamp"), string(body), false}
	key, err2 := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", got.id, got.timestamp, got.body)
	got.good = err == nil && err2 == nil && in.Header.Get("webhook-signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, got)
	if len(r.answers) > 0 {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(r.answers[0])
		r.answers = r.answers[1:]
	}
}

// vendor has zhao, the finance manager who adds webhooks, and two cases with events to come: W1, and O1 of another kind.
func vendor(t *testing.T) *Webhooks {
	t.Helper()
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO partners (partner_id, name, kind, entity) VALUES ('P1', 'A', 'reseller', 'cloud')`)
	db.MustExec(`INSERT INTO people (person_id, name, partner_id) VALUES ('zhao', 'Zhao', NULL), ('li', 'Li', NULL), ('mei', 'Mei', 'P1'), ('gone', 'Gone', NULL)`)
	db.MustExec(`UPDATE people SET active = false WHERE person_id = 'gone'`)
	db.MustExec(`INSERT INTO person_roles VALUES ('zhao', 'finance-manager'), ('li', 'vendor-finance'), ('mei', 'finance-manager'), ('gone', 'finance-manager')`)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('withdrawal', 1, '{}', 'zhao', $1), ('requisition', 1, '{}', 'zhao', $1)`, happened)
	for number, kind := range map[string]string{"W1": "withdrawal", "O1": "requisition"} {
		db.MustExec(`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
			VALUES ($1, $2, 'P1', 'mei', 'k', '', $3, 1, 'w', 'r', $4)`, number, kind, map[string]string{"withdrawal": "UNDER_REVIEW", "requisition": "PROCESSING"}[kind], happened)
	}
	return &Webhooks{DB: db}
}

// add registers the receiver, by zhao.
func (w *Webhooks) add(t *testing.T, r *receiver, kinds ...string) int {
	t.Helper()
	added, err := w.AddWebhook(t.Context(), AddWebhookInput{URL: r.URL, Kinds: kinds, By: "zhao", At: happened})
	require.NoError(t, err)
	r.secret = added.Secret
	return added.ID
}

func happens(t *testing.T, db sqlx.Execer, number, key string) {
	t.Helper()
	_, err := db.Exec(`INSERT INTO events (case_number, key, at, actor, via, action, from_state, to_state, rule, amount, note)
		VALUES ($1, $2, $3, 'li', 'request', 'approve refused', 'UNDER_REVIEW', 'UNDER_REVIEW', 'ENG-02', 100.50, E'they said "no"\nand 不')`, number, key, happened)
	require.NoError(t, err)
}

// delivers makes attempts until nothing is due, and answers how many it made.
func (w *Webhooks) delivers(t *testing.T, id int, now time.Time) (attempts int) {
	t.Helper()
	for {
		found, err := w.DeliverNext(t.Context(), id, now)
		require.NoError(t, err)
		if !found {
			return attempts
		}
		attempts++
	}
}

func TestGivenAWebhook_WhenAnEventIsCommitted_ThenItIsToldOnceSignedByTheScheme(t *testing.T) {
	w, r := vendor(t), newReceiver(t, 204)
	id := w.add(t, r)
	happens(t, w.DB, "W1", "k1")
	require.Zero(t, w.delivers(t, id, happened.Add(-time.Microsecond)))
	now := happened.Add(time.Minute)
	require.Equal(t, 1, w.delivers(t, id, now))
	require.Equal(t, fmt.Sprintf("msg_%d_W1_1", id), r.told[0].id)
	require.Equal(t, strconv.FormatInt(now.Unix(), 10), r.told[0].timestamp, "of the attempt")
	require.True(t, r.told[0].good)
	require.JSONEq(t, `{"type": "withdrawal.approve_refused", "timestamp": "2025-11-03T02:30:00.123456Z", "data": {
		"case": "W1", "kind": "withdrawal", "partner": "P1", "seq": 1, "at": "2025-11-03T02:30:00.123456Z", "actor": "li", "via": "request",
		"action": "approve refused", "from": "UNDER_REVIEW", "to": "UNDER_REVIEW", "rule": "ENG-02", "amount": "100.50", "note": "they said \"no\"\nand 不"}}`, r.told[0].body)
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE delivered_at = $1 AND status = 204 AND attempts = 1`, now))
}

func TestGivenAnEventThatIsRolledBack_WhenWebhooksAreTold_ThenNothingIsSaid(t *testing.T) {
	w, r := vendor(t), newReceiver(t)
	id := w.add(t, r)
	tx := w.DB.MustBegin()
	happens(t, tx, "W1", "k1")
	require.Equal(t, 1, count(t, tx, `SELECT count(*) FROM webhook_deliveries`))
	require.NoError(t, tx.Rollback())
	require.Zero(t, w.delivers(t, id, happened.Add(time.Hour)))
	require.Empty(t, r.told)
}

func TestGivenWebhooksForKinds_WhenCasesOfTwoKindsMove_ThenEachIsToldOfItsOwnOnly(t *testing.T) {
	w, all, some := vendor(t), newReceiver(t), newReceiver(t)
	happens(t, w.DB, "W1", "before anybody listens")
	toAll, toSome := w.add(t, all), w.add(t, some, "requisition")
	happens(t, w.DB, "W1", "k1")
	happens(t, w.DB, "O1", "k1")
	require.Equal(t, 2, w.delivers(t, toAll, happened))
	require.Equal(t, 1, w.delivers(t, toSome, happened))
	require.Contains(t, some.told[0].body, `"requisition.approve_refused"`)
	require.True(t, some.told[0].good)
}

func TestGivenAReceiverThatFails_WhenTheLastAttemptIsMade_ThenTheDeliveryIsDeadAndAReplayHasTheSameID(t *testing.T) {
	w, r := vendor(t), newReceiver(t, 500, 500, 302, 500, 429, 503, 400, 500)
	id := w.add(t, r)
	happens(t, w.DB, "W1", "k1")
	now := happened
	for i, wait := range append(retries[:], 0) {
		require.Zero(t, w.delivers(t, id, now.Add(-time.Microsecond)), "attempt %d comes too early", i+1)
		require.Equal(t, 1, w.delivers(t, id, now))
		now = now.Add(wait)
	}
	require.Equal(t, "23h35m5s", now.Sub(happened).String())
	require.Zero(t, w.delivers(t, id, now.AddDate(1, 0, 0)), "dead")
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE dead_at = $1 AND delivered_at IS NULL AND attempts = 8 AND status = 500
		AND error = 'the receiver answers 500 Internal Server Error'`, now))
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM events`), "nothing is undone")

	name := r.told[0].id
	_, err := w.Replay(t.Context(), name, "li", now)
	require.Equal(t, "COM-16", RefusalOf(err)[0].Rule)
	_, err = w.Replay(t.Context(), "msg_0_W1_1", "zhao", now)
	require.True(t, IsNotFound(err))
	replayed, err := w.Replay(t.Context(), name, "zhao", now)
	require.NoError(t, err)
	require.Equal(t, 1, replayed)
	_, err = w.Replay(t.Context(), name, "zhao", now)
	require.True(t, IsNotFound(err), "it is not dead any more")
	require.Equal(t, 1, w.delivers(t, id, now))
	require.Len(t, r.told, 9)
	for _, got := range r.told {
		require.Equal(t, []any{name, r.told[0].body, true}, []any{got.id, got.body, got.good}, "every attempt says the same")
	}
	require.NotEqual(t, r.told[0].timestamp, r.told[8].timestamp)
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE delivered_at = $1 AND dead_at IS NULL AND attempts = 1 AND error = '' AND replayed_by = 'zhao'`, now))
}

func TestGivenAReceiverThatIsNotThere_WhenItIsTold_ThenTheErrorIsKeptAndItIsTriedAgain(t *testing.T) {
	w, r := vendor(t), newReceiver(t)
	id := w.add(t, r)
	r.Close()
	happens(t, w.DB, "W1", "k1")
	require.Equal(t, 1, w.delivers(t, id, happened))
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE status = 0 AND error LIKE '%refused%' AND next_at = $1`, happened.Add(5*time.Second)))
}

func TestGivenAReceiverThatIsGone_WhenItSaysSo_ThenNothingMoreIsSentUntilAPersonResumes(t *testing.T) {
	w, r := vendor(t), newReceiver(t, 410)
	id := w.add(t, r)
	happens(t, w.DB, "W1", "k1")
	happens(t, w.DB, "W1", "k2")
	require.Equal(t, 2, w.delivers(t, id, happened))
	require.Len(t, r.told, 1, "the second was put aside")
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM webhooks WHERE state = 'stopped' AND changed_by = 'receiver' AND changed_at = $1`, happened))
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE dead_at = $1 AND status = 410 AND attempts = 1`, happened))
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE dead_at = $1 AND attempts = 0 AND error = 'the webhook is stopped'`, happened))
	happens(t, w.DB, "W1", "k3")
	require.Equal(t, 2, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries`), "who is gone is told nothing new")

	_, err := w.Replay(t.Context(), r.told[0].id, "zhao", happened)
	require.Equal(t, "ENG_STATE", RefusalOf(err)[0].Code)
	replayed, err := w.Replay(t.Context(), "", "zhao", happened)
	require.NoError(t, err)
	require.Zero(t, replayed, "all of active webhooks")

	require.Equal(t, "COM-16", RefusalOf(w.ResumeWebhook(t.Context(), id, "li", happened))[0].Rule)
	require.NoError(t, w.ResumeWebhook(t.Context(), id, "zhao", happened))
	replayed, err = w.Replay(t.Context(), "", "zhao", happened)
	require.NoError(t, err)
	require.Equal(t, 2, replayed)
	require.Equal(t, 2, w.delivers(t, id, happened))
	require.Len(t, r.told, 3)
	require.Equal(t, 2, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE delivered_at IS NOT NULL`))
}

func TestGivenAWebhookThatIsRemoved_WhenSomethingWaits_ThenItIsNotSentAndTheSecretIsForgotten(t *testing.T) {
	w, r := vendor(t), newReceiver(t)
	id := w.add(t, r)
	happens(t, w.DB, "W1", "k1")
	require.Equal(t, "COM-16", RefusalOf(w.RemoveWebhook(t.Context(), id, "nobody", happened))[0].Rule)
	require.NoError(t, w.RemoveWebhook(t.Context(), id, "zhao", happened))
	require.True(t, IsNotFound(w.RemoveWebhook(t.Context(), id, "zhao", happened)))
	require.True(t, IsNotFound(w.ResumeWebhook(t.Context(), id, "zhao", happened)))
	require.Equal(t, 1, w.delivers(t, id, happened))
	require.Empty(t, r.told)
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM webhooks WHERE secret = '' AND changed_by = 'zhao'`))
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE dead_at IS NOT NULL`))
}

// Rules: COM-16, COM-08, ENG-06
func TestGivenAWebhookThatMayNotBe_WhenItIsAdded_ThenEveryFaultIsNamedAndNothingIsKept(t *testing.T) {
	w := vendor(t)
	for _, by := range []string{"li", "mei", "gone", "nobody"} {
		_, err := w.AddWebhook(t.Context(), AddWebhookInput{URL: "https://receiver.example", Kinds: []string{"requisition", "loan"}, By: by, At: happened})
		list := RefusalOf(err)
		require.Equal(t, []string{"CBC.0151", "CBC.0100"}, list.Codes(), by)
		require.Contains(t, list[1].Message, `no kind of case "loan"; there are: withdrawal, `)
	}
	for _, url := range []string{"http://receiver.example", "receiver.example"} {
		_, err := w.AddWebhook(t.Context(), AddWebhookInput{URL: url, By: "zhao", At: happened})
		require.ErrorContains(t, err, "https", url)
	}
	require.Zero(t, count(t, w.DB, `SELECT count(*) FROM webhooks`))
}

func TestGivenARedirect_WhenAReceiverAnswersWithIt_ThenItIsAFailureAndNotFollowed(t *testing.T) {
	w, r := vendor(t), newReceiver(t, 307)
	id := w.add(t, r)
	happens(t, w.DB, "W1", "k1")
	require.Equal(t, 1, w.delivers(t, id, happened))
	require.Len(t, r.told, 1)
	require.Equal(t, 1, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE delivered_at IS NULL AND status = 307`))
}

func TestGivenManySendersAtOnce_WhenTheyTellAWebhook_ThenEveryEventIsToldOnce(t *testing.T) {
	const events = 40
	w, r := vendor(t), newReceiver(t)
	id := w.add(t, r)
	for i := range events {
		happens(t, w.DB, "W1", fmt.Sprint(i))
	}
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for {
				found, err := w.DeliverNext(context.Background(), id, happened)
				if err != nil {
					t.Error(err)
				}
				if !found || err != nil {
					return
				}
			}
		})
	}
	senders.Wait()
	ids := map[string]bool{}
	for _, got := range r.told {
		ids[got.id] = got.good
	}
	require.Len(t, r.told, events)
	require.Len(t, ids, events)
	require.Equal(t, events, count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE delivered_at IS NOT NULL AND attempts = 1`))
}

func TestGivenAReceiverThatHangs_WhenTheSenderRunsAndStops_ThenOthersAreToldAndWhatBeganIsFinished(t *testing.T) {
	w, quick := vendor(t), newReceiver(t)
	began, release := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(began) // a second request would panic: once is once
		<-release
	}))
	t.Cleanup(slow.Close)
	_, err := w.AddWebhook(t.Context(), AddWebhookInput{URL: slow.URL, By: "zhao", At: happened})
	require.NoError(t, err)
	w.add(t, quick)
	happens(t, w.DB, "W1", "k1")

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx, 10*time.Millisecond)
	}()
	<-began
	happens(t, w.DB, "W1", "k2")
	delivered := func() int {
		return count(t, w.DB, `SELECT count(*) FROM webhook_deliveries WHERE delivered_at IS NOT NULL`)
	}
	require.Eventually(t, func() bool { return delivered() == 2 }, 5*time.Second, 10*time.Millisecond, "the quick one has both")
	stop()
	select {
	case <-ended:
		t.Fatal("it did not wait for what was under way")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	<-ended
	require.Equal(t, 3, delivered())
}
