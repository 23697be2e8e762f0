package partner

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/person"
	"countersign/domain/said"
	"countersign/internal/sheet"
	"countersign/views"
	"countersign/web/page"
)

// accountData is the partner's account: where all balances stand, and one account's month.
type accountData struct {
	Balances  []views.Balance
	Customers []views.Balance // accounts of the partner's customers
	Statement views.StatementPage
	Month     string // 2026-11
	Before    string
	After     string // empty: the month is not over
	More      more   // of a month with many lines

	MoreCustomers more
}

// accountAsked is the account and month that an address names: P.CASH of the present month when it names none.
func accountAsked(req *http.Request, p person.Person) (account ledger.Account, first, last calendar.Date, err error) {
	query := req.URL.Query()
	account = ledger.Cash(p.PartnerID)
	if a := query.Get("account"); a != "" {
		account = ledger.Account(a)
	}
	first = calendar.DateOf(time.Now())
	if m := query.Get("month"); m != "" {
		if first, err = calendar.ParseDate(m + "-01"); err != nil {
			return account, first, last, page.Error{Status: http.StatusBadRequest, Key: "error.400"}
		}
	}
	first.Day = 1
	return account, first, first.AddMonths(1).AddDays(-1), nil
}

// statementLines is how many lines of a statement a page has at most.
const statementLines = 100

var customerList = listed{"/partner/account", "customers", "#customers", formRows}

func (c *Console) account(w http.ResponseWriter, req *http.Request, p person.Person) error {
	ctx := req.Context()
	account, first, last, err := accountAsked(req, p)
	if err != nil {
		return err
	}
	after, err := views.ParseStatementPlace(req.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	data := accountData{Month: first.String()[:7], Before: first.AddMonths(-1).String()[:7]}
	if next := first.AddMonths(1); !next.Start().After(time.Now()) {
		data.After = next.String()[:7]
	}
	err = c.read(ctx, p, func(r views.Reader) (err error) {
		if data.Balances, err = r.OwnBalances(ctx, p.PartnerID); err != nil {
			return err
		}
		customers, err := r.CustomerBalances(ctx, p.PartnerID, ledger.Account(customerList.after(req)), customerList.rows+1)
		if err != nil {
			return err
		}
		data.Customers, data.MoreCustomers = cut(req, customerList, customers, func(b views.Balance) string { return string(b.Account) })
		data.Statement, err = r.StatementPage(ctx, account, first, last, after, statementLines)
		return err
	})
	if err != nil {
		return err
	}
	address := url.Values{"account": {string(account)}, "month": {data.Month}}
	if !after.IsZero() {
		data.More.First = req.URL.Path + "?" + address.Encode()
	}
	if next := data.Statement.Next; !next.IsZero() {
		address.Set("after", next.String())
		data.More.Next = req.URL.Path + "?" + address.Encode()
	}
	c.Pages.Render(w, req, http.StatusOK, "partner-account", c.Pages.Text(req, "partner.nav.account"), data)
	return nil
}

// fileTypes are what a browser is told of a file.
var fileTypes = map[sheet.Format]string{
	sheet.CSV: "text/csv; charset=utf-8", sheet.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// export hands the month's statement out as a file.
func (c *Console) export(w http.ResponseWriter, req *http.Request, p person.Person) error {
	format := sheet.Format(req.PathValue("format"))
	kind, ok := fileTypes[format]
	if !ok {
		return page.NotFound
	}
	account, first, last, err := accountAsked(req, p)
	if err != nil {
		return err
	}
	var s views.Statement
	err = c.read(req.Context(), p, func(r views.Reader) (err error) {
		s, err = r.Statement(req.Context(), account, first, last)
		return err
	})
	if err != nil {
		return err
	}
	language := page.Language(req).String()
	for i, l := range s.Lines {
		s.Lines[i].Memo = said.Note(language, l.Memo)
	}
	text := func(key string) string { return c.Pages.Text(req, key) }
	columns := []string{text("partner.column.time"), text("partner.column.entry"), text("partner.case"), text("partner.memo"), text("partner.amount"), text("partner.balance")}
	var file bytes.Buffer // whole before the first octet leaves: half a statement would look like one
	if err := s.Write(&file, format, columns, text("partner.opening"), text("partner.closing")); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.%s"`, account.Code(), first.String()[:7], format))
	h.Set("Cache-Control", "no-store")
	_, err = file.WriteTo(w)
	return err
}
