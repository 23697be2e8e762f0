// Package gallery_test looks at every page of the console as people do, over a programme that has lived for months.
package gallery_test

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/document"
	"countersign/domain/withdrawal"
	"countersign/internal/documents"
	"countersign/web/webtest"

	"codeberg.org/go-pdf/fpdf"
	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/programme.yaml
var programme string

// world is a programme and what its people did, each thing at its own instant of the past.
type world struct {
	t     *testing.T
	db    *sqlx.DB
	store *documents.Store
	now   time.Time

	plan           []planned
	talk, returned string // a case in its second round, one that waits for its partner
}

type planned struct {
	at  time.Time
	act func(at time.Time)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Now()}
	w.db = webtest.Loaded(t, []byte(programme+w.calendars()), w.ago(400, 9))
	var err error
	w.store, err = documents.Open(w.db, "postgres", documents.Keys{}, documents.Rules{Limit: 1 << 20, Types: documents.Known})
	require.NoError(t, err)
	w.money()
	w.withdrawals()
	w.incentives()
	w.organisation()
	for len(w.plan) > 0 { // what was done may lead to more
		next := 0
		for i := range w.plan {
			if w.plan[i].at.Before(w.plan[next].at) {
				next = i
			}
		}
		p := w.plan[next]
		w.plan = append(w.plan[:next], w.plan[next+1:]...)
		p.act(p.at)
	}
	return w
}

// ago is an hour of a day in UTC+8, so many days before today.
func (w *world) ago(days, hour int) time.Time {
	return calendar.DateOf(w.now).AddDays(-days).Start().Add(time.Duration(hour) * time.Hour)
}

// on has something happen; what would be in the future does not.
func (w *world) on(at time.Time, act func(at time.Time)) {
	if at.Before(w.now.Add(-time.Minute)) {
		w.plan = append(w.plan, planned{at, act})
	}
}

// named puts what only the world knows into addresses.
func (w *world) named(more ...string) *strings.Replacer {
	return strings.NewReplacer(append(more, "TALK", w.talk, "RETURNED", w.returned, "MONTH", calendar.DateOf(w.now).AddMonths(-2).String()[:len("2024-05")])...)
}

func (w *world) calendars() string {
	year := calendar.DateOf(w.now).Year
	return fmt.Sprintf(`
calendar:
  - {year: %[1]d, days: []}
  - year: %[2]d
    days:
      - {date: %[2]d-01-01, working: false, name: "元旦"}
      - {date: %[2]d-05-01, working: false, name: "劳动节"}
      - {date: %[2]d-10-01, working: false, name: "国庆节"}
      - {date: %[2]d-10-02, working: false, name: "国庆节"}
      - {date: %[2]d-10-03, working: false, name: "国庆节"}
  - {year: %[3]d, days: []}
`, year-1, year, year+1)
}

// money is what partners paid in: the first of them month by month, from several sources.
func (w *world) money() {
	n := 0
	lot := func(partner, source, payer, amount string, days int) {
		n++
		text := fmt.Sprintf("lots: [{key: lot-%d, partner: %s, source: %s, payer: %q, payer_account: acct-%s, arrived_at: %s, amount: %q}]\n",
			n, partner, source, payer, partner, w.ago(days, 11).UTC().Format(time.RFC3339), amount)
		w.on(w.ago(days, 12), func(at time.Time) { w.load(text, at) })
	}
	for month, amount := range []string{"86000.00", "54500.00", "112300.00", "63750.00", "78900.00", "41200.00"} {
		lot("P1001", "EBANK_CORPORATE", administrators["P1001"][1], amount, 185-30*month)
	}
	lot("P1001", "ALIPAY", administrators["P1001"][1], "3600.00", 62)
	lot("P1001", "REMIT_GENERAL", administrators["P1001"][1], "12800.00", 48)
	for i, partner := range slices.Sorted(maps.Keys(administrators))[1:] {
		lot(partner, "EBANK_CORPORATE", administrators[partner][1], "480000.00", 120-i)
	}
	w.on(w.ago(40, 15), func(at time.Time) {
		w.load("memos: [{key: owed-1, kind: owed, owner: P1001, amount: \"2400.00\"}]\n", at)
	})
}

func (w *world) load(text string, at time.Time) {
	w.t.Helper()
	file, err := activities.ParseProgramme([]byte(text))
	require.NoError(w.t, err)
	_, err = (&activities.Programme{DB: w.db}).Load(w.t.Context(), file, "gallery", at)
	require.NoError(w.t, err)
}

// administrator of each partner that withdraws, with the account that the money goes to.
var administrators = map[string][2]string{
	"P1001": {"mei", "极光云科技有限公司"}, "P1002": {"bao", "竹简数据技术有限公司"}, "P1003": {"cai", "卷云网络股份有限公司"}, "P1004": {"deng", "德尔塔系统集成有限公司"},
	"P1005": {"fang", "常青软件有限公司"}, "P1006": {"fu", "伏羲科技有限公司"}, "P1008": {"hai", "海港信息有限公司"}, "P1009": {"lan", "靛蓝云计算有限公司"},
}

// withdrawals of ten weeks: days ago, partner, amount, how many hours its reviewer took, and where it has come to.
var applied = []struct {
	days, took      int
	partner, amount string
	stands          withdrawal.State
}{
	{72, 5, "P1002", "18000.00", withdrawal.Paid},
	{70, 20, "P1003", "64000.00", withdrawal.Paid},
	{66, 30, "P1001", "36500.00", withdrawal.Paid},
	{63, 9, "P1005", "9800.00", withdrawal.Paid},
	{61, 44, "P1004", "120000.00", withdrawal.Paid},
	{58, 6, "P1008", "15600.00", withdrawal.Refused},
	{55, 26, "P1002", "42000.00", withdrawal.Paid},
	{52, 12, "P1009", "7300.00", withdrawal.Paid},
	{49, 50, "P1001", "58200.00", withdrawal.Paid},
	{47, 28, "P1003", "31000.00", withdrawal.Paid},
	{44, 7, "P1005", "12400.00", withdrawal.Paid},
	{41, 33, "P1006", "88000.00", withdrawal.Paid},
	{38, 8, "P1001", "19950.00", withdrawal.Refused},
	{35, 21, "P1004", "54000.00", withdrawal.Paid},
	{33, 10, "P1008", "22700.00", withdrawal.Paid},
	{30, 4, "P1002", "6400.00", withdrawal.Paid},
	{28, 25, "P1009", "47500.00", withdrawal.Paid},
	{26, 16, "P1001", "73000.00", withdrawal.Paid},
	{24, 6, "P1005", "8900.00", withdrawal.Cancelled},
	{21, 29, "P1003", "95000.00", withdrawal.Paying},
	{18, 11, "P1006", "27000.00", withdrawal.Paying},
	{16, 5, "P1002", "13300.00", withdrawal.Awaiting},
	{14, 23, "P1004", "68000.00", withdrawal.Approved},
	{12, 7, "P1008", "17250.00", withdrawal.Paying},
	{9, 0, "P1009", "33600.00", withdrawal.UnderReview},
	{8, 9, "P1001", "4850.00", withdrawal.Approved},
	{6, 0, "P1005", "102000.00", withdrawal.UnderReview},
	{5, 0, "P1003", "26400.00", withdrawal.UnderReview},
	{4, 6, "P1001", "11700.00", withdrawal.Awaiting},
	{3, 0, "P1006", "9100.00", withdrawal.UnderReview},
	{2, 0, "P1002", "57800.00", withdrawal.UnderReview},
	{2, 0, "P1004", "3400.00", withdrawal.UnderReview},
	{1, 0, "P1008", "21900.00", withdrawal.UnderReview},
	{1, 0, "P1009", "6750.00", withdrawal.UnderReview},
	{1, 0, "P1001", "28600.00", withdrawal.UnderReview},
}

func (w *world) withdrawals() {
	for i, a := range applied {
		w.on(w.ago(a.days, 9+i%7), func(at time.Time) {
			w.withdraws(fmt.Sprintf("w%d", i), a.partner, a.amount, at, time.Duration(a.took)*time.Hour, a.stands)
		})
	}
	w.on(w.ago(11, 10), w.discussed)
	w.on(w.ago(20, 9), func(at time.Time) {
		for _, v := range []activities.SaveViewInput{{Name: "Large amounts", Query: "from=50000"}, {Name: "Aurora Cloud", Query: "partner=P1001"}} {
			v.Person, v.At = "lina", at
			require.NoError(w.t, (&activities.SavedViews{DB: w.db}).SaveView(w.t.Context(), v))
		}
	})
}

func (w *world) acts() *activities.Withdrawals {
	return &activities.Withdrawals{DB: w.db, Channel: activities.ByHand{}}
}

func (w *world) application(key, partner, amount string, at time.Time) withdrawal.Application {
	w.t.Helper()
	by := administrators[partner]
	return withdrawal.Application{
		RequestKey: key, PartnerID: partner, Submitter: by[0], Route: withdrawal.BankCard, Amount: amount, Code: webtest.SendCode(w.t, w.db, by[0], partner, at),
		Payee: withdrawal.Payee{Holder: by[1], AccountNo: "6222020200" + partner[1:] + "55", Bank: "ICBC", Branch: "Shenzhen Nanshan"},
	}
}

// withdraws opens a case, and plans what brings it to where it stands.
func (w *world) withdraws(key, partner, amount string, at time.Time, took time.Duration, stands withdrawal.State) string {
	w.t.Helper()
	opened, err := w.acts().OpenWithdrawal(w.t.Context(), activities.OpenWithdrawalInput{
		WorkflowID: "withdrawal/" + partner + "/" + key, RunID: "run-" + key, At: at, Application: w.application(key, partner, amount, at),
	})
	require.NoError(w.t, err)
	number := opened.Case
	reviewer := []string{"lina", "zhao"}[int(number[len(number)-1])%2]
	review := func(outcome approval.Outcome, reason string) {
		w.says(at.Add(took), number, "review", reviewer, approval.Decision{Outcome: outcome, Reason: reason})
	}
	switch stands {
	case withdrawal.UnderReview:
	case withdrawal.Refused:
		review(approval.Reject, "The account is not the partner's own.")
	case withdrawal.Awaiting:
		review(approval.Return, "The branch does not belong to this account; please correct it.")
		if partner == "P1001" {
			w.returned = number
		}
	case withdrawal.Cancelled:
		w.on(at.Add(took), func(at time.Time) {
			_, err := w.acts().CancelWithdrawal(w.t.Context(), activities.CancelWithdrawalInput{Case: number, Person: administrators[partner][0], Reason: "The money is needed here.", Key: key + "-cancel", At: at})
			require.NoError(w.t, err)
		})
	default:
		review(approval.Approve, "")
		w.says(at.Add(took+3*time.Hour), number, "sign", "chen", approval.Decision{Outcome: approval.Approve, Reason: "Checked against the invoices."})
		w.says(at.Add(took+22*time.Hour), number, "ecosystem", "wang", approval.Decision{Outcome: approval.Approve})
		if stands != withdrawal.Approved {
			w.says(at.Add(took+26*time.Hour), number, "send", reviewer, approval.Decision{Outcome: withdrawal.Sent})
		}
		if stands == withdrawal.Paid {
			w.says(at.Add(took+50*time.Hour), number, "confirm", reviewer, approval.Decision{Outcome: withdrawal.Arrived, Amount: amount, Reference: "ICBC-" + number})
		}
	}
	return number
}

// says has somebody answer a task, if it is asked at all: small sums ask fewer people.
func (w *world) says(at time.Time, number, seat, person string, d approval.Decision) {
	w.on(at, func(at time.Time) {
		d.Task, d.Person = number+"/"+seat, person
		d.Key = d.Task + "/" + string(d.Outcome)
		var open bool
		require.NoError(w.t, w.db.Get(&open, `SELECT EXISTS (SELECT 1 FROM tasks WHERE task_id = $1)`, d.Task))
		if !open {
			return
		}
		in := activities.DecideInput{Decision: d, At: at}
		var err error
		if number[0] == 'W' {
			_, err = w.acts().DecideWithdrawal(w.t.Context(), in)
		} else {
			_, err = (&activities.Cases{DB: w.db}).Decide(w.t.Context(), in)
		}
		require.NoError(w.t, err, "%s by %s", d.Task, person)
	})
}

// discussed is a case with everything that its page may show: a round that was returned, another, a comment, documents.
func (w *world) discussed(at time.Time) {
	number := w.withdraws("talk", "P1001", "96000.00", at, 0, withdrawal.UnderReview)
	w.talk = number
	w.says(at.Add(5*time.Hour), number, "review", "lina", approval.Decision{Outcome: approval.Return, Reason: "Only 85,000.00 are covered by invoices. Please lower the amount or enclose the missing ones."})
	w.on(at.Add(28*time.Hour), func(at time.Time) {
		_, err := w.acts().ResubmitWithdrawal(w.t.Context(), activities.ResubmitWithdrawalInput{Case: number, Application: w.application("talk-2", "P1001", "85000.00", at), RunID: "run-talk", At: at})
		require.NoError(w.t, err)
		w.encloses(number, document.Invoice, "invoice-24442000000087654321.pdf", paper("Invoice 24442000000087654321", "Aurora Cloud to Cloud Computing Ltd", "Services 80,188.68", "Tax 6 % 4,811.32", "Total 85,000.00 CNY"), "mei", at)
		w.encloses(number, document.Proof, "delivery-note.png", scan(w.t), "mei", at.Add(time.Minute))
	})
	w.says(at.Add(29*time.Hour), number, "review@2", "mei", approval.Decision{Outcome: approval.Comment, Reason: "The invoice and the delivery note are enclosed."})
	w.says(at.Add(51*time.Hour), number, "review@2", "zhao", approval.Decision{Outcome: approval.Approve, Reason: "The invoice fits."})
	w.says(at.Add(55*time.Hour), number, "sign@2", "lina", approval.Decision{Outcome: approval.Comment, Reason: "Payment would still make this week's run."})
}

func (w *world) encloses(number string, kind document.Kind, name string, content []byte, person string, at time.Time) {
	w.t.Helper()
	_, err := (&activities.Documents{DB: w.db, Store: w.store}).AddDocument(w.t.Context(), activities.AddDocumentInput{
		Case: number, Kind: kind, Name: name, Content: bytes.NewReader(content), Person: person, At: at,
	})
	require.NoError(w.t, err)
}

// paper is a PDF with lines of text.
func paper(title string, lines ...string) []byte {
	f := fpdf.New("P", "mm", "A5", "")
	f.AddPage()
	f.SetTitle(title, true)
	f.SetFont("Helvetica", "B", 16)
	f.CellFormat(0, 12, title, "B", 1, "", false, 0, "")
	f.SetFont("Helvetica", "", 11)
	for _, line := range lines {
		f.CellFormat(0, 8, line, "", 1, "", false, 0, "")
	}
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		panic(err) // it is written to memory
	}
	return out.Bytes()
}

// scan is a picture with lines, as of a text.
func scan(t *testing.T) []byte {
	t.Helper()
	page := image.NewGray(image.Rect(0, 0, 480, 200))
	for i := range page.Pix {
		x, y := i%page.Stride, i/page.Stride
		page.Pix[i] = 0xf4
		if y%16 > 10 && y > 16 && y < 184 && x > 24 && x < 280+y%112 {
			page.Pix[i] = 0x70
		}
	}
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, page))
	return out.Bytes()
}

// put stores a document that no case has yet, and answers its ID.
func (w *world) put(content []byte, at time.Time) (id string) {
	w.t.Helper()
	sum := sha256.Sum256(content)
	id = hex.EncodeToString(sum[:])
	_, err := w.db.ExecContext(w.t.Context(), `
		INSERT INTO documents (document_id, media_type, size, stored_in, content, uploaded_by, uploaded_at) VALUES ($1, 'application/pdf', $2, 'postgres', $3, 'mei', $4)
		ON CONFLICT DO NOTHING`, id, len(content), content, at)
	require.NoError(w.t, err)
	return id
}
