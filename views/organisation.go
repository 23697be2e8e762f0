package views

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"countersign/domain"
	"countersign/domain/organisation"
	"countersign/domain/person"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// organisationPerson reads a person of an organisation; nil when there is none.
func (r Reader) organisationPerson(ctx context.Context, id string) (*organisation.Person, error) {
	var text []byte
	err := sqlx.GetContext(ctx, r.q(), &text, `SELECT to_jsonb(o) FROM organisation_persons o WHERE person_id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read person %s: %w", id, err)
	}
	var p organisation.Person
	return &p, json.Unmarshal(text, &p)
}

// OrganisationPerson is one line of the list of a partner's people. Mobile and email are masked unless they were uncovered (PGM-05).
type OrganisationPerson struct {
	Person   string              `db:"person_id"    json:"person"`
	Account  string              `db:"account_name" json:"account_name"`
	Name     string              `db:"name"         json:"name"`
	Mobile   string              `db:"mobile"       json:"mobile"`
	Email    string              `db:"email"        json:"email"`
	Status   organisation.Status `db:"status"       json:"status"`
	Roles    pq.StringArray      `db:"roles"        json:"roles"`
	Locked   pq.StringArray      `db:"locked"       json:"locked,omitempty"` // roles that cannot be taken away now (ORG-08)
	Director string              `db:"director"     json:"director,omitempty"`
	Master   bool                `db:"master"       json:"master,omitempty"`
}

// PersonFilter narrows the list of a partner's people; what is empty does not (ORG-01).
type PersonFilter struct {
	Role            person.Role
	Status          organisation.Status
	Name, Account   string // a part of it
	WithoutDirector bool   // account managers whose director is open (ORG-10)

	After string // the ID of a person, after whom the page begins
	Limit int    // 0: all
}

// Persons lists the people of a partner for its administrator (ORG-01). Uncovered names the columns that were uncovered for this look.
func (r Reader) Persons(ctx context.Context, partner, by string, f PersonFilter, uncovered []string) ([]OrganisationPerson, error) {
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return nil, err
	}
	who, err := r.organisationPerson(ctx, by)
	if err != nil {
		return nil, err
	}
	if list := organisation.JudgeAdministrator(who, by, partner); len(list) > 0 {
		return nil, list
	}
	found, err := rows[OrganisationPerson](ctx, r.q(), "persons", personsSQL, partner, f.Role, f.Status, part(f.Name), part(f.Account), f.WithoutDirector, f.After, sql.NullInt64{Int64: int64(f.Limit), Valid: f.Limit > 0})
	for i, p := range found {
		found[i].Mobile, found[i].Email = organisation.Masked("mobile", p.Mobile, uncovered), organisation.Masked("email", p.Email, uncovered)
	}
	return found, err
}

const personsSQL = `
	SELECT person_id, account_name, name, mobile, email, status, roles, locked, coalesce(director, '') AS director, master
	  FROM organisation_persons
	 WHERE partner_id = $1 AND ($2 = '' OR $2 = ANY (roles)) AND ($3 = '' OR status = $3) AND name ILIKE $4 AND account_name ILIKE $5
	   AND (NOT $6 OR director IS NULL AND 'partner-account-manager' = ANY (roles))
	   AND ($7 = '' OR account_name > (SELECT account_name FROM organisation_persons WHERE partner_id = $1 AND person_id = $7))
	 ORDER BY account_name LIMIT $8`

// WithRole lists who of a partner has a role and works.
func (r Reader) WithRole(ctx context.Context, partner string, role person.Role) ([]Named, error) {
	return rows[Named](ctx, r.q(), "people", `
		SELECT person_id AS id, name FROM organisation_persons WHERE partner_id = $1 AND active AND status = 'ACTIVE' AND $2 = ANY (roles) ORDER BY person_id`, partner, role)
}

// PersonDetails is all about one person.
type PersonDetails struct {
	organisation.Person
	Permissions []organisation.Permission `json:"permissions"`
	History     []OrganisationCommand     `json:"history"`
}

// OrganisationCommand is what was done in an organisation.
type OrganisationCommand struct {
	Action string    `db:"action"    json:"action"`
	Object string    `db:"object"    json:"object"`
	By     string    `db:"by_person" json:"by"`
	At     time.Time `db:"at"        json:"at"`
}

// Details shows a person to the administrator (ORG-01), or to themself and to nobody else (ORG-15); to others than themself mobile
// and email are masked unless they were uncovered.
func (r Reader) Details(ctx context.Context, id, by string, uncovered []string) (PersonDetails, error) {
	p, err := r.organisationPerson(ctx, id)
	if err != nil {
		return PersonDetails{}, err
	}
	if p == nil {
		return PersonDetails{}, fmt.Errorf("person %q: %w", id, domain.ErrNotFound)
	}
	who, err := r.organisationPerson(ctx, by)
	if err != nil {
		return PersonDetails{}, err
	}
	if list := organisation.JudgeReader(who, by, *p); len(list) > 0 {
		return PersonDetails{}, list
	}
	d := PersonDetails{Person: *p, Permissions: p.Permissions()}
	if by != id {
		d.Mobile, d.Email = organisation.Masked("mobile", p.Mobile, uncovered), organisation.Masked("email", p.Email, uncovered)
	}
	d.History, err = rows[OrganisationCommand](ctx, r.q(), "history", `
		SELECT action, object, by_person, at FROM organisation_commands WHERE partner_id = $1 AND object = $2 ORDER BY command_id`, p.Partner, id)
	return d, err
}

// Role is one that a partner can assign.
type Role struct {
	ID          person.Role `db:"role_id" json:"role"`
	Name        string      `db:"name"    json:"name"`
	Kind        string      `db:"kind"    json:"kind"` // SYSTEM or CUSTOM
	Permissions []string    `db:"-"       json:"permissions"`
	Persons     int         `db:"persons" json:"person_count"`

	Stored pq.StringArray `db:"permissions" json:"-"`
}

// RolesOf lists the roles of a partner, those of the programme first, with how many persons have them (ORG-12).
func (r Reader) RolesOf(ctx context.Context, partner, by string) ([]Role, error) {
	who, err := r.organisationPerson(ctx, by)
	if err != nil {
		return nil, err
	}
	if list := organisation.JudgeAdministrator(who, by, partner); len(list) > 0 {
		return nil, list
	}
	counted, err := rows[Role](ctx, r.q(), "roles", `
		SELECT role AS role_id, '' AS name, 'SYSTEM' AS kind, '{}'::text[] AS permissions, count(*) AS persons
		  FROM person_roles JOIN people USING (person_id) WHERE partner_id = $1 GROUP BY role`, partner)
	if err != nil {
		return nil, err
	}
	persons := map[person.Role]int{}
	for _, c := range counted {
		persons[c.ID] = c.Persons
	}
	var out []Role
	for _, s := range organisation.SystemRoles {
		role := Role{ID: s.Role, Name: s.Name, Kind: "SYSTEM", Persons: persons[s.Role]}
		for _, p := range s.Permissions {
			role.Permissions = append(role.Permissions, string(p))
		}
		out = append(out, role)
	}
	custom, err := rows[Role](ctx, r.q(), "roles", `
		SELECT role_id, name, 'CUSTOM' AS kind, permissions, (SELECT count(*) FROM person_roles p WHERE p.role = role_id) AS persons
		  FROM custom_roles WHERE partner_id = $1 AND deleted_at IS NULL ORDER BY role_id`, partner)
	for _, c := range custom {
		c.Permissions = append([]string{}, c.Stored...)
		out = append(out, c)
	}
	return out, err
}

// AccountInformation is a person's own account: the data, and where the account is managed (ORG-19).
type AccountInformation struct {
	organisation.Person
	Manage         string `json:"manage"`           // the account site: identity verification and a new password
	HowTo          string `json:"how_to"`           // how a password is changed
	ShouldChange   bool   `json:"should_change"`    // the password is older than organisation.Regularly
	PasswordOfDays int    `json:"password_of_days"` // how old it is
}

// AccountInformation shows somebody their own account (ORG-19). The site is where accounts are managed; without one the commands are named.
func (r Reader) AccountInformation(ctx context.Context, id, site string, at time.Time) (AccountInformation, error) {
	p, err := r.organisationPerson(ctx, id)
	if err != nil {
		return AccountInformation{}, err
	}
	if list := organisation.JudgePage(p, false, id, organisation.OwnData); len(list) > 0 {
		return AccountInformation{}, list
	}
	info := AccountInformation{Person: *p, Manage: site, HowTo: site + "/help/change-password"}
	if site == "" {
		info.Manage, info.HowTo = "starter organisation reset-master --as "+id, "starter organisation change-password --help"
		if !p.Master {
			info.Manage = "starter organisation change-password " + p.Account
		}
	}
	if p.PasswordSetAt != nil {
		age := at.Sub(*p.PasswordSetAt)
		info.PasswordOfDays, info.ShouldChange = int(age.Hours())/24, age >= organisation.Regularly
	}
	return info, nil
}

// PermissionsOf lists what a person of an organisation may open; who is in none may open nothing.
func (r Reader) PermissionsOf(ctx context.Context, id string) ([]organisation.Permission, error) {
	p, err := r.organisationPerson(ctx, id)
	if err != nil || p == nil {
		return nil, err
	}
	return p.Permissions(), nil
}

// OpenPage tells whether a page opens to somebody: a person of an organisation or a user of the identity service (ORG-14, ORG-16, ORG-17).
func (r Reader) OpenPage(ctx context.Context, who string, page organisation.Permission) error {
	p, err := r.organisationPerson(ctx, who)
	if err != nil {
		return err
	}
	identity, err := rows[string](ctx, r.q(), "identity user", `SELECT user_id FROM identity_users WHERE user_id = $1 AND deleted_at IS NULL`, who)
	if err != nil {
		return err
	}
	return organisation.JudgePage(p, slices.Contains(identity, who), who, page).Err()
}
