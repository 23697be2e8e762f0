package schema_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"countersign/domain/calendar"
	"countersign/internal/pgtest"
	"countersign/schema"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
)

// programme is a database with two partners, a customer, five people and one policy, reached as the programme's role.
func programme(t *testing.T) *sqlx.DB {
	t.Helper()
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO partners (partner_id, name, kind, verified_name, entity) VALUES
		('P1001', 'A', 'solution-provider', 'A Ltd', 'software'), ('P1002', 'B', 'distributor', 'B Ltd', 'cloud')`)
	db.MustExec(`INSERT INTO customers (customer_id, partner_id) VALUES ('C1', 'P1001')`)
	db.MustExec(`INSERT INTO people (person_id, name, partner_id) VALUES
		('U1', 'Wang Wei', 'P1001'), ('U2', 'Chen Jie', 'P1002'), ('F1', 'Li Na', NULL), ('F2', 'Zhao Min', NULL), ('M1', 'Sun Li', NULL)`)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('withdrawal', 1, '{}', 'M1', '2025-01-01T00:00:00Z')`)
	return db
}

// inTx runs f in one transaction and answers its error or, when f has none, that of COMMIT.
func inTx(t *testing.T, db *sqlx.DB, f func(tx *sqlx.Tx) error) error {
	t.Helper()
	tx, err := db.Beginx()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // after COMMIT it has nothing to do
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// asOwner runs one statement as the owner of the schema, who is not the programme.
func asOwner(t *testing.T, db *sqlx.DB, query string, args ...any) error {
	t.Helper()
	return inTx(t, pgtest.Owner(t, db), func(tx *sqlx.Tx) error {
		tx.MustExec(`SET LOCAL ROLE countersign_owner`)
		_, err := tx.Exec(query, args...)
		return err
	})
}

// refusedBy requires that the database refused by the constraint.
func refusedBy(t *testing.T, err error, constraint string) {
	t.Helper()
	var refused *pq.Error
	require.Truef(t, errors.As(err, &refused), "the database did not refuse, but answered %v", err)
	require.Equal(t, constraint, refused.Constraint, refused.Message)
}

// denied requires that the role may not do it at all.
func denied(t *testing.T, err error) {
	t.Helper()
	var refused *pq.Error
	require.Truef(t, errors.As(err, &refused), "the database did not refuse, but answered %v", err)
	require.Equal(t, "42501", string(refused.Code), refused.Message)
}

func exec(db sqlx.Execer, query string, args ...any) error {
	_, err := db.Exec(query, args...)
	return err
}

// A released migration never changes: a database that has run it would differ from one that runs it tomorrow. What is
// wrong in one is mended by the next, which gets a line here.
var released = map[string]string{
	"0001_house.sql":               "a4802be3779139a653c67e6948aad31b5758365d1413479dfea0d61b3404989a",
	"0002_approvals.sql":           "37e11227fcf2434dd99be57886370f9208462fc293980dae1829ec335dc0b2f9",
	"0003_notifications.sql":       "769563721d88f0b0bcef239b8b07518f735369aad096b04b37e6cc4d6036291a",
	"0004_business.sql":            "41fca9e4259fee544b4e9fd9c263ebe69e133464789605fbed5bc433a822e3d3",
	"0005_consumption.sql":         "617c684e4b06275b754e7478c5e0ae1718aa9aa403d5a5cf6e2cfe70d6b58e15",
	"0006_incentives.sql":          "0af2c117ab98a8da4a4cab4a69084371e5a47c2586e76cf21ffe41bf8c6e6628",
	"0007_bill_life.sql":           "bed9d8b2a0c601f157a0bf695ac7ff8cd8c67f7ae5de21f826f62d83686e2752",
	"0008_documents.sql":           "09251f6d5d80b09c67c288b74b52db887aa95f95b3d0185e7dcdbfe41658b89a",
	"0009_requisitions.sql":        "afb73ab62d68afa5138eddfd7af456e3a19180f23eb324dc257679124dad5227",
	"0010_invoices.sql":            "9493a35e7fa45ef271030742248798698bcf26df78e94a4266c643a64951e972",
	"0011_dedicated_staff.sql":     "0b6e6c4812e00163e054227c0a2663382d7d621e8e4016f2a514d17cdb20fa00",
	"0012_bank.sql":                "450e1476b9c19338436f5d955c4592cc3f01090992313f2d7d96f1b2759527b2",
	"0013_case_clock.sql":          "1feafd3853626819fc7787ef805c47dbe75ab89405618e73e0897db6f83359d8",
	"0014_exports.sql":             "fa183671cef81d6e77cd1bc6f7c88be64fc09e245514b9c4f3558e37285604f0",
	"0015_requisition_guards.sql":  "2cdeca9c5e990360404fc6ace8f9d98479ffac177fde8229f999748b36b34985",
	"0016_members.sql":             "c1a7b6c9fd24d3d8e3ff78000b182f3f1e3deb60db7bafbb715da89b895e23bd",
	"0017_organisation.sql":        "fad1575b6114216f5edcb6fd6f1addf8f8bbba767895959cb3e263ed36a1ecb5",
	"0018_invitations.sql":         "c86d5d0febb89053f1468e46542e233817e3be1e04bf4259a9020901a19a0f8b",
	"0019_project_specialists.sql": "9bf74642f907b05dfb8ce2d921bdf160fc69f4dc6b919ff61adc90553a26278d",
	"0020_solutions.sql":           "572a30bda158f53ee00aeb24b846274bfb7bf1d328a5c6ccdf59aaf0fe957ed0",
	"0021_certificates.sql":        "dd1e8c9b07d08ed8bf84bf2d04174576522686f8c8b94726ed9ebd284a1d5f04",
	"0022_tiers.sql":               "d30e15c9736c54b4021fb532d670a044f14d5bf0ae7d619e9f6c42823b26e68e",
	"0023_lab_credits.sql":         "3438cf1cedc676ce5a4cf0642622d88dea7144f822d5880319f29bc6ab33935c",
	"0024_cheaper_entries.sql":     "65e191105c0a9f0a3e137bfa5d2687eddffc9d830e042a860b833da916d13910",
	"0025_metrics.sql":             "888e26691aa2eccd30babb2fa3eb31a051f6eb812c62ed2350a2252ab8af74a2",
	"0026_kept_plans.sql":          "0da8d16b03beb5160c4a5a2176aa2b75a186abd7f27145dbe9866daa27575593",
	"0027_cheaper_steps.sql":       "af4c34d3916580ef5d52a20f81bb9e7803bebac34de0a3254d46be99de09b3a7",
	"0028_sign_in.sql":             "e33fdffc65b59d674a4cc4046a98f366faa479465ffcd34a10734cd4b1a90d53",
	"0029_partner_isolation.sql":   "8498d7e2cdb66397b6fc2713289752087c3ab15c07f1177a47d696a986b43b14",
	"0030_saved_views.sql":         "e7a4b60a56e0875c823bf27497f40e24658835a42766405f4f16d2d263854f36",
	"0031_policy_proposals.sql":    "e8f7d1c7d95269137f85056b743b1087545189848396915cc8b824da98d8e234",
	"0032_case_search.sql":         "79559645355e776d003148fe1f77fa2642edc91d25d30498fe9df19c9b88f42f",
	"0033_lists_of_any_length.sql": "664a2f590d47471e15b0785e6c596817026d53fd1c84dc336074f2e7b4ff02e8",
	"0035_long_inboxes.sql":        "a0369c255df9dd9d7e023b2e354b3a47a651191ea17b30f4bd26dcea3c076176",
	"0034_partner_lists.sql":       "b48c07a4e5670e215364baf5777e8aabbb560e6d3eb5ea2c1e2d3bec492b77b9",
}

func TestGivenTheMigrations_WhenTheyAreHashed_ThenNoneOfThemHasChanged(t *testing.T) {
	hashes, err := schema.Hashes()
	require.NoError(t, err)
	require.Equal(t, released, hashes)
}

func TestGivenAProgrammesSession_WhenItIsLookedAt_ThenItsRoleOwnsNothing(t *testing.T) {
	db := pgtest.New(t)
	var who string
	var owned int
	require.NoError(t, db.Get(&who, `SELECT current_user`))
	require.NoError(t, db.Get(&owned, `SELECT count(*) FROM pg_class WHERE relowner = $1::regrole`, schema.ProgrammeRole))
	require.Equal(t, schema.ProgrammeRole, who)
	require.Zero(t, owned)
	require.NoError(t, db.Get(&owned, `SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
		AND relowner <> 'countersign_owner'::regrole AND relname <> 'goose_db_version'`))
	require.Zero(t, owned, "every table belongs to the owner")
}

func TestGivenAnyFunctionThatReadsTables_WhenItIsLookedAt_ThenItsSearchPathIsFixed(t *testing.T) {
	var loose []string
	require.NoError(t, pgtest.New(t).Select(&loose, `
		SELECT proname FROM pg_proc
		 WHERE pronamespace = 'public'::regnamespace AND NOT coalesce('search_path=public, pg_temp' = ANY (proconfig), false)
		   AND proname NOT IN ('counted', 'refuse_change') -- they read no table
		   AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'internal') -- what Postgres makes for a type`))
	require.Empty(t, loose, "a temporary table could take the place of ours in these")
}

// Rule: ENG-05
func TestGivenAMigratedDatabase_WhenTheCalendarIsRead_ThenItIsTheEmbeddedOneAndSaturday12October2024IsWorked(t *testing.T) {
	db := pgtest.New(t)
	var worked bool
	require.NoError(t, db.Get(&worked, `SELECT working FROM calendar_days WHERE day = '2024-10-12'`))
	require.True(t, worked)

	china := calendar.China()
	var years []int
	require.NoError(t, db.Select(&years, `SELECT year FROM calendar_years ORDER BY year`))
	require.Equal(t, china.Years(), years)
	var days []calendar.Day
	require.NoError(t, db.Select(&days, `SELECT day AS date, working, name FROM calendar_days ORDER BY day`))
	require.Equal(t, china.Days(), days)
}

func TestGivenADayThatAnOperatorChanged_WhenTheDatabaseIsMigratedAgain_ThenNothingIsAppliedAndTheDayStays(t *testing.T) {
	url := pgtest.URL(t)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	db.MustExec(`UPDATE calendar_days SET working = false, name = 'moved by notice' WHERE day = '2024-10-12'`)
	db.MustExec(`DELETE FROM calendar_days WHERE day = '2024-10-01'`)

	login, err := sql.Open("postgres", url)
	require.NoError(t, err)
	defer login.Close()
	applied, err := schema.Migrate(context.Background(), login)
	require.NoError(t, err)
	require.Empty(t, applied)

	var name string
	require.NoError(t, db.Get(&name, `SELECT name FROM calendar_days WHERE day = '2024-10-12' AND NOT working`))
	require.Equal(t, "moved by notice", name)
	var deleted int
	require.NoError(t, db.Get(&deleted, `SELECT count(*) FROM calendar_days WHERE day = '2024-10-01'`))
	require.Zero(t, deleted)
}

// Rule: COM-03
func TestGivenAnIdentifierOf65Characters_WhenItIsStored_ThenTheDatabaseRefuses(t *testing.T) {
	db := programme(t)
	for table, insert := range map[string]string{
		"partners":  `INSERT INTO partners (partner_id, name, kind, entity) VALUES (repeat('x', $1), 'X', 'reseller', 'cloud')`,
		"customers": `INSERT INTO customers (customer_id, partner_id) VALUES (repeat('x', $1), 'P1001')`,
		"people":    `INSERT INTO people (person_id, name) VALUES (repeat('x', $1), 'X')`,
	} {
		refusedBy(t, exec(db, insert, 65), "com_03_identifier")
		refusedBy(t, exec(db, insert, 0), "com_03_identifier")
		require.NoError(t, exec(db, insert, 64), table)
	}
}

func TestGivenAVersionOfAPolicy_WhenTheProgrammeChangesOrDeletesIt_ThenItMayNot(t *testing.T) {
	db := programme(t)
	denied(t, exec(db, `UPDATE policies SET body = '{"code_tries": 99}'`))
	denied(t, exec(db, `DELETE FROM policies`))
	require.NoError(t, exec(db, `INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('withdrawal', 2, '{}', 'M1', now())`))
	refusedBy(t, exec(db, `INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('withdrawal', 2, '{}', 'M1', now())`), "policies_pkey")
}
