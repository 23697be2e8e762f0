package activities

import (
	"context"
	"strings"
	"testing"
	"time"

	"countersign/domain/business"
	"countersign/domain/calendar"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

const companies = `
partners:
  - {id: P-100, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud}
people:
  - {id: mei, name: Mei, partner: P-100, roles: [partner-administrator]}
  - {id: ops, name: Ou, roles: [vendor-operations]}
business:
  - partner: P-100
    real_name: {valid_until: 2030-12-31}
    qualifications: [{from: 2024-01-01, until: 2029-12-31}]
    information:
      {company_name: A Ltd, code_type: USCI, code: 91A, taxpayer_type: small-scale, tax_number: 91A, bank_account_name: A Ltd, bank_name: ICBC, branch: Shenzhen,
       account_no: 6222-1, certified_at: 2024-01-02T10:00:00+08:00}
    plans: [{plan: solution-provider, from: 2024-01-01T00:00:00+08:00}]
    entities: [{entity: cloud, effective_from: 2024-01-01}, {entity: software, effective_from: 2024-07-01}]
    unpaid_cycles: [{period: 2024-05, association: resale, since: 2024-06-03T00:00:00+08:00, amount: "50.00"}]
    arrears: [{reference: B-1, since: 2024-06-03T00:00:00+08:00, amount: "7.00"}]
`

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

func company(t *testing.T) *Businesses {
	t.Helper()
	b := &Businesses{DB: pgtest.New(t)}
	file, err := ParseProgramme([]byte(companies))
	require.NoError(t, err)
	report, err := (&Programme{DB: b.DB}).Load(context.Background(), file, "test", at("2024-06-01 09:00"))
	require.NoError(t, err)
	require.Positive(t, report.Records)
	again, err := (&Programme{DB: b.DB}).Load(context.Background(), file, "test", at("2024-06-02 09:00"))
	require.NoError(t, err)
	require.Equal(t, LoadReport{}, again, "a repeat changes nothing")
	return b
}

func newAccount(key, no, letter string) business.Submission {
	return business.Submission{
		RequestKey: key, Partner: "P-100", Submitter: "mei", Company: "A Ltd", CodeType: "USCI", Code: "91A", Taxpayer: business.SmallScale, TaxNumber: "91A",
		AccountName: "A Ltd", Bank: "ICBC", Branch: "Shenzhen", AccountNo: no, Currency: "CNY", Letter: letter,
	}
}

func certifies(t *testing.T, b *Businesses, when string) (string, business.Facts) {
	t.Helper()
	var codes string
	var f business.Facts
	require.NoError(t, inTx(context.Background(), b.DB, func(tx *sqlx.Tx) error {
		list, facts, err := certification(context.Background(), tx, "P-100", at(when))
		codes, f = strings.Join(list.Codes(), " "), facts
		return err
	}))
	return codes, f
}

// Rule: AUT-05, AUT-06, AUT-08
func TestGivenACertifiedPartner_WhenItChangesItsAccount_ThenSettlementWaitsAndTheOldVersionStays(t *testing.T) {
	ctx, b := context.Background(), company(t)
	codes, f := certifies(t, b, "2024-06-09 10:00")
	require.Empty(t, codes)
	require.Equal(t, "3.00", f.Certified.ServiceFeeRate.String())

	_, err := b.SubmitBusiness(ctx, SubmitBusinessInput{Submission: newAccount("k1", "6222-2", ""), At: at("2024-06-10 10:00")})
	require.Equal(t, []string{"AUT_BANK_LETTER"}, RefusalOf(err).Codes(), "AUT-06")
	var refused int
	require.NoError(t, b.DB.Get(&refused, `SELECT count(*) FROM refusals WHERE kind = 'business' AND codes = '{AUT_BANK_LETTER}'`))
	require.Equal(t, 1, refused)

	for range 2 { // the same key twice is one change
		now, err := b.SubmitBusiness(ctx, SubmitBusinessInput{Submission: newAccount("k2", "6222-2", "letter-1"), At: at("2024-06-10 10:05")})
		require.NoError(t, err)
		require.Equal(t, business.InReview, now.Status)
		require.Equal(t, 2, now.Latest.Version)
	}
	_, err = b.SubmitBusiness(ctx, SubmitBusinessInput{Submission: newAccount("k2", "6222-3", "letter-1"), At: at("2024-06-10 10:06")})
	require.Equal(t, []string{"COM_REQUEST_KEY"}, RefusalOf(err).Codes())
	codes, f = certifies(t, b, "2024-06-12 10:00")
	require.Equal(t, "AUT_IN_REVIEW", codes, "AUT-05")
	require.Equal(t, "6222-1", f.Certified.AccountNo)

	_, err = b.DecideBusiness(ctx, DecideBusinessInput{Partner: "P-100", Person: "mei", Pass: true, Key: "d0", At: at("2024-06-13 09:00")})
	require.Equal(t, []string{"CBC.0151"}, RefusalOf(err).Codes())
	for range 2 {
		now, err := b.DecideBusiness(ctx, DecideBusinessInput{Partner: "P-100", Person: "ops", Pass: true, Key: "d1", At: at("2024-06-13 10:00")})
		require.NoError(t, err)
		require.Equal(t, business.Passed, now.Status)
	}
	codes, f = certifies(t, b, "2024-06-13 10:00")
	require.Empty(t, codes)
	require.Equal(t, "6222-2", f.Certified.AccountNo)

	var held string
	require.NoError(t, b.DB.Get(&held, `SELECT account_no FROM supplier_file WHERE code = '91A'`))
	require.Equal(t, "6222-2", held)
	old, err := informationVersion(ctx, b.DB, "P-100", 1)
	require.NoError(t, err)
	require.Equal(t, "6222-1", old.AccountNo, "AUT-08: what was submitted with it keeps it")
}

// Rule: AUT-07
func TestGivenAFailedChange_WhenThePartnerAsks_ThenItIsToldTheReasonAndTheTicketIsDueIn3WorkingDays(t *testing.T) {
	ctx, b := context.Background(), company(t)
	_, err := b.SubmitBusiness(ctx, SubmitBusinessInput{Submission: newAccount("k1", "6222-2", "letter-1"), At: at("2024-11-06 10:00")})
	require.NoError(t, err)
	now, err := b.DecideBusiness(ctx, DecideBusinessInput{Partner: "P-100", Person: "ops", Reason: "the account is closed", Key: "d1", At: at("2024-11-07 09:00")})
	require.NoError(t, err)
	require.Equal(t, business.Passed, now.Status, "what passed before stays")
	require.Equal(t, "the account is closed", now.Latest.FailureReason)
	var told string
	require.NoError(t, b.DB.Get(&told, `SELECT body FROM outbox WHERE person_id = 'mei'`))
	require.Contains(t, told, "the account is closed")

	for range 2 {
		ticket, err := b.OpenTicket(ctx, OpenTicketInput{Partner: "P-100", Person: "mei", Question: "Which one?", Key: "t1", At: at("2024-11-07 10:00")})
		require.NoError(t, err)
		require.True(t, ticket.DueAt.Equal(at("2024-11-13 00:00")), "AUT-07: due on the 12th, in full")
	}
	_, err = b.AnswerTicket(ctx, AnswerTicketInput{Ticket: 1, Person: "mei", Answer: "that one", At: at("2024-11-08 10:00")})
	require.Equal(t, []string{"CBC.0151"}, RefusalOf(err).Codes())
	for range 2 {
		ticket, err := b.AnswerTicket(ctx, AnswerTicketInput{Ticket: 1, Person: "ops", Answer: "6222-2", At: at("2024-11-08 10:00")})
		require.NoError(t, err)
		require.Equal(t, "6222-2", ticket.Answer)
	}
	_, err = b.AnswerTicket(ctx, AnswerTicketInput{Ticket: 1, Person: "ops", Answer: "another", At: at("2024-11-08 11:00")})
	require.Equal(t, []string{"ENG_STATE"}, RefusalOf(err).Codes())
	require.Equal(t, 2, count(t, b.DB, `SELECT count(*) FROM refusals WHERE action = 'answer' AND partner_id = 'P-100'`), "ENG-03: refused and recorded")
}

// Rule: INV-13
func TestGivenAnEntityFrom1July_WhenTheDayChanges_ThenTheOtherSigns(t *testing.T) {
	b := company(t)
	for when, want := range map[string]string{"2023-12-31 12:00": "cloud", "2024-06-30 23:59": "cloud", "2024-07-01 00:00": "software"} {
		f, _, err := b.ReadBusiness(context.Background(), "P-100", at(when))
		require.NoError(t, err)
		require.Equal(t, want, f.Entity, when)
	}
	_, _, err := b.ReadBusiness(context.Background(), "P-404", at("2024-07-01 00:00"))
	require.True(t, IsNotFound(err))
}

// Rule: AUT-02
func TestAQualificationHasNoBankAndNoTaxData(t *testing.T) {
	var columns []string
	require.NoError(t, pgtest.New(t).Select(&columns, `SELECT column_name FROM information_schema.columns WHERE table_name = 'qualifications' ORDER BY ordinal_position`))
	require.Equal(t, []string{"partner_id", "valid_from", "valid_until"}, columns)
}
