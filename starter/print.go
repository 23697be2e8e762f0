package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"countersign/domain/calendar"
	"countersign/domain/refusal"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/mattn/go-isatty"
)

// show prints an answer: as JSON when asked for, else as people read it.
func (h *house) show(v any, people func()) error {
	if !h.json {
		people()
		return nil
	}
	encoder := json.NewEncoder(h.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// refused prints why the rules say no.
func (h *house) refused(list refusal.List) {
	if err := h.show(map[string]refusal.List{"refused": list}, func() {
		h.say("Refused:")
		t := newTable("RULE", "CODE", "OBJECT", "MESSAGE")
		for _, r := range list {
			t.add(r.Rule, r.Code, r.Object, r.Message)
		}
		t.print(h.out)
		for _, command := range helping(list) {
			h.say("See: starter %s", command)
		}
	}); err != nil {
		fmt.Fprintln(h.err, err)
	}
}

// helpful has the commands that help with what the rules refuse, by what a sentence says.
var helpful = []struct{ says, command string }{
	{"has to be certified first", "business show PARTNER"},
	{"can be requested", "requisition preview --partner PARTNER"},
	{"enclose the file with it first", "document add --help"},
	{"is asked back", "invoice return --help"},
	{"repair the case", "case repair --help"},
	{"Fill in the base location", "specialist locate MEMBER"},
	{"choose among the roles of the organisation", "organisation roles"},
	{"password is reset by its holder", "organisation reset-master --help"},
	{"look at the qualification first", "staff show PARTNER"},
	{"look at the sheet first", "performance show --help"},
}

// helping are the commands that help with these, each once.
func helping(list refusal.List) (commands []string) {
	for _, r := range list {
		for _, h := range helpful {
			if strings.Contains(r.Message, h.says) && !slices.Contains(commands, h.command) {
				commands = append(commands, h.command)
			}
		}
	}
	return commands
}

func (h *house) say(format string, args ...any) { fmt.Fprintf(h.out, format+"\n", args...) }

// aligned is a table: columns as wide as they need, amounts to the right, nothing drawn.
type aligned struct {
	w    table.Writer
	rows int
}

// newTable names the columns; one that ends in ">" is aligned to the right.
func newTable(columns ...string) *aligned {
	t := &aligned{w: table.NewWriter()}
	style := table.StyleDefault
	style.Box = table.BoxStyle{PaddingRight: "  "}
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	t.w.SetStyle(style)
	t.w.SuppressTrailingSpaces()
	header := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, name := range columns {
		title, right := strings.CutSuffix(name, ">")
		header[i] = title
		configs[i] = table.ColumnConfig{Number: i + 1}
		if right {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	t.w.AppendHeader(header)
	t.w.SetColumnConfigs(configs)
	return t
}

func (t *aligned) add(cells ...any) {
	t.rows++
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = oneLine(fmt.Sprint(c))
	}
	t.w.AppendRow(row)
}

func (t *aligned) print(out io.Writer) { fmt.Fprintln(out, t.w.Render()) }

// printOr prints the table, or a sentence when it is empty.
func (t *aligned) printOr(out io.Writer, empty string) {
	if t.rows == 0 {
		fmt.Fprintln(out, empty)
		return
	}
	t.print(out)
}

// record prints what one thing consists of: a name and a value a line.
func record(out io.Writer, pairs ...any) {
	t := newTable("", "")
	t.w.ResetHeaders()
	for i := 0; i+1 < len(pairs); i += 2 {
		if value := fmt.Sprint(pairs[i+1]); value != "" {
			t.add(pairs[i], value)
		}
	}
	t.print(out)
}

// oneLine keeps a cell in its row and a terminal safe from what people entered.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimRight(s, " \r\n"))
}

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// isTerminal tells whether a person looks on while the command runs.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// none writes a value that may be missing.
func none(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// givenTime reads an instant in the programme's zone, unless it names its own; a plain day stands for the start of the day so
// many days on.
func givenTime(flag, text string, days int) (time.Time, error) {
	if day, err := calendar.ParseDate(text); err == nil {
		return day.AddDays(days).Start(), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if at, err := time.ParseInLocation(layout, text, calendar.Zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("--%s: %q is not a time; write a day as 2026-11-23 or an instant as 2026-11-23T09:00, in UTC+8", flag, text)}
}
