package person

import (
	"regexp"
	"slices"
	"strings"
)

// Known are the roles that processes ask for by default. Each has a word in both languages; a role that an operator
// invents stands for itself.
var Known = []Role{
	PartnerAdministrator, PartnerWithdrawals, PartnerIncentives, PartnerAccountManager, PartnerAccountDirector, PartnerArchitect, PartnerFinance, "partner-solutions",
	EcosystemManager, VendorFinance, VendorOperations, FinanceManager, AccountAdministrator,
	"certification-reviewer", "solution-architect", "tier-reviewer", "partner-development",
}

var named = regexp.MustCompile(`((?:[Tt]he )?role )?([A-Za-z0-9_-]+)`)

// InWords is an English text of the programme as people say it: "role vendor-finance" is "vendor finance", and "the role
// finance-manager" is "the role finance manager".
func InWords(text string) string {
	return named.ReplaceAllStringFunc(text, func(found string) string {
		m := named.FindStringSubmatch(found)
		if !slices.Contains(Known, Role(m[2])) {
			return found
		}
		said := strings.ReplaceAll(m[2], "-", " ")
		if m[1] != "role " {
			said = m[1] + said
		}
		return said
	})
}
