package console

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/desk"
	"countersign/domain/approval"
	"countersign/domain/kinds"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/views"
	"countersign/web/page"

	"github.com/google/uuid"
)

// casePage is everything about one case, and what the reader may do about it.
type casePage struct {
	views.CaseDetail
	InMoney     bool
	PartnerName string
	Explained   views.Explanation
	Rounds      []drawnRound
	Form        []fact // of kinds other than a withdrawal
	Compared    *comparison
	Days        []day
	Documents   []views.CaseDocument
	Entries     []views.CaseEntry
	BankLines   []views.BankLine // that settled nothing
	Comments    []views.Said
	Forms       []taskForm
	Colleagues  []views.Named
	Names       map[string]string // of the people who have to do with it, by ID
	TemporalUI  string

	Seen    int           // the last event on the page
	From    int           // the last event on the page that the reader had open; Since is what came after
	Since   []views.Event // what happened after the page that the reader had open
	Stale   bool          // a decision was held back, because of that
	Refused refusal.List
	Entered url.Values // what was entered and not taken
	Key     string
}

// taskForm is one open question, and how the reader may answer.
type taskForm struct {
	views.Task
	Wait     views.Wait
	Mine     *views.Decider // why the reader may decide; nil: they may only say something
	Barred   *views.Decider // why they may not although they are asked
	Approve  approval.Outcome
	Reject   approval.Outcome
	Worked   bool     // people deliberate: less, return, back, signers
	Confirms bool     // an amount and a reference of the bank belong to the answer
	Steps    []string // earlier ones, that it may go back to
	Added    bool     // the reader asked this signer, and may take that back
	P        *casePage
}

// drawnRound is a round of the chain with what was said at each step.
type drawnRound struct {
	views.Round
	Drawn []drawnStep
	Open  bool
}

// Sent tells that what was asked anew differs, or not, from what was asked before.
func (p *casePage) Sent(r views.Round) bool {
	return p.Compared != nil && p.Compared.Matter == r.Matter && p.Compared.Round == r.Round
}

// drawnStep is a step of a round: who was asked, who answered, who is to answer.
type drawnStep struct {
	views.RoundStep
	Said  []views.Said
	Waits []views.Wait
	Bad   bool // it was refused or returned here
}

func (c *Console) showCase(w http.ResponseWriter, r *http.Request, who person.Person) error {
	p, err := c.readCase(r, who, r.PathValue("case"))
	if err != nil {
		return err
	}
	if seen, err := strconv.Atoi(r.URL.Query().Get("seen")); err == nil {
		p.From, p.Since = seen, after(p.Timeline, seen)
	}
	c.Pages.Render(w, r, http.StatusOK, "case", p.Number, p)
	return nil
}

// again shows the case after a decision was not taken: why, what happened since the reader's page, and what they entered.
func (c *Console) again(w http.ResponseWriter, r *http.Request, who person.Person, status int, number string, form url.Values, list refusal.List) error {
	p, err := c.readCase(r, who, number)
	if err != nil {
		return err
	}
	p.Refused, p.Entered, p.Stale = list, form, status == http.StatusConflict
	if seen, err := strconv.Atoi(form.Get("seen")); err == nil {
		p.Since = after(p.Timeline, seen)
	}
	c.Pages.Render(w, r, status, "case", p.Number, p)
	return nil
}

func (c *Console) readCase(r *http.Request, who person.Person, number string) (*casePage, error) {
	ctx, p := r.Context(), &casePage{Key: uuid.NewString(), Entered: url.Values{}}
	var err error
	if p.CaseDetail, err = c.Reader.CaseDetail(ctx, number); err != nil {
		return nil, err
	}
	p.InMoney = kinds.InMoney(p.Kind)
	if n := len(p.Timeline); n > 0 {
		p.Seen = p.Timeline[n-1].Seq
		p.From = p.Seen
	}
	for _, read := range []func() error{
		func() (err error) { p.Explained, err = c.Reader.Explain(ctx, number, time.Now()); return err },
		func() (err error) { p.PartnerName, err = c.Reader.PartnerName(ctx, p.Partner); return err },
		func() (err error) { p.Entries, err = c.Reader.CaseEntries(ctx, number); return err },
		func() (err error) { p.BankLines, err = c.Reader.BankLines(ctx, number, false); return err },
		func() (err error) { p.Colleagues, err = c.Reader.Colleagues(ctx); return err },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	if p.Names, err = c.Reader.PeopleOf(ctx, number); err != nil {
		return nil, err
	}
	for _, n := range p.Colleagues {
		p.Names[n.ID] = n.Name
	}
	if err := p.readForm(ctx, c.Reader, page.Language(r) == page.English, func(group, name string) string { return c.word(r, group, name) }); err != nil {
		return nil, err
	}
	if page.Language(r) == page.Chinese {
		p.retell()
	}
	p.Days = days(p.Timeline, p.Documents)
	p.TemporalUI = c.TemporalUI(p.WorkflowID, p.RunID)
	for _, round := range p.Explained.Rounds {
		p.Rounds = append(p.Rounds, draw(round, p.Explained.Waits))
		for _, d := range round.Decided {
			if slices.Contains([]approval.Outcome{approval.Comment, approval.Ask}, d.Act) {
				p.Comments = append(p.Comments, d)
			}
		}
	}
	p.ask(who)
	return p, nil
}

// retell gives notes of decisions that were written long ago the words of today, of which there is Chinese.
func (p *casePage) retell() {
	for _, round := range p.Explained.Rounds {
		for _, d := range round.Decided {
			for i, e := range p.Timeline {
				if told, ok := d.Told(e.Note); ok && e.Actor == d.Person {
					p.Timeline[i].Note = told
				}
			}
		}
	}
}

// readForm reads what was applied for, what was changed since it was returned, and the documents of both.
func (p *casePage) readForm(ctx context.Context, from views.Reader, english bool, word func(group, name string) string) error {
	var form any
	var err error
	if read, ok := forms[p.Kind]; ok {
		if form, err = read(ctx, from, p.Number); err != nil {
			return err
		}
	}
	if p.Documents, err = caseDocuments(ctx, from, p.Number, form); err != nil {
		return err
	}
	r := reading{english: english, documents: map[string]string{}, people: p.Names, path: "/cases/" + p.Number + "/documents/", word: word}
	for _, d := range p.Documents {
		r.documents[d.Document] = d.Name
	}
	if form != nil {
		if p.Form, err = r.facts(form); err != nil {
			return err
		}
	}
	sent, err := from.Submissions(ctx, p.Number)
	if err != nil {
		return err
	}
	p.Compared, err = r.compared(sent, p.Documents)
	return err
}

// draw puts what was said to the steps of a round.
func draw(r views.Round, waits []views.Wait) drawnRound {
	out := drawnRound{Round: r, Open: r.Outcome == ""}
	for _, s := range r.Steps {
		step := drawnStep{RoundStep: s}
		for _, d := range r.Decided {
			if stepOf(d.Seat) == s.Step && !slices.Contains([]approval.Outcome{approval.Comment, approval.Ask, approval.Urge, approval.Copy, approval.Remind}, d.Act) {
				step.Said = append(step.Said, d)
				step.Bad = step.Bad || !d.Void && (d.Act == approval.Reject || d.Act == approval.Return)
			}
		}
		for _, w := range waits {
			if w.Matter == r.Matter && w.Round == r.Round && w.Step == s.Step {
				step.Waits = append(step.Waits, w)
			}
		}
		out.Drawn = append(out.Drawn, step)
	}
	return out
}

// stepOf is the step of a seat: "review.2" is the second seat of review.
func stepOf(seat string) string {
	step, _, _ := strings.Cut(seat, ".")
	return step
}

// ask lists the open questions, those first that the reader decides.
func (p *casePage) ask(who person.Person) {
	is := func(d views.Decider) bool { return d.Person == who.ID }
	for _, t := range p.Tasks {
		i := slices.IndexFunc(p.Explained.Waits, func(w views.Wait) bool { return w.Task == t.ID })
		if i < 0 {
			continue
		}
		m := kinds.MatterOf(t.Kind, t.Matter)
		f := taskForm{Task: t, Wait: p.Explained.Waits[i], Approve: m.Approve, Reject: m.Reject, Worked: m.Worked, Confirms: m.Approve == "confirm", P: p}
		if k := slices.IndexFunc(f.Wait.Deciders, is); k >= 0 && t.State == approval.TaskOpen {
			f.Mine = &f.Wait.Deciders[k]
		}
		if k := slices.IndexFunc(f.Wait.Barred, is); k >= 0 {
			f.Barred = &f.Wait.Barred[k]
		}
		for _, r := range p.Explained.Rounds {
			if r.Matter != t.Matter || r.Round != t.Round {
				continue
			}
			f.Added = slices.ContainsFunc(r.Decided, func(d views.Said) bool {
				return d.Act == approval.AddSigner && d.Person == who.ID && slices.Contains(t.Candidates, string(approval.PersonWho(d.Target)))
			})
			for _, s := range r.Steps {
				if s.Step == t.Step {
					break
				}
				if s.Skipped == "" {
					f.Steps = append(f.Steps, s.Step)
				}
			}
		}
		p.Forms = append(p.Forms, f)
	}
	slices.SortStableFunc(p.Forms, func(a, b taskForm) int { return cmp.Compare(rank(a), rank(b)) })
}

func rank(f taskForm) int {
	if f.Mine != nil {
		return 0
	}
	return 1
}

// Answered tells whether the task of a decision that was held back takes no answer any more.
func (p *casePage) Answered() bool {
	return !slices.ContainsFunc(p.Forms, func(f taskForm) bool { return f.ID == p.Entered.Get("task") })
}

// Was is what was entered in a field of this task's form, if it was not taken.
func (f taskForm) Was(field string) string {
	if f.P.Entered.Get("task") != f.ID {
		return ""
	}
	return f.P.Entered.Get(field)
}

// Chosen tells whether a line was chosen in this task's form.
func (f taskForm) Chosen(line string) bool {
	return f.P.Entered.Get("task") == f.ID && slices.Contains(f.P.Entered["line"], line)
}

// Receivers are whom the task may be given, as options of a list. Of a thousand colleagues a template would take longer than for all
// the rest of the page.
func (f taskForm) Receivers() template.HTML {
	var out strings.Builder
	to := f.Was("to")
	for _, c := range f.P.Colleagues {
		selected, id := "", template.HTMLEscapeString(c.ID)
		if c.ID == to {
			selected = " selected"
		}
		fmt.Fprintf(&out, `<option value="%s"%s>%s (%s)</option>`, id, selected, template.HTMLEscapeString(c.Name), id)
	}
	return template.HTML(out.String()) //nolint:gosec // names and IDs are escaped
}

// Name is what somebody is called, else the ID.
func (p *casePage) Name(id string) string { return cmp.Or(p.Names[id], id) }

// logFailure writes down why one of many tasks had no answer: the page only says that it failed.
func logFailure(ctx context.Context, i desk.Item) {
	if i.Result == desk.Failed {
		slog.ErrorContext(ctx, "decision failed", "task", i.Task, "error", i.Err)
	}
}
