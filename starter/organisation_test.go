package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// tell runs a command line that reads standard input.
func tell(t *testing.T, url, input string, args ...string) answer {
	t.Helper()
	var out, errs bytes.Buffer
	h := &house{environ: map[string]string{"DATABASE_URL": url, "ACCOUNT_SITE_URL": "https://account.example"}, out: &out, err: &errs}
	defer h.close()
	root := h.root()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetIn(strings.NewReader(input))
	command, err := root.ExecuteContextC(t.Context())
	return answer{h.answer(command, err), out.String(), errs.String()}
}

// Rules: ORG-01, ORG-02, ORG-03, ORG-14, ORG-17, PGM-05, PGM-06
func TestGivenAnOrganisationAtTheCommandLineWhenAPersonComesThenEverythingIsSaidAndDone(t *testing.T) {
	url := programme(t)
	org := func(line string) answer {
		return ask(t, url, append([]string{"organisation"}, strings.Fields(line)...)...)
	}
	got := org("create --partner P1001 --account li.lei --name LiLei --mobile 13800138000 --email li.lei@alpha.example --role partner-withdrawals --as alice --request-key k1")
	require.Equal(t, 0, got.code, got.out+got.err)
	initial := regexp.MustCompile(`shown once: (\S+)`).FindStringSubmatch(got.out)[1]
	require.Contains(t, org("create --partner P1001 --account li.lei --name LiLei --mobile 13800138000 --email li.lei@alpha.example --role partner-withdrawals --as alice --request-key k1").out, "was told before")
	require.Contains(t, org("create --partner P1001 --account x --name X --as alice").out, "ORG_ROLE_REQUIRED")

	got = tell(t, url, initial+"\n", "organisation", "sign-in", "li.lei")
	require.Equal(t, 0, got.code, got.out)
	require.Contains(t, got.out, "nothing opens before you set your own")
	require.Contains(t, org("open home --as U000001").out, "ORG-14")
	require.Equal(t, answer{0, "The new password is valid.\n", ""}, tell(t, url, initial+"\nSpring 2025 rain\n", "organisation", "change-password", "li.lei"))
	require.Equal(t, "Welcome, U000001. Open to you: cloud-console, home, own-data, credentials, news, withdrawals.\n", tell(t, url, "Spring 2025 rain", "organisation", "sign-in", "li.lei").out)
	require.Equal(t, 1, tell(t, url, initial, "organisation", "sign-in", "li.lei").code)
	require.Contains(t, tell(t, url, "", "organisation", "sign-in", "li.lei").err, "The password is missing; it is line 1 of standard input")

	require.Regexp(t, `(?m)^U000001  li\.lei   LiLei       138\*\*\*\*8000  l\*\*\*@alpha\.example  ACTIVE  partner-withdrawals    -$`, org("persons P1001 --as alice").out)
	require.Contains(t, org("persons P1001 --show mobile --as alice").out, "13800138000")
	require.Regexp(t, `(?m)\+08:00  alice   mobile  persons$`, org("audit P1001 --as alice").out)
	require.Contains(t, org("persons P1001 --show mobile --as U000001").out, "PGM-05")
	require.Equal(t, 2, strings.Count(org("audit P1001 --as alice").out, "\n"), "who may not see leaves no trace of having seen")

	require.Contains(t, org("change U000001 --account lei.li --as alice").out, "ORG_NAME_FIXED")
	require.Equal(t, 0, org("change U000001 --mobile 13700137000 --as U000001").code)
	require.Contains(t, org("show U000001 --as U000001").out, "13700137000")
	require.Contains(t, org("reset-password U000001 --as alice").out, "shown once: ")
	require.Equal(t, 1, tell(t, url, "Spring 2025 rain", "organisation", "sign-in", "li.lei").code)

	require.Contains(t, org("open opportunities --as alice").out, "ORG_MASTER_ONLY_MENU")
	require.Equal(t, 0, org("set-roles U000001 --role partner-account-manager,partner-finance --as alice").code)
	require.Equal(t, 0, org("qualification submit U000001 --role partner-account-manager --as alice").code)
	require.Contains(t, org("persons P1001 --as alice").out, "partner-account-manager (locked)")
	require.Contains(t, org("set-roles U000001 --role partner-finance --as alice").out, "ORG_ROLE_LOCKED")
	require.Contains(t, org("disable U000001 --as alice").out, "The account of U000001 is DISABLED.")
	require.Contains(t, org("enable U000001 --as alice").out, "The account of U000001 is ACTIVE.")
	require.Regexp(t, `(?m)^partner-finance +财务 / Finance +SYSTEM +1  bills, customers$`, org("roles P1001 --as alice").out)
	require.Equal(t, 2, org("show U9 --as alice").code)
}

// Rules: ORG-11, ORG-18, ORG-19, ORG-20, PGM-14
func TestGivenWhatAPartnersPeopleShareWhenItIsChangedAtTheCommandLineThenAllSeeIt(t *testing.T) {
	url := programme(t)
	name := filepath.Join(t.TempDir(), "more.yaml")
	require.NoError(t, os.WriteFile(name, []byte("customers: [{id: C1, partner: P1001, name: Acme, account: acme01}]\nidentity_users: [{id: iam-7, partner: P1001, name: Iam, email: iam@alpha.example}]\n"), 0o600))
	require.Equal(t, 0, ask(t, url, "load", name).code)
	owner, err := sqlx.Open("postgres", url)
	require.NoError(t, err)
	defer owner.Close()
	owner.MustExec(`INSERT INTO companies (company_id, name, address) VALUES ('C', 'Alpha Ltd', '1 Old Road')`)
	owner.MustExec(`UPDATE partners SET company_id = 'C', master = CASE partner_id WHEN 'P1001' THEN 'alice' END`)
	org := func(line string) answer {
		return ask(t, url, append([]string{"organisation"}, strings.Fields(line)...)...)
	}

	require.Contains(t, org("contact for C1").out, "administrator  Alice Chen")
	require.Equal(t, 0, org("contact add --partner P1001 --name Desk --mobile 13800138000 --as alice").code)
	require.Regexp(t, `(?m)^1        Desk  13800138000$`, org("contact for C1").out)
	require.Regexp(t, `(?m)^1        Desk  138\*\*\*\*8000$`, org("contact list P1001 --as alice").out)
	require.Equal(t, 0, org("contact remove 1 --partner P1001 --as alice").code)
	require.Contains(t, org("contact list P1001 --as alice").out, "customers see the administrator")

	require.Equal(t, 0, ask(t, url, "organisation", "company", "change", "P1001", "--address", "2 New Road", "--as", "alice").code)
	require.Contains(t, org("company show P1002").out, "2 New Road")

	require.Equal(t, answer{0, "Draft 1 is saved.\n", ""}, tell(t, url, "amount: 1200.00\n", "organisation", "draft", "save", "--partner", "P1001", "--kind", "withdrawal", "--title", "May", "--as", "alice"))
	require.Contains(t, org("draft list --as alice").out, "amount: 1200.00")
	require.Equal(t, "No drafts.\n", org("draft list --as bob").out)
	require.Equal(t, 0, org("draft delete 1 --as alice").code)

	require.Contains(t, org("open home --as iam-7").out, "ORG-16")
	require.Equal(t, 0, org("open cloud-console --as iam-7").code)
	require.Equal(t, 0, org("identity delete iam-7 --as alice").code)
	require.Regexp(t, `(?m)^C1 +A\*\*\* +a\*\*\* +-$`, org("customer list --as alice").out)
	require.Regexp(t, `(?m)^C1 +Acme +a\*\*\* +-$`, org("customer list --show name --as alice").out)

	require.Contains(t, tell(t, url, "", "organisation", "account", "--as", "alice").out, "manage            https://account.example\n")
	require.Equal(t, 1, tell(t, url, "Autumn 2025 wind\n", "organisation", "reset-master", "--code", "nonsense", "--as", "alice").code)
	require.Equal(t, 0, ask(t, url, "code", "send", "--scene", "account-password", "--target", "P1001", "--as", "alice").code)
	sent := regexp.MustCompile(`code ([0-9]{6})`).FindStringSubmatch(ask(t, url, "outbox", "--person", "alice").out)[1]
	require.Equal(t, 0, tell(t, url, "Autumn 2025 wind\n", "organisation", "reset-master", "--code", sent, "--as", "alice").code)
	require.Contains(t, tell(t, url, "Autumn 2025 wind\n", "organisation", "sign-in", "alice").out, "opportunities")
}

// Rule: PGM-15
func TestGivenAReaderElsewhereWhenMessagesAreReadThenTheyTellTheReadersTime(t *testing.T) {
	url := programme(t)
	require.Equal(t, 0, ask(t, url, "person", "messages", "alice", "--zone", "UTC+7", "--language", "en").code)
	require.Equal(t, 0, ask(t, url, "code", "send", "--as", "alice", "--target", "P1001").code)
	out := ask(t, url, "outbox", "--person", "alice").out
	require.Contains(t, out, "Verification code / 验证码")
	require.Regexp(t, `valid until \d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? \(UTC\+7\)`, out)
	got := ask(t, url, "person", "messages", "alice", "--zone", "Mars", "--language", "la")
	require.Equal(t, 1, got.code)
	require.Equal(t, 2, strings.Count(got.out, "PGM-15"))
	require.Equal(t, 2, ask(t, url, "person", "messages", "nobody", "--zone", "UTC").code)
}
