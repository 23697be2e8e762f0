package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"countersign/internal/codec"
	"countersign/views"
	"countersign/workflows"

	"github.com/spf13/cobra"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"
)

func (h *house) replayCommand() *cobra.Command {
	var running, none bool
	var sample int
	c := &cobra.Command{
		Use: "replay [FILE.json | FOLDER ...] [--running [--sample N] [--none-is-fine]]", Short: "Replay recorded histories, or those that run now, against this build", Args: cobra.ArbitraryArgs,
		Long: `Replay histories against this build before it is deployed: a step that the new code would not take is found here and
not in a running case. Files are histories as JSON, as the Temporal UI and command line save them, encrypted or not; of a folder every .json file.
Of what runs, runs that are pinned to the build on which they began are counted only: this build never gets them. Where
nothing runs nothing is proven, and a wrong TEMPORAL_NAMESPACE looks just like that: --none-is-fine is for a cluster that is new.

Exit code 0: every history replays. 2: this build must not be deployed, or it could not be found out.`,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && !running:
				return usageError{errors.New("name recorded histories or folders of them, or replay what runs with --running")}
			case c.Flags().Changed("sample") && (!running || sample <= 0):
				return usageError{errors.New("--sample is a number above zero, and goes with --running")}
			case none && !running:
				return usageError{errors.New("--none-is-fine goes with --running")}
			}
			return h.replay(c.Context(), args, running, none, sample)
		},
	}
	c.Flags().BoolVar(&running, "running", false, "the histories of the cluster's running cases")
	c.Flags().BoolVar(&none, "none-is-fine", false, "with --running: nothing runs yet, and that is no mistake")
	c.Flags().IntVar(&sample, "sample", 0, "at most so many of each type, drawn by lot; all when left out")
	return c
}

// source is a history that can be fetched.
type source struct {
	name, workflow string // workflow is empty until the history is read
	fetch          func(context.Context) (*historypb.History, error)
}

// replayed is how one history fared.
type replayed struct {
	History  string `json:"history"`
	Workflow string `json:"workflow"`
	Run      string `json:"run,omitempty"`
	Events   int    `json:"events"`
	Skipped  bool   `json:"skipped,omitempty"` // the run is gone meanwhile
	Error    string `json:"error,omitempty"`
}

// tally is how the histories of one type fared.
type tally struct {
	Workflow string `json:"workflow"`
	Running  int    `json:"running"` // in the cluster; of files nothing runs
	Pinned   int    `json:"pinned"`  // of these: not replayed, since they end on the build on which they began
	Replayed int    `json:"replayed"`
	Failed   int    `json:"failed"`
	Skipped  int    `json:"skipped"`
}

func (h *house) replay(ctx context.Context, names []string, running, none bool, sample int) error {
	files, err := historyFiles(names)
	if err != nil {
		return err
	}
	payloads, err := h.payloads()
	if err != nil {
		return err
	}
	sources := make([]source, len(files))
	for i, f := range files {
		sources[i] = source{name: f, fetch: func(ctx context.Context) (*historypb.History, error) { return readHistory(ctx, payloads, f) }}
	}
	found := map[string]tally{}
	if running {
		drawn, err := h.runningNow(ctx, sample, found)
		if err != nil {
			return err
		}
		if len(found) == 0 && !none {
			return fmt.Errorf("nothing runs in the namespace %s on the task queue %s, so nothing was proven; look at TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, or add --none-is-fine where no case was opened yet", h.namespace, workflows.TaskQueue)
		}
		sources = append(sources, drawn...)
	}
	results, err := h.replayAll(ctx, sources)
	if err != nil {
		return err
	}
	types, failed := tallies(results, found)
	if err := h.show(map[string]any{"failed": failed, "types": types, "replayed": results}, func() { h.showReplay(types, results) }); err != nil {
		return err
	}
	if failed > 0 {
		return stopped(2)
	}
	return nil
}

func (h *house) showReplay(types []tally, results []replayed) {
	t := newTable("WORKFLOW", "RUNNING>", "PINNED>", "REPLAYED>", "FAILED>", "SKIPPED>")
	for _, one := range types {
		t.add(none(one.Workflow), one.Running, one.Pinned, one.Replayed, one.Failed, one.Skipped)
	}
	t.printOr(h.out, "Nothing to replay.")
	failures := newTable("HISTORY", "RUN", "EVENTS>", "WHY")
	for _, r := range results {
		if r.Error != "" {
			failures.add(r.History, none(r.Run), r.Events, r.Error)
		}
	}
	if failures.rows > 0 {
		h.say("\nThis build must not be deployed: %d of %d histories do not replay.\n", failures.rows, len(results))
		failures.print(h.out)
	}
}

func tallies(results []replayed, running map[string]tally) (types []tally, failed int) {
	by := map[string]*tally{}
	of := func(workflow string) *tally {
		if by[workflow] == nil {
			found := running[workflow]
			found.Workflow = workflow
			by[workflow] = &found
		}
		return by[workflow]
	}
	for workflow := range running {
		of(workflow)
	}
	for _, r := range results {
		switch t := of(r.Workflow); {
		case r.Skipped:
			t.Skipped++
		case r.Error != "":
			t.Failed++
			failed++
		default:
			t.Replayed++
		}
	}
	types = []tally{}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		types = append(types, *by[name])
	}
	return types, failed
}

// replayAll downloads and replays a few histories at a time, so that memory is bounded by the longest ones.
func (h *house) replayAll(ctx context.Context, sources []source) ([]replayed, error) {
	told, done := h.progress()
	defer done()
	var count counter
	results := make([]replayed, len(sources))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0)) // while some wait for the server
	for i, s := range sources {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			results[i] = replayOne(ctx, s)
			count.tell(told, len(sources))
			return ctx.Err()
		})
	}
	err := group.Wait()
	slices.SortStableFunc(results, func(a, b replayed) int { return cmp.Compare(a.Workflow, b.Workflow) })
	return results, err
}

// counter tells progress from many goroutines.
type counter struct {
	mu   sync.Mutex
	done int
}

func (c *counter) tell(told views.Progress, all int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done++; told != nil {
		told(int64(c.done), int64(all))
	}
}

func replayOne(ctx context.Context, s source) replayed {
	history, err := s.fetch(ctx)
	r := replayHistory(s.name, history, err)
	if r.Workflow == "" {
		r.Workflow = s.workflow
	}
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		r.Skipped, r.Error = true, ""
	}
	return r
}

// replayHistory runs one history against the workflows of this build.
func replayHistory(name string, history *historypb.History, err error) replayed {
	r := replayed{History: name, Events: len(history.GetEvents())}
	if r.Events > 0 {
		started := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
		r.Workflow, r.Run = started.GetWorkflowType().GetName(), started.GetOriginalExecutionRunId()
	}
	if err == nil {
		err = replayNow(history)
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// replayNow does not mind how long it takes: a busy machine is no reason to keep a build back.
func replayNow(history *historypb.History) error {
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DisableDeadlockDetection: true})
	if err != nil {
		return err
	}
	workflows.Register(replayer)
	return replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), history)
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

// readHistory decrypts what is encrypted in a file.
func readHistory(ctx context.Context, payloads *codec.Codec, file string) (*historypb.History, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	history, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		return nil, err
	}
	return history, payloads.Reveal(ctx, history)
}

// runningNow lists the cluster's open runs, counts them by type in found, and keeps a sample of those of each type that may
// come to another build, as large as asked for: old and young runs have the same chance.
func (h *house) runningNow(ctx context.Context, sample int, found map[string]tally) ([]source, error) {
	c, err := h.cluster(ctx)
	if err != nil {
		return nil, err
	}
	kept := map[string][]source{}
	query := fmt.Sprintf("ExecutionStatus = 'Running' AND TaskQueue = '%s'", workflows.TaskQueue)
	for page := []byte(nil); ; {
		list, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: h.namespace, Query: query, NextPageToken: page})
		if err != nil {
			return nil, fmt.Errorf("list running cases: %w", err)
		}
		for _, e := range list.GetExecutions() {
			id, run, name := e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId(), e.GetType().GetName()
			one := source{name: id, workflow: name, fetch: func(ctx context.Context) (*historypb.History, error) { return download(ctx, c, id, run) }}
			counted := found[name]
			counted.Running++
			stays := pinnedTo(e)
			if stays {
				counted.Pinned++
			}
			found[name] = counted
			if stays {
				continue
			}
			if sample == 0 || len(kept[name]) < sample {
				kept[name] = append(kept[name], one)
			} else if place := rand.IntN(counted.Running - counted.Pinned); place < sample {
				kept[name][place] = one
			}
		}
		if page = list.GetNextPageToken(); len(page) == 0 {
			break
		}
	}
	var all []source
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		all = append(all, kept[name]...)
	}
	return all, nil
}

// pinnedTo tells whether Temporal keeps a run on the build on which it began; runs of workers without versions go anywhere.
func pinnedTo(e *workflowpb.WorkflowExecutionInfo) bool {
	var behaviour string
	found := e.GetSearchAttributes().GetIndexedFields()["TemporalWorkflowVersioningBehavior"]
	return found != nil && converter.GetDefaultDataConverter().FromPayload(found, &behaviour) == nil && behaviour == "Pinned"
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
