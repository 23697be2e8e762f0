package partner

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/person"
	"countersign/internal/sheet"
	"countersign/views"
	"countersign/web/page"
	"countersign/workflows"

	"go.temporal.io/sdk/client"
)

// shownLines is how many lines a page lists; all of them are in the file.
const shownLines = 100

// incentivesData is a month: what it gives, why, and what bills were made of it.
type incentivesData struct {
	asked
	views.IncentiveMonth
	Lines    []views.DetailLine
	Total    views.LineTotal
	Estimate *views.Estimate // of a month that is not settled
	Month    string
	Before   string
	After    string // empty: it has not begun
	Asks     bool   // a question may be asked
}

// monthOf is the month that an address or a form names: the present one when it names none.
func monthOf(month string) (incentive.Period, error) {
	first := calendar.DateOf(time.Now())
	first.Day = 1
	if month == "" {
		return incentive.Period{First: first, Months: 1}, nil
	}
	p, err := incentive.ParsePeriod(month)
	if err != nil || !p.IsMonth() {
		return p, page.Error{Status: http.StatusBadRequest, Key: "error.400"}
	}
	return p, nil
}

func (c *Console) incentives(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx, now := req.Context(), time.Now()
	month := req.URL.Query().Get("month")
	if req.Method == http.MethodPost {
		month = a.Was("month")
	}
	period, err := monthOf(month)
	if err != nil {
		return err
	}
	data := incentivesData{asked: a, Month: period.String(), Before: period.First.AddMonths(-1).String()[:7]}
	if next := period.After(); !next.Start().After(now) {
		data.After = next.String()[:7]
	}
	err = c.read(ctx, p, func(r views.Reader) (err error) {
		if data.IncentiveMonth, err = r.IncentiveMonth(ctx, p.PartnerID, period, now); err != nil {
			return err
		}
		f := views.LineFilter{Partner: p.PartnerID, Period: period.String()}
		if data.Total, err = r.LineTotal(ctx, f); err != nil {
			return err
		}
		if data.Lines, err = r.Lines(ctx, f, shownLines); err != nil {
			return err
		}
		if s := data.Sheet; s == nil || s.State == incentive.Estimated {
			e, err := r.Estimate(ctx, p.PartnerID, period, now)
			data.Estimate = &e
			return err
		}
		data.Asks = data.Sheet.State == incentive.FirstDraft
		return nil
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-incentives", c.Pages.Text(req, "partner.nav.incentives"), data)
	return nil
}

// questionMonth keeps a question about the first draft of a month.
func (c *Console) questionMonth(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	period, err := monthOf(form.Get("month"))
	if err != nil {
		return err
	}
	err = (&activities.Calculations{DB: c.Desk.DB}).AskAboutPerformance(req.Context(), activities.PerformanceQuestion{
		Key: form.Get("key"), Partner: p.PartnerID, Period: period, Person: p.ID, Question: form.Get("question"), At: time.Now(),
	})
	return c.answered(w, req, p, form, err, c.incentives, "/partner/incentives?month="+period.String(), "partner.flash.asked")
}

// lineData is one line with what it came from, a page of its rows at a time.
type lineData struct {
	views.ExplainedLine
	Page, Last int
}

// shownRows is how many rows of a line a page has.
const shownRows = 50

func (c *Console) line(w http.ResponseWriter, req *http.Request, p person.Person) error {
	id, err := strconv.ParseInt(req.PathValue("line"), 10, 64)
	if err != nil {
		return page.NotFound
	}
	data := lineData{Page: 1}
	if n, err := strconv.Atoi(req.URL.Query().Get("page")); err == nil && n > 1 {
		data.Page = min(n, 1<<20)
	}
	err = c.read(req.Context(), p, func(r views.Reader) (err error) {
		data.ExplainedLine, err = r.ExplainLine(req.Context(), id, data.Page, shownRows)
		return err
	})
	if err != nil {
		return err
	}
	data.Last = max(1, (data.RowCount+shownRows-1)/shownRows)
	c.Pages.Render(w, req, http.StatusOK, "partner-line", c.Pages.Text(req, "partner.line", strconv.FormatInt(id, 10)), data)
	return nil
}

// exportLines hands out all lines of a month as a file; names in it are masked (COM-12).
func (c *Console) exportLines(w http.ResponseWriter, req *http.Request, p person.Person) error {
	format := sheet.Format(req.PathValue("format"))
	kind, ok := fileTypes[format]
	if !ok {
		return page.NotFound
	}
	period, err := monthOf(req.URL.Query().Get("month"))
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "lines-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // the system's own cleaning finds it
	name := "incentive-" + period.String() + "." + string(format)
	file := filepath.Join(folder, name)
	err = c.read(req.Context(), p, func(r views.Reader) error {
		_, err := r.WriteLines(req.Context(), views.LineFilter{Partner: p.PartnerID, Period: period.String()}, file, func(int64) error { return nil })
		return err
	})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	http.ServeFile(w, req, file)
	return nil
}

var billList = listed{"/partner/bills", "after", "", pageRows}

// bills lists the partner's bills, the newest first.
func (c *Console) bills(w http.ResponseWriter, req *http.Request, p person.Person) error {
	var data struct {
		Bills []views.Bill
		More  more
	}
	err := c.read(req.Context(), p, func(r views.Reader) error {
		found, err := r.Bills(req.Context(), views.BillFilter{Partner: p.PartnerID, NewestFirst: true, After: billList.after(req), Limit: billList.rows + 1}, time.Now())
		data.Bills, data.More = cut(req, billList, found, func(b views.Bill) string { return b.ID })
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, http.StatusOK, "partner-bills", c.Pages.Text(req, "partner.bills"), data)
	return nil
}

// billData is one bill with its lines.
type billData struct {
	asked
	views.BillDetail
	Detail []views.DetailLine
	ToSay  bool // it is presented and waits for the partner's word
}

func (c *Console) bill(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx, id := req.Context(), req.PathValue("bill")
	data := billData{asked: a}
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		if data.BillDetail, err = r.Bill(ctx, id, time.Now()); err != nil {
			return err
		}
		data.Detail, err = r.Lines(ctx, views.LineFilter{Bill: id}, shownLines)
		return err
	})
	if err != nil {
		return err
	}
	data.ToSay = data.State == bill.ToConfirm && data.Case != ""
	c.Pages.Render(w, req, data.status(), "partner-bill", data.ID, data)
	return nil
}

// aboutBill confirms, rejects or questions a presented bill.
func (c *Console) aboutBill(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	r := &activities.Reconciliations{DB: c.Desk.DB}
	act, ok := map[string]struct {
		update string
		ended  func(context.Context, activities.AnswerInput) (activities.Standing, error)
		said   string
	}{
		"confirm":  {workflows.ConfirmUpdate, r.ConfirmBills, "partner.flash.confirmed"},
		"reject":   {workflows.RejectUpdate, r.RejectBills, "partner.flash.rejected"},
		"question": {workflows.QuestionUpdate, r.AskAboutBills, "partner.flash.asked-about"},
	}[req.PathValue("act")]
	if !ok {
		return page.NotFound
	}
	ctx, id := req.Context(), req.PathValue("bill")
	var known views.BillDetail
	if err := c.read(ctx, p, func(r views.Reader) (err error) {
		known, err = r.Bill(ctx, id, time.Now())
		return err
	}); err != nil {
		return err
	}
	if known.Case == "" {
		return page.Error{Status: http.StatusConflict, Key: "error.409"} // it was not presented
	}
	b := workflows.BillRequest{Person: p.ID, Bills: []string{id}, Text: form.Get("text"), Key: form.Get("key")}
	if act.update == workflows.ConfirmUpdate {
		b.Bills, b.Text = nil, "" // all that were presented together are confirmed together
	}
	_, err = desk.Send(ctx, c.Desk, known.Case, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
		return workflows.AboutBills(ctx, t, workflowID, act.update, b)
	}, func(ctx context.Context, _ string) (activities.Standing, error) {
		return act.ended(ctx, activities.AnswerInput{Case: known.Case, Key: b.Key, Person: b.Person, Bills: b.Bills, Text: b.Text, At: time.Now()})
	})
	return c.answered(w, req, p, form, err, c.bill, "/partner/bills/"+url.PathEscape(id), act.said, id)
}
