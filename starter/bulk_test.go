package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"countersign/schema"

	"github.com/stretchr/testify/require"
)

// lines writes a file of tasks.
func lines(t *testing.T, tasks ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tasks.txt")
	require.NoError(t, os.WriteFile(name, []byte(strings.Join(tasks, "\n")), 0o600))
	return name
}

// typed puts a text on stdin.
func typed(t *testing.T, text string) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	_, err = w.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	stdin := os.Stdin
	os.Stdin = r
	t.Cleanup(func() { os.Stdin = stdin; r.Close() })
}

func count(t *testing.T, url, query string, args ...any) (n int) {
	t.Helper()
	db, err := schema.Open(url)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.Get(&n, query, args...))
	return n
}

// Rules: ENG-02, COM-20
func TestGivenManyTasksWhenTheyAreDecidedAtOnceThenEachIsJudgedByItselfAndARepeatDoesNothingTwice(t *testing.T) {
	url := programme(t)
	var tasks []string
	for i := range 3 {
		by := "li"
		if i == 1 {
			by = "wang" // who decides below: not on the own report
		}
		tasks = append(tasks, lateReturn(t, url, paidAs(t, url, fmt.Sprint("key ", i)), by, fmt.Sprint("R-", i)))
	}
	second := lateReturn(t, url, "W000001", "li", "R-9") // of the first case
	typed(t, "\n"+tasks[1]+"\r\n  "+second+"  \n"+tasks[0]+"\n")
	line := []string{"task", "decide-all", "reject", tasks[0], "-", tasks[2], tasks[2], "--as", "wang", "--reason", "no return", "--key", "monday"}

	got := ask(t, url, append(line, "--json")...)
	require.Equal(t, 1, got.code, got.err+got.out)
	answer := decoded(t, got.out)
	require.Equal(t, []any{"monday", 3.0, 1.0, 0.0, 0.0}, []any{answer["key"], answer["done"], answer["refused"], answer["failed"], answer["not_tried"]})
	results := answer["results"].([]any)
	require.Len(t, results, 4, "a task that is named twice counts once")
	for i, want := range []string{tasks[0], tasks[1], second, tasks[2]} {
		item := results[i].(map[string]any)
		require.Equal(t, want, item["task"], "in the order of the input")
		if i == 1 {
			refused := item["refused"].([]any)[0].(map[string]any)
			require.Equal(t, []any{"refused", "ENG-02", "ENG_SELF_APPROVAL", "task " + tasks[1]}, []any{item["result"], refused["rule"], refused["code"], refused["object"]})
			continue
		}
		require.Equal(t, []any{"done", "PAID"}, []any{item["result"], item["state"]})
	}
	decisions := count(t, url, `SELECT count(*) FROM decisions WHERE key LIKE 'monday/%'`)
	require.Equal(t, 3, decisions)

	typed(t, tasks[1]+"\n"+second+"\n")
	require.Equal(t, got, ask(t, url, append(line, "--json")...), "the same again answers the same")
	require.Equal(t, decisions, count(t, url, `SELECT count(*) FROM decisions WHERE key LIKE 'monday/%'`))

	got = ask(t, url, "task", "decide-all", "reject", "--file", lines(t, tasks[0], tasks[1], "W9/review"), "--as", "wang", "--reason", "no return", "--key", "monday")
	require.Equal(t, 2, got.code, "one failed otherwise")
	text := strings.Split(got.out, "\n")
	require.Regexp(t, `^TASK +RESULT +STATE OR REFUSAL$`, text[0])
	require.Regexp(t, `^W000001/late-return +done +PAID$`, text[1])
	require.Regexp(t, `^W000002/late-return +refused +ENG-02 ENG_SELF_APPROVAL: You cannot decide on your own request`, text[2])
	require.Regexp(t, `^W9/review +failed +Task "W9/review": not found\.$`, text[3])
	require.Contains(t, got.out, "\n1 done, 1 refused, 1 failed, 0 not tried. Repeat with: --key monday\n")
	require.Equal(t, 0, ask(t, url, "ledger", "verify").code)
}

// Rule: COM-20
func TestGivenTheSameBulkCommandTwiceInOneInstantThenEachTaskIsDecidedOnce(t *testing.T) {
	url := programme(t)
	var tasks []string
	for i := range 3 {
		tasks = append(tasks, lateReturn(t, url, paidAs(t, url, fmt.Sprint("key ", i)), "li", fmt.Sprint("R-", i)))
	}
	line := append([]string{"task", "decide-all", "reject", "--as", "wang", "--reason", "no return", "--key", "k"}, tasks...)
	var both sync.WaitGroup
	got := make([]answer, 2)
	for i := range got {
		both.Go(func() { got[i] = ask(t, url, line...) })
	}
	both.Wait()
	require.Equal(t, 0, got[0].code, got[0].out+got[0].err)
	require.Equal(t, got[0], got[1])
	require.Equal(t, 3, count(t, url, `SELECT count(*) FROM decisions WHERE key LIKE 'k/%'`))

	other := ask(t, url, "task", "decide-all", "confirm", tasks[0], "--as", "wang", "--key", "k", "--json") // another content under the same key
	require.Equal(t, 1, other.code)
	require.Contains(t, other.out, "COM_REQUEST_KEY")
}

func TestGivenABulkCommandThatCannotBeUnderstoodThenNothingIsDone(t *testing.T) {
	url := programme(t)
	task := lateReturn(t, url, paid(t, url), "li", "R-1")
	many := []string{task}
	for i := range 200 {
		many = append(many, fmt.Sprintf("W%06d/review", i+1))
	}
	for want, args := range map[string][]string{
		"OUTCOME is missing.":                            {},
		`OUTCOME is missing, "` + task + `" names tasks`: {task},
		"TASK is missing.":                               {"reject"},
		"201 tasks are named, one command takes at most 200; nothing was done, split them.": {"reject", "--file", lines(t, many...)},
		"Line 2 of ":                      {"reject", "--file", lines(t, task, "W000001/review P1001 open")},
		"--key has at most 63 characters": {"reject", task, "--key", strings.Repeat("k", 64)},
		"--as is missing.":                nil,
	} {
		line := []string{"task", "decide-all"}
		if args != nil {
			line = append(append(line, args...), "--as", "wang")
		}
		got := ask(t, url, line...)
		require.Equal(t, 2, got.code, want)
		require.Empty(t, got.out)
		require.True(t, strings.HasPrefix(got.err, want), got.err)
	}
	require.Equal(t, "Open nowhere.txt: no such file or directory.\n", ask(t, url, "task", "decide-all", "reject", "--file", "nowhere.txt", "--as", "wang").err)
	require.Equal(t, 0, count(t, url, `SELECT count(*) FROM decisions WHERE matter = 'late-return'`))

	got := ask(t, url, append([]string{"task", "decide-all", "reject", "--as", "wang", "--reason", "no", "--json"}, many[:200]...)...)
	require.Equal(t, 2, got.code, "200 are looked at")
	require.Equal(t, 1.0, decoded(t, got.out)["done"])
}

func TestGivenAnOpenCaseAmongManyWhenTemporalIsNotThereThenNothingIsDone(t *testing.T) {
	url := programme(t)
	task := lateReturn(t, url, paid(t, url), "li", "R-1")
	review := openAs(t, url, "key 2") + "/review"
	got := ask(t, url, "task", "decide-all", "reject", task, review, "--as", "wang", "--reason", "no")
	require.Equal(t, 2, got.code)
	require.Empty(t, got.out)
	require.True(t, strings.HasPrefix(got.err, "Temporal is not reachable at "), got.err)
	require.Equal(t, 0, count(t, url, `SELECT count(*) FROM decisions WHERE matter = 'late-return'`))
}

func TestGivenAnInterruptionThenNothingIsReadFromATerminal(t *testing.T) {
	over, stop := context.WithCancel(t.Context())
	stop()
	silence, end := io.Pipe() // nobody types anything
	defer end.Close()
	_, err := readTasks(over, []string{"-"}, "", silence)
	require.ErrorIs(t, err, context.Canceled)
}
