package telemetry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"
)

// headerKey is where a message of Temporal carries its trace; it holds a traceparent and nothing else.
const headerKey = "_tracer-data"

// tracing traces clients and activities as Temporal's own interceptor does, and workflows in its own way: that one makes the
// spans of a run again whenever a worker reads its history again, which for a case of a year is each time something happens.
type tracing struct {
	interceptor.Interceptor
	tracer trace.Tracer
}

func newTracing(tracer trace.Tracer) (*tracing, error) {
	theirs, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer: tracer, HeaderKey: headerKey, TextMapPropagator: propagation.TraceContext{}, DisableBaggage: true, DisableQueryTracing: true, AllowInvalidParentSpans: true,
	})
	return &tracing{theirs, tracer}, err
}

func (t *tracing) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, t.tracer}
}

// inbound makes one span when a run begins, and one of each update while it is handled. Their IDs follow from run and update,
// so that what a later worker does hangs on the same spans; they are sent by the worker that does it first, not by one that
// replays. A run that lives for months has no span of months: backends drop what ends too late.
type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	tracer trace.Tracer
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}})
}

func (i *inbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	info := workflow.GetInfo(ctx)
	span := i.start(ctx, "RunWorkflow:"+info.WorkflowType.Name, "", info.WorkflowStartTime)
	if !workflow.IsReplaying(ctx) {
		span.End()
	}
	return i.Next.ExecuteWorkflow(workflow.WithValue(ctx, spanKey{}, span.SpanContext()), in)
}

func (i *inbound) ExecuteUpdate(ctx workflow.Context, in *interceptor.UpdateInput) (any, error) {
	span := i.start(ctx, "HandleUpdate:"+in.Name, workflow.GetCurrentUpdateInfo(ctx).ID, workflow.Now(ctx))
	answer, err := i.Next.ExecuteUpdate(workflow.WithValue(ctx, spanKey{}, span.SpanContext()), in)
	if !workflow.IsReplaying(ctx) { // not deferred: a run that leaves the cache unwinds, too
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
	return answer, err
}

// start makes the span of a run or of one of its updates. The same again has the same IDs, in the trace of whoever asked.
func (i *inbound) start(ctx workflow.Context, name, update string, at time.Time) trace.Span {
	run := workflow.GetInfo(ctx).WorkflowExecution
	sum := sha256.Sum256([]byte(run.RunID + "/" + update))
	with := context.WithValue(context.Background(), idsKey{}, sum)
	if asked := read(interceptor.WorkflowHeader(ctx)); asked.IsValid() {
		with = trace.ContextWithRemoteSpanContext(with, asked)
	}
	_, span := i.tracer.Start(with, name, trace.WithTimestamp(at), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("temporalWorkflowID", run.ID), attribute.String("temporalRunID", run.RunID)))
	return span
}

// outbound sends the trace along with what a run starts, and names it in the run's log lines.
type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	pass(ctx)
	return o.Next.ExecuteActivity(ctx, name, args...)
}

func (o *outbound) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	pass(ctx)
	return o.Next.ExecuteLocalActivity(ctx, name, args...)
}

func (o *outbound) ExecuteChildWorkflow(ctx workflow.Context, name string, args ...any) workflow.ChildWorkflowFuture {
	pass(ctx)
	return o.Next.ExecuteChildWorkflow(ctx, name, args...)
}

func (o *outbound) NewContinueAsNewError(ctx workflow.Context, run any, args ...any) error {
	pass(ctx)
	return o.Next.NewContinueAsNewError(ctx, run, args...)
}

func (o *outbound) GetLogger(ctx workflow.Context) log.Logger {
	logger := o.Next.GetLogger(ctx)
	if span, ok := ctx.Value(spanKey{}).(trace.SpanContext); ok {
		logger = log.With(logger, "trace_id", span.TraceID().String(), "span_id", span.SpanID().String())
	}
	return logger
}

type spanKey struct{}

// Within is the context for a step that the main line of a run does on behalf of a message: the step belongs to the trace of
// whoever sent the message, not of whoever started the run.
func Within(ctx, message workflow.Context) workflow.Context {
	span := message.Value(spanKey{})
	if span == nil { // traces are off
		return ctx
	}
	return workflow.WithValue(ctx, spanKey{}, span)
}

// pass writes the trace of a run into the header of what it starts.
func pass(ctx workflow.Context) {
	span, ok := ctx.Value(spanKey{}).(trace.SpanContext)
	header := interceptor.WorkflowHeader(ctx)
	if !ok || header == nil {
		return
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), span), carrier)
	if payload, err := converter.GetDefaultDataConverter().ToPayload(carrier); err == nil { // a map of text always is one
		header[headerKey] = payload
	}
}

// read finds the trace in a header; what is not understood is none.
func read(header map[string]*commonpb.Payload) trace.SpanContext {
	carrier := propagation.MapCarrier{}
	if payload := header[headerKey]; payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &carrier) != nil {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// ids draws IDs, but where the context says which they are.
type ids struct{}

type idsKey struct{}

func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	var id trace.TraceID
	if sum, ok := ctx.Value(idsKey{}).([sha256.Size]byte); ok {
		copy(id[:], sum[8:])
	} else {
		rand.Read(id[:])
	}
	return id, g.NewSpanID(ctx, id)
}

func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	var id trace.SpanID
	if sum, ok := ctx.Value(idsKey{}).([sha256.Size]byte); ok {
		copy(id[:], sum[:])
	} else {
		rand.Read(id[:])
	}
	return id
}
