package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/withdrawal"
	"countersign/internal/stacktest"
	"countersign/schema"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// told ends a worker as Kubernetes does, and returns its exit code; -1 when a signal ended it.
func told(t *testing.T, w *stacktest.Worker) int {
	t.Helper()
	require.NoError(t, syscall.Kill(-w.Process.Process.Pid, syscall.SIGTERM))
	return exit(t, w)
}

func exit(t *testing.T, w *stacktest.Worker) int {
	t.Helper()
	select {
	case <-w.Ended:
	case <-time.After(patience):
		t.Fatalf("the worker does not end; %s", stacktest.Tail(w.Log))
	}
	return w.Process.ProcessState.ExitCode()
}

// locked holds a lock on a table, as the owner may, until it is released.
func (s *stack) locked(t *testing.T, table, mode string) (release func()) {
	t.Helper()
	db, err := schema.OpenOwner(s.Now.DatabaseURL)
	require.NoError(t, err)
	tx, err := db.Beginx()
	require.NoError(t, err)
	_, err = tx.Exec("LOCK TABLE " + table + " IN " + mode + " MODE")
	require.NoError(t, err)
	return func() { require.NoError(t, tx.Rollback()); require.NoError(t, db.Close()) }
}

// waitsFor waits until a step waits for the lock.
func (s *stack) waitsFor(t *testing.T, table string) {
	t.Helper()
	eventually(t, "a step that waits for "+table, func() (bool, error) {
		var n int
		err := s.views.DB.GetContext(t.Context(), &n, `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass`, table)
		return n > 0, err
	})
}

// builds is what deployment show answers.
type builds struct {
	Current  string `json:"current"`
	Versions []struct {
		BuildID string  `json:"build_id"`
		Status  string  `json:"status"`
		Ramp    float32 `json:"ramp_percent"`
		Open    int     `json:"open"`
		Pinned  int     `json:"pinned"`
	} `json:"versions"`
}

func (s *stack) builds(t *testing.T) (current string, each map[string]string) {
	t.Helper()
	var b builds
	s.ask(t, 0, &b, "deployment", "show")
	each = map[string]string{}
	for _, v := range b.Versions {
		each[v.BuildID] = fmt.Sprintf("%s %g%% %d pinned", v.Status, v.Ramp, v.Pinned)
	}
	return b.Current, each
}

// buildOf is the build that did the last step of a run, and how the run meets a new one.
func (s *stack) buildOf(t *testing.T, workflowID string) (build, behaviour string) {
	t.Helper()
	described, err := s.client.DescribeWorkflowExecution(t.Context(), workflowID, "")
	require.NoError(t, err)
	v := described.GetWorkflowExecutionInfo().GetVersioningInfo()
	return v.GetDeploymentVersion().GetBuildId(), v.GetBehavior().String()
}

func TestGivenTwoBuilds_WhenTheSecondIsPromoted_ThenCasesMoveToItPinnedRunsEndOnTheFirstAndThenItMayStop(t *testing.T) {
	p := newPartner(t, "PROLLOUT", lot{withdrawal.EbankCorporate, "1000.00"})
	s := p.s
	s.killWorker()
	version := func(build string) *stacktest.Worker {
		return s.anotherWorker(t, "WORKER_VERSIONING=true", "WORKER_BUILD_ID="+build)
	}
	first := version("first")
	t.Cleanup(func() {
		first.Kill()
		require.Equal(t, 0, s.starter(context.Background(), nil, "deployment", "promote", "--unversioned").code)
	})
	s.ask(t, 0, nil, "deployment", "promote", "first")
	waiting, paying := p.underReview("k1"), p.paying("k2") // update-with-start reaches a build, too
	build, behaviour := s.buildOf(t, waiting.workflowID)
	require.Equal(t, "first AutoUpgrade", build+" "+behaviour)

	release := s.locked(t, "bills", "ACCESS EXCLUSIVE")
	run, err := s.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "daily/rollout", TaskQueue: workflows.TaskQueue}, workflows.DailyType, workflows.DailyInput{})
	require.NoError(t, err)
	s.waitsFor(t, "bills")
	eventually(t, "the pinned run", func() (bool, error) {
		_, each := s.builds(t)
		return each["first"] == "current 0% 1 pinned", nil
	})

	second := version("second")
	t.Cleanup(second.Kill)
	s.ask(t, 0, nil, "deployment", "promote", "second", "--ramp", "10")
	current, each := s.builds(t)
	require.Equal(t, "first", current)
	require.Equal(t, "ramping 10% 0 pinned", each["second"])
	s.ask(t, 0, nil, "deployment", "promote", "first")
	_, each = s.builds(t)
	require.NotContains(t, each["second"], "ramping", "a rollback leaves nothing to the second build")
	s.replaysAllBut(t, workflows.DailyType)
	s.ask(t, 0, nil, "deployment", "promote", "second")
	current, each = s.builds(t)
	require.Equal(t, "second", current)
	require.Equal(t, "current 0% 0 pinned", each["second"])
	require.Equal(t, "draining 0% 1 pinned", each["first"])
	said := s.starter(t.Context(), nil, "deployment", "drained", "first")
	require.Equal(t, 2, said.code)
	require.Equal(t, "first is draining: 1 runs have to end there.\n", said.out)

	waiting.must(withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Approve}, withdrawal.Approved)
	build, _ = s.buildOf(t, waiting.workflowID)
	require.Equal(t, "second", build, "an open case was decided by the new build")
	fresh := p.underReview("k3")
	build, _ = s.buildOf(t, fresh.workflowID)
	require.Equal(t, "second", build)

	release()
	require.NoError(t, run.Get(t.Context(), nil))
	build, behaviour = s.buildOf(t, run.GetID())
	require.Equal(t, "first Pinned", build+" "+behaviour, "it ended where it began")
	s.ask(t, 0, nil, "deployment", "drained", "first", "--wait", "2m")
	require.Equal(t, 0, told(t, first))

	paying.confirm("100.00") // untouched while the first build ran
	build, _ = s.buildOf(t, paying.workflowID)
	require.Equal(t, "second", build)
	s.addsUp(t)
}

// replaysAllBut asks the gate while a run of the type is pinned to another build.
func (s *stack) replaysAllBut(t *testing.T, pinned string) {
	t.Helper()
	var said struct {
		Types []struct {
			Workflow string `json:"workflow"`
			Pinned   int    `json:"pinned"`
			Replayed int    `json:"replayed"`
		} `json:"types"`
	}
	s.ask(t, 0, &said, "replay", "--running")
	for _, one := range said.Types {
		if one.Workflow == pinned {
			require.Equal(t, 1, one.Pinned)
			require.Zero(t, one.Replayed)
			return
		}
	}
	t.Errorf("%s is not in the list", pinned)
}

// events counts the history of a case.
func (s *stack) events(t *testing.T, workflowID string) int {
	t.Helper()
	n := 0
	for each := s.client.GetWorkflowHistory(t.Context(), workflowID, "", false, 0); each.HasNext(); n++ {
		_, err := each.Next()
		require.NoError(t, err)
	}
	return n
}

// The history is a real one: of other code under the name of one of our workflows, whose build is replaced by ours.
func TestGivenARunThatThisBuildWouldNotRepeat_WhenWhatRunsIsReplayed_ThenTheGateIsShut(t *testing.T) {
	s := running(t)
	s.killWorker() // the next test starts another
	other := worker.New(s.client, workflows.TaskQueue, worker.Options{})
	other.RegisterWorkflowWithOptions(func(ctx workflow.Context, _ workflows.LinesExportInput) error { return workflow.Sleep(ctx, time.Hour) },
		workflow.RegisterOptions{Name: workflows.LinesExportType})
	require.NoError(t, other.Start())
	run, err := s.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "changed", TaskQueue: workflows.TaskQueue}, workflows.LinesExportType, workflows.LinesExportInput{Key: "K"})
	require.NoError(t, err)
	eventually(t, "its timer", func() (bool, error) { return s.events(t, run.GetID()) >= 5, nil })
	other.Stop()
	defer func() {
		require.NoError(t, s.client.TerminateWorkflow(context.Background(), run.GetID(), "", "the test is over"))
	}()

	var said struct {
		Failed int `json:"failed"`
		Types  []struct {
			Workflow string `json:"workflow"`
			Failed   int    `json:"failed"`
		} `json:"types"`
		Replayed []struct {
			History string `json:"history"`
			Error   string `json:"error"`
		} `json:"replayed"`
	}
	eventually(t, "the run in the list", func() (bool, error) {
		answer := s.starter(t.Context(), nil, "replay", "--running")
		return answer.code == 2 && strings.Contains(answer.out, "This build must not be deployed: 1 of "), nil
	})
	s.ask(t, 2, &said, "replay", "--running", "--sample", "1")
	require.Equal(t, 1, said.Failed)
	i := slices.IndexFunc(said.Types, func(one struct {
		Workflow string `json:"workflow"`
		Failed   int    `json:"failed"`
	},
	) bool {
		return one.Failed > 0
	})
	require.Equal(t, workflows.LinesExportType, said.Types[i].Workflow)
}

func TestGivenCasesInFlight_WhenTheWorkerIsToldToStop_ThenNothingIsLostAndItEndsInOrder(t *testing.T) {
	s := running(t)
	underFire(t, "PDRAIN", 8, []int{6, 20}, func() {
		require.Equal(t, 0, told(t, s.worker))
		s.startWorker(t)
	})
}

func TestGivenAStepUnderWay_WhenTheWorkerIsToldToStop_ThenItCommitsAndASecondSignalDoesNotWait(t *testing.T) {
	p := newPartner(t, "PSTEP", lot{withdrawal.EbankCorporate, "1000.00"})
	s := p.s
	c := p.underReview("k1")
	s.killWorker()
	address := free(t)
	s.startWorker(t, "METRICS_ADDRESS="+address)
	code, said := get(t, address, "/readyz")
	require.Equal(t, "200 ok\n", fmt.Sprint(code, " ", said))

	release := s.locked(t, "events", "SHARE")
	answered := c.asks(withdrawal.Review, approve)
	s.waitsFor(t, "events")
	require.NoError(t, syscall.Kill(-s.worker.Process.Process.Pid, syscall.SIGTERM))
	eventually(t, "the drain", func() (bool, error) {
		code, said := get(t, address, "/readyz")
		return code == http.StatusServiceUnavailable && said == "worker: draining\n", nil
	})
	code, _ = get(t, address, "/livez")
	require.Equal(t, http.StatusOK, code)
	release()
	require.Equal(t, 0, exit(t, s.worker))
	require.Equal(t, withdrawal.Approved, c.state(), "what had begun is committed")
	s.startWorker(t)
	require.NoError(t, <-answered)

	release = s.locked(t, "events", "SHARE")
	answered = c.asks(withdrawal.Send, sent)
	s.waitsFor(t, "events")
	require.NoError(t, syscall.Kill(-s.worker.Process.Process.Pid, syscall.SIGTERM))
	eventually(t, "the drain", func() (bool, error) { return strings.Contains(stacktest.Tail(s.worker.Log), "worker drains"), nil })
	require.NoError(t, syscall.Kill(-s.worker.Process.Process.Pid, syscall.SIGTERM))
	require.Equal(t, -1, exit(t, s.worker), "the step still waits, the process does not")
	release()
	s.startWorker(t)
	require.NoError(t, <-answered)
	require.Equal(t, withdrawal.Paying, c.state())
	s.addsUp(t)
}

// asks decides in the background.
func (c *theCase) asks(kind approval.Matter, d approval.Decision) <-chan error {
	answered := make(chan error, 1)
	go func() {
		_, err := c.decide(kind, d)
		answered <- err
	}()
	return answered
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// get asks the worker; code 0 is no answer.
func get(t *testing.T, address, path string) (int, string) {
	t.Helper()
	answer, err := http.Get("http://" + address + path)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}
