// Package partner is the console of a partner's people: they apply, follow their cases and see their own account. What they
// read comes through views.Reader.ForPartner, so Postgres itself keeps every other partner's rows away.
package partner

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"net/url"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/views"
	"countersign/web/page"

	"go.temporal.io/sdk/client"
)

// Book has the texts and templates of these pages.
//
//go:embed pages parts messages.json
var Book embed.FS

// Console serves a partner's people.
type Console struct {
	Pages       *page.Renderer
	Desk        desk.Desk
	Codes       *activities.Codes
	Documents   *activities.Documents
	Certificate string // where certificates are verified: printed on them, followed by number and code
}

// Nav is where a partner's people may go, as far as their roles open it.
func (c *Console) Nav(req *http.Request, who person.Person) []page.Link {
	if who.OfVendor() {
		return nil
	}
	held, err := c.permissions(req.Context(), who)
	if err != nil {
		slog.ErrorContext(req.Context(), "permissions not read", "error", err) // the page says more
	}
	var links []page.Link
	for _, l := range menu {
		if l.opens.to(held) {
			links = append(links, l.Link)
		}
	}
	if len(links) == 0 { // without any role
		links = append(links, page.Link{Path: "/account", Key: "partner.nav.own"})
	}
	return links
}

// menu is the navigation. What has a group stands under its heading.
var menu = []struct {
	page.Link
	opens opens
}{
	{page.Link{Path: "/partner", Key: "partner.nav.overview"}, everybody},
	{page.Link{Path: "/partner/cases", Key: "partner.nav.cases"}, everybody},
	{page.Link{Path: "/partner/withdrawals/new", Key: "partner.nav.withdraw", Group: "partner.group.money"}, ofPayouts},
	{page.Link{Path: "/partner/account", Key: "partner.nav.account", Group: "partner.group.money"}, ofMoney},
	{page.Link{Path: "/partner/incentives", Key: "partner.nav.months", Group: "partner.group.incentives"}, ofIncentive},
	{page.Link{Path: "/partner/bills", Key: "partner.bills", Group: "partner.group.incentives"}, ofIncentive},
	{page.Link{Path: "/partner/requisitions", Key: "partner.nav.requisitions", Group: "partner.group.incentives"}, ofIncentive},
	{page.Link{Path: "/partner/staff", Key: "partner.nav.staff", Group: "partner.group.incentives"}, ofIncentive},
	{page.Link{Path: "/partner/quarters", Key: "partner.nav.quarters", Group: "partner.group.incentives"}, ofIncentive},
	{page.Link{Path: "/partner/invoices", Key: "partner.nav.invoices", Group: "partner.group.incentives"}, ofInvoices},
	{page.Link{Path: "/partner/tier", Key: "partner.nav.tier", Group: "partner.group.programme"}, ofProgramme},
	{page.Link{Path: "/partner/solutions", Key: "partner.nav.solutions", Group: "partner.group.programme"}, ofProgramme},
	{page.Link{Path: "/partner/joint", Key: "partner.nav.joint", Group: "partner.group.programme"}, ofProgramme},
	{page.Link{Path: "/partner/certificates", Key: "partner.nav.certificates", Group: "partner.group.programme"}, ofProgramme},
	{page.Link{Path: "/partner/lab", Key: "partner.nav.lab", Group: "partner.group.programme"}, ofMembers},
	{page.Link{Path: "/partner/people", Key: "partner.nav.people", Group: "partner.group.organisation"}, ofPeople},
	{page.Link{Path: "/partner/specialists", Key: "partner.nav.specialists", Group: "partner.group.organisation"}, ofMembers},
	{page.Link{Path: "/partner/customers", Key: "partner.nav.customers", Group: "partner.group.organisation"}, ofCustomers},
	{page.Link{Path: "/partner/drafts", Key: "partner.nav.drafts", Group: "partner.group.organisation"}, everybody},
	{page.Link{Path: "/partner/own", Key: "partner.nav.data", Group: "partner.group.organisation"}, everybody},
	{page.Link{Path: "/partner/company", Key: "partner.nav.company", Group: "partner.group.organisation"}, ofCompany},
}

// handler answers a person of a partner.
type handler func(http.ResponseWriter, *http.Request, person.Person) error

func (c *Console) places() map[string]place {
	return map[string]place{
		"GET /partner":                                   {c.overview, everybody},
		"GET /partner/withdrawals/new":                   {c.application, ofPayouts},
		"POST /partner/withdrawals":                      {c.apply, ofPayouts},
		"GET /partner/cases":                             {c.cases, everybody},
		"GET /partner/cases/{case}":                      {first(c.caseOf), everybody},
		"POST /partner/cases/{case}/cancel":              {c.cancel, ofPayouts},
		"GET /partner/cases/{case}/resubmit":             {c.reapplication, ofPayouts},
		"POST /partner/cases/{case}/resubmit":            {c.resubmit, ofPayouts},
		"GET /partner/cases/{case}/documents/{document}": {c.document, everybody},
		"POST /partner/cases/{case}/documents":           {c.enclose, everybody},
		"POST /partner/cases/{case}/say":                 {c.say, everybody},
		"POST /partner/cases/{case}/method":              {c.askMethod, ofIncentive},
		"POST /partner/cases/{case}/quarter":             {c.resubmitQuarter, ofIncentive},
		"POST /partner/cases/{case}/lab":                 {c.resubmitLab, ofMembers},
		"POST /partner/cases/{case}/lab-user":            {c.nameLabUser, ofMembers},
		"POST /partner/cases/{case}/tier":                {c.resubmitTier, ofProgramme},
		"POST /partner/cases/{case}/tier-withdraw":       {c.withdrawTier, ofProgramme},
		"GET /partner/account":                           {c.account, ofMoney},
		"GET /partner/account/statement/{format}":        {c.export, ofMoney},
		"GET /partner/incentives":                        {first(c.incentives), ofIncentive},
		"POST /partner/incentives/questions":             {c.questionMonth, ofIncentive},
		"GET /partner/incentives/lines/{line}":           {c.line, ofIncentive},
		"GET /partner/incentives/export/{format}":        {c.exportLines, ofIncentive},
		"GET /partner/bills":                             {c.bills, ofIncentive},
		"GET /partner/bills/{bill}":                      {first(c.bill), ofIncentive},
		"POST /partner/bills/{bill}/{act}":               {c.aboutBill, ofIncentive},
		"GET /partner/requisitions":                      {first(c.requisitions), ofIncentive},
		"POST /partner/requisitions":                     {c.request, ofIncentive},
		"POST /partner/requisitions/automatic":           {c.switchAutomatic, ofIncentive},
		"GET /partner/staff":                             {first(c.staff), ofIncentive},
		"POST /partner/staff/qualification":              {c.qualify, ofIncentive},
		"POST /partner/staff/specialists":                {c.registerSpecialist, ofIncentive},
		"POST /partner/staff/months":                     {c.requestMonth, ofIncentive},
		"POST /partner/cases/{case}/staff-month":         {c.resubmitMonth, ofIncentive},
		"GET /partner/specialists":                       {first(c.specialists), ofMembers},
		"POST /partner/specialists":                      {c.applyForSpecialists, ofMembers},
		"POST /partner/members/{account}/location":       {c.locate, ofMembers},
		"POST /partner/cases/{case}/specialist-cancel":   {c.cancelSpecialist, ofMembers},
		"POST /partner/cases/{case}/specialist-keep":     {c.keepSpecialist, ofMembers},
		"POST /partner/roles":                            {c.createRole, ofPeople},
		"POST /partner/roles/{role}/delete":              {c.deleteRole, ofPeople},
		"GET /partner/quarters":                          {first(c.quarters), ofIncentive},
		"POST /partner/quarters":                         {c.requestQuarter, ofIncentive},
		"GET /partner/invoices":                          {first(c.invoices), ofInvoices},
		"POST /partner/invoices":                         {c.askForInvoices, ofInvoices},
		"GET /partner/invoices/{case}":                   {first(c.invoiceList), ofInvoices},
		"POST /partner/invoices/{case}":                  {c.sendInvoices, ofInvoices},
		"GET /partner/solutions":                         {first(c.solutions), ofProgramme},
		"POST /partner/solutions":                        {c.enterSolution, ofProgramme},
		"GET /partner/solutions/{solution}":              {first(c.solution), ofProgramme},
		"POST /partner/solutions/{solution}":             {c.changeSolution, ofProgramme},
		"POST /partner/solutions/{solution}/delete":      {c.deleteSolution, ofProgramme},
		"GET /partner/joint":                             {first(c.joints), ofProgramme},
		"POST /partner/joint":                            {c.enterJoint, ofProgramme},
		"GET /partner/joint/template":                    {c.featureTemplate, ofProgramme},
		"GET /partner/joint/{joint}":                     {first(c.joint), ofProgramme},
		"POST /partner/joint/{joint}":                    {c.changeJoint, ofProgramme},
		"POST /partner/joint/{joint}/delete":             {c.deleteJoint, ofProgramme},
		"POST /partner/joint/{joint}/acts":               {c.askOfJoint, ofProgramme},
		"POST /partner/joint/{joint}/release":            {c.releaseJoint, ofProgramme},
		"GET /partner/joint/{joint}/material":            {c.releaseMaterial, ofProgramme},
		"GET /partner/joint/{joint}/files/{document}":    {c.jointFile, ofProgramme},
		"GET /partner/certificates":                      {c.certificates, ofProgramme},
		"GET /partner/certificates/{number}":             {c.printCertificate, ofProgramme},
		"GET /partner/tier":                              {first(c.tier), ofProgramme},
		"POST /partner/tier":                             {c.applyForTier, ofProgramme},
		"GET /partner/lab":                               {first(c.lab), ofMembers},
		"POST /partner/lab":                              {c.applyForLab, ofMembers},
		"GET /partner/company":                           {first(c.company), ofCompany},
		"POST /partner/company":                          {c.submitCompany, ofCompany},
		"POST /partner/company/tickets":                  {c.askCompany, ofCompany},
		"GET /partner/company/letters/{document}":        {c.bankLetter, ofCompany},
		"GET /partner/people":                            {first(c.people), ofPeople},
		"POST /partner/people":                           {c.createPerson, ofPeople},
		"POST /partner/people/uncover":                   {c.uncover, ofPeople},
		"GET /partner/people/{person}":                   {first(c.person), ofPeople},
		"POST /partner/people/{person}":                  {c.aboutPerson(changeData), ofPeople},
		"POST /partner/people/{person}/director":         {c.aboutPerson(assignDirector), ofPeople},
		"POST /partner/people/{person}/qualification":    {c.aboutPerson(submitQualification), ofPeople},
		"GET /partner/own":                               {first(c.ownData), everybody},
		"POST /partner/own":                              {c.changeOwn, everybody},
		"POST /partner/own/messages":                     {c.changeMessages, everybody},
		"GET /partner/customers":                         {first(c.customers), ofCustomers},
		"POST /partner/customers/uncover":                {c.uncoverCustomers, ofCustomers},
		"POST /partner/customers/{customer}/manager":     {c.assignCustomer, ofCustomers},
		"POST /partner/contacts":                         {c.keepContact, ofCustomers},
		"POST /partner/contacts/{contact}/remove":        {c.removeContact, ofCustomers},
		"GET /partner/drafts":                            {first(c.drafts), everybody},
		"POST /partner/drafts":                           {c.saveDraft, everybody},
		"GET /partner/drafts/{draft}":                    {first(c.drafts), everybody},
		"POST /partner/drafts/{draft}":                   {c.saveDraft, everybody},
		"POST /partner/drafts/{draft}/delete":            {c.deleteDraft, everybody},
		"GET /partner/registration":                      {first(c.registration), ofRegistration},
		"POST /partner/registration":                     {c.register, ofRegistration},
		"GET /partner/members/{account}":                 {c.member, ofMembers},
		"POST /partner/cases/{case}/staff-proof":         {c.addStaffProof, ofIncentive},
		"POST /partner/people/{person}/roles":            {c.setRoles, ofPeople},
		"POST /partner/people/{person}/status":           {c.setStatus, ofPeople},
		"POST /partner/people/{person}/password":         {c.resetPassword, ofPeople},
		"POST /partner/invitations":                      {c.invite, ofMembers},
		"POST /partner/invitations/{case}/again":         {c.inviteAgain, ofMembers},
		"POST /partner/members/{account}/unbind":         {c.unbind, ofMembers},
	}
}

// Routes are the pages; signedIn lets nobody else pass. To the vendor's people none of them is there.
func (c *Console) Routes(mux *http.ServeMux, signedIn func(http.Handler) http.Handler) {
	for pattern, to := range c.places() {
		mux.Handle(pattern, signedIn(c.Pages.Handle(c.enter(to))))
	}
}

// shown is a page with a form.
type shown func(http.ResponseWriter, *http.Request, person.Person, asked) error

// first is such a page before anything was asked on it.
func first(show shown) handler {
	return func(w http.ResponseWriter, req *http.Request, p person.Person) error { return show(w, req, p, fresh()) }
}

// answered leads on when what a form asks for was done, and says so. What the rules refuse is shown on the page of the form.
func (c *Console) answered(w http.ResponseWriter, req *http.Request, p person.Person, form url.Values, err error, show shown, to, said string, args ...string) error {
	if list := activities.RefusalOf(err); list != nil {
		return show(w, req, p, again(req, form, list))
	}
	if err != nil {
		return err
	}
	page.Flash(w, req, said, args...)
	http.Redirect(w, req, to, http.StatusSeeOther)
	return nil
}

// start brings a new application of a kind to Temporal.
func start[S any](ctx context.Context, c *Console, kind string, submit func(context.Context, client.Client) (S, error)) (S, error) {
	temporal, err := c.Desk.Temporal(ctx)
	if err != nil {
		var nothing S
		return nothing, err
	}
	opened, err := desk.InTime(ctx, func(ctx context.Context) (S, error) { return submit(ctx, temporal) })
	return opened, c.ruled(ctx, kind, err)
}

// applied opens a case of a kind by what a form says: an application is read from it, submitted, and its files are enclosed.
func applied[A any](c *Console, w http.ResponseWriter, req *http.Request, p person.Person, kind string, show shown,
	read func(url.Values, []page.Uploaded) (A, error), submit func(context.Context, client.Client, A) (activities.Standing, error),
) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	var opened activities.Standing
	application, err := read(form, files)
	if err == nil {
		opened, err = start(ctx, c, kind, func(ctx context.Context, t client.Client) (activities.Standing, error) {
			return submit(ctx, t, application)
		})
	}
	if err == nil {
		err = c.addAll(ctx, p, opened.Case, files)
	}
	return c.answered(w, req, p, form, err, show, casePath(opened.Case), "partner.flash.submitted", opened.Case)
}

// appliedAgain sends an own case that came back again, corrected; direct is asked when its run is gone.
func appliedAgain[A any](c *Console, w http.ResponseWriter, req *http.Request, p person.Person, read func(url.Values, []page.Uploaded) (A, error),
	submit func(context.Context, client.Client, string, A) (activities.Standing, error), direct func(ctx context.Context, number string, a A) (activities.Standing, error),
) error {
	form, files, err := page.Upload(w, req)
	if err != nil {
		return err
	}
	ctx := req.Context()
	known, err := c.own(ctx, p, req.PathValue("case"))
	if err != nil {
		return err
	}
	application, err := read(form, files)
	if err == nil {
		_, err = desk.Send(ctx, c.Desk, known.Number, func(ctx context.Context, t client.Client, workflowID string) (activities.Standing, error) {
			return submit(ctx, t, workflowID, application)
		}, func(ctx context.Context, _ string) (activities.Standing, error) {
			return direct(ctx, known.Number, application)
		})
	}
	if err == nil {
		err = c.addAll(ctx, p, known.Number, files)
	}
	return c.answered(w, req, p, form, err, c.caseOf, casePath(known.Number), "partner.flash.submitted", known.Number)
}

// ruled says so when nothing was found because the programme has no rules for a kind of case yet.
func (c *Console) ruled(ctx context.Context, kind string, err error) error {
	if !activities.IsNotFound(err) {
		return err
	}
	if _, missing := (views.Reader{DB: c.Desk.DB}).Policy(ctx, kind, 0); activities.IsNotFound(missing) {
		return refusal.List{refusal.New("COM-17", "CBC.5001", "policy "+kind, "The vendor has set no rules for this yet; nothing can be entered before. Ask your ecosystem manager.")}
	}
	return err
}

// casePath is where a case is shown.
func casePath(number string) string { return "/partner/cases/" + url.PathEscape(number) }

// read reads as the person's partner.
func (c *Console) read(ctx context.Context, p person.Person, look func(views.Reader) error) error {
	return views.Reader{DB: c.Desk.DB}.ForPartner(ctx, p.PartnerID, look)
}

// own is one thing that is read as the person's partner.
func own[T any](ctx context.Context, c *Console, p person.Person, look func(views.Reader) (T, error)) (found T, err error) {
	err = c.read(ctx, p, func(r views.Reader) (err error) {
		found, err = look(r)
		return err
	})
	return found, err
}
