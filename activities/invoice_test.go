package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"countersign/domain/business"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
)

const invoicing = `
withdrawal_policy: {review_role: vendor-finance, payment_role: vendor-finance, escalation_role: finance-manager, review_term: P2WD, arrival_term: P7WD, wallet_term: P1WD,
  risk_amount: "50000.00", code_term: 5m, code_tries: 5}
partners:
  - {id: P1001, name: Alpha, kind: solution-provider, verified_name: Alpha Cloud Ltd, entity: cloud}
  - {id: P2002, name: Beta, kind: solution-provider, verified_name: Beta Ltd, entity: cloud}
people:
  - {id: mei, name: Mei, partner: P1001, email: mei@a.example, roles: [partner-administrator]}
  - {id: bo, name: Bo, partner: P2002, email: bo@b.example, roles: [partner-administrator]}
  - {id: lina, name: Li Na, roles: [vendor-finance]}
  - {id: zhao, name: Zhao, roles: [vendor-finance]}
  - {id: wang, name: Wang, roles: [ecosystem-manager, vendor-finance]}
  - {id: chen, name: Chen, roles: [finance-manager]}
vendor_addresses:
  - {entity: cloud, name: "Vendor Cloud Co., Ltd.", mailing_address: "2 Vendor Street, Guiyang", public_mailbox: invoices@vendor.example, contacts: "Li Na, 0851"}
  - {entity: software, name: "Vendor Software Co., Ltd.", mailing_address: "9 Soft Street, Shenzhen", public_mailbox: soft@vendor.example}
`

// invoiceTime reads a time of day in the programme's zone.
func invoiceTime(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// books is a programme whose cases are paid against invoices. The cases are rows only: what a kind of case makes of its list
// is that kind's own.
type books struct {
	t   *testing.T
	ctx context.Context
	db  *sqlx.DB
}

func newBooks(t *testing.T, records ...string) books {
	b := books{t, context.Background(), pgtest.New(t)}
	b.load(invoicing)
	for _, r := range records {
		b.load(r)
	}
	return b
}

func (b books) load(text string) {
	b.t.Helper()
	file, err := ParseProgramme([]byte(text))
	require.NoError(b.t, err)
	_, err = (&Programme{DB: b.db}).Load(b.ctx, file, "op", invoiceTime("2024-06-01 09:00"))
	require.NoError(b.t, err)
}

// open makes a case of a partner's person and its list over 10,300.00, certified the day before.
func (b books) open(number, partner, by string) invoice.List {
	b.t.Helper()
	b.row(number, partner, by)
	l, list, err := b.order(orderOf(number))
	require.NoError(b.t, err)
	require.Empty(b.t, list)
	return l
}

func (b books) row(number, partner, by string) {
	b.t.Helper()
	b.db.MustExec(`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
		VALUES ($1, 'withdrawal', $2, $3, $1, '', 'UNDER_REVIEW', 1, $1, $1, $4)`, number, partner, by, invoiceTime("2024-06-05 10:00"))
	b.db.MustExec(`INSERT INTO withdrawals (case_number, route, amount, holder, account_no, bank, branch, paying_entity, paid_from, approved_by_rule)
		VALUES ($1, 'INCENTIVE', 1, 'A', '1', 'B', 'C', 'cloud', 'V.BANK', false)`, number)
}

func orderOf(number string) invoiceOrder {
	certified := invoiceTime("2024-06-04 10:00")
	return invoiceOrder{
		Case: number, RequestedAt: invoiceTime("2024-06-05 10:00"), Buyer: "cloud", ServiceItem: "incentive service fee", Period: "2024-05",
		Amount: invoice.Amount([]invoice.Granted{{Amount: money.Must("10600.00"), Rate: 600}}, 300), Due: calendar.DateOf(invoiceTime("2024-07-05 00:00")), At: invoiceTime("2024-06-05 10:00"),
		Business: business.Information{
			Company: "Alpha Cloud Ltd", Code: "9144", TaxNumber: "T-9144", RegisteredAddress: "1 Cloud Road, Shenzhen", Contact: "Mei, 138", Taxpayer: business.SmallScale,
			ServiceFeeRate: money.Must("3.00"), AccountName: "Alpha Cloud Ltd", Bank: "ICBC", Branch: "Shenzhen Nanshan", AccountNo: "6222-1", Currency: "CNY", CertifiedAt: &certified,
		},
	}
}

// do runs one step in a transaction that a refusal undoes.
func (b books) do(f func(tx *sqlx.Tx) (refusal.List, error)) refusal.List {
	b.t.Helper()
	var refused refusal.List
	err := inTx(b.ctx, b.db, func(tx *sqlx.Tx) error {
		list, err := f(tx)
		if err == nil {
			err = list.Err()
		}
		return err
	})
	if !errors.As(err, &refused) {
		require.NoError(b.t, err)
	}
	return refused
}

func (b books) order(o invoiceOrder) (l invoice.List, list refusal.List, err error) {
	list = b.do(func(tx *sqlx.Tx) (refused refusal.List, err error) {
		l, refused, err = openInvoiceList(b.ctx, tx, o)
		return refused, err
	})
	return l, list, nil
}

// parcel is what a person sends: invoices "number total" on paper at 3 %.
func (b books) parcel(number, by, key string, invoices ...string) invoice.Package {
	b.t.Helper()
	l := b.list(number)
	p := invoice.Package{Case: number, Person: by, Key: key, ListEnclosed: true, Carrier: "SF", TrackingNo: "SF-" + key}
	for _, n := range invoices {
		p.Invoices = append(p.Invoices, invoice.Entered{
			Number: n, Type: invoice.Paper, Date: "2024-06-06", Currency: "CNY", Net: "10000.00", Tax: "300.00", Total: "10300.00", Rate: "3",
			Buyer: "Vendor Cloud Co., Ltd.", Items: invoice.ItemsOf(l, "10000.00"),
		})
	}
	return p
}

func (b books) list(number string) (l invoice.List) {
	b.t.Helper()
	l, err := invoiceListOf(b.ctx, b.db, number)
	require.NoError(b.t, err)
	return l
}

func (b books) send(p invoice.Package, at string) refusal.List {
	b.t.Helper()
	return b.do(func(tx *sqlx.Tx) (refusal.List, error) {
		_, list, err := registerInvoices(b.ctx, tx, p, invoiceTime(at))
		return list, err
	})
}

func (b books) arrive(number, by, at string) refusal.List {
	b.t.Helper()
	return b.do(func(tx *sqlx.Tx) (refusal.List, error) {
		_, list, err := recordArrival(b.ctx, tx, number, by, invoiceTime(at))
		if err != nil || len(list) > 0 {
			return list, err
		}
		c, err := lockCase(b.ctx, tx, number)
		if err != nil {
			return nil, err
		}
		return openInvoiceReview(b.ctx, tx, c, person.VendorFinance, person.FinanceManager, invoiceTime(at))
	})
}

func (b books) review(number string, pass bool, note, at string) refusal.List {
	b.t.Helper()
	return b.do(func(tx *sqlx.Tx) (refusal.List, error) {
		_, list, err := reviewInvoices(b.ctx, tx, invoiceReview{Case: number, Pass: pass, By: "lina", Note: note, At: invoiceTime(at)})
		return list, err
	})
}

func refusedAs(list refusal.List) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.Rule+" "+r.Code)
	}
	return out
}

func (b books) texts(query string, args ...any) []string {
	b.t.Helper()
	out := []string{}
	require.NoError(b.t, b.db.Select(&out, query, args...))
	return out
}

// Rule: INV-01, INV-03, INV-07, INV-13, INV-21
func TestGivenACasePaidAgainstAnInvoice_WhenItsListIsOpened_ThenThePartnerIsToldOnceWhereAndWhatToInvoice(t *testing.T) {
	b := newBooks(t)
	l := b.open("R000001", "P1001", "mei")
	require.Equal(t, "IL000001", l.No)
	require.Equal(t, invoice.ToIssue, l.State)
	require.Equal(t, "10300.00 CNY 3.00", l.Amount.String()+" "+string(l.Currency)+" "+l.Rate.String())
	require.Equal(t, "Alpha Cloud Ltd", l.Name)
	require.Equal(t, "Vendor Cloud Co., Ltd.", l.Buyer, "the entity of the request's day")
	require.Equal(t, []string{"2 Vendor Street, Guiyang", "invoices@vendor.example", "Mei, 138; Li Na, 0851"}, []string{l.MailingAddress, l.PublicMailbox, l.Contacts})

	again, list, err := b.order(orderOf("R000001"))
	require.NoError(t, err)
	require.Empty(t, list)
	require.Equal(t, l, again, "a case has one list")
	mails := b.texts(`SELECT person_id || ': ' || body FROM outbox`)
	require.Len(t, mails, 1)
	for _, part := range []string{"mei: ", "IL000001", "case R000001", "2 Vendor Street, Guiyang", "invoices@vendor.example", "10300.00 CNY"} {
		require.Contains(t, mails[0], part)
	}

	b.load(`vendor_addresses: [{entity: cloud, name: New, mailing_address: Elsewhere, public_mailbox: new@vendor.example}]`)
	require.Equal(t, l, b.list("R000001"), "a list keeps what it said")
	dollars := orderOf("R000002")
	dollars.Business.Currency, dollars.Buyer = "USD", "software"
	b.row("R000002", "P1001", "mei")
	l, list, err = b.order(dollars)
	require.NoError(t, err)
	require.Empty(t, list)
	require.Equal(t, "USD Vendor Software Co., Ltd. soft@vendor.example", string(l.Currency)+" "+l.Buyer+" "+l.PublicMailbox)
	b.row("R000003", "P1001", "mei")
	nowhere := orderOf("R000003")
	nowhere.Buyer = "moon"
	_, list, _ = b.order(nowhere)
	require.Equal(t, []string{"INV-03 PRG.INV.03"}, refusedAs(list))
}

// Rule: INV-04
func TestGivenACertificationOnTheDayOfTheRequest_WhenTheListIsOpened_ThenItShowsAndIsToldOnTheNextDay(t *testing.T) {
	b := newBooks(t)
	b.row("R000001", "P1001", "mei")
	o := orderOf("R000001")
	certified := invoiceTime("2024-06-10 09:00")
	o.Business.CertifiedAt, o.RequestedAt, o.At = &certified, invoiceTime("2024-06-10 15:00"), invoiceTime("2024-06-10 15:05")
	l, list, err := b.order(o)
	require.NoError(t, err)
	require.Empty(t, list)
	require.True(t, l.VisibleAt.Equal(invoiceTime("2024-06-11 00:00")))
	require.Equal(t, []string{"2024-06-11 00:00"}, b.texts(`SELECT to_char(next_at AT TIME ZONE interval '8 hours', 'YYYY-MM-DD HH24:MI') FROM outbox`))
	p := b.parcel("R000001", "mei", "k1", "A1")
	require.Equal(t, []string{"INV-04 INV_LIST_NOT_READY"}, refusedAs(b.send(p, "2024-06-10 23:59")))
	require.Empty(t, b.texts(`SELECT number FROM invoices`), "nothing was written")
	require.Empty(t, b.send(p, "2024-06-11 00:00"))
}

// Rule: INV-14, INV-15, INV-16, INV-17, INV-20, INV-22
func TestGivenAFailedRound_WhenANewInvoiceIsSent_ThenItIsReviewedAnewOnItsOwnSecondWorkingDay(t *testing.T) {
	b := newBooks(t)
	b.open("R000001", "P1001", "mei")
	bare := b.parcel("R000001", "mei", "k1", "A1")
	bare.Invoices[0].Items.Requisition = ""
	require.Empty(t, b.send(bare, "2024-11-04 10:00"))
	require.Equal(t, []string{"COM-16 CBC.0151"}, refusedAs(b.arrive("R000001", "mei", "2024-11-06 09:30")), "the vendor's finance receives")
	require.Empty(t, b.arrive("R000001", "lina", "2024-11-06 09:30"))
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, refusedAs(b.arrive("R000001", "lina", "2024-11-06 10:00")))
	require.Contains(t, b.list("R000001").State.Words(), "waiting for payment")
	require.Equal(t, []string{"1 2024-11-08"}, b.texts(`SELECT round || ' ' || review_on FROM invoice_packages`))
	require.Equal(t, []string{"R000001/invoice-review 2024-11-09 00:00 mei"}, b.texts(`
		SELECT format('%s %s %s', task_id, to_char(due_at AT TIME ZONE interval '8 hours', 'YYYY-MM-DD HH24:MI'), opened_by) FROM tasks`), "the alarm is when the day is over")

	accepted := func() (ok bool) {
		_ = b.do(func(tx *sqlx.Tx) (_ refusal.List, err error) {
			ok, err = invoicesAccepted(b.ctx, tx, "R000001")
			return nil, err
		})
		return ok
	}
	require.Equal(t, []string{"INV-20 PRG.INV.20"}, refusedAs(b.review("R000001", true, "", "2024-11-07 10:00")), "without its requisition number it cannot pass")
	require.False(t, accepted())
	require.Empty(t, b.review("R000001", false, "no requisition number", "2024-11-08 10:00"))
	require.Equal(t, invoice.ToReissue, b.list("R000001").State)
	require.Equal(t, []string{"fail {MISSING_REQUISITION_NO} no requisition number"}, b.texts(`SELECT result || ' ' || reasons::text || ' ' || note FROM invoice_packages`))
	require.Equal(t, []string{"A1 closed"}, b.texts(`SELECT number || ' ' || state FROM invoices`))
	require.Len(t, b.texts(`SELECT body FROM outbox WHERE key LIKE 'invoice/IL000001/1/failed/mei' AND body LIKE '%MISSING_REQUISITION_NO no requisition number%'`), 1)

	require.Equal(t, []string{"INV-16 INV_REUSED"}, refusedAs(b.send(b.parcel("R000001", "mei", "k2", "A1"), "2024-11-11 10:00")))
	require.Empty(t, b.send(b.parcel("R000001", "mei", "k2", "A2"), "2024-11-11 10:00"))
	require.Empty(t, b.arrive("R000001", "lina", "2024-11-13 09:30"))
	require.Equal(t, []string{"1 2024-11-08", "2 2024-11-15"}, b.texts(`SELECT round || ' ' || review_on FROM invoice_packages ORDER BY round`))
	require.False(t, accepted())
	require.Empty(t, b.review("R000001", true, "", "2024-11-14 10:00"), "an earlier decision counts")
	require.True(t, accepted())
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, refusedAs(b.review("R000001", true, "", "2024-11-15 10:00")))
	require.Equal(t, []string{"A1 closed", "A2 used"}, b.texts(`SELECT number || ' ' || state FROM invoices ORDER BY number`))
}

// Rule: INV-14
func TestGivenAReviewStillOpenAfterItsDay_WhenItFailsLater_ThenItCountsAllTheSame(t *testing.T) {
	b := newBooks(t)
	b.open("R000001", "P1001", "mei")
	require.Empty(t, b.send(b.parcel("R000001", "mei", "k1", "A1"), "2024-11-04 10:00"))
	require.Empty(t, b.arrive("R000001", "lina", "2024-11-06 09:30"))
	require.Empty(t, b.review("R000001", false, "torn", "2024-11-11 10:00"))
	require.Equal(t, invoice.ToReissue, b.list("R000001").State)
}

// Rule: INV-12
func TestGivenADueDateThatPassed_WhenInvoicesAreSent_ThenTheyAreMarkedLateAndThePartnerWasRemindedOnce(t *testing.T) {
	b := newBooks(t)
	b.open("R000001", "P1001", "mei")
	remind := func(at string) (next *time.Time) {
		_ = b.do(func(tx *sqlx.Tx) (_ refusal.List, err error) {
			next, err = remindOfInvoices(b.ctx, tx, "R000001", invoiceTime(at))
			return nil, err
		})
		return next
	}
	require.True(t, remind("2024-06-05 10:00").Equal(invoiceTime("2024-07-06 00:00")))
	require.True(t, remind("2024-07-05 23:59").Equal(invoiceTime("2024-07-06 00:00")))
	require.Empty(t, b.texts(`SELECT key FROM outbox WHERE key LIKE '%overdue%'`))
	require.Nil(t, remind("2024-07-06 00:00"))
	require.Nil(t, remind("2024-07-07 00:00"))
	require.Equal(t, []string{"invoice/IL000001/0/overdue/mei"}, b.texts(`SELECT key FROM outbox WHERE key LIKE '%overdue%'`))
	require.Empty(t, b.send(b.parcel("R000001", "mei", "k1", "A1"), "2024-07-08 10:00"))
	require.Equal(t, []string{"true"}, b.texts(`SELECT late::text FROM invoice_packages`))
	require.Nil(t, remind("2024-07-09 00:00"), "nothing is to be sent")
}

// Rule: INV-10
func TestGivenInvoicesOfManyCases_WhenTheSameNumbersAreSentAgainAndAgain_ThenEachIsInExactlyOneCase(t *testing.T) {
	b := newBooks(t)
	cases := []string{"R000001", "R000002", "R000003"}
	for i, number := range cases {
		b.open(number, []string{"P1001", "P2002", "P1001"}[i], []string{"mei", "bo", "mei"}[i])
	}
	sender := map[string]string{"R000001": "mei", "R000002": "bo", "R000003": "mei"}
	require.Empty(t, b.send(b.parcel("R000001", "mei", "k", "A1"), "2024-06-07 10:00"))
	for _, number := range cases[1:] {
		require.Equal(t, []string{"INV-10 INV_REUSED"}, refusedAs(b.send(b.parcel(number, sender[number], "k", " a1 "), "2024-06-07 11:00")))
	}
	require.Empty(t, b.arrive("R000001", "lina", "2024-06-10 10:00"))
	require.Empty(t, b.review("R000001", false, "torn", "2024-06-11 10:00"))
	for _, number := range cases {
		require.Equal(t, []string{"INV-16 INV_REUSED"}, refusedAs(b.send(b.parcel(number, sender[number], "k2", "A1"), "2024-06-12 10:00")), "closed for everybody, for ever")
	}
	require.Equal(t, []string{"A1 1"}, b.texts(`SELECT number || ' ' || count(*) FROM invoices GROUP BY number`))

	// Two cases reach for one number at the same instant: the constraint speaks where looking came too early.
	wg := make(chan refusal.List, 2)
	for _, number := range cases[1:] {
		p := b.parcel(number, sender[number], "race", "A9")
		go func() { wg <- b.send(p, "2024-06-13 10:00") }()
	}
	got := append(<-wg, <-wg...)
	require.Equal(t, []string{"INV-10 INV_REUSED"}, refusedAs(got), "exactly one of them got it")
	require.Equal(t, []string{"1"}, b.texts(`SELECT count(*)::text FROM invoices WHERE number = 'A9'`))
}

// Rule: INV-10, INV-16
func TestGivenAFailedInvoice_WhenItsNumberIsSentAgainWithACode_ThenItIsTheSameAlsoInARace(t *testing.T) {
	b := newBooks(t)
	b.open("R000001", "P1001", "mei")
	b.open("R000002", "P2002", "bo")
	coded := func(number, by, key, invoiceNo string) invoice.Package {
		p := b.parcel(number, by, key, invoiceNo)
		p.Invoices[0].Code = "0110"
		return p
	}
	require.Empty(t, b.send(b.parcel("R000001", "mei", "k1", "A1"), "2024-06-07 10:00"))
	require.Empty(t, b.arrive("R000001", "lina", "2024-06-10 10:00"))
	require.Empty(t, b.review("R000001", false, "torn", "2024-06-11 10:00"))
	require.Equal(t, []string{"INV-16 INV_REUSED"}, refusedAs(b.send(coded("R000001", "mei", "k2", "A1"), "2024-06-12 10:00")))

	plain, other := b.parcel("R000001", "mei", "race", "A9"), coded("R000002", "bo", "race", "A9")
	answers := make(chan refusal.List, 2)
	for _, p := range []invoice.Package{plain, other} {
		go func() { answers <- b.send(p, "2024-06-13 10:00") }()
	}
	require.Equal(t, []string{"INV-10 INV_REUSED"}, refusedAs(append(<-answers, <-answers...)), "exactly one of them got it")
}

// Rule: INV-11, COM-03
func TestGivenAFileOfAnotherCase_WhenAnInvoiceNamesIt_ThenItIsRefusedAndTheCasesOwnIsKept(t *testing.T) {
	b := newBooks(t)
	b.open("R000001", "P1001", "mei")
	b.open("R000002", "P2002", "bo")
	id := b.texts(`INSERT INTO documents (document_id, media_type, size, stored_in, content, uploaded_by, uploaded_at)
		VALUES (encode(sha256('scan'), 'hex'), 'application/pdf', 4, 'postgres', 'scan', 'bo', now()) RETURNING document_id`)[0]
	enclose := func(number, by string) {
		b.db.MustExec(`INSERT INTO case_documents (case_number, document_id, kind, name, added_by, added_at) VALUES ($1, $2, 'invoice', 'a.pdf', $3, now())`, number, id, by)
	}
	enclose("R000002", "bo")
	p := b.parcel("R000001", "mei", "k1", "A1")
	p.Invoices[0].DocumentID = id
	require.Equal(t, []string{"COM-03 CBC.0100"}, refusedAs(b.send(p, "2024-06-07 10:00")))
	enclose("R000001", "mei")
	require.Empty(t, b.send(p, "2024-06-07 10:00"))
	require.Equal(t, []string{id}, b.texts(`SELECT document_id FROM invoices`))
}

// Rule: COM-20
func TestGivenARequestKeyThatSentInvoices_WhenItSendsOthers_ThenCOM20Refuses(t *testing.T) {
	b := newBooks(t)
	b.open("R000001", "P1001", "mei")
	require.Empty(t, b.send(b.parcel("R000001", "mei", "k1", "A1"), "2024-06-07 10:00"))
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, refusedAs(b.send(b.parcel("R000001", "mei", "k1", "A2"), "2024-06-07 10:00")))
}

// Rule: ENG-02
func TestGivenInvoicesThatTheVendorsOwnPersonSent_WhenTheyAreReviewed_ThenThatPersonDoesNotDecide(t *testing.T) {
	b := newBooks(t)
	b.open("R000001", "P1001", "mei")
	require.Empty(t, b.send(b.parcel("R000001", "wang", "k1", "A1"), "2024-06-07 10:00"))
	require.Empty(t, b.arrive("R000001", "lina", "2024-06-10 10:00"))
	require.Equal(t, []string{"wang"}, b.texts(`SELECT opened_by FROM tasks WHERE matter = 'invoice-review'`))
	_, err := b.db.Exec(`UPDATE tasks SET state = 'decided', how = 'person', decided_by = 'wang', decided_at = now(), outcome = 'pass' WHERE matter = 'invoice-review'`)
	var refused *pq.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "eng_02_four_eyes", refused.Constraint)
}

// Rule: INV-18, INV-19
func TestGivenAPartnerThatBecameGeneral_WhenItsInvoicesAreAtThreePercent_ThenThePaymentIsNotApproved(t *testing.T) {
	b := newBooks(t)
	b.open("R000001", "P1001", "mei")
	for now, want := range map[business.Taxpayer][]string{business.SmallScale: {}, business.General: {"INV-19 PRG.INV.19"}} {
		require.Equal(t, want, refusedAs(b.do(func(tx *sqlx.Tx) (refusal.List, error) { return judgeInvoiceRate(b.ctx, tx, "R000001", now) })))
	}
	require.Equal(t, "10300.00", b.list("R000001").Amount.String(), "and nothing else is deducted")
}

// Rule: ENG-05
func TestGivenAnArrivalInAYearWithoutCalendar_WhenItIsRecorded_ThenENG05Refuses(t *testing.T) {
	b := newBooks(t)
	b.open("R000001", "P1001", "mei")
	require.Empty(t, b.send(b.parcel("R000001", "mei", "k1", "A1"), "2031-11-04 10:00"))
	require.Equal(t, []string{"ENG-05 PRG.ENG.05"}, refusedAs(b.arrive("R000001", "lina", "2031-11-06 09:30")))
}
