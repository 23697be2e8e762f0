package schema_test

import "testing"

// Rules: INC-11, ENG-03, COM-20
func TestGivenAnExport_WhenARuleWouldBeBroken_ThenTheDatabaseRefuses(t *testing.T) {
	db := programme(t)
	const ask = `INSERT INTO exports (request_key, asked_by, filter, format, asked_at) VALUES `
	refusedBy(t, exec(db, ask+`('k', 'U1', '{"partner": "P1002"}', 'csv', now())`), "inc_11_own_lines")
	refusedBy(t, exec(db, ask+`('k', 'U1', '{}', 'csv', now())`), "inc_11_own_lines")
	refusedBy(t, exec(db, ask+`('k', 'F1', '{}', 'pdf', now())`), "inc_11_format")
	db.MustExec(ask + `('k', 'U1', '{"partner": "P1001"}', 'csv', now()), ('l', 'F1', '{}', 'xlsx', now())`)
	refusedBy(t, exec(db, ask+`('k', 'F1', '{}', 'csv', now())`), "com_20_lines_export")
	refusedBy(t, exec(db, `UPDATE exports SET content = 'x', sha256 = 'y', lines = 0, amount = 0 WHERE request_key = 'k'`), "exports_are_their_hash")
	db.MustExec(`UPDATE exports SET content = 'x', sha256 = encode(sha256('x'), 'hex'), lines = 0, amount = 0 WHERE request_key = 'k'`)
	db.MustExec(`UPDATE exports SET state = 'DONE', done_at = now() WHERE request_key = 'k'`)
	refusedBy(t, exec(db, `UPDATE exports SET lines = 1 WHERE request_key = 'k'`), "eng_03_export_ended")
	denied(t, exec(db, `UPDATE exports SET asked_by = 'F1'`))
	denied(t, exec(db, `DELETE FROM exports`))
}
