package activities

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/domain/document"
	"countersign/internal/documents"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// enclosures is a database with two partners, one case and four people.
func enclosures(t *testing.T, where string) *Documents {
	t.Helper()
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO partners (partner_id, name, kind, entity) VALUES ('P1001', 'A', 'solution-provider', 'cloud'), ('P1002', 'B', 'reseller', 'cloud')`)
	db.MustExec(`INSERT INTO people (person_id, name, partner_id, active) VALUES
		('wang', 'Wang Wei', 'P1001', true), ('chen', 'Chen Jie', 'P1002', true), ('li', 'Li Na', NULL, true), ('gone', 'Sun Li', NULL, false)`)
	db.MustExec(`INSERT INTO person_roles (person_id, role) VALUES ('wang', 'partner-administrator'), ('chen', 'partner-administrator'), ('li', 'vendor-finance'), ('gone', 'vendor-finance')`)
	db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('withdrawal', 1, '{}', 'li', '2025-01-01T00:00:00Z')`)
	db.MustExec(`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
		VALUES ('W000001', 'withdrawal', 'P1001', 'wang', 'k', ''::bytea, $1, 1, 'w', 'r', $2)`, "UNDER_REVIEW", happened)
	store, err := documents.Open(db, where, documents.Keys{}, documents.Rules{Limit: 1000, Types: []string{documents.PDF}})
	require.NoError(t, err)
	return &Documents{DB: db, Store: store}
}

func scan(text string) []byte { return fmt.Appendf(nil, "%%PDF-1.4\n%s\n%%%%EOF\n", text) }

func (d *Documents) adds(person string, kind document.Kind, name string, content []byte) (AddedDocument, error) {
	return d.AddDocument(context.Background(), AddDocumentInput{
		Case: "W000001", Kind: kind, Name: name, Content: bytes.NewReader(content), Person: person, At: happened,
	})
}

// Rule: PGM-11
func TestPGM11GivenAScan_WhenItIsAddedTwice_ThenItLiesThereOnceWithOneEventAndStays(t *testing.T) {
	d := enclosures(t, "postgres")
	first, err := d.adds("wang", document.Invoice, `C:\scans\A1.pdf`, scan("A1"))
	require.NoError(t, err)
	require.Equal(t, "A1.pdf", first.Name)
	require.Equal(t, "application/pdf", first.MediaType)
	again, err := d.adds("li", document.Invoice, "other name.pdf", scan("A1"))
	require.NoError(t, err)
	require.Equal(t, first, again, "the first time is answered")
	require.Equal(t, 1, count(t, d.DB, `SELECT count(*) FROM case_documents`))
	require.Equal(t, 1, count(t, d.DB, `SELECT count(*) FROM events WHERE action = 'add document' AND actor = 'wang' AND from_state = to_state`))

	_, err = d.adds("li", document.Proof, "A1.pdf", scan("A1")) // as something else, the same content
	require.NoError(t, err)
	require.Equal(t, 2, count(t, d.DB, `SELECT count(*) FROM case_documents`))
	require.Equal(t, 1, count(t, d.DB, `SELECT count(*) FROM documents`))

	owner := pgtest.Owner(t, d.DB)
	for _, change := range []string{`UPDATE case_documents SET name = 'x'`, `DELETE FROM case_documents`, `TRUNCATE case_documents`} {
		_, err = owner.Exec(change)
		require.ErrorContains(t, err, "append-only", change)
	}
}

// Rules: COM-16, COM-08, X-02, ENG-03, ENG-06
func TestGivenGuardsThatFail_WhenADocumentIsAdded_ThenAllAreToldAndRecordedAndNothingIsKept(t *testing.T) {
	folder := t.TempDir()
	d := enclosures(t, "file://"+folder)
	for name, c := range map[string]struct {
		person  string
		kind    document.Kind
		content []byte
		codes   []string
	}{
		"another partner's": {"chen", document.Invoice, scan("x"), []string{"CBC.0151"}},
		"gone":              {"gone", document.Invoice, scan("x"), []string{"CBC.0151"}},
		"nobody":            {"", document.Invoice, scan("x"), []string{"CBC.0151"}},
		"unknown kind":      {"wang", "photo", scan("x"), []string{"CBC.0100"}},
		"empty":             {"wang", document.Invoice, nil, []string{"PRG.DOC.01"}},
		"too large":         {"wang", document.Invoice, scan(strings.Repeat("x", 1000)), []string{"PRG.DOC.02"}},
		"not taken":         {"wang", document.Invoice, []byte("MZ"), []string{"PRG.DOC.03"}},
		"runs something":    {"wang", document.Invoice, scan("/JavaScript"), []string{"PRG.DOC.04"}},
		"all of it":         {"nobody", "photo", []byte("MZ"), []string{"CBC.0151", "CBC.0100", "PRG.DOC.03"}},
	} {
		before := count(t, d.DB, `SELECT count(*) FROM events`)
		_, err := d.AddDocument(t.Context(), AddDocumentInput{
			Case: "W000001", Kind: c.kind, Name: "a.pdf", Content: bytes.NewReader(c.content), Person: c.person, At: happened.Add(time.Duration(before) * time.Second),
		})
		require.Equal(t, c.codes, RefusalOf(err).Codes(), "%s: %v", name, err)
		require.Equal(t, before+1, count(t, d.DB, `SELECT count(*) FROM events WHERE action = 'add document refused'`), name)
	}
	require.Zero(t, count(t, d.DB, `SELECT count(*) FROM documents`))
	files, err := filepath.Glob(folder + "/*")
	require.NoError(t, err)
	require.Empty(t, files, "a stranger's file is not even stored")

	_, err = d.AddDocument(t.Context(), AddDocumentInput{Case: "W000009", Kind: document.Invoice, Content: bytes.NewReader(scan("x")), Person: "wang", At: happened})
	require.True(t, IsNotFound(err), "%v", err)
}

func TestGivenAnUploadWhoseTransactionFails_WhenItIsRepeated_ThenItIsWholeAndTheContentIsOne(t *testing.T) {
	folder := t.TempDir()
	d := enclosures(t, "file://"+folder)
	owner := pgtest.Owner(t, d.DB)
	owner.MustExec(`ALTER TABLE case_documents RENAME TO away`)
	_, err := d.adds("wang", document.Invoice, "A1.pdf", scan("A1"))
	require.Error(t, err)
	require.Equal(t, 0, count(t, d.DB, `SELECT count(*) FROM documents`))
	files, err := filepath.Glob(folder + "/*/*")
	require.NoError(t, err)
	require.Len(t, files, 1, "the content is there, and no row names it")

	owner.MustExec(`ALTER TABLE away RENAME TO case_documents`)
	added, err := d.adds("wang", document.Invoice, "A1.pdf", scan("A1"))
	require.NoError(t, err)
	again, err := filepath.Glob(folder + "/*/*")
	require.NoError(t, err)
	require.Equal(t, files, again)
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.Equal(t, scan("A1"), content)
	require.Equal(t, filepath.Base(files[0]), added.Document)
}

func TestGivenManyWhoAddOneFileAtOnce_WhenTheyEnd_ThenAllAreAnsweredTheSame(t *testing.T) {
	d := enclosures(t, "postgres")
	var all sync.WaitGroup
	answers, errs := make([]AddedDocument, 8), make([]error, 8)
	for i := range answers {
		all.Go(func() {
			answers[i], errs[i] = d.adds([]string{"wang", "li"}[i%2], document.Invoice, fmt.Sprintf("%d.pdf", i), scan("A1"))
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	for _, a := range answers {
		require.Equal(t, answers[0], a)
	}
	require.Equal(t, 1, count(t, d.DB, `SELECT count(*) FROM documents`))
	require.Equal(t, 1, count(t, d.DB, `SELECT count(*) FROM events`))
}

// Rule: COM-08
func TestCOM08TheSchemaKnowsTheSameKindsOfDocuments(t *testing.T) {
	d := enclosures(t, "postgres")
	for _, kind := range document.Kinds {
		_, err := d.adds("wang", kind, "A1.pdf", scan("A1"))
		require.NoError(t, err, kind)
	}
	err := inTx(t.Context(), d.DB, func(tx *sqlx.Tx) error {
		_, err := tx.Exec(`INSERT INTO case_documents (case_number, document_id, kind, name, added_by, added_at)
			SELECT 'W000001', document_id, 'photo', 'x', 'wang', now() FROM documents`)
		return err
	})
	require.Equal(t, []string{"CBC.0100"}, RefusalOf(err).Codes())
}
