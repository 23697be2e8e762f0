// Package organisation is the people of a partner: their accounts and roles, what these open, what lists show of them.
package organisation

import (
	"slices"
	"time"

	"countersign/domain/person"
)

// Status is how an account stands. A deleted one stays on record, since cases name it.
type Status string

// The statuses; the schema repeats them.
const (
	Active   Status = "ACTIVE"
	Disabled Status = "DISABLED"
	Deleted  Status = "DELETED"
)

// Statuses are all of them.
var Statuses = []Status{Active, Disabled, Deleted}

// Permission is a page of the partner centre that a person may open, and what can be done there.
type Permission string

// The pages.
const (
	Console       Permission = "cloud-console" // beside the partner centre; identity users reach nothing else (ORG-16)
	Home          Permission = "home"
	OwnData       Permission = "own-data"
	Credentials   Permission = "credentials"
	News          Permission = "news"
	Organisation  Permission = "organisation"
	Customers     Permission = "customers"
	Members       Permission = "members"
	Solutions     Permission = "solutions"
	Bills         Permission = "bills"
	Withdrawals   Permission = "withdrawals"
	Incentives    Permission = "incentives"
	Opportunities Permission = "opportunities" // of the master account only (ORG-17)
)

// Grantable are the permissions that a role can give.
var Grantable = []Permission{Organisation, Customers, Members, Solutions, Bills, Withdrawals, Incentives}

// common is what everybody of a partner opens, whatever their roles.
var common = []Permission{Console, Home, OwnData, Credentials, News}

// defaults are what any role carries beside its own permissions, by the partner's kind (ORG-12).
var defaults = map[string][]Permission{"solution-provider": common, "distributor": common, "reseller": common}

// SystemRoles are the roles of the programme with their permissions, in the order in which they are shown (ORG-12).
var SystemRoles = []struct {
	Role        person.Role
	Name        string
	Permissions []Permission
}{
	{person.PartnerAdministrator, "系统管理员 / System administrator", Grantable},
	{person.PartnerAccountManager, "客户经理 / Account manager", []Permission{Customers}},
	{person.PartnerAccountDirector, "客户经理主管 / Account manager director", []Permission{Customers}},
	{person.PartnerArchitect, "专职架构师 / Dedicated architect", []Permission{Solutions}},
	{person.PartnerFinance, "财务 / Finance", []Permission{Bills, Customers}},
	{person.PartnerWithdrawals, "提现 / Withdrawals", []Permission{Withdrawals}},
	{person.PartnerIncentives, "激励 / Incentives", []Permission{Bills, Incentives}},
}

// systemRole finds what a role of the programme permits.
func systemRole(r person.Role) (permissions []Permission, ok bool) {
	for _, s := range SystemRoles {
		if s.Role == r {
			return s.Permissions, true
		}
	}
	return nil, false
}

// IsSystem tells whether a role is one of the programme's.
func IsSystem(r person.Role) bool {
	_, ok := systemRole(r)
	return ok
}

// Person is an organisation person with all that the rules ask about.
type Person struct {
	ID            string        `json:"person_id"`
	Name          string        `json:"name"`
	Partner       string        `json:"partner_id"`
	Kind          string        `json:"partner_kind"`
	Email         string        `json:"email"`
	Active        bool          `json:"active"`
	Language      string        `json:"language"`
	Zone          string        `json:"time_zone"`
	Account       string        `json:"account_name"`
	Mobile        string        `json:"mobile"`
	Status        Status        `json:"status"`
	Director      string        `json:"director"`    // of an account manager; empty: none
	MustChange    bool          `json:"must_change"` // the password is the administrator's (ORG-14)
	PasswordSetAt *time.Time    `json:"password_set_at"`
	Master        bool          `json:"master"` // holds the account with which the network was joined
	Roles         []person.Role `json:"roles"`
	Granted       []Permission  `json:"granted"` // by custom roles
	Locked        []person.Role `json:"locked"`  // roles whose qualification is under review (ORG-08)
}

// Works tells whether the account can be used at all.
func (p Person) Works() bool { return p.Active && p.Status == Active }

// Administers tells whether the person looks after the organisation: the master account, or a system administrator.
func (p Person) Administers() bool {
	return p.Works() && (p.Master || slices.Contains(p.Roles, person.PartnerAdministrator))
}

// Permissions lists what the person may open, in the order of the menu.
func (p Person) Permissions() []Permission {
	held := map[Permission]bool{}
	add := func(permissions []Permission) {
		for _, permission := range permissions {
			held[permission] = true
		}
	}
	if !p.Works() {
		return nil
	}
	if p.Master { // the super administrator
		add(Grantable)
		add([]Permission{Opportunities})
	}
	if p.Master || len(p.Roles) > 0 {
		add(defaults[p.Kind]) // ORG-12: any role, also one that permits nothing itself
	}
	add(p.Granted)
	for _, r := range p.Roles {
		permissions, _ := systemRole(r)
		add(permissions)
	}
	var out []Permission
	for _, permission := range slices.Concat(common, Grantable, []Permission{Opportunities}) {
		if held[permission] {
			out = append(out, permission)
		}
	}
	return out
}

// May tells whether the person holds a permission.
func (p Person) May(permission Permission) bool { return slices.Contains(p.Permissions(), permission) }

// Scope is which of a partner's customers somebody manages.
type Scope string

// The scopes.
const (
	NoCustomers       Scope = "none"
	AssignedCustomers Scope = "assigned"
	AllCustomers      Scope = "all"
)

// CustomerScope is which customers the person manages: an account manager those assigned to them, with any further role all (ORG-09).
func (p Person) CustomerScope() Scope {
	manages := slices.Contains(p.Roles, person.PartnerAccountManager)
	switch {
	case !p.Works():
		return NoCustomers
	case manages && len(p.Roles) == 1 && !p.Master:
		return AssignedCustomers
	case manages || p.May(Customers):
		return AllCustomers
	}
	return NoCustomers
}
