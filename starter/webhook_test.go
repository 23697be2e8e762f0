package main

import (
	"testing"
	"time"

	"countersign/schema"

	"github.com/stretchr/testify/require"
)

func TestGivenAWebhookWhenItIsAddedThenItsSecretIsShownThatOnceAndItsDeadDeliveriesCanBeReplayed(t *testing.T) {
	url := programme(t)
	got := ask(t, url, "webhook", "list")
	require.Equal(t, answer{0, "No webhooks.\n", ""}, got)
	got = ask(t, url, "webhook", "add", "https://receiver.example/hooks", "--kind", "withdrawal", "--as", "zhao")
	require.Equal(t, 0, got.code, got.err)
	require.Contains(t, got.out, "Webhook 1 tells https://receiver.example/hooks of cases of kind withdrawal.\nIts secret, shown only now: whsec_")
	added := decoded(t, ask(t, url, "webhook", "add", "http://localhost:9/hooks", "--as", "zhao", "--json").out)
	require.Equal(t, []any{2.0, []any{}}, []any{added["webhook"], added["kinds"]})
	require.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=$`, added["secret"])
	for _, args := range [][]string{{"webhook", "list"}, {"webhook", "list", "--json"}, {"webhook", "dead", "--json"}} {
		require.NotContains(t, ask(t, url, args...).out, "whsec_")
	}
	require.Equal(t, answer{0, "No dead deliveries.\n", ""}, ask(t, url, "webhook", "dead"))

	number := open(t, url)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	db.MustExec(`UPDATE webhook_deliveries SET attempts = 8, status = 500, error = 'the receiver answers 500', dead_at = $1`, time.Now())
	list := decoded(t, ask(t, url, "webhook", "list", "--json").out)["webhooks"].([]any)
	require.Len(t, list, 2)
	require.Equal(t, []any{"active", 0.0, 1.0}, []any{list[0].(map[string]any)["state"], list[0].(map[string]any)["waiting"], list[0].(map[string]any)["dead"]})
	dead := decoded(t, ask(t, url, "webhook", "dead", "--json").out)["dead"].([]any)
	require.Len(t, dead, 2)
	first := dead[0].(map[string]any)
	require.Equal(t, "msg_1_"+number+"_1", first["delivery"])
	require.Equal(t, number, first["body"].(map[string]any)["data"].(map[string]any)["case"])
	require.Contains(t, ask(t, url, "webhook", "dead").out, "withdrawal.submit")

	require.Equal(t, answer{0, "Back in the queue: 1.\n", ""}, ask(t, url, "webhook", "replay", "msg_1_"+number+"_1", "--as", "zhao"))
	require.Equal(t, map[string]any{"replayed": 1.0}, decoded(t, ask(t, url, "webhook", "replay", "--all", "--as", "zhao", "--json").out))
	require.Equal(t, answer{0, "Webhook 2 is removed.\n", ""}, ask(t, url, "webhook", "remove", "2", "--as", "zhao"))
	require.Equal(t, map[string]any{"webhook": 1.0, "state": "active"}, decoded(t, ask(t, url, "webhook", "resume", "1", "--as", "zhao", "--json").out))
	require.Len(t, decoded(t, ask(t, url, "webhook", "list", "--json").out)["webhooks"].([]any), 1)
}

func TestGivenAWebhookThatMayNotBeWhenItIsAddedThenTheAnswerSaysWhy(t *testing.T) {
	url := programme(t)
	got := ask(t, url, "webhook", "add", "https://receiver.example", "--as", "li")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.out, "COM-16  CBC.0151  person li  Only a finance manager of the vendor has a say in webhooks")
	for _, args := range [][]string{
		{"webhook", "add", "http://receiver.example", "--as", "zhao"},
		{"webhook", "add", "https://receiver.example"},
		{"webhook", "remove", "one", "--as", "zhao"},
		{"webhook", "remove", "9", "--as", "zhao"},
		{"webhook", "replay", "--as", "zhao"},
		{"webhook", "replay", "msg_1_W000001_1", "--all", "--as", "zhao"},
		{"webhook", "replay", "msg_1_W000001_1", "--as", "zhao"},
	} {
		require.Equal(t, 2, ask(t, url, args...).code, args)
	}
}

func TestGivenAPersonWhenTheyChooseADigestThenItIsKeptAndLoadingTheProgrammeAgainLeavesIt(t *testing.T) {
	url := programme(t)
	require.Equal(t, answer{0, "li gets one digest a day, at 09:00 UTC+8; codes go at once.\n", ""}, ask(t, url, "person", "notify", "li", "digest"))
	require.Equal(t, 0, ask(t, url, "load", "../demo/programme.yaml").code)
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	var digests []string
	require.NoError(t, db.Select(&digests, `SELECT person_id FROM people WHERE notify = 'digest'`))
	require.Equal(t, []string{"li"}, digests)
	require.Equal(t, map[string]any{"person": "li", "notify": "each"}, decoded(t, ask(t, url, "person", "notify", "li", "each", "--json").out))
	require.Contains(t, ask(t, url, "person", "notify", "li", "weekly").err, `Messages come as each or digest, not "weekly".`)
	require.Equal(t, 2, ask(t, url, "person", "notify", "nobody", "digest").code)
}
