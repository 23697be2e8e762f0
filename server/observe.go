package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"countersign/internal/telemetry"
	"countersign/web/signin"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// observed is how this server is seen from outside. Nothing of it has an address that somebody asked for, or from which they did:
// a request is known by the pattern of its route.
type observed struct {
	*telemetry.Process
	requests *prometheus.HistogramVec // seconds, by route and kind of answer
	signIns  *prometheus.CounterVec   // by outcome
}

func observe(process *telemetry.Process) *observed {
	o := &observed{
		process,
		prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "countersign_http_request_duration_seconds", Help: "Time to answer a request, by the pattern of its route and the first digit of the status.", Buckets: telemetry.Latencies,
		}, []string{"route", "status"}),
		prometheus.NewCounterVec(prometheus.CounterOpts{Name: "countersign_sign_ins_total", Help: "Tries to sign in at this server since it started, by how they ended."}, []string{"outcome"}),
	}
	for _, outcome := range signin.Outcomes { // from the start, or the first would be no increase
		o.signIns.WithLabelValues(string(outcome))
	}
	o.MustRegister(o.requests, o.signIns)
	return o
}

func (o *observed) signedIn(outcome signin.Outcome) { o.signIns.WithLabelValues(string(outcome)).Inc() }

// gone is the status of a request whose caller did not wait for the answer.
const gone = 499

var errPanicked = errors.New("a handler panicked")

// watch measures, traces and logs each request. A handler that panics is answered by failed.
func (o *observed) watch(tracer trace.Tracer, routes *http.ServeMux, next http.Handler, failed func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, route := routes.Handler(r)
		ctx, span := tracer.Start(r.Context(), route, // what a caller says of a trace does not count: it may be anybody
			trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("http.route", route), attribute.String("http.request.method", method(r))))
		defer span.End()
		r = r.WithContext(ctx)
		began, out := time.Now(), &answer{ResponseWriter: w}
		defer func() {
			status := out.status
			if status == 0 && r.Context().Err() != nil {
				status = gone
			}
			status = max(status, http.StatusOK)
			span.SetAttributes(attribute.Int("http.response.status_code", status))
			if status >= http.StatusInternalServerError {
				span.SetStatus(codes.Error, "")
			}
			took := time.Since(began)
			o.requests.WithLabelValues(route, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
			level := slog.LevelInfo
			if strings.HasPrefix(route, "GET /static/") {
				level = slog.LevelDebug
			}
			slog.Log(ctx, level, "request", "method", method(r), "route", route, "status", status, "took", took)
		}()
		defer func() {
			fault := recover()
			if fault == nil {
				return
			}
			err, _ := fault.(error)
			aborted := errors.Is(err, http.ErrAbortHandler)
			if !aborted {
				slog.ErrorContext(ctx, "handler panicked", "route", route, "type", fmt.Sprintf("%T", fault), "stack", string(debug.Stack()))
			}
			if out.status != 0 || aborted {
				out.status = max(out.status, http.StatusInternalServerError)
				panic(http.ErrAbortHandler) // half an answer is out: the connection ends
			}
			failed(out, r, errPanicked)
		}()
		next.ServeHTTP(out, r)
	})
}

// method is a request's, as far as it is one that we know: a caller may write anything.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return r.Method
	}
	return "other"
}

// answer remembers the status.
type answer struct {
	http.ResponseWriter
	status int // 0: nothing is written
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK { // below, the answer is still to come
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(text []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(text)
}

// Unwrap gives http.ResponseController what is beneath.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
