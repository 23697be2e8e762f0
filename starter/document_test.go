package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const scan = "%PDF-1.4\n1 0 obj\n<</Type /Catalog>>\nendobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"

// kept asks with documents in a folder.
func kept(t *testing.T, url, folder string, args ...string) answer {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, &out, &errs, map[string]string{"DATABASE_URL": url, "DOCUMENTS": "file://" + folder})
	return answer{code, out.String(), errs.String()}
}

// Rules: PGM-11, COM-16, COM-08, X-02
func TestGivenACase_WhenAScanIsEnclosed_ThenItIsListedAndComesBackAndTheTimelineTells(t *testing.T) {
	url, dir := programme(t), t.TempDir()
	number := open(t, url)
	file := filepath.Join(dir, "发票 A1.pdf")
	require.NoError(t, os.WriteFile(file, []byte(scan), 0o600))
	require.Equal(t, answer{0, "Nothing is enclosed.\n", ""}, ask(t, url, "document", "list", number))

	got := ask(t, url, "document", "add", number, file, "--kind", "invoice", "--as", "alice")
	require.Equal(t, 0, got.code, got.err+got.out)
	require.Regexp(t, `^Invoice "发票 A1.pdf" \(application/pdf, 73 bytes\) is enclosed with W000001, by alice at .* Its ID: [0-9a-f]{64}\n$`, got.out)
	id := regexp.MustCompile(`[0-9a-f]{64}`).FindString(got.out)
	require.Equal(t, got, ask(t, url, "document", "add", number, file, "--kind", "invoice", "--as", "alice", "--name", "again.pdf"), "a repeat answers the first time")
	require.Regexp(t, `(?m)^`+id[:12]+` +invoice +发票 A1.pdf +application/pdf +73 bytes +alice `, ask(t, url, "document", "list", number).out)
	require.Len(t, decoded(t, ask(t, url, "document", "list", number, "--json").out)["documents"], 1)
	require.Contains(t, ask(t, url, "case", "show", number).out, "invoice: "+id)

	out := filepath.Join(dir, "back.pdf")
	require.Equal(t, answer{0, out + ": application/pdf, 73 bytes, as it was uploaded.\n", ""}, ask(t, url, "document", "get", id[:8], "--out", out))
	back, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, scan, string(back))
	got = ask(t, url, "document", "get", id, "--out", out)
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "exists and is not overwritten")
	require.Equal(t, answer{2, "", "Document \"0000000000\": not found.\n"}, ask(t, url, "document", "get", "0000000000", "--out", out+"2"))
	require.Contains(t, ask(t, url, "document", "get", id[:7], "--out", out+"2").err, "8 digits")
	require.Contains(t, ask(t, url, "document", "get", "%", "--out", out+"2").err, "8 digits")
	require.Equal(t, answer{2, "", "Case \"W000009\": not found.\n"}, ask(t, url, "document", "list", "W000009"))
	require.Equal(t, answer{0, "1 document read, 73 bytes; 0 bad.\n", ""}, ask(t, url, "document", "verify"))

	got = ask(t, url, "document", "add", number, os.Args[0], "--kind", "photo", "--as", "nobody")
	require.Equal(t, 1, got.code)
	for _, want := range []string{"COM-16", `There is no person "nobody"`, "COM-08", `no kind of document "photo"`, "X-02", "PRG.DOC.02", "larger than 10 MB"} {
		require.Contains(t, got.out, want, "all of it at once")
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2, "no unfinished file is left")
}

func TestGivenDocumentsInAFolder_WhenOneIsChangedThere_ThenNobodyGetsItAndVerifyTells(t *testing.T) {
	url, folder := programme(t), t.TempDir()
	number := open(t, url)
	file := filepath.Join(t.TempDir(), "scan.pdf")
	require.NoError(t, os.WriteFile(file, []byte(scan), 0o600))
	got := kept(t, url, folder, "document", "add", number, file, "--kind", "proof", "--as", "alice")
	require.Equal(t, 0, got.code, got.err+got.out)
	id := regexp.MustCompile(`[0-9a-f]{64}`).FindString(got.out)
	require.NoError(t, os.WriteFile(filepath.Join(folder, id[:2], id), []byte(strings.Replace(scan, "1 0 obj", "2 0 obj", 1)), 0o600))

	out := filepath.Join(t.TempDir(), "back.pdf")
	got = kept(t, url, folder, "document", "get", id, "--out", out)
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "its content is not what was uploaded")
	require.NoFileExists(t, out)
	got = kept(t, url, folder, "document", "verify")
	require.Equal(t, 2, got.code)
	require.Regexp(t, `(?m)^`+id[:12]+`  folder +73 bytes .*its content is not what was uploaded$`, got.out)
	require.Contains(t, got.out, "1 document read, 73 bytes; 1 bad.")

	require.Equal(t, 0, kept(t, url, folder, "document", "add", number, file, "--kind", "proof", "--as", "alice").code)
	require.Equal(t, 0, kept(t, url, folder, "document", "verify").code, "the same file again puts it back")
	require.Contains(t, ask(t, url, "document", "get", id, "--out", out).err, "DOCUMENTS names none")
	require.Contains(t, kept(t, url, folder+"/none", "document", "verify").err, "DOCUMENTS: the folder")
}
