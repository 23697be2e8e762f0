package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"countersign/internal/pgtest"
	"countersign/schema"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// common is what every partner reads the same of, and why.
var common = map[string]string{
	"calendar_years":   "the years of the working days that everybody's terms are counted by",
	"calendar_days":    "the working days that everybody's terms are counted by",
	"chart":            "what the accounts are called",
	"vendor_addresses": "where invoices are sent (INV-03)",
	"policies":         "the rules that hold for every partner; not who set them",
	"calculations":     "when a month was calculated, of all partners at once",
}

// through are views, and what keeps the rows of one partner apart in each.
var through = map[string]string{
	"organisation_persons": "security_invoker",
	"estimated_bills":      "security_invoker",
	"own_consumption":      "security_barrier",
	"remarks":              "security_barrier",
}

// readable lists the tables and views of which the partner's role may read any column.
func readable(t *testing.T, db *sqlx.DB) []string {
	t.Helper()
	var names []string
	require.NoError(t, db.Select(&names, `
		SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
		   AND (has_table_privilege($1, oid, 'SELECT') OR has_any_column_privilege($1, oid, 'SELECT')) ORDER BY relname`, schema.PartnerRole))
	return names
}

func TestGivenTheRoleOfPartners_WhenTheCatalogIsRead_ThenWhateverItReadsIsKeptApartOrCommonAndItWritesNothing(t *testing.T) {
	db := pgtest.New(t)
	var bad []string
	require.NoError(t, db.Select(&bad, `SELECT rolname FROM pg_roles WHERE rolname IN ($1, $2) AND (rolsuper OR rolbypassrls OR rolcanlogin OR rolcreaterole)`, schema.PartnerRole, schema.ProgrammeRole))
	require.Empty(t, bad)
	require.NoError(t, db.Select(&bad, `SELECT relname FROM pg_class WHERE relowner = $1::regrole`, schema.PartnerRole))
	require.Empty(t, bad, "it owns nothing")
	require.NoError(t, db.Select(&bad, `
		SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'S')
		   AND CASE relkind WHEN 'S' THEN has_sequence_privilege($1, oid, 'USAGE, UPDATE')
		            ELSE has_table_privilege($1, oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER') OR has_any_column_privilege($1, oid, 'INSERT, UPDATE') END`, schema.PartnerRole))
	require.Empty(t, bad, "it writes nothing")
	require.NoError(t, db.Select(&bad, `
		SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND prorettype <> 'trigger'::regtype AND has_function_privilege($1, oid, 'EXECUTE')`, schema.PartnerRole))
	require.Empty(t, bad, "what runs with its owner's rights sees everything")

	for _, name := range readable(t, db) {
		var apart bool
		require.NoError(t, db.Get(&apart, `
			SELECT relrowsecurity AND EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = c.oid AND polroles = ARRAY[$2::regrole::oid] AND polcmd = 'r')
			       OR coalesce($3 || '=true' = ANY (reloptions), false)
			  FROM pg_class c WHERE c.oid = $1::regclass`, name, schema.PartnerRole, through[name]))
		require.NotEqual(t, apart, common[name] != "", "%s: a table that partners read has a policy, or is named here with the reason why it is common", name)
	}
}

// Column by column: a digest or a secret that is granted by mistake is of no row's fault.
func TestGivenWhatIsNobodysBusiness_WhenItIsReadAsAPartner_ThenItMayNot(t *testing.T) {
	db := pgtest.New(t)
	for _, query := range []string{
		`SELECT password FROM organisation_people`, `SELECT request_digest FROM cases`, `SELECT hash FROM events`, `SELECT reason FROM decisions`, `SELECT content FROM documents`,
		`SELECT token_hash FROM invitation_tokens`, `SELECT note FROM partner_terms`, `SELECT set_by FROM policies`, `SELECT real_name FROM personal_accounts`,
		`SELECT 1 FROM verification_codes`, `SELECT 1 FROM outbox`, `SELECT 1 FROM webhooks`, `SELECT 1 FROM consumption`, `SELECT 1 FROM payments`, `SELECT 1 FROM statement_lines`, `SELECT 1 FROM refusals`,
		`SELECT 1 FROM inbox`, `SELECT 1 FROM paying_accounts`, `SELECT 1 FROM supplier_file`, `SELECT 1 FROM exports`, `SELECT ledger_lock(ARRAY['P.CASH:P1'])`, `SELECT consumption_month('2024-05-01')`,
	} {
		denied(t, inTx(t, db, func(tx *sqlx.Tx) error {
			tx.MustExec(`SET LOCAL ROLE countersign_partner; SET LOCAL countersign.partner = 'P1'`)
			_, err := tx.Exec(query)
			return err
		}))
	}
	denied(t, inTx(t, db, func(tx *sqlx.Tx) error {
		tx.MustExec(`SET LOCAL ROLE countersign_partner; SET LOCAL countersign.partner = 'P1'`)
		_, err := tx.Exec(`UPDATE partners SET name = 'mine'`)
		return err
	}))
}

func TestGivenRowsOfTwoPartnersInEveryTable_WhenEachIsRead_ThenAPartnerSeesItsOwnOneAndNobodyWithoutAPartnerSeesAny(t *testing.T) {
	db := pgtest.New(t)
	pgtest.Fill(t, db, "P1", "P2")
	owner := pgtest.Owner(t, db)
	for _, name := range readable(t, db) {
		if common[name] != "" || name == "estimated_bills" { // which adds up what is not final
			continue
		}
		count := func(partner string) (n int, row string) {
			require.NoError(t, inTx(t, db, func(tx *sqlx.Tx) error {
				tx.MustExec(`SET LOCAL ROLE countersign_partner`)
				if partner != "" {
					tx.MustExec(`SELECT set_config('countersign.partner', $1, true)`, partner)
				}
				var columns string
				require.NoError(t, tx.Get(&columns, `
					SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'SELECT')`, name))
				require.NoError(t, tx.Get(&n, fmt.Sprintf(`SELECT count(*) FROM (SELECT %s FROM %s) x`, columns, name)), name)
				if n == 1 {
					require.NoError(t, tx.Get(&row, fmt.Sprintf(`SELECT to_jsonb(x) FROM (SELECT %s FROM %s) x`, columns, name)))
				}
				return nil
			}))
			return n, row
		}
		for mine, other := range map[string]string{"P1": "P2", "P2": "P1"} {
			n, row := count(mine)
			require.Equal(t, 1, n, "%s as %s", name, mine)
			require.Contains(t, row, mine, name)
			require.NotContains(t, row, other, name)
		}
		for _, nobody := range []string{"", "P3"} {
			n, _ := count(nobody)
			require.Zero(t, n, name)
		}
		if through[name] == "security_barrier" { // for partners only
			continue
		}
		var seen, all int
		require.NoError(t, db.Get(&seen, `SELECT count(*) FROM `+name))
		require.NoError(t, owner.Get(&all, `SELECT count(*) FROM `+name))
		require.GreaterOrEqual(t, seen, 2, name)
		require.Equal(t, all, seen, "the programme sees %s as before", name)
	}
}

// With the policy that is always true there is nothing left to check for each row, and no plan is another.
func TestGivenTheProgramme_WhenItReadsATableThatIsKeptApart_ThenThePlanKnowsNothingOfIt(t *testing.T) {
	db := pgtest.New(t)
	var tables []string
	require.NoError(t, db.Select(&tables, `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity ORDER BY 1`))
	require.Greater(t, len(tables), 80)
	for _, name := range tables {
		var plan []string
		require.NoError(t, db.Select(&plan, `EXPLAIN (COSTS OFF) SELECT count(*) FROM `+name), name)
		require.NotContains(t, strings.Join(plan, "\n"), "Filter", name)
	}
}

// A deployment gives its login the programme's role and nothing else.
func TestGivenALoginOfTheProgramme_WhenItReadsForAPartner_ThenItTakesTheRoleAndGivesItBack(t *testing.T) {
	db := pgtest.New(t)
	owner := pgtest.Owner(t, db)
	login := fmt.Sprintf("login_%p", t)
	owner.MustExec(`CREATE ROLE ` + login + ` LOGIN IN ROLE countersign_programme`)
	defer owner.MustExec(`DROP ROLE ` + login)
	require.NoError(t, inTx(t, owner, func(tx *sqlx.Tx) error {
		tx.MustExec(`SET SESSION AUTHORIZATION ` + login)
		defer tx.MustExec(`RESET SESSION AUTHORIZATION`)
		tx.MustExec(`SET LOCAL ROLE countersign_programme`)
		tx.MustExec(`SELECT set_config('countersign.partner', 'P1', true), set_config('role', 'countersign_partner', true)`)
		var who string
		require.NoError(t, tx.Get(&who, `SELECT current_user`))
		require.Equal(t, schema.PartnerRole, who)
		return nil
	}))
}
