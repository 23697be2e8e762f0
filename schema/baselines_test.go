package schema_test

import (
	"testing"

	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// jointProgramme is programme with the project BD000001 of P1001, submitted as BL000001, and the draft BD000002.
func jointProgramme(t *testing.T) *sqlx.DB {
	t.Helper()
	db := programme(t)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('baseline-solution', 1, '{}', 'M1', '2024-01-01T00:00:00Z')`)
	db.MustExec(`INSERT INTO documents (document_id, media_type, size, stored_in, content, uploaded_by, uploaded_at) SELECT encode(sha256(c), 'hex'), 'text/csv', 1, 'postgres', c, 'U1', now() FROM (SELECT 'x'::bytea AS c) x`)
	for _, id := range []string{"BD000001", "BD000002"} {
		db.MustExec(`INSERT INTO baseline_projects (project_id, partner_id, request_key, name, version, summary, lead, contact_name, contact_mobile, contact_email, saved_by, saved_at)
			VALUES ($1, 'P1001', $1, 'X', '1', 's', 'partner', 'K', '13800138000', 'k@a.example', 'U1', now())`, id)
	}
	require.NoError(t, exec(db, openKindSQL, "BL000001", "baseline-solution", "PROJECT_REVIEW"))
	return db
}

const featureListSQL = `INSERT INTO baseline_files (project_id, item, document_id, name, added_by, added_at, checked_at, findings, check_policy)
	SELECT 'BD000001', 'feature-list', document_id, 'f.csv', 'U1', now(), now(), $1, 1 FROM documents`

// Rule: CERT-25, CERT-26, CERT-27
func TestCERT26GivenAJointProject_WhenWhatContradictsTheRulesIsWritten_ThenTheDatabaseRefuses(t *testing.T) {
	db := jointProgramme(t)
	submit := func() error {
		return exec(db, `UPDATE baseline_projects SET case_number = 'BL000001' WHERE project_id = 'BD000001'`)
	}
	refusedBy(t, submit(), "cert_26_feature_list")
	require.NoError(t, exec(db, featureListSQL, `{"line 2: status is not filled in"}`))
	refusedBy(t, submit(), "cert_26_feature_list")
	require.NoError(t, exec(db, `UPDATE baseline_files SET findings = '{}'`))
	require.NoError(t, submit())
	refusedBy(t, exec(db, `UPDATE baseline_projects SET version = '2' WHERE project_id = 'BD000001'`), "cert_27_submitted")
	refusedBy(t, exec(db, `UPDATE baseline_files SET name = 'g.csv'`), "cert_27_submitted")
	refusedBy(t, exec(db, `DELETE FROM baseline_projects WHERE project_id = 'BD000001'`), "cert_25_submitted")
	denied(t, exec(db, `UPDATE baseline_projects SET name = 'Y'`))
	refusedBy(t, exec(pgtest.Owner(t, db), `UPDATE baseline_projects SET name = 'Y' WHERE project_id = 'BD000002'`), "cert_25_name_frozen")
	require.NoError(t, exec(db, `DELETE FROM baseline_projects WHERE project_id = 'BD000002'`))
}

// Rule: CERT-28, CERT-29, CERT-30, ENG-03
func TestCERT29GivenTheTracksOfAJointSolution_WhenAStepIsUnlawful_ThenTheDatabaseRefuses(t *testing.T) {
	db := jointProgramme(t)
	begin := func(track, state string) error {
		return exec(db, `INSERT INTO baseline_tracks (case_number, track, state, since_at) VALUES ('BL000001', $1, $2, now())`, track, state)
	}
	move := func(track, state string) error {
		return exec(db, `UPDATE baseline_tracks SET state = $2 WHERE track = $1`, track, state)
	}
	refusedBy(t, begin("DESIGN", "VERIFYING"), "eng_03_track")
	require.NoError(t, begin("DESIGN", "DESIGNING"), "whatever the project's state")
	refusedBy(t, move("DESIGN", "VERIFIED"), "eng_03_track")
	refusedBy(t, begin("GOODS", "GOODS_LISTING"), "cert_29_project_open")
	refusedBy(t, begin("CONFIGURATOR", "CONFIGURATOR_IN_PROGRESS"), "cert_29_project_open")
	require.NoError(t, exec(db, `UPDATE cases SET state = 'PROJECT_DONE' WHERE case_number = 'BL000001'`))
	require.NoError(t, begin("GOODS", "GOODS_LISTING"))
	release := func() error {
		return exec(db, `UPDATE cases SET state = 'RELEASE_REVIEW' WHERE case_number = 'BL000001'`)
	}
	for track, states := range map[string][]string{"DESIGN": {"VERIFYING", "VERIFIED"}, "GOODS": {"GOODS_LISTED"}} {
		for _, s := range states {
			refusedBy(t, release(), "cert_30_release")
			require.NoError(t, move(track, s))
		}
	}
	refusedBy(t, release(), "cert_30_release")
	require.NoError(t, exec(db, `INSERT INTO baseline_releases (case_number, note, saved_by, saved_at) VALUES ('BL000001', '', 'U1', now())`))
	require.NoError(t, release())
}
