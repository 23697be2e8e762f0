package signin_test

import (
	"encoding/base32"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"countersign/web/signin"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

func count(t *testing.T, db *sqlx.DB, query string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, db.Get(&n, query, args...))
	return n
}

func decoded(t *testing.T, secret string) []byte {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	require.NoError(t, err)
	return raw
}

func TestEveryTextIsInBothLanguagesAndUsed(t *testing.T) {
	file, err := fs.ReadFile(signin.Book, "messages.json")
	require.NoError(t, err)
	var texts map[string][2]string
	require.NoError(t, json.Unmarshal(file, &texts))
	var source strings.Builder
	for _, pattern := range []string{"*.go", "pages/*.html", "../../activities/account*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range files {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			source.Write(text)
		}
	}
	constants := regexp.MustCompile(`(?s)// What happens to accounts.*?\n\)`).FindString(source.String()) + regexp.MustCompile(`(?s)// What an account can be relieved of.*?\n\)`).FindString(source.String())
	for _, event := range regexp.MustCompile(`= "([a-z ]+)"`).FindAllStringSubmatch(constants, -1) {
		if event[1] != "unknown account" && event[1] != "unknown identity" { // nobody's history
			require.Contains(t, texts, "account.event."+event[1])
		}
	}
	for key, text := range texts {
		require.NotEmpty(t, text[0], key)
		require.NotEmpty(t, text[1], key)
		require.NotEqual(t, text[0], text[1], key)
		require.Equal(t, strings.Count(text[0], "%"), strings.Count(text[1], "%"), key)
		if _, event, ok := strings.Cut(key, "account.event."); ok { // each is one that the database may hold
			require.Contains(t, source.String(), `"`+event+`"`, key)
			continue
		}
		require.Contains(t, source.String(), `"`+strings.TrimSuffix(key, ".title"), key)
	}
}
