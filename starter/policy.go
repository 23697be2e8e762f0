package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/withdrawal"
	"countersign/policies"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) policyCommand() *cobra.Command {
	return group("policy", "The programme's parameters", h.policyShowCommand(), h.policyCheckCommand(), h.policySetCommand(), h.policyMigrateCommand())
}

func noPolicyKind(kind string) error {
	return usageError{fmt.Errorf("there is no kind of policy %q; there are: %s", kind, strings.Join(policies.Kinds(), ", "))}
}

// readPolicy reads a policy file and finds everything that is wrong with it.
func readPolicy(kind, file string) (policies.Policy, []policies.Fault, error) {
	if !policies.Known(kind) {
		return nil, nil, noPolicyKind(kind)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	p, faults := policies.ReadKind(kind, text)
	return p, faults, nil
}

func kindOf(args []string) string {
	if len(args) == 0 {
		return withdrawal.Kind
	}
	return args[0]
}

func (h *house) policyShowCommand() *cobra.Command {
	var version int
	c := &cobra.Command{
		Use: "show [KIND]", Short: "Show the programme's parameters for a kind of case, and who is asked", Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			p, err := r.Policy(c.Context(), kindOf(args), version)
			if err != nil {
				return err
			}
			return h.policyShow(p)
		},
	}
	c.Flags().IntVar(&version, "version", 0, "a former version; 0 is the newest")
	return c
}

func (h *house) policyShow(p views.Policy) error {
	if !policies.Known(p.Kind) {
		return noPolicyKind(p.Kind)
	}
	body, err := policies.Stored(p.Kind, p.Body)
	if err != nil {
		return fmt.Errorf("version %d: %w", p.Version, err)
	}
	words := policies.WordsOf(body)
	return h.show(struct {
		views.Policy
		policies.Words
	}{p, words}, func() {
		var parameters map[string]json.RawMessage
		if json.Unmarshal(p.Body, &parameters) == nil {
			for _, said := range []string{"approval", "lines", "ladder", "requirements"} { // below, in words
				delete(parameters, said)
			}
		}
		record(h.out, append([]any{"kind", p.Kind, "version", p.Version, "set by", p.SetBy, "set at", shown(p.SetAt)}, fields(parameters)...)...)
		h.say("")
		h.policyWords(words)
	})
}

func (h *house) policyWords(w policies.Words) {
	for _, line := range w.Rates {
		h.say("%s", strings.TrimRight(line, " "))
	}
	if len(w.Chain) == 0 {
		return
	}
	h.say("Who is asked, in this order:")
	for _, line := range w.Chain {
		h.say("  %s", oneLine(line))
	}
	h.say("\nDeadlines:")
	for _, line := range w.Deadlines {
		h.say("  %s", oneLine(line))
	}
}

func (h *house) policyCheckCommand() *cobra.Command {
	kind := withdrawal.Kind
	c := &cobra.Command{
		Use: "check FILE.yaml [--kind KIND]", Short: "Find everything that is wrong with a policy file; no server is asked", Args: exactly("FILE.yaml"),
		Long: `Find everything that is wrong with a policy file, each with its line. A file that is in order is shown in words: who is asked, and
the deadlines. No server is asked, so that roles and people are not looked up.

Exit code 0: in order. 2: not.`,
		RunE: func(_ *cobra.Command, args []string) error { return h.policyCheck(kind, args[0]) },
	}
	c.Flags().StringVar(&kind, "kind", kind, "what it is a policy for: "+strings.Join(policies.Kinds(), ", "))
	return c
}

func (h *house) policyCheck(kind, file string) error {
	p, faults, err := readPolicy(kind, file)
	if err != nil {
		return err
	}
	if len(faults) == 0 {
		words := policies.WordsOf(p)
		return h.show(struct {
			File string `json:"file"`
			OK   bool   `json:"ok"`
			policies.Words
		}{file, true, words}, func() {
			h.say("%s is in order.\n", file)
			h.policyWords(words)
		})
	}
	if err := h.show(map[string]any{"file": file, "ok": false, "faults": faults}, func() {
		h.say("%s is NOT in order; found %d:\n", file, len(faults))
		t := newTable("LINE>", "YAML", "WHAT IS WRONG")
		for _, f := range faults {
			line := "-"
			if f.Line > 0 {
				line = fmt.Sprint(f.Line)
			}
			t.add(line, none(clipped(f.YAML)), f.Fault)
		}
		t.print(h.out)
	}); err != nil {
		return err
	}
	return stopped(2)
}

// clipped keeps a line of a file short enough for a table.
func clipped(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return s
}

func (h *house) policySetCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "set KIND FILE.yaml --as PERSON", Short: "Set a new version; open cases keep theirs", Args: exactly("KIND", "FILE.yaml"),
		Long: `Set a new version of a kind's policy. Cases in flight keep the version they were opened under; starter policy migrate moves one.
What starter policy check finds is refused.`,
		RunE: func(c *cobra.Command, args []string) error { return h.policySet(c.Context(), args[0], args[1], by) },
	}
	c.Flags().StringVar(&by, "as", "", "who sets it")
	return needs(c, "as")
}

func (h *house) policySet(ctx context.Context, kind, file, by string) error {
	p, faults, err := readPolicy(kind, file)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		var lines []string
		for _, f := range faults {
			line := f.Fault
			if f.Line > 0 {
				line = fmt.Sprintf("line %d, %s: %s", f.Line, clipped(f.YAML), f.Fault)
			}
			lines = append(lines, "  "+oneLine(line))
		}
		return errors.New(file + " is not in order:\n" + strings.Join(lines, "\n"))
	}
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	version, err := (&activities.Programme{DB: db}).SetPolicy(ctx, kind, p, by, time.Now())
	if err != nil {
		return err
	}
	return h.show(map[string]any{"kind": kind, "version": version}, func() { h.say("The policy for %s has version %d now; open cases keep theirs.", kind, version) })
}

func (h *house) policyMigrateCommand() *cobra.Command {
	r := workflows.CancelRequest{}
	c := &cobra.Command{
		Use: "migrate CASE --as PERSON", Short: "Move a case under review to the newest policy, in a new round", Args: exactly("CASE"),
		Long: `Move a case that is under review to the newest version of its policy: its round closes undecided, and the next one opens under the
new chain, with the comments kept. The process owner does it.`,
		RunE: func(c *cobra.Command, args []string) error { return h.policyMigrate(c.Context(), args[0], r) },
	}
	f := c.Flags()
	f.StringVar(&r.Person, "as", "", "who migrates it")
	f.StringVar(&r.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

func (h *house) policyMigrate(ctx context.Context, number string, r workflows.CancelRequest) error {
	if r.Key == "" {
		r.Key = uuid.NewString()
	}
	now, err := h.send(ctx, number, "--key "+r.Key, func(ctx context.Context, workflowID string) (activities.WithdrawalStanding, error) {
		return workflows.MigratePolicy(ctx, h.temporal, workflowID, r)
	}, func(ctx context.Context, w *activities.Withdrawals) (activities.WithdrawalStanding, error) {
		return w.MigratePolicy(ctx, activities.MigratePolicyInput{Case: number, Key: r.Key, Person: r.Person, At: time.Now()})
	})
	if err != nil {
		return err
	}
	return h.show(struct {
		activities.WithdrawalStanding
		Key string `json:"key"`
	}{now, r.Key}, func() { h.standing(now) })
}
