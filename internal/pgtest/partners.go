package pgtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
)

// Mark is what every text of a partner's rows ends with, see Fill.
func Mark(partner string) string { return "~" + partner }

// Fill puts one row for each partner into every table that is kept apart by partner: whatever is text in it is the column's
// name with the partner's Mark, "case_number~P1", so that rows of one partner belong together, a foreign row shows in any answer,
// and nothing has to be written when a table is added. For that the database loses what would keep such rows out:
// constraints and triggers. Only for tests of who sees what.
func Fill(t testing.TB, programme *sqlx.DB, partners ...string) {
	t.Helper()
	db := Owner(t, programme)
	db.SetMaxOpenConns(1) // so that a SET holds
	db.MustExec(`SET session_replication_role = replica`)
	var statements []string
	if err := db.Select(&statements, `
		SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname) FROM pg_constraint
		 WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'x') AND conrelid <> 0 AND conislocal AND coninhcount = 0`); err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		db.MustExec(s)
	}
	var tables []string
	if err := db.Select(&tables, `
		SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity UNION SELECT 'consumption' ORDER BY 1`); err != nil {
		t.Fatal(err)
	}
	db.MustExec(`SELECT consumption_month('2024-05-01')`)
	for _, table := range tables {
		for n, p := range partners {
			fillTable(t, db, table, p, n+1)
		}
	}
}

// values are for columns whose value says which partner, case or account it is, or that code reads as something else than free text.
var values = map[string]string{
	"partner_id": "%", "from_partner": "%", "to_partner": "%", "owner": "%",
	"account": "P.CASH:%", "accounts.code": "P.CASH", "currency": "CNY", "actor": "person_id~%",
	"partners.master": "person_id~%", "partners.kind": "distributor", "cases.kind": "requisition", "asked_by": "person_id~%", "person_roles.role": "partner-administrator", "organisation_people.status": "ACTIVE",
	"matter": "review", "act": "comment", "solution_drafts.materials": "[]", "round": "1", "must_change": "false", "removed": "false", "months": "[]", "quarter": "2024-Q2", "payment_applications.case_number": "case_number~%",
}

func fillTable(t testing.TB, db *sqlx.DB, table, partner string, n int) {
	t.Helper()
	type column struct {
		Name     string `db:"name"`
		Category string `db:"category"`
		Type     string `db:"type"`
	}
	var columns []column
	if err := db.Select(&columns, `
		SELECT attname AS name, typcategory AS category, typname AS type FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
		 WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`, table); err != nil {
		t.Fatal(err)
	}
	names, places, args := []string{}, []string{}, []any{}
	for i, c := range columns {
		names, places = append(names, `"`+c.Name+`"`), append(places, fmt.Sprintf("$%d", i+1))
		args = append(args, filler(table, c.Name, c.Category, c.Type, partner, n))
	}
	if _, err := db.Exec(fmt.Sprintf(`INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)`, table, strings.Join(names, ", "), strings.Join(places, ", ")), args...); err != nil {
		t.Fatalf("fill %s: %v", table, err)
	}
}

// filler is a value for a column. Instants of ends are far away, so that what has a time is in it.
func filler(table, name, category, kind, partner string, n int) any {
	if as, ok := values[table+"."+name]; ok {
		return strings.ReplaceAll(as, "%", partner)
	}
	if as, ok := values[name]; ok {
		return strings.ReplaceAll(as, "%", partner)
	}
	ends := strings.Contains(name, "until") || strings.HasPrefix(name, "expires") || strings.HasPrefix(name, "to_") || name == "ends"
	switch {
	case category == "S":
		return name + Mark(partner)
	case category == "N":
		return n
	case category == "B":
		return true
	case category == "D" && (strings.HasPrefix(name, "unlinked") || strings.HasPrefix(name, "deleted") || strings.HasPrefix(name, "ended") || strings.HasPrefix(name, "left")):
		return nil
	case category == "D" && ends:
		return "2099-01-01"
	case category == "D":
		return "2024-05-01"
	case category == "A":
		return "{}"
	case category == "R":
		return "empty"
	case kind == "bytea":
		return []byte{byte(n)}
	case kind == "jsonb":
		return "{}"
	}
	return nil
}
