package person_test

import (
	"testing"

	"countersign/domain/person"

	"github.com/stretchr/testify/require"
)

func TestGivenAPerson_WhenARoleIsAskedFor_ThenOnlyAnActiveHolderHasIt(t *testing.T) {
	p := person.Person{ID: "F1", Active: true, Roles: []person.Role{person.VendorFinance, person.EcosystemManager}}
	require.True(t, p.Holds(person.VendorFinance))
	require.True(t, p.Holds(person.FinanceManager, person.EcosystemManager), "one of them is enough")
	require.False(t, p.Holds(person.FinanceManager))
	require.False(t, p.Holds(), "no role asked for is none held")
	require.False(t, p.Holds(""), "a task that is not escalated names no second role")
	require.True(t, p.OfVendor())

	p.Active = false
	require.False(t, p.Holds(person.VendorFinance))
	require.False(t, person.Person{PartnerID: "P1001"}.OfVendor())
}
