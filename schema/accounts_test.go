package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGivenAnAccountsHistory_WhenAnybodyWouldChangeIt_ThenTheDatabaseRefuses(t *testing.T) {
	db := programme(t)
	db.MustExec(`INSERT INTO account_events (at, person_id, event, failed, network) VALUES (now(), 'F1', 'sign in', false, '192.0.2.0/24')`)
	denied(t, exec(db, `UPDATE account_events SET failed = true`))
	denied(t, exec(db, `DELETE FROM account_events`))
	refusedBy(t, asOwner(t, db, `UPDATE account_events SET failed = true`), "pgm_12_append_only")
	refusedBy(t, asOwner(t, db, `TRUNCATE account_events`), "pgm_12_append_only")
	refusedBy(t, exec(db, `INSERT INTO account_events (at, person_id, event, failed, by_person, request_key) VALUES (now(), 'F1', 'a', false, 'F2', 'k'), (now(), 'F1', 'a', false, 'F2', 'k')`), "com_20_account_key")
}

func TestGivenAnIdentity_WhenItIsLinked_ThenItIsOnePersonsAndThePersonHasOneOfAnIssuer(t *testing.T) {
	db := programme(t)
	link := func(issuer, subject, person string) error {
		return exec(db, `INSERT INTO account_identities (issuer, subject, person_id, linked_at) VALUES ($1, $2, $3, now())`, issuer, subject, person)
	}
	require.NoError(t, link("https://a.example", "1", "F1"))
	refusedBy(t, link("https://a.example", "1", "F2"), "account_identities_pkey")
	refusedBy(t, link("https://a.example", "2", "F1"), "one_identity")
	require.NoError(t, link("https://b.example", "1", "F1"))
	denied(t, exec(db, `UPDATE account_identities SET person_id = 'F2'`))
}
