package activities

import (
	"context"
	"strings"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/certificate"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// certified is a database with two partners and a case of the first.
func certified(t *testing.T) *sqlx.DB {
	t.Helper()
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO partners (partner_id, name, kind, entity) VALUES ('P1001', '上海云帆', 'solution-provider', '华云'), ('P1002', 'B', 'reseller', '华云')`)
	db.MustExec(`INSERT INTO people (person_id, name, partner_id, active) VALUES ('wang', 'Wang Wei', 'P1001', true)`)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('withdrawal', 1, '{}', 'wang', '2024-01-01T00:00:00Z')`)
	db.MustExec(`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
		VALUES ('W000001', 'withdrawal', 'P1001', 'wang', 'k', ''::bytea, 'UNDER_REVIEW', 1, 'w', 'r', '2024-03-01T00:00:00Z')`)
	return db
}

func utc8(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", text, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func issues(t *testing.T, db *sqlx.DB, of certificateOf) (number string) {
	t.Helper()
	require.NoError(t, inTx(context.Background(), db, func(tx *sqlx.Tx) (err error) {
		number, err = issueCertificate(context.Background(), tx, of)
		return err
	}))
	return number
}

// firstPassed is the worked example of a solution that is certified and, within its window, certified again.
func firstPassed() certificateOf {
	return certificateOf{
		Kind: certificate.Solution, Partner: "P1001", Subject: "SOL000001", Name: "云帆智能排产", Grade: "CLOUD", Version: "2.1", Case: "W000001", Cycle: 1,
		From: utc8("2024-03-15 10:20:00"), Until: utc8("2025-03-15 10:20:00"), At: utc8("2024-03-15 10:20:00"),
	}
}

// Rule: CERT-20
func TestCERT20GivenNamesOfAPartnerAndAnEntity_WhenACertificateIsIssued_ThenItBearsTheVerifiedOneAndTheReadableOne(t *testing.T) {
	db := certified(t)
	for n, want := range []struct{ change, holder, issuer string }{
		{`SELECT 1`, "上海云帆", "华云"}, // the account's name and the entity's key
		{`INSERT INTO vendor_addresses VALUES ('华云', '华云计算有限公司', 'Street 1', 'in@vendor.example', '')`, "上海云帆", "华云计算有限公司"},
		{`WITH c AS (INSERT INTO companies (company_id, name) VALUES ('C1', '上海云帆有限公司'))
		  UPDATE partners SET company_id = 'C1' WHERE partner_id = 'P1001'`, "上海云帆有限公司", "华云计算有限公司"},
		{`UPDATE partners SET verified_name = '上海云帆科技有限公司' WHERE partner_id = 'P1001'`, "上海云帆科技有限公司", "华云计算有限公司"},
	} {
		db.MustExec(want.change)
		of := firstPassed()
		of.Cycle = n + 1
		c, err := views.Reader{DB: db}.Certificate(t.Context(), issues(t, db, of), of.At)
		require.NoError(t, err)
		require.Equal(t, []string{want.holder, want.issuer, "W000001"}, []string{c.Holder, c.Issuer, c.Case})
	}
}

// Rule: CERT-20
func TestCERT20GivenACertifiedSolution_WhenItIsCertifiedAgain_ThenTheNewCertificateTakesTheOldOnesPlace(t *testing.T) {
	db, ctx := certified(t), context.Background()
	first := issues(t, db, firstPassed())
	require.Equal(t, "CERT-2024-000001", first)
	require.Equal(t, first, issues(t, db, firstPassed()), "one for a case and cycle")

	again := firstPassed()
	again.Cycle, again.Version, again.From, again.Until, again.At = 2, "3.0", utc8("2025-02-10 16:00:00"), utc8("2026-02-10 16:00:00"), utc8("2025-02-10 16:00:00")
	second := issues(t, db, again)
	require.Equal(t, "CERT-2025-000002", second)

	r := views.Reader{DB: db}
	all, err := r.Certificates(ctx, views.CertificateFilter{Partner: "P1001"}, utc8("2025-02-10 16:00:00"))
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, []string{second, first}, []string{all[0].Number, all[1].Number})
	require.Equal(t, []certificate.State{certificate.Valid, certificate.Replaced}, []certificate.State{all[0].State, all[1].State})
	require.Equal(t, second, all[1].By)
	require.Equal(t, "上海云帆", all[0].Holder)
	require.Equal(t, "华云", all[0].Issuer)
	require.NotEqual(t, all[0].Code, all[1].Code)
	require.Len(t, all[0].Code, 22, "128 bits")

	for at, want := range map[string]certificate.State{
		"2024-03-15 10:19:59": certificate.NotYet, "2024-03-15 10:20:00": certificate.Valid, "2025-02-10 15:59:59": certificate.Valid, "2025-02-10 16:00:00": certificate.Replaced,
	} {
		v, err := r.VerifyCertificate(ctx, first, all[1].Code, utc8(at))
		require.NoError(t, err)
		require.Equal(t, want, v.State, at)
		require.Equal(t, want == certificate.Replaced, v.ReplacedBy == second, "no word of what was not yet")
	}
	for at, want := range map[string]certificate.State{"2026-02-10 15:59:59": certificate.Valid, "2026-02-10 16:00:00": certificate.Expired} {
		v, err := r.VerifyCertificate(ctx, second, all[0].Code, utc8(at))
		require.NoError(t, err)
		require.Equal(t, want, v.State, at)
		require.Equal(t, "云软件方案 Cloud software solution", v.Grade)
	}
	for _, wrong := range [][2]string{{first, all[0].Code}, {first, ""}, {"CERT-2024-000009", all[0].Code}} {
		v, err := r.VerifyCertificate(ctx, wrong[0], wrong[1], utc8("2025-03-01 00:00:00"))
		require.NoError(t, err)
		require.Equal(t, views.VerifiedCertificate{Number: wrong[0], State: certificate.Unknown, At: utc8("2025-03-01 00:00:00")}, v)
	}
}

func TestGivenAPlanThatIsLeftEarly_WhenItsCertificateIsVerified_ThenItEndedWithTheMembership(t *testing.T) {
	db, ctx := certified(t), context.Background()
	db.MustExec(`INSERT INTO plan_identities (partner_id, plan, from_at, until_at) VALUES ('P1001', 'solution-provider', $1, $2)`, utc8("2025-03-06 15:30:00"), utc8("2026-02-01 00:00:00"))
	number := issues(t, db, certificateOf{
		Kind: certificate.Plan, Partner: "P1001", Subject: "solution-provider", Name: "solution-provider", Grade: "PREFERRED", Case: "W000001", Cycle: 1,
		From: utc8("2025-03-06 15:30:00"), Until: utc8("2026-02-01 00:00:00"), At: utc8("2025-07-01 10:00:00"),
	})
	r := views.Reader{DB: db}
	c, err := r.Certificate(ctx, number, utc8("2026-01-31 23:59:59"))
	require.NoError(t, err)
	require.Equal(t, certificate.Valid, c.State)
	require.Equal(t, "/certificates/"+number+"/"+c.Code, c.Address("/certificates"))
	db.MustExec(`UPDATE plan_identities SET until_at = $1`, utc8("2025-09-01 00:00:00"))
	for at, want := range map[string]certificate.State{"2025-08-31 23:59:59": certificate.Valid, "2025-09-01 00:00:00": certificate.Ended, "2026-02-01 00:00:00": certificate.Expired} {
		v, err := r.VerifyCertificate(ctx, number, c.Code, utc8(at))
		require.NoError(t, err)
		require.Equal(t, want, v.State, at)
		require.Equal(t, "解决方案提供商 Solution provider", v.Name)
		require.True(t, strings.HasPrefix(v.Until, "2026-01-31"))
	}
}

// Rule: PGM-12
func TestPGM12GivenACertificate_WhenItIsChanged_ThenTheDatabaseRefuses(t *testing.T) {
	db := certified(t)
	first := issues(t, db, firstPassed())
	other := firstPassed()
	other.Subject, other.Cycle = "SOL000002", 2
	second := issues(t, db, other)
	owner := pgtest.Owner(t, db)
	for change, says := range map[string]string{
		`UPDATE certificates SET valid_until = valid_until + interval '1 year'`: "stays as it was issued",
		`UPDATE certificates SET replaced_by = NULL`:                            "stays as it was issued",
		`DELETE FROM certificates`:                                              "append-only",
		`TRUNCATE certificates`:                                                 "append-only",
		`UPDATE certificates SET replaced_by = '` + second + `' WHERE certificate_no = '` + first + `'`:                                                                                            "foreign key",
		`INSERT INTO certificates SELECT (jsonb_populate_record(c, '{"certificate_no": "CERT-2024-000009", "cycle": 3, "code": "0123456789012345678901"}')).* FROM certificates c WHERE cycle = 1`: "certificates_one_live",
	} {
		_, err := owner.Exec(change)
		require.ErrorContains(t, err, says, change)
	}
	_, err := db.Exec(`UPDATE certificates SET code = 'x'`)
	require.ErrorContains(t, err, "permission denied")
}
