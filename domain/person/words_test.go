package person_test

import (
	"testing"

	"countersign/domain/person"

	"github.com/stretchr/testify/require"
)

func TestGivenATextOfTheProgramme_WhenPeopleReadIt_ThenRolesAreWords(t *testing.T) {
	for text, said := range map[string]string{
		"review: role vendor-finance, within 2 working days":                  "review: vendor finance, within 2 working days",
		"2 of li, role finance-manager":                                       "2 of li, finance manager",
		"vendor-finance up to 5000.00; then ecosystem-manager may decide":     "vendor finance up to 5000.00; then ecosystem manager may decide",
		"Li does not hold the role tier-reviewer; somebody with it decides":   "Li does not hold the role tier reviewer; somebody with it decides",
		`the role "solution-architect" of the role that is no role`:           `the role "solution architect" of the role that is no role`,
		"role lab-chief, vendor-finance-2, my-vendor-finance, Vendor-Finance": "role lab-chief, vendor-finance-2, my-vendor-finance, Vendor-Finance",
		"": "",
	} {
		require.Equal(t, said, person.InWords(text))
	}
}
