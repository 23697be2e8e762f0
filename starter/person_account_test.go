package main

import (
	"regexp"
	"testing"

	"countersign/schema"

	"github.com/stretchr/testify/require"
)

// Rules: ORG-14, ORG-02, COM-16
func TestGivenAnAccountAdministratorAtTheCommandLineWhenPeopleAreGivenAccountsThenTheySetTheirPasswords(t *testing.T) {
	url := programme(t)
	db, err := schema.Open(url)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	got := ask(t, url, "person", "account", "li", "--as", "zhao")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.out, "does not hold the role account-administrator")
	db.MustExec(`INSERT INTO person_roles VALUES ('zhao', 'account-administrator')`)

	got = ask(t, url, "person", "account", "li", "--account-name", "li.na", "--as", "zhao", "--request-key", "k1")
	require.Equal(t, 0, got.code, got.out+got.err)
	require.Contains(t, got.out, "The account of li is ready: li.na. Initial password, shown once: ")
	initial := regexp.MustCompile(`shown once: (\S+)`).FindStringSubmatch(got.out)[1]
	require.Contains(t, ask(t, url, "person", "account", "li", "--account-name", "li.na", "--as", "zhao", "--request-key", "k1").out, "was told before")
	require.Equal(t, 1, tell(t, url, "wrong", "organisation", "sign-in", "li.na").code)
	require.Equal(t, answer{0, "The new password is valid.\n", ""}, tell(t, url, initial+"\nSpring 2025 rain\n", "organisation", "change-password", "li.na"))
	require.Equal(t, 0, tell(t, url, "Spring 2025 rain", "organisation", "sign-in", "li.na").code)
	require.Equal(t, 0, ask(t, url, "person", "account", "alice", "--as", "zhao").code, "she came with the file")
	require.Contains(t, ask(t, url, "person", "account", "alice", "--as", "zhao").out, "whose administrator gives new passwords")

	require.Equal(t, answer{0, "Done; li is signed out everywhere.\n", ""}, ask(t, url, "person", "forget", "li", "--second-factor", "--as", "zhao"))
	require.Equal(t, 2, ask(t, url, "person", "forget", "li", "--as", "zhao").code)
	require.Regexp(t, `(?s)forget second factor +zhao  -\n.*sign in +-     -\n.*change password +li    -\n.*wrong password \(refused\)  -     -\n.*give account +zhao  -\n`, ask(t, url, "person", "sign-ins", "li").out)
	require.Equal(t, answer{0, "Nothing yet.\n", ""}, ask(t, url, "person", "sign-ins", "wang"))
	require.Equal(t, answer{2, "", "Person \"nobody\": not found.\n"}, ask(t, url, "person", "sign-ins", "nobody"))
	require.Contains(t, ask(t, url, "person", "sign-ins", "li", "--json").out, `"event": "forget second factor"`)
}
