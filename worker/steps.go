package main

import (
	"context"
	"log/slog"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/workflows"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// steps writes one line about each step, and counts refusals. A line names the step, the case and how it went, never what
// somebody applied for. The SDK says nothing of a
// local activity that fails, so these lines have the cause, too.
type steps struct {
	interceptor.WorkerInterceptorBase
	refusals *prometheus.CounterVec
}

func (s *steps) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &step{interceptor.ActivityInboundInterceptorBase{Next: next}, s.refusals}
}

type step struct {
	interceptor.ActivityInboundInterceptorBase
	refusals *prometheus.CounterVec
}

func (s *step) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info, began := activity.GetInfo(ctx), time.Now()
	answer, err := s.Next.ExecuteActivity(ctx, in)
	said := []any{
		slog.String("step", info.ActivityType.Name), slog.String("workflow", info.WorkflowExecution.ID),
		slog.Int("attempt", int(info.Attempt)), slog.Duration("took", time.Since(began)),
	}
	kind, partner := workflows.Owner(info.WorkflowExecution.ID)
	if stands, ok := answer.(interface{ Now() activities.Standing }); ok && err == nil {
		now := stands.Now()
		said = append(said, slog.String("case", now.Case), slog.String("partner", now.Partner), slog.String("kind", now.Kind), slog.String("state", string(now.State)))
	} else {
		if number := caseOf(in.Args); number != "" {
			said = append(said, slog.String("case", number))
		}
		if partner != "" {
			said = append(said, slog.String("partner", partner), slog.String("kind", kind))
		}
	}
	switch list := activities.RefusalOf(err); {
	case err == nil:
		slog.InfoContext(ctx, "step done", said...)
	case list != nil:
		var rules []string
		for _, r := range list {
			rules = append(rules, r.Rule)
			s.refusals.WithLabelValues(r.Rule).Inc()
		}
		slog.InfoContext(ctx, "step refused", append(said, slog.Any("rules", rules))...)
	default:
		slog.WarnContext(ctx, "step failed", append(said, slog.Any("cause", activities.CauseOf(err)))...)
	}
	return answer, err
}

// caseOf is the case that a step is about, where its input says it.
func caseOf(args []any) string {
	if len(args) != 1 {
		return ""
	}
	switch in := args[0].(type) {
	case activities.DecideInput:
		return approval.CaseOf(in.Decision.Task)
	case activities.ClockInput:
		return in.Case
	case activities.StopInput:
		return in.Case
	case activities.ResumeInput:
		return in.Case
	case activities.CancelWithdrawalInput:
		return in.Case
	case activities.ResubmitWithdrawalInput:
		return in.Case
	case activities.MigratePolicyInput:
		return in.Case
	}
	return ""
}
