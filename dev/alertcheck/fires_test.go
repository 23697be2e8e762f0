package alertcheck

import (
	"strconv"
	"testing"
	"time"

	engine "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/require"
)

// Counters as a console tells them, a value each minute; and for how many series the rule speaks after half an hour.
func TestTheConsolesAlertsSpeakWhenTheyShouldAndOnlyThen(t *testing.T) {
	for name, c := range map[string]struct {
		alert, series string
		speaks        int
	}{
		"a console is away":                {"CountersignConsoleDown", `up{job="countersign-console", instance="a"} 0x30`, 1},
		"a worker is":                      {"CountersignConsoleDown", `up{job="countersign", instance="a"} 0x30`, 0},
		"a page fails again and again":     {"CountersignConsoleFails", `countersign_http_request_duration_seconds_count{route="GET /inbox", status="5xx"} 0+1x30`, 1},
		"people are refused":               {"CountersignConsoleFails", `countersign_http_request_duration_seconds_count{route="GET /inbox", status="4xx"} 0+9x30`, 0},
		"somebody guesses at two consoles": {"CountersignSignInsFail", "countersign_sign_ins_total{outcome=\"refused\", instance=\"a\"} 0+4x30\n  countersign_sign_ins_total{outcome=\"network\", instance=\"b\"} 0+4x30", 1},
		"a busy morning":                   {"CountersignSignInsFail", "countersign_sign_ins_total{outcome=\"refused\"} 0+2x30\n  countersign_sign_ins_total{outcome=\"in\"} 0+50x30", 0},
		"accounts are locked one by one":   {"CountersignAccountsLocked", `countersign_sign_ins_total{outcome="locked"} 0+1x30`, 1},
		"somebody forgot a password":       {"CountersignAccountsLocked", `countersign_sign_ins_total{outcome="locked"} 0x15 1x15`, 0},
		"one page in ten is slow":          {"CountersignConsoleSlow", slow("GET /inbox", 10), 1},
		"one in a hundred is":              {"CountersignConsoleSlow", slow("GET /inbox", 1), 0},
		"decisions wait for their case":    {"CountersignConsoleSlow", slow("POST /cases/{case}/decide", 90), 0},
	} {
		t.Run(name, func(t *testing.T) {
			var expr string
			for _, g := range groups(t).Groups {
				for _, r := range g.Rules {
					if r.Alert == c.alert {
						expr = r.Expr
					}
				}
			}
			require.NotEmpty(t, expr)
			store := promqltest.LoadedStorage(t, "load 1m\n  "+c.series+"\n")
			t.Cleanup(func() { require.NoError(t, store.Close()) })
			runs := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
			query, err := runs.NewInstantQuery(t.Context(), store, nil, expr, time.Unix(30*60, 0))
			require.NoError(t, err)
			defer query.Close()
			result := query.Exec(t.Context())
			require.NoError(t, result.Err)
			found, ok := result.Value.(engine.Vector)
			require.True(t, ok)
			require.Len(t, found, c.speaks)
		})
	}
}

// slow is a hundred answers a minute, of which so many took longer than a second.
func slow(route string, of int) string {
	text := ""
	for le, per := range map[string]int{"1": 100 - of, "2.5": 100, "+Inf": 100} {
		text += `countersign_http_request_duration_seconds_bucket{route="` + route + `", le="` + le + `"} 0+` + strconv.Itoa(per) + "x30\n  "
	}
	return text
}
