package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/withdrawal"
	"countersign/internal/stacktest"
	"countersign/workflows"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A new way to end is recorded with
//
//	bin/local test -- go test ./e2e -run 'TestRecord.*/ENDING' -record
//
// after `make build`. Old histories stay as they are: a workflow that ran under them may still be running.
var record = flag.Bool("record", false, "write the histories that TestRecord plays to workflows/testdata/histories")

// endings are all the ways in which a withdrawal's payment can end. Each plays one and answers its case.
var endings = map[string]func(p *partner) *theCase{
	"paid_with_one_timer": func(p *partner) *theCase {
		c := p.paying("k")
		c.confirm("100.00")
		return c
	},
	"paid_by_rule": func(p *partner) *theCase {
		app := p.toBank("k", "100.00")
		app.Route, app.Payee = withdrawal.Original, withdrawal.Payee{}
		c := p.opens(app)
		require.Equal(p.t, withdrawal.Approved, c.state(), "wallet money needs no review")
		c.must(withdrawal.Send, sent, withdrawal.Paying)
		c.confirm("100.00")
		return c
	},
	"refused_opening": func(p *partner) *theCase {
		app := p.toBank("k", "100000.00")
		_, err := p.submit(app)
		require.Equal(p.t, []string{"WDR_AMOUNT"}, typed(p.t, err).Codes())
		return &theCase{p: p, workflowID: workflows.WithdrawalID(app)}
	},
	"refused": func(p *partner) *theCase { // after three refused attempts of others
		c := p.underReview("k")
		_, err := c.decide(withdrawal.Review, approval.Decision{Person: p.mei, Outcome: approval.Approve})
		require.Len(p.t, typed(p.t, err), 2)
		_, err = workflows.Cancel(p.t.Context(), p.s.client, c.workflowID, workflows.CancelRequest{Person: "lina"})
		require.Equal(p.t, []string{"CBC.0151"}, typed(p.t, err).Codes())
		other := withdrawal.Application{RequestKey: "k", PartnerID: p.id, Submitter: p.mei, Route: withdrawal.BankCard, Amount: "101.00"}
		_, err = p.submit(other)
		require.Equal(p.t, []string{"COM_REQUEST_KEY"}, typed(p.t, err).Codes())
		c.must(withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "no papers"}, withdrawal.Refused)
		return c
	},
	"refused_before_a_signal": func(p *partner) *theCase { // which is judged and recorded before the run closes
		c := p.underReview("k")
		c.refusedBefore(approval.Decision{Person: "zhao", Outcome: approval.Approve})
		require.NoError(p.t, p.s.client.GetWorkflow(p.t.Context(), c.workflowID, "").Get(p.t.Context(), nil))
		require.Equal(p.t, "zhao signal approve refused REFUSED>REFUSED ENG-03", c.history()[2])
		return c
	},
	"cancelled": func(p *partner) *theCase {
		c := p.underReview("k")
		_, err := workflows.Cancel(p.t.Context(), p.s.client, c.workflowID, workflows.CancelRequest{Person: p.mei, Reason: "typed wrong"})
		require.NoError(p.t, err)
		return c
	},
	"failed_before_sending": func(p *partner) *theCase {
		c := p.approved("k")
		c.must(withdrawal.Send, approval.Decision{Person: "zhao", Outcome: withdrawal.Fail, Reason: "bank unknown"}, withdrawal.Failed)
		return c
	},
	"failed_returned": func(p *partner) *theCase {
		c := p.paying("k")
		c.must(withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Bounced, Reason: "account closed"}, withdrawal.Failed)
		return c
	},
	"escalated_with_one_timer_then_paid": func(p *partner) *theCase { // both terms close
		p.s.setPolicy(p.t, func(policy *withdrawal.Policy) {
			policy.ReviewTerm, policy.ArrivalTerm = calendar.MustTerm("1s"), calendar.MustTerm("1s")
		})
		c := p.underReview("k")
		c.escalates(withdrawal.Review)
		c.must(withdrawal.Review, approval.Decision{Person: "chen", Outcome: approval.Approve}, withdrawal.Approved)
		c.escalates(withdrawal.Send)
		c.must(withdrawal.Send, approval.Decision{Person: "chen", Outcome: withdrawal.Sent}, withdrawal.Paying)
		c.must(withdrawal.Confirm, approval.Decision{Person: "chen", Outcome: withdrawal.Arrived, Amount: "100.00", Reference: "B-1"}, withdrawal.Paid)
		return c
	},
	"stopped": func(p *partner) *theCase {
		c := p.underReview("k")
		require.NoError(p.t, p.s.client.CancelWorkflow(p.t.Context(), c.workflowID, ""))
		return c
	},
	"stopped_approved": func(p *partner) *theCase {
		c := p.approved("k")
		require.NoError(p.t, p.s.client.CancelWorkflow(p.t.Context(), c.workflowID, ""))
		return c
	},
	"stop_refused_then_paid": func(p *partner) *theCase {
		c := p.paying("k")
		require.NoError(p.t, p.s.client.CancelWorkflow(p.t.Context(), c.workflowID, ""))
		eventually(p.t, "the refused stop", func() (bool, error) { return len(c.history()) == 4, nil })
		c.confirm("100.00")
		return c
	},
	"resumed_then_paid": func(p *partner) *theCase {
		c := p.paying("k")
		c.terminate()
		p.s.ask(p.t, 0, nil, "case", "repair", "--apply")
		c.confirm("100.00")
		return c
	},
	"decided_by_signal": func(p *partner) *theCase { // after a refused and a malformed one
		c := p.underReview("k")
		c.signals(withdrawal.Review, approval.Decision{Person: p.mei, Outcome: approval.Approve})
		c.signals(withdrawal.Review, approval.Decision{Outcome: approval.Approve})
		c.signals(withdrawal.Review, approve)
		eventually(p.t, "the approval", func() (bool, error) { return c.state() == withdrawal.Approved, nil })
		c.signals(withdrawal.Send, sent)
		eventually(p.t, "the payment", func() (bool, error) { return c.state() == withdrawal.Paying, nil })
		c.signals(withdrawal.Confirm, approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: "100.00", Reference: "B-1"})
		return c
	},
}

// refusedBefore refuses a case and sends a signal while the refusal is being recorded, which a lock holds up.
func (c *theCase) refusedBefore(signal approval.Decision) {
	t, s := c.p.t, c.p.s
	t.Helper()
	holder, err := s.views.DB.Beginx()
	require.NoError(t, err)
	defer holder.Rollback()
	_, err = holder.Exec(`SELECT 1 FROM cases WHERE case_number = $1 FOR UPDATE`, c.number)
	require.NoError(t, err)
	answered := make(chan error, 1)
	go func() {
		_, err := c.decide(withdrawal.Review, approval.Decision{Person: "lina", Outcome: approval.Reject, Reason: "no papers"})
		answered <- err
	}()
	eventually(t, "the step that waits for the lock", func() (bool, error) {
		return s.count(t, `SELECT count(*) FROM pg_locks WHERE NOT granted`) > 0, nil
	})
	c.signals(withdrawal.Review, signal)
	require.NoError(t, holder.Rollback())
	require.NoError(t, <-answered)
}

// escalates waits until the term of a task closes.
func (c *theCase) escalates(kind approval.Matter) {
	c.p.t.Helper()
	eventually(c.p.t, "the escalation", func() (bool, error) {
		task, err := c.p.s.views.Task(c.p.t.Context(), approval.TaskID(c.number, kind.Name, 1))
		return task.Escalated != nil, err
	})
}

func TestRecord(t *testing.T) {
	maps.Copy(endings, approvalEndings)
	for ending, play := range endings {
		t.Run(ending, func(t *testing.T) {
			p := newPartner(t, "P-"+ending, lot{withdrawal.Alipay, "500.00"}, lot{withdrawal.EbankCorporate, "1000.00"})
			c := play(p)
			_ = p.s.client.GetWorkflow(t.Context(), c.workflowID, "").Get(t.Context(), nil) // how it ends is in the history
			history := download(t, c)
			if ending == "paid_with_one_timer" { // what a case costs is mostly its history
				require.LessOrEqual(t, len(history.GetEvents()), 29)
			}
			keep(t, "withdrawal_"+ending, history)
		})
	}
	if the.err == nil && the.views.DB != nil {
		the.addsUp(t)
	}
}

// keep has a history replay; with -record it is written where the replay tests look.
func keep(t *testing.T, name string, history *historypb.History) {
	t.Helper()
	replays(t, history)
	if !*record {
		return
	}
	scrub(history.ProtoReflect())
	replays(t, history)
	file := filepath.Join("..", "workflows", "testdata", "histories", name+".json")
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, asJSON(t, history), 0o644)) //nolint:gosec // for everybody
}

func download(t *testing.T, c *theCase) *historypb.History {
	t.Helper()
	return downloadRun(t, c.p.s, c.workflowID, "")
}

// downloadRun is the history of one run; of the newest when none is named.
func downloadRun(t *testing.T, s *stack, workflowID, runID string) *historypb.History {
	t.Helper()
	var history historypb.History
	for events := s.client.GetWorkflowHistory(t.Context(), workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		e, err := events.Next()
		require.NoError(t, err)
		history.Events = append(history.Events, e)
	}
	return &history
}

func replays(t *testing.T, history *historypb.History) {
	t.Helper()
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer)
	copied, ok := proto.Clone(history).(*historypb.History)
	require.True(t, ok)
	require.NoError(t, replayer.ReplayWorkflowHistory(stacktest.Quiet, copied))
}

// scrub takes out what names the machine: the identity of whoever wrote an event, the queue of one worker, its build.
func scrub(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Name() == "identity" || field.Name() == "binary_checksum" || field.Name() == "build_id":
			m.Set(field, protoreflect.ValueOfString("e2e"))
		case field.Message() != nil && field.Message().FullName() == "temporal.api.taskqueue.v1.TaskQueue":
			queue := value.Message()
			if fields := queue.Descriptor().Fields(); enumspb.TaskQueueKind(queue.Get(fields.ByName("kind")).Enum()) == enumspb.TASK_QUEUE_KIND_STICKY {
				queue.Set(fields.ByName("name"), protoreflect.ValueOfString("one worker's"))
			}
		case field.IsList() && field.Message() != nil:
			for i := range value.List().Len() {
				scrub(value.List().Get(i).Message())
			}
		case !field.IsMap() && !field.IsList() && field.Message() != nil:
			scrub(value.Message())
		}
		return true
	})
}

// asJSON writes a history as the Temporal UI and command line do.
func asJSON(t *testing.T, history *historypb.History) []byte {
	t.Helper()
	text, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(history)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, json.Indent(&out, text, "", " "))
	fmt.Fprintln(&out)
	return out.Bytes()
}
