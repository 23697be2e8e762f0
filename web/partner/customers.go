package partner

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"countersign/activities"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
)

// ofCustomers is who manages customers (ORG-09).
var ofCustomers = opens{organisation.Customers}

// customersData is the customers that somebody manages and, for the administrator, the contacts that customers see (ORG-20).
type customersData struct {
	asked
	Customers     []views.ManagedCustomer
	More          more
	Text          string // that was searched for
	Managers      []views.Named
	Contacts      []views.Contact
	Full          bool // no more contacts can be kept
	Looks         bool // as an administrator
	CustomerShown []string
	ContactShown  []string
}

var managedList = listed{"/partner/customers", "after", "", pageRows}

func (c *Console) customers(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	return c.customersPage(w, req, p, customersData{asked: a})
}

func (c *Console) customersPage(w http.ResponseWriter, req *http.Request, p person.Person, data customersData) error {
	ctx, query := req.Context(), req.URL.Query()
	data.Text = query.Get("text")
	err := c.read(ctx, p, func(r views.Reader) error {
		found, err := r.ManagedCustomers(ctx, p.ID, views.CustomerFilter{Text: data.Text, After: managedList.after(req), Limit: managedList.rows + 1}, data.CustomerShown)
		if err != nil {
			return err
		}
		data.Customers, data.More = cut(req, managedList, found, func(m views.ManagedCustomer) string { return m.Customer })
		data.Contacts, err = r.Contacts(ctx, p.PartnerID, p.ID, data.ContactShown)
		if activities.RefusalOf(err) != nil { // who is no administrator manages customers only
			return nil
		}
		if err != nil {
			return err
		}
		data.Looks, data.Full = true, len(data.Contacts) >= organisation.ContactLimit
		data.Managers, err = r.WithRole(ctx, p.PartnerID, person.PartnerAccountManager)
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, data.status(), "partner-customers", c.Pages.Text(req, "partner.nav.customers"), data)
	return nil
}

// uncoverCustomers shows a masked column of customers or contacts on the page that it answers.
func (c *Console) uncoverCustomers(w http.ResponseWriter, req *http.Request, p person.Person) error {
	lists := []organisation.List{organisation.CustomerList, organisation.ContactList}
	return c.uncovered(w, req, p, lists, c.customers, func(list organisation.List, columns []string) error {
		data := customersData{asked: fresh()}
		if list == organisation.CustomerList {
			data.CustomerShown = columns
		} else {
			data.ContactShown = columns
		}
		return c.customersPage(w, req, p, data)
	})
}

// uncovered shows masked columns of one of the lists on the page that it answers, and nowhere after it; who looked is written down
// first (PGM-05, PGM-06).
func (c *Console) uncovered(w http.ResponseWriter, req *http.Request, p person.Person, lists []organisation.List, show shown, open func(organisation.List, []string) error) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	list := organisation.List(form.Get("list"))
	if !slices.Contains(lists, list) {
		return page.Error{Status: http.StatusBadRequest, Key: "error.400"}
	}
	columns, err := (&activities.Organisation{DB: c.Desk.DB}).Uncover(req.Context(), activities.UncoverInput{
		Partner: p.PartnerID, List: list, Columns: form["column"], Person: p.ID, At: time.Now(),
	})
	if refused := activities.RefusalOf(err); refused != nil {
		return show(w, req, p, again(req, form, refused))
	}
	if err != nil {
		return err
	}
	return open(list, columns)
}

// assignCustomer puts an own customer into the care of an account manager (ORG-09).
func (c *Console) assignCustomer(w http.ResponseWriter, req *http.Request, p person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	ctx, customer := req.Context(), req.PathValue("customer")
	if err := c.read(ctx, p, func(r views.Reader) error { return r.Customer(ctx, customer) }); err != nil {
		return err
	}
	if err = c.colleague(ctx, p, form.Get("to")); err == nil {
		o, asked := c.order(form, p)
		err = o.AssignCustomer(ctx, activities.AssignInput{What: customer, To: form.Get("to"), Asked: asked})
	}
	return c.answered(w, req, p, form, err, c.customers, "/partner/customers", "partner.flash.saved")
}

// keepContact keeps one more contact for customers (ORG-20).
func (c *Console) keepContact(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.ordered(w, req, p, c.customers, "/partner/customers#contacts", func(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked) error {
		_, err := o.AddContact(ctx, activities.AddContactInput{
			Partner: p.PartnerID, Contact: organisation.Contact{Name: form.Get("name"), Mobile: form.Get("mobile"), Email: form.Get("email")}, Asked: asked,
		})
		return err
	})
}

func (c *Console) removeContact(w http.ResponseWriter, req *http.Request, p person.Person) error {
	slot, err := strconv.Atoi(req.PathValue("contact"))
	if err != nil {
		return page.NotFound
	}
	return c.ordered(w, req, p, c.customers, "/partner/customers#contacts", func(ctx context.Context, o *activities.Organisation, _ url.Values, asked activities.Asked) error {
		return o.RemoveContact(ctx, activities.RemoveContactInput{Partner: p.PartnerID, Slot: slot, Asked: asked})
	})
}

// ordered reads a form and does in the own organisation what it asks for.
func (c *Console) ordered(w http.ResponseWriter, req *http.Request, p person.Person, show shown, to string, do func(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked) error) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	o, asked := c.order(form, p)
	return c.answered(w, req, p, form, do(req.Context(), o, form, asked), show, to, "partner.flash.saved")
}
