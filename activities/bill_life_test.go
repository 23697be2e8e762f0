package activities

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/refusal"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// The partners of bills: P100 and P101 are one company, P200 another, R300 a reseller of the first. Mei speaks for P100, Ma for
// P101, Otto and Olga are operations.
const billPeople = `
partners:
  - {id: P100, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud}
  - {id: P101, name: A Ltd 2, kind: solution-provider, verified_name: A Ltd, entity: cloud}
  - {id: P200, name: B Ltd, kind: solution-provider, verified_name: B Ltd, entity: cloud}
  - {id: R300, name: A Ltd 3, kind: reseller, verified_name: A Ltd, entity: cloud}
people:
  - {id: mei, name: Mei, partner: P100, email: mei@a.example, roles: [partner-administrator]}
  - {id: ma, name: Ma, partner: P101, email: ma@a.example, roles: [partner-incentives]}
  - {id: otto, name: Otto, email: otto@vendor.example, roles: [vendor-operations]}
  - {id: olga, name: Olga, email: olga@vendor.example, roles: [vendor-operations]}
  - {id: lina, name: Li Na, roles: [vendor-finance]}
  - {id: chen, name: Chen, roles: [finance-manager]}
`

// shop is a house with these people, and its bills.
type shop struct {
	*Bills
	t *testing.T
}

func newShop(t *testing.T) shop {
	s := shop{&Bills{DB: pgtest.New(t)}, t}
	file, err := ParseProgramme([]byte(billPeople))
	require.NoError(t, err)
	_, err = (&Programme{DB: s.DB}).Load(context.Background(), file, "test", cst("2024-01-01 00:00:00"))
	require.NoError(t, err)
	for partner, code := range map[string]string{"P100": "91-A", "P101": "91-A", "P200": "91-B", "R300": "91-A"} {
		s.DB.MustExec(`
			INSERT INTO business_information (partner_id, version, company_name, code_type, code, taxpayer_type, service_fee_tax_rate, tax_number, bank_account_name, bank_name,
			                                  branch, account_no, settlement_currency, status, submitted_by, submitted_at, request_key, request_digest, decided_by, decided_at, certified_at)
			VALUES ($1, 1, 'A', 'uscc', $2, 'general', 6, 'T', 'A', 'ICBC', 'X', '1', 'CNY', 'passed', 'mei', $3, 'k', '', 'otto', $3, $3)`, partner, code, cst("2024-01-02 00:00:00"))
	}
	return s
}

// cst reads a time of day in the programme's zone.
func cst(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// released generates a bill of P100 and releases it at an instant.
func (s shop) released(id, period, association, amount, announced string) {
	s.t.Helper()
	s.DB.MustExec(`
		INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at)
		VALUES ($1, 'P100', 'A', 'monthly', $2, $3, $5, $4, 6, '2024-06-15', 'RELEASED', $5)`, id, period, association, amount, cst(announced))
	accrued := ledger.Entry{Key: billKey(id, "accrue"), Memo: "bill", At: cst(announced), Postings: bill.Accrue("P100", money.Must(amount))}
	require.NoError(s.t, inTx(context.Background(), s.DB, func(tx *sqlx.Tx) error { return post(context.Background(), tx, accrued) }))
}

// left records when P100 left its plan.
func (s shop) left(until string) {
	s.DB.MustExec(`INSERT INTO plan_identities VALUES ('P100', 'solution-provider', '2020-01-01T00:00:00Z', $1)`, cst(until))
}

func (s shop) day(at string) VoidReport {
	s.t.Helper()
	report, err := s.VoidLapsed(context.Background(), DailyInput{At: cst(at)})
	require.NoError(s.t, err)
	return report
}

// bills lists P100's bills as "B1 200.00 VOID", in the order of their numbers; new ones are called new.
func (s shop) bills() []string {
	s.t.Helper()
	var out []string
	require.NoError(s.t, s.DB.Select(&out, `
		SELECT CASE WHEN bill_id LIKE 'B0%' THEN 'new' ELSE bill_id END || ' ' || amount || ' ' || state || coalesce(' for ' || replaces, '') || coalesce(' by ' || void_of, '')
		  FROM bills WHERE partner_id = 'P100' ORDER BY bill_id LIKE 'B0%', bill_id`))
	return out
}

// owed is what the vendor owes a partner on incentives.
func (s shop) owed(partner string) string {
	s.t.Helper()
	var sum string
	require.NoError(s.t, s.DB.Get(&sum, `SELECT coalesce((SELECT balance FROM accounts WHERE account = 'V.INCENT:' || $1), 0)::numeric(20,2)::text`, partner))
	return sum
}

func (s shop) told(person string) (subjects []string) {
	s.t.Helper()
	require.NoError(s.t, s.DB.Select(&subjects, `SELECT regexp_replace(subject, '.* / ', '') FROM outbox WHERE person_id = $1 ORDER BY message_id`, person))
	return subjects
}

// addsUp asserts what holds at every instant.
func (s shop) addsUp() {
	s.t.Helper()
	found, err := views.Reader{DB: s.DB}.Verify(context.Background(), nil)
	require.NoError(s.t, err)
	require.Empty(s.t, found.Findings)
}

func ruleCodes(list refusal.List) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.Rule+" "+r.Code)
	}
	return out
}

// Rule: INC-14
func TestGivenAPartnerThatLeft_WhenTheYearIsOver_ThenItsIncentiveVoidsAtThatMidnightHoweverLateTheRun(t *testing.T) {
	s := newShop(t)
	s.released("B1", "2024-02", "resale", "200.00", "2024-03-10 09:00:00")
	s.left("2024-03-15 18:00:00")
	require.Zero(t, s.day("2025-03-15 23:59:59").Bills)
	require.Equal(t, VoidReport{Partners: 1, Bills: 1}, s.day("2025-03-18 00:00:00"))
	require.Equal(t, []string{"B1 200.00 VOID"}, s.bills())
	require.Equal(t, "0.00", s.owed("P100"))
	var at time.Time
	require.NoError(t, s.DB.Get(&at, `SELECT voided_at FROM bills WHERE bill_id = 'B1'`))
	require.True(t, cst("2025-03-16 00:00:00").Equal(at), "the instant of the rule, not of the run")
	require.Equal(t, []string{"Incentive bills of 2024-02 void"}, s.told("mei"))

	require.Equal(t, VoidReport{}, s.day("2025-03-18 00:00:00"), "a second run finds nothing to do")
	require.Equal(t, 1, count(t, s.DB, `SELECT count(*) FROM entries WHERE key LIKE 'bill/%/void'`))
}

// Rule: INC-16
func TestGivenANegativeOf600_WhenAPositiveOf200Voids_ThenBothVoidAndABillOfMinus400TakesTheirPlace(t *testing.T) {
	s := newShop(t)
	s.released("B1", "2024-01", "resale", "200.00", "2024-02-10 09:00:00")
	s.released("B2", "2024-02", "advisory", "-600.00", "2024-03-10 09:00:00")
	s.left("2024-03-15 18:00:00")
	require.Equal(t, VoidReport{Partners: 1, Bills: 2}, s.day("2025-03-16 00:00:00"))
	require.Equal(t, []string{"B1 200.00 VOID", "B2 -600.00 VOID by B1", "new -400.00 RELEASED for B2"}, s.bills())
	require.Equal(t, "-400.00", s.owed("P100"))
	s.addsUp()
	require.Zero(t, s.day("2026-03-16 00:00:00").Bills, "what is owed does not lapse")
}

// Rule: INC-17
func TestGivenNoNegativeAtTheLapse_WhenOneAppearsLater_ThenThePartnerOwesAllOfItEvenIfTheRunWasLate(t *testing.T) {
	s := newShop(t)
	s.released("B1", "2024-01", "resale", "200.00", "2024-02-10 09:00:00")
	s.left("2024-03-15 18:00:00")
	s.released("B2", "2025-03", "resale", "-600.00", "2025-04-02 09:00:00")
	require.Equal(t, VoidReport{Partners: 1, Bills: 1}, s.day("2025-04-03 00:00:00"))
	require.Equal(t, []string{"B1 200.00 VOID", "B2 -600.00 RELEASED"}, s.bills())
	require.Equal(t, "-600.00", s.owed("P100"))
	s.addsUp()
}

// Rule: INC-18
func TestGivenANegativeOf50_WhenAPositiveOf200Voids_ThenBothVoidAndTheRestIsLost(t *testing.T) {
	s := newShop(t)
	s.released("B1", "2024-01", "resale", "200.00", "2024-02-10 09:00:00")
	s.released("B2", "2024-02", "resale", "-50.00", "2024-03-10 09:00:00")
	s.left("2024-03-15 18:00:00")
	s.day("2025-03-16 00:00:00")
	require.Equal(t, []string{"B1 200.00 VOID", "B2 -50.00 VOID by B1"}, s.bills())
	require.Equal(t, "0.00", s.owed("P100"))
}

// Rule: INC-16
func TestGivenBillsThatLapseOneAfterTheOther_WhenARunCatchesUp_ThenWhatRemainsOfTheFirstIsThereForTheSecond(t *testing.T) {
	s := newShop(t)
	s.released("B1", "2024-01", "resale", "200.00", "2024-02-10 09:00:00")
	s.released("B2", "2024-02", "resale", "-600.00", "2024-03-10 09:00:00")
	s.released("B3", "2025-03", "resale", "150.00", "2025-04-10 09:00:00") // announced when the year was over
	s.left("2024-03-15 18:00:00")
	s.day("2025-05-01 00:00:00")
	require.Equal(t, []string{"B1 200.00 VOID", "B2 -600.00 VOID by B1", "B3 150.00 VOID"}, s.bills()[:3])
	require.Contains(t, s.bills(), "new -400.00 VOID for B2 by B3")
	require.Equal(t, "-250.00", s.owed("P100"))
	s.addsUp()
}

// Rule: ENG-07
func TestGivenABillThatARequisitionHas_WhenItsYearEnds_ThenItRunsOnAndVoidsOnceItIsFreeAgain(t *testing.T) {
	s := newShop(t)
	s.released("B1", "2024-02", "resale", "200.00", "2024-03-10 09:00:00")
	s.left("2024-03-15 18:00:00")
	requested := func(is bool) {
		owner := pgtest.Owner(t, s.DB)
		owner.MustExec(fmt.Sprintf(`CREATE OR REPLACE FUNCTION bill_requested(bill text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS 'SELECT %t'`, is))
	}
	requested(true)
	require.Zero(t, s.day("2025-03-20 00:00:00").Bills)
	require.Equal(t, []string{"B1 200.00 RELEASED"}, s.bills())
	requested(false) // it was rejected
	require.Equal(t, 1, s.day("2025-03-21 00:00:00").Bills)
	require.Equal(t, []string{"B1 200.00 VOID"}, s.bills())
}

func TestGivenTwoRunsAtOnce_WhenBillsLapse_ThenEachVoidsOnce(t *testing.T) {
	s := newShop(t)
	for i := range 5 {
		s.released(fmt.Sprintf("B%d", i+1), "2024-01", "resale", "10.00", "2024-02-10 09:00:00")
	}
	s.left("2024-03-15 18:00:00")
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(func() { _, _ = s.VoidLapsed(context.Background(), DailyInput{At: cst("2025-03-16 00:00:00")}) })
	}
	runs.Wait()
	require.Equal(t, 5, count(t, s.DB, `SELECT count(*) FROM entries WHERE key LIKE 'bill/%/void'`))
	require.Equal(t, "0.00", s.owed("P100"))
}

func (s shop) transfer(key, person, to string, at string, bills ...string) (BillsTransferred, refusal.List) {
	moved, err := s.TransferBills(context.Background(), TransferBillsInput{Key: key, Person: person, From: "P100", To: to, Bills: bills, Reason: "letter of 3 June", At: cst(at)})
	list := RefusalOf(err)
	if list == nil {
		require.NoError(s.t, err)
	}
	return moved, list
}

// Rule: INC-22
func TestGivenTwoAccountsOfACompany_WhenOperationsMovesABillOf300_ThenBillAndPayableMove(t *testing.T) {
	s := newShop(t)
	s.released("B1", "2024-05", "resale", "300.00", "2024-06-17 09:00:00")
	s.released("B2", "2024-05", "advisory", "-20.00", "2024-06-17 09:00:00")
	for range 2 { // the same request again
		moved, list := s.transfer("k1", "otto", "P101", "2024-06-20 10:00:00", "B1")
		require.Empty(t, list)
		require.Equal(t, "300.00 [B1]", fmt.Sprint(moved.Amount, " ", moved.Bills))
	}
	require.Equal(t, []string{"-20.00", "300.00"}, []string{s.owed("P100"), s.owed("P101")})
	require.Equal(t, []string{"B2 -20.00 RELEASED"}, s.bills())
	require.Len(t, s.told("mei"), 1)
	require.Len(t, s.told("ma"), 1)
	_, list := s.transfer("k1", "otto", "P101", "2024-06-20 10:00:00", "B2")
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, ruleCodes(list))
	moved, list := s.transfer("k2", "otto", "P101", "2024-06-20 10:00:00")
	require.Empty(t, list)
	require.Equal(t, []string{"B2"}, moved.Bills, "without names everything that is outstanding")
	require.Equal(t, []string{"0.00", "280.00"}, []string{s.owed("P100"), s.owed("P101")})
	s.addsUp()
}

// Rule: INC-22
func TestGivenAnotherCompanyOrOtherPeople_WhenBillsAreToMove_ThenItIsRefusedAndNothingMoves(t *testing.T) {
	s := newShop(t)
	s.released("B1", "2024-05", "resale", "300.00", "2024-06-17 09:00:00")
	_, list := s.transfer("k1", "otto", "P200", "2024-06-20 10:00:00", "B1")
	require.Equal(t, []string{"INC-22 INC_TRANSFER_ENTITY"}, ruleCodes(list))
	_, list = s.transfer("k2", "mei", "P101", "2024-06-20 10:00:00", "B1", "B9")
	require.Equal(t, []string{"INC-22 CBC.0151", "COM-17 CBC.5001"}, ruleCodes(list))
	_, list = s.transfer("k3", "nobody", "P404", "2024-06-20 10:00:00", "B1")
	require.Equal(t, []string{"COM-16 CBC.0151", "COM-17 CBC.5001"}, ruleCodes(list))
	_, list = s.transfer("k5", "otto", "R300", "2024-06-20 10:00:00", "B1")
	require.Equal(t, []string{"INC-19 INC_TIER2"}, ruleCodes(list))
	s.DB.MustExec(`INSERT INTO unpaid_cycles (partner_id, period, association, since, amount) VALUES ('P100', '2024-05', 'resale', '2024-06-01T00:00:00+08', 50)`)
	_, list = s.transfer("k4", "otto", "P101", "2024-06-20 10:00:00", "B1")
	require.Equal(t, []string{"PAY-17 PAY_FROZEN"}, ruleCodes(list))
	require.Equal(t, []string{"300.00", "0.00"}, []string{s.owed("P100"), s.owed("P101")})
	require.Equal(t, []string{"B1 300.00 RELEASED"}, s.bills())
	require.Equal(t, 5, count(t, s.DB, `SELECT count(*) FROM refusals WHERE kind = 'bill'`))
}

// Rule: INC-16, INC-22. No day's run has come since the +200.00 lapsed: what moves is what is left of the -600.00.
func TestGivenALateDay_WhenANegativeIsToMove_ThenWhatLapsedHasVoidedWithItBefore(t *testing.T) {
	s := newShop(t)
	s.released("B1", "2024-02", "resale", "200.00", "2024-03-10 09:00:00")
	s.released("B2", "2024-01", "resale", "-600.00", "2024-02-10 09:00:00")
	s.left("2024-03-15 18:00:00")
	_, list := s.transfer("k1", "otto", "P101", "2025-04-01 10:00:00", "B2")
	require.Equal(t, []string{"INC-14 INC_VOID"}, ruleCodes(list))
	moved, list := s.transfer("k2", "otto", "P101", "2025-04-01 10:00:00")
	require.Empty(t, list)
	require.Equal(t, "-400.00", moved.Amount.String())
	require.Equal(t, []string{"0.00", "-400.00"}, []string{s.owed("P100"), s.owed("P101")})
	s.addsUp()
}
