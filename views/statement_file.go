package views

import (
	"errors"
	"fmt"
	"io"

	"countersign/domain/calendar"
	"countersign/internal/sheet"
)

// StatementColumns are the headings of a statement as a file, as English has them.
var StatementColumns = []string{"time (UTC+8)", "entry", "case", "what for", "amount", "balance"}

// Write sends a statement as a table, between a line with what there was and one with what there is. The columns are
// StatementColumns in the reader's language, opening and closing what those two lines are called. A statement names people
// by numbers only, so nothing in it has to be masked (COM-12).
func (s Statement) Write(out io.Writer, f sheet.Format, columns []string, opening, closing string) (err error) {
	w, err := sheet.To(out, f, columns...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Abandon()) }()
	if err := w.Row(day(s.From), "", "", opening, "", sheet.Number(s.Opening.String())); err != nil {
		return err
	}
	for _, l := range s.Lines {
		if err := w.Row(l.At.In(calendar.Zone).Format("2006-01-02 15:04:05"), l.Entry, l.Case, l.Memo, sheet.Number(l.Amount.String()), sheet.Number(l.Balance.String())); err != nil {
			return err
		}
	}
	if err := w.Row(day(s.To), "", "", closing, "", sheet.Number(s.Closing.String())); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write statement of %s: %w", s.Account, err)
	}
	return nil
}

// day is how a day is written in a file; of an open side nothing is.
func day(d calendar.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}
