package main

import (
	"testing"
	"time"

	"countersign/domain/calendar"

	"github.com/stretchr/testify/require"
)

// Rules: PGM-02, COM-16
func TestGivenAnAbsenceWhenItIsSetThenTheSubstituteDecidesAndADayCountsInFull(t *testing.T) {
	url := programme(t)
	require.Equal(t, answer{0, "No absences.\n", ""}, ask(t, url, "absence", "list"))
	got := ask(t, url, "absence", "set", "li", "--substitute", "wang", "--from", "2031-11-24T09:00", "--to", "2031-11-28", "--as", "zhao")
	require.Equal(t, answer{0, "wang may decide for li from 2031-11-24 09:00 +08:00 until 2031-11-29 00:00 +08:00.\n", ""}, got)
	got = ask(t, url, "absence", "set", "li", "--substitute", "wang", "--from", "2031-11-24T09:00", "--to", "2031-11-26T12:00", "--as", "li", "--json") // back early
	require.Equal(t, map[string]any{"person": "li", "substitute": "wang", "from": "2031-11-24T09:00:00+08:00", "to": "2031-11-26T12:00:00+08:00"}, decoded(t, got.out))

	task := lateReturn(t, url, paid(t, url), "li", "R-1")
	today := calendar.DateOf(time.Now()).String()
	require.Equal(t, 1, ask(t, url, "task", "decide", task, "reject", "--as", "zhao", "--reason", "no").code, "zhao is not asked")
	require.Equal(t, 0, ask(t, url, "absence", "set", "wang", "--substitute", "zhao", "--from", today, "--to", today, "--as", "wang").code)
	require.Equal(t, 0, ask(t, url, "task", "decide", task, "reject", "--as", "zhao", "--reason", "no").code)
	require.Contains(t, ask(t, url, "task", "show", task).out, "reject by zhao for wang at ")

	require.Equal(t, 0, ask(t, url, "absence", "set", "li", "--substitute", "zhao", "--from", "2025-11-03", "--to", "2025-11-03", "--as", "li").code)
	list := func(args ...string) []any {
		return decoded(t, ask(t, url, append([]string{"absence", "list", "--json"}, args...)...).out)["absences"].([]any)
	}
	require.Len(t, list(), 2)
	require.Equal(t, "now", list()[0].(map[string]any)["state"])
	require.Len(t, list("--all"), 3)
	require.Len(t, list("--person", "zhao"), 1, "who stands in counts")
	require.Regexp(t, `(?m)^li +wang +2031-11-24 09:00 \+08:00  2031-11-26 12:00 \+08:00  later  by zhao at `, ask(t, url, "absence", "list").out)
	require.Equal(t, answer{2, "", "Person \"nobody\": not found.\n"}, ask(t, url, "absence", "list", "--person", "nobody"))

	got = ask(t, url, "absence", "set", "li", "--substitute", "alice", "--from", "2031-11-24", "--to", "2031-11-23", "--as", "wang")
	require.Equal(t, 1, got.code)
	for _, want := range []string{"Wang Wei is neither Li Na nor their superior", "Alice Chen cannot stand in for li", "has to end after that"} {
		require.Contains(t, got.out, want, "all of it at once")
	}
	require.Len(t, list("--all"), 3)
}

// Rules: COM-16, ENG-02
func TestGivenAPersonWhoLeavesThenTheirTasksGoOnAndTheyDecideNothing(t *testing.T) {
	url := programme(t)
	task := lateReturn(t, url, paid(t, url), "li", "R-1")
	got := ask(t, url, "person", "leave", "wang", "--successor", "nobody", "--as", "wang")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.out, "You cannot record your own leaving")
	require.Contains(t, got.out, `"nobody" cannot take over`)

	got = ask(t, url, "person", "leave", "wang", "--as", "zhao")
	require.Equal(t, answer{0, "wang has left and decides nothing any more. Handed over to -: 0 tasks. For the process owner, since nobody else may decide: 1.\n", ""}, got)
	got = ask(t, url, "person", "leave", "wang", "--as", "zhao", "--json")
	require.Equal(t, map[string]any{"person": "wang", "handed_over": 0.0, "to_owner": 0.0}, decoded(t, got.out), "a repeat does nothing twice")
	require.Contains(t, ask(t, url, "task", "decide", task, "reject", "--as", "wang", "--reason", "no").out, "Wang Wei has left")
	require.Equal(t, 0, ask(t, url, "task", "decide", task, "reject", "--as", "zhao", "--reason", "no").code)
}
