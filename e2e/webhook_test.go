package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// listener is a system that is told of events; it fails the first time.
type listener struct {
	secret string

	mu    sync.Mutex
	tries map[string]int // by webhook-id
	types map[string]string
	wrong []string // signatures that are not
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	id := r.Header.Get("webhook-id")
	var told struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(body, &told) // what is no JSON has no type
	l.mu.Lock()
	defer l.mu.Unlock()
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(l.secret, "whsec_")) // a wrong key makes a wrong signature
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, r.Header.Get("webhook-timestamp"), body)
	if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		l.wrong = append(l.wrong, id)
	}
	l.tries[id]++
	if len(l.tries) == 1 && l.tries[id] == 1 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	l.types[id] = told.Type
}

func TestGivenAWebhook_WhenACaseIsPlayed_ThenTheWorkerTellsEveryEventSignedAndAgainAfterAFailure(t *testing.T) {
	p := newPartner(t, "PHOOK", lot{withdrawal.EbankCorporate, "1000.00"})
	l := &listener{tries: map[string]int{}, types: map[string]string{}}
	receiver := httptest.NewServer(l)
	t.Cleanup(receiver.Close)
	var added struct {
		Webhook int    `json:"webhook"`
		Secret  string `json:"secret"`
	}
	p.s.ask(t, 0, &added, "webhook", "add", receiver.URL, "--as", "chen")
	l.secret = added.Secret
	t.Cleanup(func() {
		p.s.starter(context.Background(), nil, "webhook", "remove", fmt.Sprint(added.Webhook), "--as", "chen")
	}) // other tests tell nobody

	c := p.opens(p.toBank("k1", "100.00"))
	c.must(withdrawal.Review, approve, withdrawal.Approved)
	eventually(t, "everything", func() (bool, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.types) >= 2, nil
	})
	events := p.s.count(t, `SELECT count(*) FROM events WHERE case_number = $1`, c.number)
	eventually(t, "the record of every delivery", func() (bool, error) {
		return p.s.count(t, `SELECT count(*) FROM webhook_deliveries WHERE webhook_id = $1 AND case_number = $2 AND delivered_at IS NOT NULL`, added.Webhook, c.number) == events, nil
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.wrong)
	first := fmt.Sprintf("msg_%d_%s_1", added.Webhook, c.number)
	require.Equal(t, "withdrawal.submit", l.types[first])
	require.Equal(t, 2, l.tries[first], "once in vain")
	require.Equal(t, "withdrawal.approve", l.types[fmt.Sprintf("msg_%d_%s_2", added.Webhook, c.number)])
}
