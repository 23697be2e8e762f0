package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/schema"
	"countersign/workflows"

	"github.com/spf13/cobra"
)

func (h *house) migrateCommand() *cobra.Command {
	var databaseOnly bool
	c := &cobra.Command{
		Use: "migrate", Short: "Bring the database, and Temporal's search attributes, to this version", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error { return h.migrate(c.Context(), databaseOnly) },
	}
	c.Flags().BoolVar(&databaseOnly, "database-only", false, "leave Temporal alone")
	return c
}

// migrate runs as the owner of the database.
func (h *house) migrate(ctx context.Context, databaseOnly bool) error {
	config, err := h.config()
	if err != nil {
		return err
	}
	url, variable := config.DatabaseOwnerURL, "DATABASE_URL"
	if url != config.DatabaseURL {
		variable = "DATABASE_OWNER_URL"
	}
	if url == "" {
		return config.NeedDatabase()
	}
	db, err := schema.OpenOwner(url)
	if err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	defer db.Close()
	if err := reach(ctx, db, url, variable); err != nil {
		return err
	}
	done := struct {
		Applied          []int64 `json:"applied"`
		SearchAttributes bool    `json:"search_attributes"`
		Elsewhere        string  `json:"search_attributes_elsewhere,omitempty"` // what to do by the cluster's own tools
	}{Applied: []int64{}}
	applied, err := schema.Migrate(ctx, db.DB)
	if err != nil {
		return err
	}
	done.Applied = append(done.Applied, applied...)
	if !databaseOnly {
		temporal, err := h.cluster(ctx)
		if err != nil {
			return fmt.Errorf("the database is migrated, the search attributes are not registered (with --database-only they are left out): %w", err)
		}
		bounded, cancel := context.WithTimeout(ctx, desk.Patience)
		defer cancel()
		err = workflows.RegisterSearchAttributes(bounded, temporal, h.namespace)
		var elsewhere workflows.AttributesElsewhereError
		if errors.As(err, &elsewhere) { // the database is in order, and so is whoever did that already
			done.Elsewhere = ended(elsewhere.Error())
		} else if err != nil {
			return err
		}
		done.SearchAttributes = err == nil
	}
	return h.show(done, func() {
		switch len(done.Applied) {
		case 0:
			h.say("The database is at the newest version.")
		default:
			h.say("The database is migrated: %d applied.", len(done.Applied))
		}
		if done.SearchAttributes {
			h.say("The search attributes are registered in namespace %s.", h.namespace)
		}
		if done.Elsewhere != "" {
			h.say("%s", done.Elsewhere)
		}
	})
}

func (h *house) loadCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use: "load FILE.yaml", Short: "Load partners, people, roles, policies and opening lots; repeating it changes nothing", Args: exactly("FILE.yaml"),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			return h.load(c.Context(), text, by)
		},
	}
	c.Flags().StringVar(&by, "as", "operator", "who loads it, for the record")
	return c
}

func (h *house) load(ctx context.Context, text []byte, by string) error {
	file, err := activities.ParseProgramme(text)
	if err != nil {
		return err
	}
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	report, err := (&activities.Programme{DB: db}).Load(ctx, file, by, time.Now())
	if err != nil {
		return err
	}
	return h.show(report, func() {
		policy := ""
		if report.PolicyVersion > 0 { // a file without a withdrawal policy leaves it as it is
			policy = fmt.Sprintf("; the policy has version %d", report.PolicyVersion)
		}
		h.say("Loaded: %d records laid in or brought up to date, %d entries posted%s.", report.Records, report.Entries, policy)
	})
}

// fields lists what a struct's JSON says, name by name, for a short answer to people.
func fields(v any) []any {
	text, err := json.Marshal(v)
	if err != nil {
		return []any{"", err}
	}
	var values map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return []any{"", string(text)}
	}
	var pairs []any
	for _, name := range slices.Sorted(maps.Keys(values)) {
		pairs = append(pairs, name, values[name])
	}
	return pairs
}
