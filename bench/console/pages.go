package console

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"countersign/domain/withdrawal"
	"countersign/internal/inboxbench"
	"countersign/policies"
)

// page is one that is measured.
type page struct {
	name string
	as   *http.Client
	path func(n int) string // of the n-th request: others than before, where there are others
	form url.Values         // what is sent; nil: nothing
	file bool               // no page
}

func (p page) request(ctx context.Context, origin string, n int) (*http.Request, error) {
	if p.form == nil {
		return http.NewRequestWithContext(ctx, http.MethodGet, origin+p.path(n), nil)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+p.path(n), strings.NewReader(p.form.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r, err
}

func fixed(path string) func(int) string { return func(int) string { return path } }

// one is another of the keys each time.
func one(path string, keys []string) func(int) string {
	return func(n int) string { return fmt.Sprintf(path, url.PathEscape(keys[n%len(keys)])) }
}

// pages are all that list or show something, the largest of each kind.
func (b *bench) pages(ctx context.Context) ([]page, error) {
	heavy, light, err := inboxbench.Personas(ctx, b.db)
	if err != nil {
		return nil, err
	}
	if _, err := b.db.ExecContext(ctx, `INSERT INTO person_roles (person_id, role) SELECT $1, r FROM unnest(ARRAY['finance-manager', 'vendor-operations']) r ON CONFLICT DO NOTHING`, light); err != nil {
		return nil, err
	}
	in, err := b.readers(ctx, heavy, light, inboxbench.Administrator)
	if err != nil {
		return nil, err
	}
	vendors, err := b.vendors(ctx, in[heavy], in[light])
	if err != nil {
		return nil, err
	}
	partners, err := b.partners(ctx, in[inboxbench.Administrator])
	return append(vendors, partners...), err
}

// keys are some of what a query finds, in no order that follows from their numbers.
func (b *bench) keys(ctx context.Context, query string, args ...any) ([]string, error) {
	var found []string
	if err := b.db.SelectContext(ctx, &found, `SELECT k FROM (`+query+`) AS found (k) ORDER BY hashtext(k) LIMIT 2000`, args...); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("nothing is found by %s", query)
	}
	return found, nil
}

func (b *bench) vendors(ctx context.Context, heavy, light *http.Client) ([]page, error) {
	keys := map[string][]string{}
	for name, query := range map[string]string{
		"open":        `SELECT case_number FROM cases WHERE closed_at IS NULL AND kind = 'withdrawal'`,
		"paid":        `SELECT case_number FROM tasks WHERE matter = 'confirm' AND case_number LIKE 'W%'`,
		"requisition": `SELECT case_number FROM cases WHERE closed_at IS NULL AND kind = 'requisition'`,
		"by rule":     `SELECT case_number FROM cases WHERE kind IN ('reconciliation', 'lab-credit', 'invitation')`,
		"partner":     `SELECT partner_id FROM partners`,
		"person":      `SELECT person_id FROM people WHERE partner_id IS NULL`,
	} {
		var err error
		if keys[name], err = b.keys(ctx, query); err != nil {
			return nil, err
		}
	}
	preview, err := policyForm()
	if err != nil {
		return nil, err
	}
	next, err := b.following(ctx, heavy, "/inbox")
	if err != nil {
		return nil, err
	}
	nextCases, err := b.following(ctx, light, "/partners/"+inboxbench.Largest)
	if err != nil {
		return nil, err
	}
	return []page{
		{"inbox, heavy", heavy, fixed("/inbox"), nil, false},
		{"inbox, heavy, second page", heavy, fixed(next), nil, false},
		{"inbox, light", light, fixed("/inbox"), nil, false},
		{"inbox, search that many match", heavy, fixed("/inbox?text=alpha"), nil, false},
		{"inbox, search for a case", heavy, one("/inbox?text=%s", keys["open"]), nil, false},
		{"inbox, search that nothing matches", heavy, fixed("/inbox?text=nowhere"), nil, false},
		{"inbox, overdue", heavy, fixed("/inbox?overdue=1"), nil, false},
		{"inbox, by kind and amount", heavy, fixed("/inbox?kind=requisition&from=150000"), nil, false},
		{"waiting for others", heavy, fixed("/waiting"), nil, false},
		{"decided", heavy, fixed("/decided"), nil, false},
		{"case under review", heavy, one("/cases/%s", keys["open"]), nil, false},
		{"case paid", heavy, one("/cases/%s", keys["paid"]), nil, false},
		{"requisition under review", heavy, one("/cases/%s", keys["requisition"]), nil, false},
		{"case of another kind", heavy, one("/cases/%s", keys["by rule"]), nil, false},
		{"cases of all partners", light, fixed("/cases"), nil, false},
		{"cases, by a partner's number", light, one("/cases?text=%s", keys["partner"]), nil, false},
		{"cases, by a name that many partners have", light, fixed("/cases?text=alpha"), nil, false},
		{"cases, open ones of a kind in a state", light, fixed("/cases?kind=requisition&state=REQUISITION_REVIEW&open=1"), nil, false},
		{"cases, paid", light, fixed("/cases?state=PAID"), nil, false},
		{"cases of a kind that there is none of", light, fixed("/cases?kind=tier-upgrade"), nil, false},
		{"overdue", light, fixed("/overdue"), nil, false},
		{"overdue, escalated requisitions", light, fixed("/overdue?kind=requisition&escalated=1"), nil, false},
		{"partners", light, fixed("/partners"), nil, false},
		{"partners, search", light, fixed("/partners?text=alpha"), nil, false},
		{"partner, the largest", light, fixed("/partners/" + inboxbench.Largest), nil, false},
		{"partner, the largest, more cases", light, fixed(nextCases), nil, false},
		{"partner", light, one("/partners/%s", keys["partner"]), nil, false},
		{"figures", light, fixed("/figures"), nil, false},
		{"figures of one kind", light, fixed("/figures?kind=withdrawal"), nil, false},
		{"policies", light, fixed("/policies"), nil, false},
		{"policy", light, fixed("/policies/withdrawal"), nil, false},
		{"policy, to edit", light, fixed("/policies/withdrawal/edit"), nil, false},
		{"policy, previewed", light, fixed("/policies/withdrawal/edit"), preview, false},
		{"calendar", light, fixed("/calendar"), nil, false},
		{"audit, events of a week", light, fixed("/audit"), nil, false},
		{"audit, events by a person", light, one("/audit?person=%s", keys["person"]), nil, false},
		{"audit, events of a partner", light, one("/audit?partner=%s", keys["partner"]), nil, false},
		{"audit, events of the largest partner", light, fixed("/audit?partner=" + inboxbench.Largest), nil, false},
		{"audit, a case", light, one("/audit?case=%s", keys["paid"]), nil, false},
		{"audit, refusals", light, fixed("/audit?kind=refusals"), nil, false},
		{"audit, sign-ins of a person", light, one("/audit?kind=sign-ins&person=%s", keys["person"]), nil, false},
		{"audit, uncovered columns", light, fixed("/audit?kind=unmasking"), nil, false},
		{"account", light, fixed("/account"), nil, false},
	}, nil
}

func (b *bench) partners(ctx context.Context, own *http.Client) ([]page, error) {
	keys := map[string][]string{}
	for name, query := range map[string]string{
		"open":        `SELECT case_number FROM cases WHERE partner_id = $1 AND closed_at IS NULL AND kind = 'withdrawal'`,
		"paid":        `SELECT case_number FROM tasks JOIN cases USING (case_number) WHERE partner_id = $1 AND matter = 'confirm' AND kind = 'withdrawal'`,
		"requisition": `SELECT case_number FROM cases WHERE partner_id = $1 AND kind = 'requisition'`,
		"bill":        `SELECT bill_id FROM bills WHERE partner_id = $1`,
		"line":        `SELECT data_id::text FROM incentive_lines WHERE partner_id = $1 AND period = (SELECT max(period) FROM calculations)`,
		"month":       `SELECT DISTINCT to_char(opened_at, 'YYYY-MM') FROM cases WHERE partner_id = $1`,
	} {
		var err error
		if keys[name], err = b.keys(ctx, query, inboxbench.Largest); err != nil {
			return nil, err
		}
	}
	var before string // the month that is over
	if err := b.db.GetContext(ctx, &before, `SELECT to_char(period, 'YYYY-MM') FROM calculations ORDER BY period DESC OFFSET 1 LIMIT 1`); err != nil {
		return nil, err
	}
	next, err := b.following(ctx, own, "/partner/cases")
	if err != nil {
		return nil, err
	}
	name := func(s string) string { return "partner's side: " + s }
	return []page{
		{name("overview"), own, fixed("/partner"), nil, false},
		{name("form to withdraw"), own, fixed("/partner/withdrawals/new"), nil, false},
		{name("cases"), own, fixed("/partner/cases"), nil, false},
		{name("cases, second page"), own, fixed(next), nil, false},
		{name("open cases"), own, fixed("/partner/cases?open=1"), nil, false},
		{name("cases of one kind"), own, fixed("/partner/cases?kind=lab-credit"), nil, false},
		{name("cases of a kind that there is none of"), own, fixed("/partner/cases?kind=tier-upgrade"), nil, false},
		{name("search for a case"), own, one("/partner/cases?text=%s", keys["open"]), nil, false},
		{name("search that nothing matches"), own, fixed("/partner/cases?text=nowhere"), nil, false},
		{name("case under review"), own, one("/partner/cases/%s", keys["open"]), nil, false},
		{name("case paid"), own, one("/partner/cases/%s", keys["paid"]), nil, false},
		{name("requisition"), own, one("/partner/cases/%s", keys["requisition"]), nil, false},
		{name("account, this month"), own, fixed("/partner/account"), nil, false},
		{name("account, another month"), own, one("/partner/account?month=%s", keys["month"]), nil, false},
		{name("account's month as CSV"), own, one("/partner/account/statement/csv?month=%s", keys["month"]), nil, true},
		{name("incentives, this month"), own, fixed("/partner/incentives"), nil, false},
		{name("incentives, last month"), own, fixed("/partner/incentives?month=" + before), nil, false},
		{name("an incentive line"), own, one("/partner/incentives/lines/%s", keys["line"]), nil, false},
		{name("incentive lines as CSV"), own, fixed("/partner/incentives/export/csv?month=" + before), nil, true},
		{name("bills"), own, fixed("/partner/bills"), nil, false},
		{name("bill"), own, one("/partner/bills/%s", keys["bill"]), nil, false},
		{name("requisitions"), own, fixed("/partner/requisitions"), nil, false},
		{name("staff"), own, fixed("/partner/staff"), nil, false},
		{name("quarters"), own, fixed("/partner/quarters"), nil, false},
		{name("invoices"), own, fixed("/partner/invoices"), nil, false},
		{name("invoice list"), own, one("/partner/invoices/%s", keys["requisition"]), nil, false},
		{name("solutions"), own, fixed("/partner/solutions"), nil, false},
		{name("certificates"), own, fixed("/partner/certificates"), nil, false},
		{name("tier"), own, fixed("/partner/tier"), nil, false},
		{name("lab credits"), own, fixed("/partner/lab"), nil, false},
		{name("specialists"), own, fixed("/partner/specialists"), nil, false},
		{name("company"), own, fixed("/partner/company"), nil, false},
		{name("people"), own, fixed("/partner/people"), nil, false},
		{name("people, search that finds nobody"), own, fixed("/partner/people?name=nowhere&member=nowhere"), nil, false},
	}, nil
}

// policyForm is the policy of withdrawals as somebody enters it to look at its effect.
func policyForm() (url.Values, error) {
	fields, err := policies.Fields(withdrawal.Kind, withdrawal.DefaultPolicy())
	form := url.Values{}
	for _, f := range fields {
		form.Set(f.Name, f.Value)
	}
	return form, err
}

var nextPage = regexp.MustCompile(`href="([^"]*[?;]after=[^"]*)"`)

// following is the address of the page after a list's first.
func (b *bench) following(ctx context.Context, as *http.Client, path string) (string, error) {
	r, err := page{path: fixed(path)}.request(ctx, b.origin, 0)
	if err != nil {
		return "", err
	}
	answer, err := as.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	found := nextPage.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("%s, %s: no page follows", path, answer.Status)
	}
	return html.UnescapeString(string(found[1])), nil
}
