package partner

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"countersign/activities"
	"countersign/domain/business"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/internal/documents"
	"countersign/views"
	"countersign/web/page"
)

// ofCompany is who sees what the vendor knows of the company: everybody who has to do with money, and who looks after it.
var ofCompany = opens{organisation.Organisation, organisation.Bills, organisation.Withdrawals, organisation.Incentives}

// companyData is what is known of the partner as a company, and the form in which it is entered or changed.
type companyData struct {
	asked
	business.Facts
	Missing   refusal.List // what keeps it from being paid (AUT-09)
	Tickets   []activities.Ticket
	Company   *views.Company // nil: the partner belongs to none
	Taxpayers []business.Taxpayer
	MayAct    bool
}

// Known is what is known of the company, by the form's field.
func (d companyData) Known(field string) string {
	i := d.Latest
	if i == nil {
		return map[string]string{"company_name": d.VerifiedName, "settlement_currency": "CNY"}[field]
	}
	return map[string]string{
		"company_name": i.Company, "code_type": i.CodeType, "company_code": i.Code, "registered_address": i.RegisteredAddress, "contact": i.Contact, "taxpayer_type": string(i.Taxpayer),
		"service_fee_tax_rate": i.ServiceFeeRate.String(), "tax_number": i.TaxNumber, "bank_account_name": i.AccountName, "bank_name": i.Bank, "bank_branch": i.Branch,
		"bank_account_no": i.AccountNo, "settlement_currency": i.Currency,
	}[field]
}

// Failed tells whether the newest information was not certified: a ticket may be opened about it (AUT-07).
func (d companyData) Failed() bool { return d.Latest != nil && d.Latest.Status == business.Failed }

func (c *Console) businesses() *activities.Businesses {
	return &activities.Businesses{DB: c.Desk.DB, Store: c.Documents.Store}
}

func (c *Console) company(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	ctx, now := req.Context(), time.Now()
	data := companyData{asked: a, Taxpayers: business.Taxpayers, MayAct: business.MayAct(p, p.PartnerID)}
	err := c.read(ctx, p, func(r views.Reader) error {
		company, err := r.CompanyOf(ctx, p.PartnerID, now)
		if activities.IsNotFound(err) {
			return nil
		}
		data.Company = &company
		return err
	})
	if err != nil {
		return err
	}
	if data.Facts, data.Missing, err = c.businesses().ReadBusiness(ctx, p.PartnerID, now); err != nil { // of the session's partner
		return err
	}
	if data.Tickets, err = c.businesses().Tickets(ctx, p.PartnerID); err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-company", c.Pages.Text(req, "partner.nav.company"), data)
	return nil
}

// submission reads business information. Who submits, and for whom, is not asked of the form.
func submission(form url.Values, p person.Person) business.Submission {
	return business.Submission{
		RequestKey: form.Get("key"), Partner: p.PartnerID, Submitter: p.ID, Company: form.Get("company_name"), CodeType: form.Get("code_type"), Code: form.Get("company_code"),
		RegisteredAddress: form.Get("registered_address"), Contact: form.Get("contact"), Taxpayer: business.Taxpayer(form.Get("taxpayer_type")),
		ServiceFeeRate: form.Get("service_fee_tax_rate"), TaxNumber: form.Get("tax_number"), AccountName: form.Get("bank_account_name"), Bank: form.Get("bank_name"),
		Branch: form.Get("bank_branch"), AccountNo: form.Get("bank_account_no"), Currency: form.Get("settlement_currency"),
	}
}

func (c *Console) submitCompany(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	in := activities.SubmitBusinessInput{Submission: submission(form, p), At: time.Now()}
	if len(files) > 0 {
		in.Letter, err = c.take(files[0])
	}
	if err == nil {
		_, err = c.businesses().SubmitBusiness(req.Context(), in)
	}
	return c.answered(w, req, p, form, err, c.company, "/partner/company", "partner.flash.company")
}

// askCompany opens a ticket about a certification that failed (AUT-07).
func (c *Console) askCompany(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	_, err = c.businesses().OpenTicket(req.Context(), activities.OpenTicketInput{Partner: p.PartnerID, Person: p.ID, Question: form.Get("question"), Key: form.Get("key"), At: time.Now()})
	return c.answered(w, req, p, form, err, c.company, "/partner/company", "partner.flash.asked")
}

// bankLetter answers a letter that came with the partner's own information.
func (c *Console) bankLetter(w http.ResponseWriter, req *http.Request, p person.Person) error {
	facts, _, err := c.businesses().ReadBusiness(req.Context(), p.PartnerID, time.Now()) // of the session's partner
	if err != nil {
		return err
	}
	id := req.PathValue("document")
	if !slices.ContainsFunc([]*business.Information{facts.Latest, facts.Certified}, func(i *business.Information) bool { return i != nil && i.Letter == id }) {
		return page.NotFound
	}
	info, content, err := c.Documents.Store.Get(req.Context(), id)
	if errors.Is(err, documents.ErrUnknown) { // named by the command line, and not stored here
		return page.NotFound
	}
	if err != nil {
		return err
	}
	defer content.Close()
	return page.File(w, req, info.MediaType, c.Pages.Text(req, "partner.field.bank_letter"), info.ID, content)
}
