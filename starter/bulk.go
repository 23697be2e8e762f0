package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/approval"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

// Many tasks decided by one command.
const (
	bulkLimit = 200
	bulkKey   = 128 - 64 - 1 // a decision's key has 128 characters: this one, a slash and a task
)

func (h *house) decideAllCommand() *cobra.Command {
	var d approval.Decision
	var file string
	c := &cobra.Command{
		Use: "decide-all OUTCOME TASK... --as PERSON", Short: "Give many tasks the same answer; each is judged by itself", Args: cobra.ArbitraryArgs,
		Long: fmt.Sprintf(`Give many tasks the same answer, at most %d in one command. Each is judged by itself: a refused one stops no other. TASK is -
for tasks on stdin, one a line; --file names a file of them. A task that is named twice counts once.

Repeat a command whose answer was lost, or that was interrupted, with the same --key: nothing happens twice. What was refused is
judged anew under a new key.

Exit code 0: all done. 1: the rules refuse some. 2: some failed otherwise, or were not tried.`, bulkLimit),
		Example: `  starter task decide-all approve W000001/review W000002/review --as fin-li
  starter task list --as fin-li --json | jq -r '.tasks[].task' | starter task decide-all approve - --as fin-li --key monday
  starter task decide-all transfer --file tasks.txt --to fin-wang --as fin-li`,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageError{errors.New("OUTCOME is missing")}
			case args[0] == "-" || strings.Contains(args[0], "/"):
				return usageError{fmt.Errorf("OUTCOME is missing, %q names tasks", args[0])}
			case len([]rune(d.Key)) > bulkKey:
				return usageError{fmt.Errorf("--key has at most %d characters", bulkKey)}
			}
			tasks, err := readTasks(c.Context(), args[1:], file, c.InOrStdin())
			if err != nil {
				return err
			}
			d.Outcome, d.Key = approval.Outcome(args[0]), cmp.Or(d.Key, uuid.NewString())
			return h.decideAll(c.Context(), d, tasks)
		},
	}
	f := c.Flags()
	decisionFlags(f, &d)
	toFlags(f, &d)
	f.StringVar(&file, "file", "", "a file of tasks, one a line")
	return needs(c, "as")
}

// readTasks collects the tasks of the command line, of stdin and of a file, each once.
func readTasks(ctx context.Context, named []string, file string, stdin io.Reader) ([]string, error) {
	var tasks []string
	seen := map[string]bool{}
	add := func(names ...string) {
		for _, name := range names {
			if !seen[name] {
				seen[name] = true
				tasks = append(tasks, name)
			}
		}
	}
	for _, name := range named {
		if name != "-" {
			add(name)
			continue
		}
		lines, err := readLines(ctx, "stdin", stdin)
		if err != nil {
			return nil, err
		}
		add(lines...)
	}
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		lines, err := readLines(ctx, file, f)
		if err != nil {
			return nil, err
		}
		add(lines...)
	}
	switch {
	case len(tasks) == 0:
		return nil, usageError{errors.New("TASK is missing")}
	case len(tasks) > bulkLimit:
		return nil, usageError{fmt.Errorf("%d tasks are named, one command takes at most %d; nothing was done, split them", len(tasks), bulkLimit)}
	}
	return tasks, nil
}

// readLines reads one task a line; it gives up when the command is interrupted while nothing comes.
func readLines(ctx context.Context, name string, from io.Reader) ([]string, error) {
	type read struct {
		lines []string
		err   error
	}
	done := make(chan read, 1)
	go func() {
		var got read
		scanner := bufio.NewScanner(from)
		for n := 1; scanner.Scan() && got.err == nil; n++ {
			switch words := strings.Fields(scanner.Text()); len(words) {
			case 0:
			case 1:
				got.lines = append(got.lines, words[0])
			default:
				got.err = usageError{fmt.Errorf("line %d of %s is %q; write one task a line", n, name, oneLine(scanner.Text()))}
			}
		}
		if err := scanner.Err(); err != nil && got.err == nil {
			got.err = fmt.Errorf("read %s: %w", name, err)
		}
		done <- got
	}()
	select {
	case got := <-done:
		return got.lines, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bulkItem is how one of many tasks fared.
type bulkItem struct {
	Task    string           `json:"task"`
	Result  string           `json:"result"` // done, refused, failed or not tried
	Case    string           `json:"case,omitempty"`
	State   withdrawal.State `json:"state,omitempty"` // of the case, afterwards
	Refused refusal.List     `json:"refused,omitempty"`
	Error   string           `json:"error,omitempty"`
}

func (h *house) decideAll(ctx context.Context, d approval.Decision, tasks []string) error {
	if err := h.connect(ctx, tasks); err != nil {
		return err
	}
	progress, end := h.progress()
	found := desk.DecideAll(ctx, d, tasks, func(ctx context.Context, d approval.Decision) (activities.Standing, error) {
		now, _, err := h.decide(ctx, d)
		return now, err
	}, progress)
	end()
	items := make([]bulkItem, len(found))
	for i, f := range found {
		items[i] = bulkItem{Task: f.Task, Result: f.Result, Case: f.Now.Case, State: f.Now.State, Refused: f.Refused}
		if f.Err != nil {
			items[i].Error = sentence(f.Err)
		}
	}
	return h.bulkAnswer(d.Key, items)
}

// connect reaches what the decisions need before the first of them is sent: Postgres, and Temporal if a case is still open.
func (h *house) connect(ctx context.Context, tasks []string) error {
	r, err := h.reader(ctx)
	if err != nil {
		return err
	}
	for _, task := range tasks {
		c, err := r.Case(ctx, approval.CaseOf(task))
		if activities.IsNotFound(err) {
			continue // told of the task
		}
		if err != nil {
			return err
		}
		if c.ClosedAt == nil {
			_, err := h.cluster(ctx)
			return err
		}
	}
	return nil
}

func (h *house) bulkAnswer(key string, items []bulkItem) error {
	n := map[string]int{}
	for _, i := range items {
		n[i.Result]++
	}
	if err := h.show(map[string]any{
		"key": key, "done": n[desk.Done], "refused": n[desk.Refused], "failed": n[desk.Failed], "not_tried": n[desk.NotTried], "results": items,
	}, func() {
		t := newTable("TASK", "RESULT", "STATE OR REFUSAL")
		for _, i := range items {
			if len(i.Refused) == 0 {
				t.add(i.Task, i.Result, string(i.State)+i.Error)
			}
			for k, r := range i.Refused {
				what := fmt.Sprintf("%s %s: %s", r.Rule, r.Code, r.Message)
				if k > 0 { // one task, several guards
					t.add("", "", what)
					continue
				}
				t.add(i.Task, i.Result, what)
			}
		}
		t.print(h.out)
		h.say("\n%d done, %d refused, %d failed, %d not tried. Repeat with: --key %s", n[desk.Done], n[desk.Refused], n[desk.Failed], n[desk.NotTried], key)
	}); err != nil {
		return err
	}
	switch {
	case n[desk.Failed]+n[desk.NotTried] > 0:
		return stopped(2)
	case n[desk.Refused] > 0:
		return stopped(1)
	}
	return nil
}
