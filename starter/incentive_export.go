package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"countersign/activities"
	"countersign/internal/documents"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

// exportInBackground has all lines that match exported by a worker, and answers the number under which they are fetched (INC-11).
func (h *house) exportInBackground(ctx context.Context, in activities.AskExportInput) error {
	if in.Person == "" || in.Format == "" {
		return usageError{fmt.Errorf("--background needs --format xlsx or csv, and --as: who is told and may fetch the file")}
	}
	if in.Key == "" {
		in.Key = uuid.NewString()
	}
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	temporal, err := h.cluster(ctx) // first, so that nothing is asked for that nobody does
	if err != nil {
		return err
	}
	x, err := (&activities.Exports{DB: db}).AskExport(ctx, in)
	if err != nil {
		return err
	}
	if err := workflows.StartLinesExport(ctx, temporal, x); err != nil {
		return fmt.Errorf("export %d is not started; repeat it with --key %s: %w", x.ID, x.Key, err)
	}
	return h.show(x, func() {
		h.say("Export %d is %s; %s is told when it is done. Fetch it with: starter incentive export %d --out FILE.%s --as %s", x.ID, x.State, x.AskedBy, x.ID, x.Format, x.AskedBy)
	})
}

// exportsCommand lists exports.
func (h *house) exportsCommand() *cobra.Command {
	var who string
	c := &cobra.Command{
		Use: "exports [--as PERSON]", Short: "List the exports in the background, newest first", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			found, err := r.Exports(c.Context(), who)
			if err != nil {
				return err
			}
			return h.show(map[string]any{"exports": found}, func() { h.exportsListed(found) })
		},
	}
	c.Flags().StringVar(&who, "as", "", "only what this person may fetch")
	return c
}

func (h *house) exportsListed(found []views.Export) {
	t := newTable("EXPORT>", "BY", "ASKED", "SEARCH", "FORMAT", "STATE", "LINES>", "AMOUNT>", "SIZE>", "NOTE")
	for _, x := range found {
		lines, amount, size := "-", "-", "-"
		if x.Size != nil {
			lines, amount, size = strconv.FormatInt(*x.Lines, 10), x.Amount.String(), documents.Octets(*x.Size)
		}
		t.add(x.ID, x.AskedBy, shown(x.AskedAt), oneLine(string(x.Filter)), x.Format, x.State, lines, amount, size, none(x.Error))
	}
	t.printOr(h.out, "Nothing was exported.")
}

// fetchExportCommand saves an export.
func (h *house) fetchExportCommand() *cobra.Command {
	var in activities.FetchExportInput
	var out string
	c := &cobra.Command{
		Use: "export ID --out FILE --as PERSON", Short: "Save an export as a file, once it was compared with its hash", Args: exactly("ID"),
		Long: "Save an export as a file. Only who asked for it, or vendor operations, may have it. A file that exists is not overwritten.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			if in.ID, err = strconv.ParseInt(args[0], 10, 64); err != nil {
				return usageError{fmt.Errorf("ID is the number of an export; see: starter incentive exports")}
			}
			if err := vacant(out); err != nil {
				return err
			}
			db, err := h.database(c.Context())
			if err != nil {
				return err
			}
			in.At = time.Now()
			x, err := (&activities.Exports{DB: db}).FetchExport(c.Context(), in)
			if err != nil {
				return err
			}
			if err := place(out, bytes.NewReader(x.Content)); err != nil {
				return err
			}
			return h.show(map[string]any{"file": out, "lines": x.Lines, "amount": x.Amount, "sha256": x.Hash}, func() {
				h.say("%s holds %d lines, %s CNY.", out, x.Lines, x.Amount)
			})
		},
	}
	c.Flags().StringVar(&out, "out", "", "the file to write")
	c.Flags().StringVar(&in.Person, "as", "", "who fetches it")
	return needs(c, "out", "as")
}
