package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/refusal"
	"countersign/workflows"

	"github.com/spf13/cobra"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
)

func (h *house) calendarCommand() *cobra.Command {
	var from string
	var days int
	due := &cobra.Command{
		Use: "due --from DATE --workdays N", Short: "Count working days; no server is asked", Args: exactly(),
		RunE: func(*cobra.Command, []string) error { return h.due(from, days) },
	}
	due.Flags().StringVar(&from, "from", "", "the day that is not counted, like 2025-11-03")
	due.Flags().IntVar(&days, "workdays", 0, "how many working days")
	return group("calendar", "Working days of the People's Republic of China", needs(due, "from", "workdays"))
}

func (h *house) due(from string, days int) error {
	first, err := calendar.ParseDate(from)
	if err != nil {
		return usageError{fmt.Errorf("--from: %w", err)}
	}
	if days <= 0 {
		return usageError{errors.New("--workdays is a number above zero")}
	}
	last, closes, err := calendar.China().WorkingDays(first, days)
	var missing calendar.NoDataError
	if errors.As(err, &missing) { // as an application in that situation is refused
		return refusal.List{refusal.New("ENG-05", "PRG.ENG.05", "calendar", "%s", missing.Error())}
	}
	if err != nil {
		return err
	}
	return h.show(struct {
		From     calendar.Date `json:"from"`
		Workdays int           `json:"workdays"`
		Last     calendar.Date `json:"last"`   // the last counted day
		Closes   time.Time     `json:"closes"` // from this instant on it is late
	}{first, days, last, closes}, func() {
		record(h.out, "from", fmt.Sprintf("%s (%s)", first, first.Weekday()), "working days", days,
			"last counted day", fmt.Sprintf("%s (%s)", last, last.Weekday()), "closes", shown(closes))
	})
}

func (h *house) outboxCommand() *cobra.Command {
	var person string
	var all bool
	c := &cobra.Command{
		Use: "outbox", Short: "Read messages that are not delivered yet", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			messages, err := r.Outbox(c.Context(), person, all)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"messages": messages}, func() {
				for _, m := range messages {
					sent := "not delivered"
					if m.SentAt != nil {
						sent = "delivered " + shown(*m.SentAt)
					}
					if m.Error != "" {
						sent += fmt.Sprintf(" (%d attempts, the last failed: %s)", m.Attempts, m.Error)
					}
					h.say("%s  to %s  %s\n%s", shownToTheSecond(m.WrittenAt), oneLine(m.Person+" "+m.Email), sent, oneLine(m.Subject))
					for line := range strings.Lines(m.Body) {
						h.say("%s", oneLine("    "+line))
					}
					h.say("")
				}
				if len(messages) == 0 {
					h.say("No messages.")
				}
			})
		},
	}
	c.Flags().StringVar(&person, "person", "", "those to a person")
	c.Flags().BoolVar(&all, "all", false, "delivered ones too")
	return c
}

func (h *house) replayCommand() *cobra.Command {
	var running bool
	c := &cobra.Command{
		Use: "replay [FILE.json | FOLDER ...] [--running]", Short: "Replay recorded histories, or those that run now, against this build", Args: cobra.ArbitraryArgs,
		Long: `Replay histories against this build before it is deployed: a step that the new code would not take is found here and
not in a running case. Files are histories as JSON, as the Temporal UI and command line save them; of a folder every .json file.`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && !running {
				return usageError{errors.New("name recorded histories or folders of them, or replay what runs with --running")}
			}
			return h.replay(c.Context(), args, running)
		},
	}
	c.Flags().BoolVar(&running, "running", false, "the histories of the cluster's running cases")
	return c
}

// replayed is how one history fared.
type replayed struct {
	History string `json:"history"`
	Events  int    `json:"events"`
	Error   string `json:"error,omitempty"`
}

func (h *house) replay(ctx context.Context, names []string, running bool) error {
	results := []replayed{}
	files, err := historyFiles(names)
	if err != nil {
		return err
	}
	for _, f := range files {
		history, err := readHistory(f)
		results = append(results, replayHistory(f, history, err))
	}
	if running {
		if results, err = h.replayRunning(ctx, results); err != nil {
			return err
		}
	}
	failed := 0
	for _, r := range results {
		if r.Error != "" {
			failed++
		}
	}
	if err := h.show(map[string]any{"failed": failed, "replayed": results}, func() {
		t := newTable("HISTORY", "EVENTS>", "RESULT")
		for _, r := range results {
			result := "replays"
			if r.Error != "" {
				result = "FAILS: " + r.Error
			}
			t.add(r.History, r.Events, result)
		}
		t.printOr(h.out, "Nothing to replay.")
	}); err != nil {
		return err
	}
	if failed > 0 {
		return stopped(2)
	}
	return nil
}

// historyFiles opens folders.
func historyFiles(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		err := filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == name || filepath.Ext(path) == ".json") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(names) > 0 && len(files) == 0 {
		return nil, fmt.Errorf("no history (*.json) in %s", strings.Join(names, ", "))
	}
	return files, nil
}

func readHistory(file string) (*historypb.History, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return client.HistoryFromJSON(f, client.HistoryJSONOptions{})
}

// replayHistory runs one history against the workflows of this build.
func replayHistory(name string, history *historypb.History, err error) replayed {
	r := replayed{History: name, Events: len(history.GetEvents())}
	if err == nil {
		replayer := worker.NewWorkflowReplayer()
		workflows.Register(replayer)
		err = replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), history)
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func (h *house) replayRunning(ctx context.Context, results []replayed) ([]replayed, error) {
	c, err := h.cluster(ctx)
	if err != nil {
		return nil, err
	}
	query := fmt.Sprintf("ExecutionStatus = 'Running' AND TaskQueue = '%s'", workflows.TaskQueue)
	for page := []byte(nil); ; {
		list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: h.namespace, Query: query, NextPageToken: page})
		if err != nil {
			return nil, fmt.Errorf("list running cases: %w", err)
		}
		for _, e := range list.GetExecutions() {
			id, run := e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId()
			history, err := download(ctx, c, id, run)
			results = append(results, replayHistory(id, history, err))
		}
		if page = list.GetNextPageToken(); len(page) == 0 {
			return results, nil
		}
	}
}

func download(ctx context.Context, c client.Client, workflowID, runID string) (*historypb.History, error) {
	var history historypb.History
	events := c.GetWorkflowHistory(ctx, workflowID, runID, false, 0)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("download: %w", err)
		}
		history.Events = append(history.Events, e)
	}
	return &history, nil
}
