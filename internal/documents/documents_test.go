package documents_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"countersign/internal/documents"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"
)

var (
	at    = time.Date(2025, 11, 3, 2, 30, 0, 0, time.UTC)
	rules = documents.Rules{Limit: 1 << 20, Types: documents.Known}
)

// wheres are the three places, each real: a database, a folder, and a server that speaks S3.
var wheres = map[string]func(t *testing.T) (where string, lie func(id string, content []byte), count func() int){
	"folder": func(t *testing.T) (string, func(string, []byte), func() int) {
		root := t.TempDir()
		return "file://" + root, func(id string, content []byte) {
				file := filepath.Join(root, id[:2], id)
				if content == nil {
					require.NoError(t, os.Remove(file))
					return
				}
				require.NoError(t, os.WriteFile(file, content, 0o600))
			}, func() (n int) {
				require.NoError(t, filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
					if err == nil && !d.IsDir() {
						n++
					}
					return err
				}))
				return n
			}
	},
	"s3": func(t *testing.T) (string, func(string, []byte), func() int) {
		backend := s3mem.New()
		require.NoError(t, backend.CreateBucket("scans"))
		server := httptest.NewServer(gofakes3.New(backend).Server())
		t.Cleanup(server.Close)
		return "s3://scans/back-office?endpoint=" + server.URL, func(id string, content []byte) {
				key := "back-office/" + id[:2] + "/" + id
				if content == nil {
					_, err := backend.DeleteObject("scans", key)
					require.NoError(t, err)
					return
				}
				_, err := backend.PutObject("scans", key, map[string]string{"Last-Modified": "Mon, 03 Nov 2025 02:30:00 GMT"}, bytes.NewReader(content), int64(len(content)), nil)
				require.NoError(t, err)
			}, func() int {
				list, err := backend.ListBucket("scans", nil, gofakes3.ListBucketPage{})
				require.NoError(t, err)
				return len(list.Contents)
			}
	},
}

func database(t *testing.T) *sqlx.DB {
	t.Helper()
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO people (person_id, name) VALUES ('li', 'Li Na')`)
	return db
}

func open(t *testing.T, db *sqlx.DB, where string) *documents.Store {
	t.Helper()
	s, err := documents.Open(db, where, documents.Keys{ID: "id", Secret: "secret"}, rules)
	require.NoError(t, err)
	return s
}

// upload stores a content as an activity does: outside first, then the row.
func upload(t *testing.T, s *documents.Store, content []byte) *documents.Document {
	t.Helper()
	d, err := s.Rules.Take(bytes.NewReader(content))
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), d))
	record(t, s, d)
	return d
}

func record(t *testing.T, s *documents.Store, d *documents.Document) {
	t.Helper()
	tx, err := s.DB.Beginx()
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // after COMMIT it has nothing to do
	require.NoError(t, s.Record(t.Context(), tx, d, "li", at))
	require.NoError(t, tx.Commit())
}

func download(s *documents.Store, id string) ([]byte, documents.Info, error) {
	info, r, err := s.Get(context.Background(), id)
	if err != nil {
		return nil, info, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	return content, info, err
}

func rows(t *testing.T, db *sqlx.DB) (n int) {
	t.Helper()
	require.NoError(t, db.Get(&n, `SELECT count(*) FROM documents`))
	return n
}

func TestGivenADatabase_WhenAContentIsPutTwice_ThenItIsKeptOnceAndComesBackUnderItsHash(t *testing.T) {
	s := open(t, database(t), "postgres")
	d := upload(t, s, pdf("one"))
	upload(t, s, pdf("one"))
	require.Equal(t, 1, rows(t, s.DB))
	content, info, err := download(s, d.ID)
	require.NoError(t, err)
	require.Equal(t, pdf("one"), content)
	require.Equal(t, documents.Info{ID: d.ID, MediaType: documents.PDF, Size: int64(len(pdf("one"))), StoredIn: "postgres"}, info)
	_, _, err = download(s, "00"+d.ID[2:])
	require.ErrorIs(t, err, documents.ErrUnknown)

	// the database itself refuses a content of another name
	_, err = s.DB.Exec(`INSERT INTO documents (document_id, media_type, size, stored_in, content, uploaded_by, uploaded_at)
		VALUES (repeat('0', 64), 'application/pdf', 1, 'postgres', 'x', 'li', now())`)
	require.ErrorContains(t, err, "documents_are_their_hash")
	for _, change := range []string{`UPDATE documents SET size = 1`, `DELETE FROM documents`, `TRUNCATE documents CASCADE`} {
		_, err = s.DB.Exec(change)
		require.Error(t, err, change)
	}
}

func TestGivenAPlaceOutside_WhenAContentIsPutTwice_ThenItIsKeptOnceAndWhatWasChangedDoesNotComeBackUnseen(t *testing.T) {
	for name, where := range wheres {
		t.Run(name, func(t *testing.T) {
			address, lie, count := where(t)
			s := open(t, database(t), address)
			d := upload(t, s, pdf("one"))
			upload(t, s, pdf("one"))
			upload(t, s, pdf("two"))
			require.Equal(t, 2, count())
			content, info, err := download(s, d.ID)
			require.NoError(t, err)
			require.Equal(t, pdf("one"), content)
			require.Equal(t, name, info.StoredIn)

			lie(d.ID, pdf("0ne"))
			_, _, err = download(s, d.ID)
			require.ErrorIs(t, err, documents.ErrDamaged)
			lie(d.ID, nil)
			_, _, err = download(s, d.ID)
			require.ErrorIs(t, err, documents.ErrMissing)

			v, err := s.Verify(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, 2, v.Documents)
			require.Len(t, v.Bad, 1)
			require.Equal(t, d.ID, v.Bad[0].ID)

			upload(t, s, pdf("one")) // heals it, also one of the right size
			lie(d.ID, pdf("0ne"))
			upload(t, s, pdf("one"))
			var steps [][2]int64
			v, err = s.Verify(t.Context(), func(done, all int64) { steps = append(steps, [2]int64{done, all}) })
			require.NoError(t, err)
			require.Equal(t, documents.Verification{Documents: 2, Bytes: int64(2 * len(pdf("one"))), Bad: []documents.Bad{}}, v)
			require.Equal(t, [][2]int64{{1, 2}, {2, 2}}, steps)
		})
	}
}

func TestGivenACrashBetweenContentAndRow_WhenTheFileIsUploadedAgain_ThenTheOrphanIsTakenUp(t *testing.T) {
	for name, where := range wheres {
		t.Run(name, func(t *testing.T) {
			address, _, count := where(t)
			s := open(t, database(t), address)
			d, err := s.Rules.Take(bytes.NewReader(pdf("one")))
			require.NoError(t, err)
			require.NoError(t, s.Put(t.Context(), d)) // and the process is gone
			require.Equal(t, 1, count())
			require.Zero(t, rows(t, s.DB))
			_, _, err = download(s, d.ID)
			require.ErrorIs(t, err, documents.ErrUnknown, "nobody sees it")
			v, err := s.Verify(t.Context(), nil)
			require.NoError(t, err)
			require.Empty(t, v.Bad, "and it harms nobody")

			upload(t, s, pdf("one"))
			require.Equal(t, 1, count())
			content, _, err := download(s, d.ID)
			require.NoError(t, err)
			require.Equal(t, pdf("one"), content)
		})
	}
}

func TestGivenManyUploadsOfOneFileAtOnce_WhenTheyEnd_ThenItIsKeptOnce(t *testing.T) {
	addresses := map[string]string{"postgres": "postgres"}
	counts := map[string]func() int{}
	for name, where := range wheres {
		addresses[name], _, counts[name] = where(t)
	}
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			s := open(t, database(t), address)
			var all sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				all.Go(func() {
					d, err := s.Rules.Take(bytes.NewReader(pdf("one")))
					if err != nil {
						errs[i] = err
						return
					}
					tx, err := s.DB.Beginx()
					if err != nil {
						errs[i] = err
						return
					}
					defer tx.Rollback() //nolint:errcheck // after COMMIT it has nothing to do
					errs[i] = errors.Join(s.Put(context.Background(), d), s.Record(context.Background(), tx, d, "li", at), tx.Commit())
				})
			}
			all.Wait()
			require.NoError(t, errors.Join(errs...))
			require.Equal(t, 1, rows(t, s.DB))
			if count := counts[name]; count != nil {
				require.Equal(t, 1, count(), "and no unfinished file beside it")
			}
		})
	}
}

func TestGivenAnotherPlaceThanBefore_WhenOldDocumentsAreRead_ThenThoseInPostgresComeAndTheOthersAreMissed(t *testing.T) {
	db := database(t)
	address, _, _ := wheres["folder"](t)
	inside, outside := open(t, db, "postgres"), open(t, db, address)
	one, two := upload(t, inside, pdf("one")), upload(t, outside, pdf("two"))
	_, _, err := download(outside, one.ID)
	require.NoError(t, err)
	_, _, err = download(inside, two.ID)
	require.ErrorIs(t, err, documents.ErrMissing)
	require.ErrorContains(t, err, "stored in a folder, but DOCUMENTS names none")

	// what was copied from the folder is found in a bucket: the names are the same
	bucket, lie, _ := wheres["s3"](t)
	moved := open(t, db, bucket)
	lie(two.ID, pdf("two"))
	content, _, err := download(moved, two.ID)
	require.NoError(t, err)
	require.Equal(t, pdf("two"), content)
}

func TestGivenAPlaceThatDoesNotAnswer_WhenDocumentsAreVerified_ThenItIsAnErrorAndNoDocumentIsCalledBad(t *testing.T) {
	db := database(t)
	bucket, _, _ := wheres["s3"](t)
	s := open(t, db, bucket)
	d := upload(t, s, pdf("one"))
	elsewhere := open(t, db, "s3://nobody?endpoint=http://127.0.0.1:1")
	_, err := elsewhere.Verify(t.Context(), nil)
	require.Error(t, err)
	require.NotErrorIs(t, err, documents.ErrMissing)
	require.ErrorContains(t, err, d.ID)

	wrong := open(t, db, "s3://no-such-bucket?"+bucket[len("s3://scans/back-office?"):])
	_, _, err = download(wrong, d.ID)
	require.Error(t, err)
	require.NotErrorIs(t, err, documents.ErrMissing, "a bucket that is not there is a mistake in the setting")
}

func pdf(text string) []byte {
	return fmt.Appendf(nil, "%%PDF-1.4\n1 0 obj\n<</Type /Catalog /Note (%s)>>\nendobj\ntrailer <</Root 1 0 R>>\n%%%%EOF\n", text)
}
