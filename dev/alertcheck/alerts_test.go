// Package alertcheck holds the test of the alert rules and the dashboard: they are read by Prometheus' own parser, where no
// Prometheus is.
package alertcheck

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

const (
	root      = "../.."
	rules     = root + "/deploy/prometheus/alerts.yaml"
	dashboard = root + "/deploy/grafana/countersign.json"
	used      = root + "/deploy/prometheus/used.txt"
)

var update = flag.Bool("update", false, "write "+used)

// promql is Prometheus' parser as its server has it, without what is experimental.
var promql = parser.NewParser(parser.Options{})

// panel is what Grafana draws; a row may hold panels.
type panel struct {
	Title   string
	Targets []struct{ Expr, LegendFormat string }
	Panels  []panel
}

func panels(t *testing.T) (all []panel) {
	t.Helper()
	text, err := os.ReadFile(dashboard)
	require.NoError(t, err)
	var board struct{ Panels []panel }
	require.NoError(t, json.Unmarshal(text, &board))
	for _, p := range board.Panels {
		all = append(append(all, p), p.Panels...)
	}
	require.NotEmpty(t, all)
	return all
}

func groups(t *testing.T) *rulefmt.RuleGroups {
	t.Helper()
	parsed, errs := rulefmt.ParseFile(rules, false, model.UTF8Validation, promql)
	require.Empty(t, errs, "promtool check rules")
	require.NotEmpty(t, parsed.Groups)
	return parsed
}

// asks adds to found, by metric, the labels that an expression selects by or groups by.
func asks(t *testing.T, expr string, found map[string][]string) {
	t.Helper()
	tree, err := promql.ParseExpr(expr)
	require.NoError(t, err, expr)
	parser.Inspect(tree, func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		wanted := found[selector.Name]
		for _, m := range selector.LabelMatchers {
			if m.Name != labels.MetricName {
				wanted = append(wanted, m.Name)
			}
		}
		for _, above := range path {
			if sum, ok := above.(*parser.AggregateExpr); ok && !sum.Without {
				wanted = append(wanted, sum.Grouping...)
			}
		}
		slices.Sort(wanted)
		found[selector.Name] = slices.Compact(wanted)
		return nil
	})
}

func TestWhateverADashboardOrAnAlertAsksForIsInTheListThatTheWorkersTestReads(t *testing.T) {
	found := map[string][]string{}
	for _, g := range groups(t).Groups {
		for _, r := range g.Rules {
			asks(t, r.Expr, found)
		}
	}
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			asks(t, target.Expr, found)
		}
	}
	var list strings.Builder
	list.WriteString("# The metrics, with the labels, that alerts.yaml and the dashboard ask for. Made from them: cd dev/alertcheck && go test . -update\n")
	for _, name := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintln(&list, strings.TrimSpace(name+" "+strings.Join(found[name], " ")))
	}
	if *update {
		require.NoError(t, os.WriteFile(used, []byte(list.String()), 0o600))
	}
	kept, err := os.ReadFile(used)
	require.NoError(t, err)
	require.Equal(t, list.String(), string(kept), "write it anew: go test . -update")
}

func TestEachAlertSaysHowBadItIsAndItsRunbookIsThere(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/operations.md")
	require.NoError(t, err)
	headings := regexp.MustCompile(`(?m)^### (Countersign\w+)$`).FindAllStringSubmatch(string(text), -1)
	var described, alerts []string
	for _, h := range headings {
		described = append(described, h[1])
	}
	for _, g := range groups(t).Groups {
		for _, r := range g.Rules {
			alerts = append(alerts, r.Alert)
			require.Contains(t, []string{"warning", "critical"}, r.Labels["severity"], r.Alert)
			require.NotEmpty(t, r.Annotations["summary"], r.Alert)
			require.Equal(t, "docs/operations.md#"+strings.ToLower(r.Alert), r.Annotations["runbook_url"])
			for _, label := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(r.Annotations["summary"], -1) {
				keeps(t, r.Alert, r.Expr, label[1])
			}
		}
	}
	require.ElementsMatch(t, alerts, described, "what to do for each alert, and for no other")
}

func TestALegendNamesLabelsThatItsExpressionKeeps(t *testing.T) {
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			for _, label := range regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				keeps(t, p.Title, target.Expr, label[1])
			}
		}
	}
}

// keeps fails when an aggregation of the expression drops a label that is shown.
func keeps(t *testing.T, what, expr, label string) {
	t.Helper()
	tree, err := promql.ParseExpr(expr)
	require.NoError(t, err, expr)
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		if sum, ok := node.(*parser.AggregateExpr); ok {
			require.Equal(t, sum.Without, !slices.Contains(sum.Grouping, label), "%s shows %s, which %s drops", what, label, expr)
		}
		return nil
	})
}
