package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// consumers are customers of the demo's first partner, and somebody who takes in what they used.
const consumers = `
partners: [{id: P9, name: Nine, kind: solution-provider, entity: cloud}]
customers: [{id: C9, partner: P9}]
people: [{id: he, name: He, roles: [vendor-operations]}]
`

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// Rule: ENG-01
func TestGivenABillingExportWhenItIsTakenInByCommandThenEachStepSaysWhatIsMissing(t *testing.T) {
	url := programme(t)
	require.Zero(t, ask(t, url, "load", file(t, "p.yaml", consumers)).code)
	export := "ProviderName,BillingAccountId,SubAccountId,ServiceName,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,BillingCurrency,BilledCost,EffectiveCost\n" +
		"AWS,B1,S1,SQS,Usage,2024-09-30 22:00:00,2024-09-30 23:00:00,USD,2.00,2.00\n" + "AWS,B1,S1,SQS,Usage,2024-09-01 00:00:00,2024-09-01 01:00:00,USD,0.0000008,0\n"
	name := file(t, "export.csv", export)

	got := ask(t, url, "consumption", "import", name, "--as", "he", "--limit", "3")
	require.Equal(t, 1, got.code, got.err)
	require.Equal(t, "Nothing of "+name+` was taken in: bad rows: 2.
LINE  COLUMN           REASON
   2  SubAccountId     no customer is known for AWS, billing account B1, sub account S1; name one with: starter consumption map
   2  BillingCurrency  no rate of USD is known for 2024-10; set it with: starter consumption rate set USD 2024-10 RATE
   3  SubAccountId     no customer is known for AWS, billing account B1, sub account S1; name one with: starter consumption map
Mend them and repeat the command, or take the good rows with --partial.
`, got.out)

	accounts := file(t, "map.csv", "customer,provider,billing_account,sub_account,partner,association,bound_from\nC9,AWS,B1,S1,P9,resale,2024-01-01\n")
	require.Equal(t, answer{0, "Accounts and bindings changed: 1 and 1.\n", ""}, ask(t, url, "consumption", "map", accounts, "--as", "he"))
	require.Equal(t, answer{0, "In 2024-09 one USD is 7.05 CNY.\n", ""}, ask(t, url, "consumption", "rate", "set", "USD", "2024-09", "7.05", "--as", "he"))
	got = ask(t, url, "consumption", "import", name, "--as", "he", "--partial", "--json")
	require.Equal(t, 1, got.code, got.err)
	require.Equal(t, []any{1.0, 1.0}, []any{decoded(t, got.out)["added"], decoded(t, got.out)["bad"]})
	require.Zero(t, ask(t, url, "consumption", "rate", "set", "USD", "2024-10", "7.1", "--as", "he").code)
	got = ask(t, url, "consumption", "import", name, "--as", "he")
	require.Equal(t, 0, got.code, got.out)
	require.Regexp(t, `^Import \d+, .*export.csv \(focus-1.0\): 1 rows added, 1 known, 0 repeated, 0 left out.\n$`, got.out)
	got = ask(t, url, "consumption", "import", name, "--as", "he")
	require.Regexp(t, `^.*export.csv is known: it was taken in as import \d+ and adds nothing.\n$`, got.out)
	require.Zero(t, got.code)

	imports := decoded(t, ask(t, url, "consumption", "list", "--json").out)["imports"].([]any)
	require.Len(t, imports, 2)
	require.Equal(t, []any{1.0, 1.0, 0.0, "he"}, []any{imports[0].(map[string]any)["added"], imports[0].(map[string]any)["old"], imports[0].(map[string]any)["bad"], imports[0].(map[string]any)["by"]})
	require.Contains(t, ask(t, url, "consumption", "list").out, "focus-1.0      1      1")
	require.Regexp(t, `USD       2024-10   7\.1  used: it stays  by he`, ask(t, url, "consumption", "rate", "list").out)
	require.Equal(t, "7.05", decoded(t, ask(t, url, "consumption", "rate", "list", "--json").out)["rates"].([]any)[1].(map[string]any)["rate"])
}

func TestGivenAConsumptionCommandThatCannotBeWhenItIsGivenThenTheAnswerSaysWhy(t *testing.T) {
	url := programme(t)
	require.Zero(t, ask(t, url, "load", file(t, "p.yaml", consumers)).code)
	require.Equal(t, "No imports.\n", ask(t, url, "consumption", "list").out)
	require.Equal(t, "No rates.\n", ask(t, url, "consumption", "rate", "list").out)
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{2, "no such file", []string{"import", "nothing.csv", "--as", "he"}},
		{2, "is a folder", []string{"import", t.TempDir(), "--as", "he"}},
		{2, "the file is empty", []string{"import", file(t, "empty.csv", ""), "--as", "he"}},
		{2, "no column partner, product", []string{"import", file(t, "short.csv", "customer\nC9\n"), "--as", "he"}},
		{2, "--as is missing", []string{"import", "x.csv"}},
		{1, "COM-16", []string{"import", file(t, "x.csv", "customer\nC9\n"), "--as", "li"}},
		{1, `2  customer  "C8" is not registered`, []string{"map", file(t, "m.csv", "customer,partner,association,bound_from\nC8,P9,resale,2024-01-01\n"), "--as", "he"}},
		{2, `"September" is not a month`, []string{"rate", "set", "USD", "September", "7", "--as", "he"}},
		{2, `"seven" is not a number`, []string{"rate", "set", "USD", "2024-09", "seven", "--as", "he"}},
		{1, "COM-08", []string{"rate", "set", "CNY", "2024-09", "7", "--as", "he"}},
	} {
		got := ask(t, url, append([]string{"consumption"}, c.args...)...)
		require.Equal(t, c.code, got.code, c)
		require.Contains(t, got.out+got.err, c.says, c)
	}
}

func TestGivenConsumptionOnStdinWhenItIsTakenInThenItIsReadAsAFileIs(t *testing.T) {
	text := "customer\n" + strings.Repeat("x\n", 100_000)
	f, done, err := seekable(t.Context(), "-", strings.NewReader(text))
	require.NoError(t, err)
	info, err := f.Stat()
	require.NoError(t, err)
	require.Equal(t, int64(len(text)), info.Size())
	done()
	_, err = os.Stat(f.Name())
	require.ErrorIs(t, err, os.ErrNotExist)
}
