// Package policies reads the programme's parameters as people write them, says them in words, and takes them apart into the
// fields of a form. The command line and the console show and set policies by it.
package policies

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/bill"
	"countersign/domain/condition"
	"countersign/domain/incentive"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
)

// kind is a kind of policies, each with its own type.
type kind struct {
	read   func(text []byte) (Policy, []Fault)
	body   func(text []byte) (Policy, error)
	fields func(p Policy) ([]Field, error) // of the zero policy where p is nil
	form   func(stands *entered) []Field
	asks   []condition.Field // what its chains' conditions may ask for

	matters []approval.Matter // that its chains are for
}

var known = map[string]kind{
	withdrawal.Kind:  ofType[withdrawal.Policy](withdrawal.Fields, withdrawal.Matters...),
	incentive.Kind:   ofType[incentive.Policy](nil),
	bill.Kind:        ofType[bill.Policy](bill.Fields, bill.Matters...),
	requisition.Kind: ofType[requisition.Policy](requisition.Fields, requisition.RequisitionReview, requisition.Send, requisition.Confirm, requisition.Mend, requisition.SpecialCase),
	staff.Kind:       ofType[staff.Policy](staff.Fields, staff.Review),
	quarter.Kind:     ofType[quarter.Policy](quarter.Fields, quarter.Matters...),
	tier.Kind:        ofType[tier.Policy](tier.Fields, tier.Review),
	specialist.Kind:  ofType[specialist.Policy](specialist.Fields, specialist.Matters...),
	solution.Kind:    ofType[solution.Policy](solution.Fields, solution.Certification),
	baseline.Kind:    ofType[baseline.Policy](baseline.Fields, baseline.ProjectMatter, baseline.DesignMatter, baseline.VerificationMatter, baseline.ReleaseMatter),
	member.Kind:      ofType[member.Policy](nil),
	lab.Kind:         ofType[lab.Policy](lab.Fields, lab.Matters...),
}

func ofType[P Policy](asks []condition.Field, matters ...approval.Matter) kind {
	return kind{
		asks: asks, matters: matters,
		read: func(text []byte) (Policy, []Fault) { return Read[P](text) },
		body: func(text []byte) (Policy, error) {
			var p P
			err := json.Unmarshal(text, &p)
			return p, err
		},
		fields: func(p Policy) ([]Field, error) { return fieldsOf[P](p, asks) },
		form:   func(stands *entered) []Field { return builder{asks}.parts(reflect.TypeFor[P](), "", "", stands) },
	}
}

// Conditions are what a condition of a kind's chains may ask for.
func Conditions(kind string) []condition.Field { return known[kind].asks }

// Kinds lists the kinds that have policies, by name.
func Kinds() []string { return slices.Sorted(maps.Keys(known)) }

// Known tells whether there are policies of a kind.
func Known(kind string) bool { _, ok := known[kind]; return ok }

// ReadKind is Read for a kind by name.
func ReadKind(kind string, text []byte) (Policy, []Fault) { return known[kind].read(text) }

// Stored is a policy of a kind as the database keeps it.
func Stored(kind string, body []byte) (Policy, error) {
	p, err := known[kind].body(body)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", kind, err)
	}
	return p, nil
}

// Words says a policy as a clerk reads it.
type Words struct {
	Chain     []string `json:"chain,omitempty"` // who is asked, a line a step
	Deadlines []string `json:"deadlines,omitempty"`
	Rates     []string `json:"rates,omitempty"` // of incentives: what gives how much; of tiers: what each asks for
}

// WordsOf says a policy in words; those that only have parameters have none.
func WordsOf(body Policy) Words {
	switch p := body.(type) {
	case incentive.Policy:
		return Words{Rates: p.Words()}
	case bill.Policy:
		return billWords(p)
	case withdrawal.Policy:
		return withdrawalWords(p)
	case tier.Policy:
		return Words{Rates: p.Words(), Chain: p.Chain().Words(tier.Fields), Deadlines: []string{fmt.Sprintf("The review is overdue after %s.", p.ReviewTerm.Words())}}
	}
	return Words{}
}

func billWords(p bill.Policy) Words {
	return Words{
		Chain: p.Chain(bill.Release.Name).Words(bill.Fields),
		Deadlines: []string{
			fmt.Sprintf("bills that come late or anew can be checked for %d days; the partner is reminded %d days before the deadline", p.CheckDays, p.RemindDays),
			fmt.Sprintf("what came back is overdue for operations after %s", p.PresentTerm.Words()),
		},
	}
}

func withdrawalWords(p withdrawal.Policy) Words {
	chain := p.Chain(withdrawal.Review.Name)
	return Words{
		Chain: chain.Words(withdrawal.Fields),
		Deadlines: []string{
			fmt.Sprintf("Who applied has %s for changes to a returned application.", chain.ChangesTerm.Words()),
			fmt.Sprintf("Money arrives within %s of its approval, of wallets within %s; then %s may decide as well.", p.ArrivalTerm.Words(), p.WalletTerm.Words(), p.EscalationRole),
			fmt.Sprintf("A late return is overdue after %s; then %s may decide as well.", p.ReviewTerm.Words(), p.EscalationRole),
			fmt.Sprintf("A verification code holds for %s and %d tries.", p.CodeTerm.Words(), p.CodeTries),
		},
	}
}
