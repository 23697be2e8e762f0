package views

import (
	"context"
	"time"

	"countersign/domain/kinds"
	"countersign/domain/organisation"
	"countersign/domain/person"

	"github.com/lib/pq"
)

// ManagedCustomer is a customer in a person's list. Name and account are masked unless they were uncovered (PGM-05).
type ManagedCustomer struct {
	Customer string `db:"customer_id"     json:"customer"`
	Name     string `db:"name"            json:"name"`
	Account  string `db:"account"         json:"account"`
	Manager  string `db:"account_manager" json:"account_manager,omitempty"`
}

// CustomerFilter narrows a person's customers; what is empty does not.
type CustomerFilter struct {
	Text  string // in a number or a name
	After string // the number after which the list goes on
	Limit int    // 0: all
}

// ManagedCustomers lists the customers that a person manages: those assigned to them, or all of the partner (ORG-09).
func (r Reader) ManagedCustomers(ctx context.Context, by string, f CustomerFilter, uncovered []string) ([]ManagedCustomer, error) {
	p, err := r.organisationPerson(ctx, by)
	if err != nil {
		return nil, err
	}
	if list := organisation.JudgePage(p, false, by, organisation.Customers); len(list) > 0 {
		return nil, list
	}
	found, err := rows[ManagedCustomer](ctx, r.q(), "customers", `
		SELECT customer_id, name, account, account_manager FROM customers
		 WHERE partner_id = $1 AND ($2 = 'all' OR account_manager = $3) AND customer_id > $4 AND (strpos(customer_id, $5) > 0 OR strpos(lower(name), lower($5)) > 0)
		 ORDER BY customer_id LIMIT nullif($6, 0)`, p.Partner, p.CustomerScope(), by, f.After, f.Text, f.Limit)
	for i, c := range found {
		found[i].Name, found[i].Account = organisation.Masked("name", c.Name, uncovered), organisation.Masked("account", c.Account, uncovered)
	}
	return found, err
}

// Customer tells whether there is a customer.
func (r Reader) Customer(ctx context.Context, id string) error {
	return r.mustExist(ctx, "customer", id, customerExistsSQL)
}

const customerExistsSQL = `SELECT 1 FROM customers WHERE customer_id = $1`

// Contact is one of a partner's contacts for customers.
type Contact struct {
	Slot int `db:"slot" json:"contact,omitempty"`
	organisation.Contact
}

// Contacts lists what a partner keeps, for its administrator.
func (r Reader) Contacts(ctx context.Context, partner, by string, uncovered []string) ([]Contact, error) {
	p, err := r.organisationPerson(ctx, by)
	if err != nil {
		return nil, err
	}
	if list := organisation.JudgeAdministrator(p, by, partner); len(list) > 0 {
		return nil, list
	}
	found, err := rows[Contact](ctx, r.q(), "contacts", `SELECT slot, name, mobile, email FROM customer_contacts WHERE partner_id = $1 ORDER BY slot`, partner)
	for i, c := range found {
		found[i].Mobile, found[i].Email = organisation.Masked("mobile", c.Mobile, uncovered), organisation.Masked("email", c.Email, uncovered)
	}
	return found, err
}

// ContactsFor is what a customer sees: their partner's contacts, or its administrator when there are none (ORG-20).
func (r Reader) ContactsFor(ctx context.Context, customer string) ([]Contact, error) {
	if err := r.Customer(ctx, customer); err != nil {
		return nil, err
	}
	found, err := rows[Contact](ctx, r.q(), "contacts", `
		SELECT slot, k.name, k.mobile, k.email FROM customer_contacts k JOIN customers c USING (partner_id) WHERE c.customer_id = $1 ORDER BY slot`, customer)
	if err != nil || len(found) > 0 {
		return found, err
	}
	return rows[Contact](ctx, r.q(), "administrator", `
		SELECT 0 AS slot, o.name, o.mobile, o.email FROM organisation_persons o JOIN customers c USING (partner_id)
		 WHERE c.customer_id = $1 AND o.active AND o.status = 'ACTIVE' AND (o.master OR $2 = ANY (o.roles)) ORDER BY o.master DESC, o.person_id LIMIT 1`,
		customer, person.PartnerAdministrator)
}

// Company is what is said of a company; every account of it shows the same, with plans and paths of its own (PGM-14).
type Company struct {
	ID       string           `db:"company_id" json:"company"`
	Name     string           `db:"name"       json:"name"`
	Address  string           `db:"address"    json:"address"`
	Country  string           `db:"country"    json:"country"`
	Accounts []CompanyAccount `db:"-"          json:"accounts"`
}

// CompanyAccount is one partner account of a company.
type CompanyAccount struct {
	Partner string         `db:"partner_id" json:"partner"`
	Name    string         `db:"name"       json:"name"`
	Plans   pq.StringArray `db:"plans"      json:"plans"`
	Paths   pq.StringArray `db:"paths"      json:"paths"`
}

// CompanyOf shows the company of a partner account as of an instant (PGM-14).
func (r Reader) CompanyOf(ctx context.Context, partner string, at time.Time) (Company, error) {
	c, err := row[Company](ctx, r.q(), "company of partner", partner, `
		SELECT company_id, c.name, c.address, c.country FROM companies c JOIN partners USING (company_id) WHERE partner_id = $1`, partner)
	if err != nil {
		return c, err
	}
	c.Accounts, err = rows[CompanyAccount](ctx, r.q(), "accounts", `
		SELECT partner_id, name,
		       ARRAY(SELECT plan FROM plan_identities i WHERE i.partner_id = p.partner_id AND from_at <= $2 AND (until_at IS NULL OR $2 < until_at) ORDER BY plan) AS plans,
		       ARRAY(SELECT DISTINCT path FROM partner_paths i WHERE i.partner_id = p.partner_id AND path_stage(i.partner_id, i.path, $2) IS NOT NULL ORDER BY path) AS paths
		  FROM partners p WHERE company_id = $1 ORDER BY partner_id`, c.ID, at)
	return c, err
}

// Draft is an application that is being written.
type Draft struct {
	ID        int64     `db:"draft_id"   json:"draft"`
	Kind      string    `db:"kind"       json:"kind"`
	Title     string    `db:"title"      json:"title"`
	Body      string    `db:"body"       json:"body"`
	WrittenBy string    `db:"written_by" json:"written_by"`
	WrittenAt time.Time `db:"written_at" json:"written_at"`
}

// Drafts lists the drafts of a person's organisation in the kinds of cases in which they may act (ORG-11).
func (r Reader) Drafts(ctx context.Context, by string) ([]Draft, error) {
	p, err := r.organisationPerson(ctx, by)
	if err != nil {
		return nil, err
	}
	if list := organisation.JudgePage(p, false, by, organisation.Home); len(list) > 0 {
		return nil, list
	}
	acting := person.Person{ID: by, PartnerID: p.Partner, Active: p.Works()}
	roles, err := rows[person.Role](ctx, r.q(), "roles", `SELECT unnest(held_roles($1))`, by)
	if err != nil {
		return nil, err
	}
	acting.Roles = roles
	return rows[Draft](ctx, r.q(), "drafts", `
		SELECT draft_id, kind, title, body, written_by, written_at FROM drafts WHERE partner_id = $1 AND kind = ANY ($2) ORDER BY draft_id`,
		p.Partner, pq.Array(kinds.ActedIn(acting, p.Partner)))
}

// Uncovering is one line of the audit log (PGM-06).
type Uncovering struct {
	Person string    `db:"person_id"   json:"person"`
	Column string    `db:"column_name" json:"column"`
	List   string    `db:"list"        json:"list"`
	At     time.Time `db:"at"          json:"at"`
}

// AuditLog lists who uncovered what in a partner's organisation, for its administrator and for the vendor's operations (PGM-06): so
// many of the last, the newest first; 0 is all of them, as they came.
func (r Reader) AuditLog(ctx context.Context, partner, by string, newest int) ([]Uncovering, error) {
	vendor, err := rows[string](ctx, r.q(), "roles", `
		SELECT role FROM person_roles JOIN people USING (person_id) WHERE person_id = $1 AND active AND partner_id IS NULL AND role = $2`, by, person.VendorOperations)
	if err != nil {
		return nil, err
	}
	if len(vendor) == 0 {
		p, err := r.organisationPerson(ctx, by)
		if err != nil {
			return nil, err
		}
		if list := organisation.JudgeAdministrator(p, by, partner); len(list) > 0 {
			return nil, list
		}
	}
	return rows[Uncovering](ctx, r.q(), "audit log", `
		SELECT person_id, column_name, list, at FROM audit_log JOIN people USING (person_id) WHERE partner_id = $1
		 ORDER BY CASE WHEN $2 > 0 THEN -audit_id ELSE audit_id END LIMIT nullif($2, 0)`, partner, newest)
}
