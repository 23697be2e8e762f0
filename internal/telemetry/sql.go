package telemetry

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"countersign/internal/prepared"

	"github.com/XSAM/otelsql"
	"github.com/lib/pq"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// register makes a driver whose statements are spans: their text, which holds no values, and never their parameters. What
// nobody's trace asked for, such as the outbox looking every second, makes none.
func (t *Traces) register() (string, error) {
	name, err := otelsql.Register(prepared.Driver,
		otelsql.WithTracerProvider(t.provider),
		otelsql.WithAttributes(attribute.String("db.system.name", "postgresql")),
		otelsql.WithSpanNameFormatter(func(_ context.Context, method otelsql.Method, query string) string {
			if words := strings.Fields(query); len(words) > 0 {
				return strings.ToUpper(words[0])
			}
			return string(method)
		}),
		otelsql.WithSpanErrorAttributesGetter(func(err error) []attribute.KeyValue {
			var answer *pq.Error
			if errors.As(err, &answer) {
				return []attribute.KeyValue{attribute.String("db.response.status_code", string(answer.Code))}
			}
			return nil
		}),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			DisableErrSkip: true, OmitConnResetSession: true, OmitConnPrepare: true, OmitRows: true,
			SpanFilter: func(ctx context.Context, _ otelsql.Method, _ string, _ []driver.NamedValue) bool {
				return trace.SpanContextFromContext(ctx).IsValid()
			},
		}))
	if err != nil {
		return "", fmt.Errorf("trace SQL: %w", err)
	}
	return name, nil
}
