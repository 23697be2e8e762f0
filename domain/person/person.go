// Package person is who acts: people of the vendor or of a partner, and the roles they hold.
package person

import "slices"

// Role is a permission that a person holds.
type Role string

// The roles that processes ask for by default; policies may name others.
const (
	PartnerAdministrator   Role = "partner-administrator"    // a partner's main account: holds every permission of its side (COM-16)
	PartnerWithdrawals     Role = "partner-withdrawals"      // a partner's operator with the permission to withdraw
	PartnerIncentives      Role = "partner-incentives"       // a partner's operator with the permission to request incentives
	PartnerAccountManager  Role = "partner-account-manager"  // looks after the customers that are assigned to them (ORG-09)
	PartnerAccountDirector Role = "partner-account-director" // account managers report to them (ORG-10)
	PartnerArchitect       Role = "partner-architect"        // a dedicated architect
	PartnerFinance         Role = "partner-finance"
	EcosystemManager       Role = "ecosystem-manager"     // the vendor's contact, may submit on a partner's behalf (PGM-07)
	VendorFinance          Role = "vendor-finance"        // reviews and pays
	VendorOperations       Role = "vendor-operations"     // takes in what customers used, prepares data, certifies partners, mends what the system could not do
	FinanceManager         Role = "finance-manager"       // is told when something is overdue
	AccountAdministrator   Role = "account-administrator" // gives the vendor's people their accounts; decides nothing
)

// Person is one person as the database knows them now.
type Person struct {
	ID        string
	Name      string
	PartnerID string // empty: belongs to the vendor
	Email     string
	Active    bool
	Roles     []Role
}

// Holds tells whether an active person holds one of the roles.
func (p Person) Holds(roles ...Role) bool {
	return p.Active && slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(p.Roles, r) })
}

// OfVendor tells whether the person belongs to the vendor.
func (p Person) OfVendor() bool { return p.PartnerID == "" }
