package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/internal/codec"
	"countersign/internal/stacktest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// stored is every octet that Temporal keeps: its database with the write-ahead log.
func (s *stack) stored(t *testing.T) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Now.TemporalDir, "temporal.db*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var all []byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		all = append(all, text...)
	}
	return all
}

// spellings are the forms in which a word may lie there: as it is, escaped for JSON, and as base64 wherever it begins.
func spellings(word string) []string {
	escaped := strconv.QuoteToASCII(word)
	forms := []string{word, escaped[1 : len(escaped)-1]}
	for offset := range 3 {
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, offset), word...))
		forms = append(forms, encoded[(offset*8+5)/6:len(encoded)-4]) // without what depends on the neighbours
	}
	return forms
}

func holds(stored []byte, word string) bool {
	for _, form := range spellings(word) {
		if bytes.Contains(stored, []byte(form)) {
			return true
		}
	}
	return false
}

// asStored is a history as Temporal has it: the client has no key.
func (s *stack) asStored(t *testing.T, workflowID string) *historypb.History {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: s.Now.TemporalAddress, Identity: "e2e", Logger: stacktest.Quiet})
	require.NoError(t, err)
	defer c.Close()
	return downloadRun(t, &stack{client: c}, workflowID, "")
}

// payloadsOf are all payloads but search attributes.
func payloadsOf(t *testing.T, m proto.Message) (all []*commonpb.Payload) {
	t.Helper()
	require.NoError(t, proxy.VisitPayloads(t.Context(), m, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true,
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			all = append(all, payloads...)
			return payloads, nil
		},
	}))
	return all
}

// sealedPartner has a Chinese name.
func sealedPartner(t *testing.T, id, name string) *partner {
	t.Helper()
	p := &partner{s: running(t), t: t, id: id, mei: "mei-" + id, wang: "wang"}
	p.load(`
partners: [{id: ` + id + `, name: ` + id + `, kind: solution-provider, verified_name: ` + name + `, entity: cloud}]
people: [{id: ` + p.mei + `, name: Mei, partner: ` + id + `, roles: [partner-administrator]}]
lots: [{key: ` + id + `-0, partner: ` + id + `, source: ` + string(withdrawal.EbankCorporate) + `, payer: ` + name + `, payer_account: acct, arrived_at: ` +
		time.Now().AddDate(0, 0, -10).UTC().Format(time.RFC3339) + `, amount: "1000.00"}]
`)
	return p
}

func TestGivenNamesAccountsAndComments_WhenCasesRun_ThenTemporalsDatabaseHoldsNoneOfThemAndTheCodecServerShowsThem(t *testing.T) {
	const (
		holder, account, branch = "深圳星火密封有限公司", "6222-0219-7788-4455-123", "Nanshan Sealed Branch 南山支行"
		stranger                = "Sealed Stranger Ltd"
		comment                 = "sealed comment: 证件不全，请补"
		refused                 = "sealed reason of nobody's decision"
	)
	p := sealedPartner(t, "PSEALED", holder)
	app := p.toBank("sealed-key", "100.00")
	app.Payee = withdrawal.Payee{Holder: stranger, AccountNo: account, Bank: "ICBC", Branch: branch}
	_, err := p.submit(app)
	list := typed(t, err)
	require.Equal(t, []string{"WDR_NAME"}, list.Codes())
	require.Contains(t, list[0].Object, stranger, "the caller reads the refusal")

	app.Payee.Holder = holder
	c := p.opens(app)
	_, err = c.decide(withdrawal.Review, approval.Decision{Person: p.mei, Outcome: approval.Approve, Reason: refused})
	require.NotEmpty(t, typed(t, err)[0].Message)
	c.must(withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: comment}, withdrawal.Refused)

	opened := download(t, c)
	var clear []byte
	for _, payload := range payloadsOf(t, opened) {
		clear = append(clear, payload.GetData()...)
	}
	secrets := []string{holder, account, branch, comment, refused, `"` + app.Code + `"`}
	for _, word := range secrets {
		require.True(t, holds(clear, word), "the case is about %s", word)
	}
	stored := p.s.stored(t)
	for _, word := range append(secrets, stranger) {
		assert.False(t, holds(stored, word), "Temporal keeps %s in clear", word)
	}
	require.True(t, holds(stored, c.workflowID), "the search finds what is in clear")

	raw := p.s.asStored(t, c.workflowID)
	require.Len(t, raw.Events, len(opened.Events), "encryption adds no event")
	sealed := payloadsOf(t, raw)
	for _, payload := range sealed {
		require.Equal(t, codec.Encoding, string(payload.Metadata["encoding"]), payload.String())
	}
	require.NoError(t, proxy.VisitFailures(t.Context(), raw, proxy.VisitFailuresOptions{Visitor: func(_ *proxy.VisitFailuresContext, f *failurepb.Failure) error {
		assert.Equal(t, "Encoded failure", f.Message)
		require.Empty(t, f.StackTrace)
		return nil
	}}))
	file := filepath.Join(t.TempDir(), "history.json")
	require.NoError(t, os.WriteFile(file, asJSON(t, raw), 0o600))
	p.s.ask(t, 0, nil, "replay", file)

	shown := p.s.codecServer(t).decode(sealed)
	for _, word := range []string{holder, account, comment} {
		require.Contains(t, shown, word)
	}

	// What is switched off is in clear: the search would have found it, and workers read both.
	const plain = "In Clear Ltd 明文公司"
	app = p.toBank("clear-key", "100.00")
	app.Payee.Holder = plain
	said := p.s.starter(t.Context(), []string{"PAYLOAD_KEYS=off," + p.s.Now.PayloadKeys}, p.applyArgs(app)...)
	require.Equal(t, 1, said.code, said.err)
	require.Contains(t, said.out, "WDR_NAME")
	require.True(t, holds(p.s.stored(t), plain))
	app.RequestKey = "clear-key-2"
	said = p.s.starter(t.Context(), []string{"PAYLOAD_KEYS=off"}, p.applyArgs(app)...) // the worker's answer is encrypted
	require.Equal(t, 2, said.code)
	require.Contains(t, said.err, `the key "local", which is not among PAYLOAD_KEYS`)

	said = p.s.starter(t.Context(), []string{"PAYLOAD_KEYS="}, "case", "repair")
	require.Equal(t, 2, said.code)
	require.Contains(t, said.err, "starter codec key")
	p.s.addsUp(t)
}

func TestGivenACaseWhoseKeyAWorkerLacks_WhenItIsDecided_ThenItWaitsForAWorkerThatHasItAndKeysRotate(t *testing.T) {
	p := newPartner(t, "PROTATE", lot{withdrawal.EbankCorporate, "1000.00"})
	c := p.underReview("k")
	old := p.s.Now.PayloadKeys
	next, err := codec.NewKey("next")
	require.NoError(t, err)
	p.s.killWorker()
	wrong := p.s.anotherWorker(t, "PAYLOAD_KEYS="+next)
	t.Cleanup(func() {
		if p.s.worker != nil {
			p.s.killWorker() // the next test starts one with the stack's key
		}
	})
	decided := make(chan answer, 1)
	decide := func() answer {
		return p.s.starter(t.Context(), []string{"PAYLOAD_KEYS=" + next + "," + old}, "task", "decide", c.number+"/review", "reject", "--as", "lina", "--reason", "no papers", "--key", "d")
	}
	go func() { decided <- decide() }()
	eventually(t, "the worker's complaint", func() (bool, error) {
		text, err := os.ReadFile(wrong.Log)
		return strings.Contains(string(text), "which is not among PAYLOAD_KEYS; add it behind the first"), err
	})
	wrong.Kill()
	require.Equal(t, withdrawal.UnderReview, c.state())

	p.s.startWorker(t, "PAYLOAD_KEYS="+next+","+old)
	<-decided // it may have been told to ask again
	require.Equal(t, 0, decide().code)
	require.Equal(t, withdrawal.Refused, c.state())
	eventually(t, "the end of the run", func() (bool, error) {
		d, err := p.s.client.DescribeWorkflow(t.Context(), c.workflowID, "")
		return err == nil && d.WorkflowCloseTime != nil, err
	})
	under := map[string]int{}
	for _, payload := range payloadsOf(t, p.s.asStored(t, c.workflowID)) {
		under[string(payload.Metadata["encryption-key-id"])]++
	}
	require.Len(t, under, 2, "old payloads stay as they are: %v", under)
	require.Positive(t, under["local"])
	require.Positive(t, under["next"])
}

// viewer is a browser that is signed in to a codec server.
type viewer struct {
	t      *testing.T
	url    string
	client *http.Client
}

// codecServer runs the server as a process and opens the link that it shows.
func (s *stack) codecServer(t *testing.T) *viewer {
	t.Helper()
	server := exec.Command(filepath.Join(s.Bin, "starter"), "codec", "serve", "--address", "127.0.0.1:0", "--ui", "http://127.0.0.1:8233")
	server.Env = s.Environ()
	said, err := server.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		require.NoError(t, server.Process.Signal(syscall.SIGTERM))
		require.NoError(t, server.Wait())
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(t, err)
	link := strings.TrimSpace(line[strings.Index(line, "http://"):])
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	v := &viewer{t: t, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	v.url, _, _ = strings.Cut(link, "/sign-in")
	_, status := v.do(http.MethodGet, link, nil)
	require.Equal(t, http.StatusSeeOther, status)
	return v
}

// decode asks as the Temporal UI does.
func (v *viewer) decode(payloads []*commonpb.Payload) string {
	v.t.Helper()
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: payloads})
	require.NoError(v.t, err)
	said, status := v.do(http.MethodPost, v.url+"/decode", body)
	require.Equal(v.t, http.StatusOK, status, said)
	var opened commonpb.Payloads
	require.NoError(v.t, protojson.Unmarshal([]byte(said), &opened))
	var text strings.Builder
	for _, p := range opened.Payloads {
		text.Write(p.Data)
	}
	return text.String()
}

func (v *viewer) do(method, address string, body []byte) (string, int) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, address, bytes.NewReader(body))
	require.NoError(v.t, err)
	r.Header.Set("Origin", "http://127.0.0.1:8233")
	r.Header.Set("X-Namespace", "default")
	r.Header.Set("Content-Type", "application/json")
	answer, err := v.client.Do(r)
	require.NoError(v.t, err)
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	require.NoError(v.t, err)
	return string(said), answer.StatusCode
}
