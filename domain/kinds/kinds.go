// Package kinds lists the kinds of cases that the programme has.
package kinds

import (
	"slices"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/bill"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
)

// Kind is one process: its name in cases, and what lists need to know of it.
type Kind struct {
	Name     string
	MatterOf func(name string) approval.Matter
	States   []domain.State                               // in the order in which they are reached
	MayAct   func(p person.Person, partnerID string) bool // whether somebody acts for a partner in such cases (COM-16)
}

// All lists the kinds.
var All = []Kind{
	{withdrawal.Kind, withdrawal.MatterOf, states(withdrawal.Moves, func(m withdrawal.Move) domain.State { return m.To }), withdrawal.MayAct},
	{staff.Kind, staff.MatterOf, states(staff.Moves, func(m staff.Move) domain.State { return m.To }), staff.MayAct},
	{quarter.Kind, quarter.MatterOf, states(quarter.Moves, func(m quarter.Move) domain.State { return m.To }), staff.MayAct},
	{requisition.Kind, requisition.MatterOf, states(requisition.Moves, func(m requisition.Move) domain.State { return m.To }), requisition.MayAct},
	{solution.Kind, solution.MatterOf, states(solution.Moves, func(m solution.Move) domain.State { return m.To }), solution.MayAct},
	{baseline.Kind, baseline.MatterOf, states(baseline.Moves, func(m baseline.Move) domain.State { return m.To }), baseline.MayAct},
	{member.Kind, member.MatterOf, states(member.Moves, func(m member.Move) domain.State { return m.To }), member.MayAct},
	{bill.Kind, bill.MatterOf, states(bill.Moves, func(m bill.Move) domain.State { return m.To }), bill.MayAct},
	{tier.Kind, tier.MatterOf, states(tier.Moves, func(m tier.Move) domain.State { return m.To }), tier.MayAct},
	{specialist.Kind, specialist.MatterOf, states(specialist.Moves, func(m specialist.Move) domain.State { return m.To }), specialist.MayAct},
	{lab.Kind, lab.MatterOf, states(lab.Moves, func(m lab.Move) domain.State { return m.To }), lab.MayAct},
}

// states lists where the moves of a process lead, in their order.
func states[M any](moves []M, to func(M) domain.State) []domain.State {
	var out []domain.State
	for _, m := range moves {
		if !slices.Contains(out, to(m)) {
			out = append(out, to(m))
		}
	}
	return out
}

// inMoney are the kinds whose cases are about an amount of money.
var inMoney = []string{withdrawal.Kind, requisition.Kind, bill.Kind, staff.Kind, quarter.Kind}

// InMoney tells whether cases of a kind are about an amount of money; where they are not, none is shown.
func InMoney(kind string) bool { return slices.Contains(inMoney, kind) }

// Names lists the kinds' names.
func Names() []string {
	names := make([]string, len(All))
	for i, k := range All {
		names[i] = k.Name
	}
	return names
}

// ActedIn names the kinds of cases in which a person acts for a partner.
func ActedIn(p person.Person, partnerID string) []string {
	names := []string{}
	for _, k := range All {
		if k.MayAct(p, partnerID) {
			names = append(names, k.Name)
		}
	}
	return names
}

// States lists the states of a kind; of all kinds when none is named.
func States(kind string) []domain.State {
	var out []domain.State
	for _, k := range All {
		for _, state := range k.States {
			if (kind == "" || k.Name == kind) && !slices.Contains(out, state) {
				out = append(out, state)
			}
		}
	}
	return out
}

// MatterOf finds a matter of a kind of case; the zero matter takes no answer.
func MatterOf(kind, name string) approval.Matter {
	if i := slices.IndexFunc(All, func(k Kind) bool { return k.Name == kind }); i >= 0 {
		return All[i].MatterOf(name)
	}
	return approval.Matter{Name: name}
}
