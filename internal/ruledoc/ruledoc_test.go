package ruledoc

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/rules.md")

func TestRulesPageIsWhatTheCodeSays(t *testing.T) {
	want, err := Generate("../..")
	require.NoError(t, err)
	const page = "../../docs/rules.md"
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
	}
	got, err := os.ReadFile(page)
	require.NoError(t, err)
	if want != string(got) { // the pages are long: no diff
		t.Error("docs/rules.md is not what the code says; run `go test ./internal/ruledoc -update`")
	}
}
