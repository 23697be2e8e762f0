package approval_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
)

var (
	review = approval.Matter{Name: "review", Approve: approval.Approve, Reject: approval.Reject, Worked: true}
	pay    = approval.Matter{Name: "pay", Approve: "confirm", Reject: "return"}
)

// asked is one decision as a test puts it to Judge.
type asked struct {
	chain approval.Chain // none: one step by finance
	moves string         // so far
	seat  string         // empty: review
	by    string         // "X1/F1": X1, who stands in for F1
	d     approval.Decision
	round func(*approval.Round)
	who   func(*approval.People)
	at    time.Time // zero: monday
}

// judge judges it: about 50000.00 in lines A of 30000.00 and B of 20000.00, submitted by W1.
func (a asked) judge(t require.TestingT) (approval.Move, refusal.List, approval.Round) {
	if len(a.chain.Steps) == 0 {
		a.chain = chain(step("review", approval.Any, "finance"))
	}
	if a.seat == "" {
		a.seat = "review"
	}
	if a.at.IsZero() {
		a.at = monday
	}
	r := approval.Round{
		Matter: review, Seat: a.seat, CaseState: "UNDER_REVIEW", Number: 1, Latest: 1, Partner: "P1001", Submitter: "W1", OpenedBy: "W1",
		Plan: planned(t, a.chain, approval.Facts{Amount: money.Must("50000")}), Moves: moves(a.moves),
		Amount: money.Must("50000"), Lines: map[string]money.Amount{"A": money.Must("30000"), "B": money.Must("20000")},
	}
	id, principal, substitutes := strings.Cut(a.by, "/")
	who := approval.People{By: party(id), To: party(a.d.To), OwnSide: id == "W1", Signals: true}
	if substitutes {
		who.By = party(id, principal)
	}
	if a.round != nil {
		a.round(&r)
	}
	if a.who != nil {
		a.who(&who)
	}
	a.d.Person, a.d.Task = id, approval.TaskID("W000001", a.seat, r.Number)
	m, list := approval.Judge(a.d, a.at, r, who)
	return m, list, r
}

func amount(text string) *money.Amount {
	a := money.Must(text)
	return &a
}

// banded asks by amount: finance up to 1000.00, legal up to 50000.00, managers beyond.
func banded() approval.Chain {
	c := chain(approval.Step{Name: "review", Who: []approval.Candidate{{Band: true}, {Role: "finance"}}})
	c.Bands = []approval.Band{{Role: "finance", UpTo: amount("1000")}, {Role: "legal", UpTo: amount("50000")}, {Role: "manager"}}
	return c
}

func TestGivenAnOpenTask_WhenWhoIsAskedActs_ThenTheActIsAccepted(t *testing.T) {
	two := chain(step("review", approval.Any, "finance"), step("legal", approval.Any, "legal"))
	repeat := chain(step("review", approval.Any, "finance"), step("second", approval.Any, "finance"))
	repeat.RepeatSigners = true
	board := chain(step("board", approval.All, "F1", "F2"))
	why := "because"
	for name, tc := range map[string]struct {
		asked
		want approval.Move
	}{
		"approve":                              {asked{by: "F1", d: approval.Decision{Outcome: "approve"}}, approval.Move{Act: approval.Approve}},
		"approve the whole amount":             {asked{by: "F1", d: approval.Decision{Outcome: "approve", Amount: "50000"}}, approval.Move{Act: approval.Approve, Amount: amount("50000")}},
		"approve a lower amount with a reason": {asked{by: "F1", d: approval.Decision{Outcome: "approve", Amount: "49999.99", Reason: why}}, approval.Move{Act: approval.Approve, Amount: amount("49999.99")}},
		"approve some lines with a reason":     {asked{by: "F1", d: approval.Decision{Outcome: "approve", Lines: []string{"B"}, Reason: why}}, approval.Move{Act: approval.Approve, Lines: []string{"B"}}},
		"approve less of some lines":           {asked{by: "F1", d: approval.Decision{Outcome: "approve", Lines: []string{"B"}, Amount: "20000", Reason: why}}, approval.Move{Act: approval.Approve, Lines: []string{"B"}, Amount: amount("20000")}},
		"approve a line that others left over": {asked{chain: two, moves: "F1 approve review only:A,B", seat: "legal", by: "L1", d: approval.Decision{Outcome: "approve", Lines: []string{"A"}, Reason: why}}, approval.Move{Act: approval.Approve, Lines: []string{"A"}}},
		"reject with a reason":                 {asked{by: "F1", d: approval.Decision{Outcome: "reject", Reason: why}}, approval.Move{Act: approval.Reject}},
		"return with a reason":                 {asked{by: "F1", d: approval.Decision{Outcome: "return", Reason: why}}, approval.Move{Act: approval.Return}},
		"back to an earlier step":              {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "L1", d: approval.Decision{Outcome: "back", To: "review", Reason: why}}, approval.Move{Act: approval.Back, To: "review"}},
		"ask":                                  {asked{by: "F1", d: approval.Decision{Outcome: "ask", Reason: "which invoice?"}}, approval.Move{Act: approval.Ask}},
		"transfer to a holder of the role":     {asked{by: "F1", d: approval.Decision{Outcome: "transfer", To: "F2"}}, approval.Move{Act: approval.Transfer, To: "F2"}},
		"transfer what a person was asked":     {asked{chain: board, seat: "board", by: "F1", d: approval.Decision{Outcome: "transfer", To: "X1"}}, approval.Move{Act: approval.Transfer, To: "X1"}},
		"delegate to anybody of the vendor":    {asked{by: "F1", d: approval.Decision{Outcome: "delegate", To: "X1"}}, approval.Move{Act: approval.Delegate, To: "X1"}},
		"delegate to who has signed":           {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "L1", d: approval.Decision{Outcome: "delegate", To: "F1"}}, approval.Move{Act: approval.Delegate, To: "F1"}},
		"add a signer before":                  {asked{by: "F1", d: approval.Decision{Outcome: "add-signer", To: "X1", Before: true}}, approval.Move{Act: approval.AddSigner, To: "X1", Before: true}},
		"add a signer after":                   {asked{by: "F1", d: approval.Decision{Outcome: "add-signer", To: "X1"}}, approval.Move{Act: approval.AddSigner, To: "X1"}},
		"remove one's own signer":              {asked{moves: "F1 add-before review X1", seat: "review.2", by: "F1", d: approval.Decision{Outcome: "remove-signer"}}, approval.Move{Act: approval.RemoveSigner}},
		"remove a signer who waits":            {asked{moves: "F1 add-after review X1", seat: "review.2", by: "F1", d: approval.Decision{Outcome: "remove-signer"}}, approval.Move{Act: approval.RemoveSigner}},
		"remove one of all as the owner":       {asked{chain: board, seat: "board.2", by: "O1", d: approval.Decision{Outcome: "remove-signer"}}, approval.Move{Act: approval.RemoveSigner}},
		"urge as the submitter's side":         {asked{by: "W1", d: approval.Decision{Outcome: "urge"}}, approval.Move{Act: approval.Urge}},
		"comment as the submitter's side":      {asked{by: "W1", d: approval.Decision{Outcome: "comment", Reason: "see page 2"}}, approval.Move{Act: approval.Comment}},
		"comment as anybody of the vendor":     {asked{by: "X1", d: approval.Decision{Outcome: "comment", Reason: "noted"}}, approval.Move{Act: approval.Comment}},
		"comment on what is decided":           {asked{moves: "F1 approve review", by: "X1", d: approval.Decision{Outcome: "comment", Reason: "noted"}}, approval.Move{Act: approval.Comment}},
		"copy to the submitter":                {asked{by: "X1", d: approval.Decision{Outcome: "copy", To: "W1"}}, approval.Move{Act: approval.Copy, To: "W1"}},
		"copy to oneself":                      {asked{by: "X1", d: approval.Decision{Outcome: "copy", To: "X1"}}, approval.Move{Act: approval.Copy, To: "X1"}},
		"approve for who is absent":            {asked{by: "X1/F1", d: approval.Decision{Outcome: "approve"}}, approval.Move{Act: approval.Approve, OnBehalf: "F1"}},
		"approve for oneself before others":    {asked{by: "F2/F1", d: approval.Decision{Outcome: "approve"}}, approval.Move{Act: approval.Approve}},
		"delegate for who is absent":           {asked{by: "X2/F1", d: approval.Decision{Outcome: "delegate", To: "X1"}}, approval.Move{Act: approval.Delegate, To: "X1", OnBehalf: "F1"}},
		"an added signer without any role":     {asked{moves: "F1 add-before review X1", seat: "review.2", by: "X1", d: approval.Decision{Outcome: "approve"}}, approval.Move{Act: approval.Approve}},
		"a delegate without any role":          {asked{moves: "F1 delegate review X1", by: "X1", d: approval.Decision{Outcome: "approve"}}, approval.Move{Act: approval.Approve}},
		"a delegate who has signed":            {asked{chain: two, moves: "F1 approve review; L1 delegate legal F1", seat: "legal", by: "F1", d: approval.Decision{Outcome: "reject", Reason: why}}, approval.Move{Act: approval.Reject}},
		"a delegate without the band":          {asked{chain: banded(), moves: "L1 delegate review X1", by: "X1", d: approval.Decision{Outcome: "approve"}}, approval.Move{Act: approval.Approve}},
		"a role that was involved":             {asked{moves: "clock involve review role:manager", by: "M1", d: approval.Decision{Outcome: "approve"}}, approval.Move{Act: approval.Approve}},
		"a second step where it may repeat":    {asked{chain: repeat, moves: "F1 approve review", seat: "second", by: "F1", d: approval.Decision{Outcome: "approve"}}, approval.Move{Act: approval.Approve}},
		"a step whose first approval is void":  {asked{chain: two, moves: "F1 approve review; L1 back legal review", seat: "review.2", by: "F1", d: approval.Decision{Outcome: "approve"}}, approval.Move{Act: approval.Approve}},
		"return what has changed":              {asked{by: "F1", d: approval.Decision{Outcome: "return", Reason: why}, round: func(r *approval.Round) { r.Changed = true }}, approval.Move{Act: approval.Return}},
		"by signal where that is taken":        {asked{by: "F1", d: approval.Decision{Outcome: "approve"}, who: func(p *approval.People) { p.BySignal = true }}, approval.Move{Act: approval.Approve}},
		"the word of a matter":                 {asked{by: "F1", d: approval.Decision{Outcome: "confirm"}, round: func(r *approval.Round) { r.Matter = pay }}, approval.Move{Act: approval.Approve}},
		"the other word of a matter":           {asked{by: "F1", d: approval.Decision{Outcome: "return", Reason: why}, round: func(r *approval.Round) { r.Matter = pay }}, approval.Move{Act: approval.Reject}},
		"an older round that is still open":    {asked{by: "F1", d: approval.Decision{Outcome: "approve"}, round: func(r *approval.Round) { r.Latest = 2 }}, approval.Move{Act: approval.Approve}},
	} {
		t.Run(name, func(t *testing.T) {
			m, list, r := tc.judge(t)
			require.Empty(t, list)
			if tc.want.Seat = tc.seat; tc.seat == "" {
				tc.want.Seat = "review"
			}
			tc.want.Person, _, _ = strings.Cut(tc.by, "/")
			require.Equal(t, tc.want, m)
			if m.Act.IsMove() {
				_, err := r.Plan.Standing(append(r.Moves, m))
				require.NoError(t, err, "what is accepted fits")
			}
		})
	}
}

// Rule: COM-16
// Rule: ENG-02
// Rule: PGM-07
func TestGivenAnOpenTask_WhenSomebodyWithoutTheAuthorityActs_ThenTheRefusalSaysWhoseItIs(t *testing.T) {
	two := chain(step("review", approval.Any, "finance"), step("legal", approval.Any, "finance"))
	board := chain(step("board", approval.All, "F1", "F2", "F3"))
	approve, why := approval.Decision{Outcome: "approve"}, "because"
	selfApproval := func(sentence string) said { return said{"ENG-02", "ENG_SELF_APPROVAL", sentence} }
	caller := func(sentence string) said { return said{"COM-16", "CBC.0151", sentence} }
	submittedBy := func(id string) func(*approval.Round) { return func(r *approval.Round) { r.Submitter = id } }
	for name, tc := range map[string]struct {
		asked
		want []said
	}{
		// the role, held now
		"COM-16 nobody we know":                        {asked{by: "Z9", d: approve}, []said{caller(`There is no person "Z9"; speak as somebody who is registered.`)}},
		"COM-16 no role":                               {asked{by: "X1", d: approve}, []said{caller("Feng Jun does not hold the role finance; somebody of these decides: the role finance.")}},
		"COM-16 another role":                          {asked{by: "L1", d: approve}, []said{caller("Zhou Ming does not hold the role finance")}},
		"COM-16 has left":                              {asked{by: "G1", d: approve}, []said{caller("He Ping has left; somebody of these decides")}},
		"COM-16 the role, but of a partner":            {asked{by: "W1", d: approve, round: submittedBy("U9"), who: func(p *approval.People) { p.OwnSide = false }}, []said{caller("Wang Wei does not hold the role finance"), selfApproval("You cannot decide on your own request")}},
		"COM-16 the role, but it was transferred":      {asked{moves: "F1 transfer review F2", by: "F3", d: approve}, []said{caller("Sun Mei is not asked here; somebody of these decides: F2.")}},
		"COM-16 asked by name, without the role now":   {asked{moves: "F1 transfer review X1", by: "X1", d: approve}, []said{caller("Feng Jun does not hold finance any more; somebody of these decides: X1.")}},
		"COM-16 not one of the people by name":         {asked{chain: board, seat: "board", by: "F2", d: approve}, []said{caller("Zhao Lei is not asked here; somebody of these decides: F1.")}},
		"COM-16 a substitute of nobody who is asked":   {asked{by: "X1/L1", d: approve}, []said{caller("Feng Jun does not hold the role finance")}},
		"COM-16 a substitute of somebody who has left": {asked{by: "X1/G1", d: approve}, []said{caller("Feng Jun does not hold the role finance")}},
		"COM-16 a substitute who has left":             {asked{by: "G1/F1", d: approve}, []said{caller("He Ping has left")}},
		"COM-16 a substitute of a partner": {
			asked{by: "W1/F1", d: approve, round: func(r *approval.Round) { r.Submitter, r.OpenedBy = "U9", "U9" }}, []said{caller("Wang Wei does not hold the role finance")},
		},
		"COM-16 a delegate returns the case":       {asked{moves: "F1 delegate review X1", by: "X1", d: approval.Decision{Outcome: "return", Reason: why}}, []said{caller("Feng Jun was asked for an opinion by F1, who decides; approve or reject with the reason.")}},
		"COM-16 a delegate sends it back":          {asked{chain: two, moves: "F1 approve review; F2 delegate legal X1", seat: "legal", by: "X1", d: approval.Decision{Outcome: "back", To: "review", Reason: why}}, []said{caller("Feng Jun was asked for an opinion by F2")}},
		"COM-16 the delegator while it is away":    {asked{moves: "F1 delegate review X1", by: "F1", d: approve}, []said{caller("Li Na is not asked here; somebody of these decides: X1.")}},
		"COM-16 by signal where none is taken":     {asked{by: "F1", d: approve, who: func(p *approval.People) { p.BySignal, p.Signals = true, false }}, []said{caller("This programme takes no decision by signal; decide by update or at the command line.")}},
		"COM-16 urge by the vendor":                {asked{by: "F1", d: approval.Decision{Outcome: "urge"}}, []said{caller("Li Na did not apply; who may act for the partner urges.")}},
		"COM-16 comment by another partner":        {asked{by: "W1", d: approval.Decision{Outcome: "comment", Reason: why}, who: func(p *approval.People) { p.OwnSide = false }}, []said{caller("Wang Wei has no part in the case")}},
		"COM-16 comment by who has left":           {asked{by: "G1", d: approval.Decision{Outcome: "comment", Reason: why}}, []said{caller("He Ping has left")}},
		"COM-16 somebody else removes a signer":    {asked{moves: "F1 add-before review X1", seat: "review.2", by: "F2", d: approval.Decision{Outcome: "remove-signer"}}, []said{caller("Zhao Lei did not add this signer and does not hold the role owner-role; one of these removes it.")}},
		"COM-16 one of all removes another":        {asked{chain: board, seat: "board.2", by: "F1", d: approval.Decision{Outcome: "remove-signer"}}, []said{caller("Li Na did not add this signer")}},
		"COM-16 who added a signer and has left":   {asked{moves: "G1 add-before review X1", seat: "review.2", by: "G1", d: approval.Decision{Outcome: "remove-signer"}}, []said{caller("He Ping did not add this signer")}},
		"COM-16 transfer to nobody we know":        {asked{by: "F1", d: approval.Decision{Outcome: "transfer", To: "Z9"}}, []said{caller(`There is no person "Z9"; name somebody who is registered.`)}},
		"COM-16 transfer to one without the role":  {asked{by: "F1", d: approval.Decision{Outcome: "transfer", To: "X1"}}, []said{caller("Feng Jun does not hold finance, which the step asks for; name somebody who does.")}},
		"COM-16 transfer to one who has left":      {asked{by: "F1", d: approval.Decision{Outcome: "transfer", To: "G1"}}, []said{caller("He Ping is not one of the vendor's active people")}},
		"COM-16 a delegate transfers without role": {asked{moves: "F1 delegate review X1", by: "X1", d: approval.Decision{Outcome: "transfer", To: "X2"}}, []said{caller("Chen Yu does not hold finance")}},
		"COM-16 delegate to a partner":             {asked{by: "F1", d: approval.Decision{Outcome: "delegate", To: "W1"}}, []said{caller("Wang Wei is not one of the vendor's active people")}},
		"COM-16 copy to one who has left":          {asked{by: "F1", d: approval.Decision{Outcome: "copy", To: "G1"}}, []said{caller("He Ping is not one of the vendor's active people")}},
		"COM-16 above one's band":                  {asked{chain: banded(), by: "F1", d: approve}, []said{caller("50000.00 is above what Li Na may approve; transfer it to somebody with a higher band.")}},
		"COM-16 a fen above one's band":            {asked{chain: banded(), by: "F1", d: approval.Decision{Outcome: "approve", Amount: "1000.01", Reason: why}}, []said{caller("1000.01 is above what Li Na may approve")}},
		"COM-16 a substitute above the principal's band": {
			asked{chain: banded(), by: "X1/F1", d: approve}, []said{caller("50000.00 is above what Feng Jun may approve")},
		},

		// four eyes
		"ENG-02 the submitter":                             {asked{by: "F1", d: approve, round: submittedBy("F1")}, []said{selfApproval("You cannot decide on your own request; ask the role finance (PGM-07).")}},
		"ENG-02 the submitter rejects":                     {asked{by: "F1", d: approval.Decision{Outcome: "reject", Reason: why}, round: submittedBy("F1")}, []said{selfApproval("You cannot decide on your own request")}},
		"ENG-02 the submitter transfers it":                {asked{by: "F1", d: approval.Decision{Outcome: "transfer", To: "F2"}, round: submittedBy("F1")}, []said{selfApproval("You cannot decide on your own request")}},
		"ENG-02 who asked the question":                    {asked{by: "F1", d: approve, round: func(r *approval.Round) { r.OpenedBy = "F1" }}, []said{selfApproval("You cannot decide on your own request")}},
		"ENG-02 a substitute for the submitter":            {asked{by: "X1/F1", d: approve, round: submittedBy("F1")}, []said{selfApproval("You cannot decide for F1 on F1's own request; ask the role finance (PGM-07).")}},
		"ENG-02 the submitter as a substitute":             {asked{by: "X1/F1", d: approve, round: submittedBy("X1")}, []said{selfApproval("You cannot decide on your own request")}},
		"ENG-02 transfer to the submitter":                 {asked{by: "F1", d: approval.Decision{Outcome: "transfer", To: "F2"}, round: submittedBy("F2")}, []said{selfApproval("Zhao Lei cannot decide on a request of their own; name somebody else (PGM-07).")}},
		"ENG-02 delegate to the submitter":                 {asked{by: "F1", d: approval.Decision{Outcome: "delegate", To: "F2"}, round: submittedBy("F2")}, []said{selfApproval("Zhao Lei cannot decide on a request of their own")}},
		"ENG-02 add the submitter as a signer":             {asked{by: "F1", d: approval.Decision{Outcome: "add-signer", To: "F2"}, round: submittedBy("F2")}, []said{selfApproval("Zhao Lei cannot decide on a request of their own")}},
		"ENG-02 the submitter owns the process":            {asked{chain: board, seat: "board.2", by: "O1", d: approval.Decision{Outcome: "remove-signer"}, round: submittedBy("O1")}, []said{selfApproval("You cannot choose who decides on your own request; ask somebody else with the role owner-role (PGM-07).")}},
		"ENG-02 two steps of one round":                    {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "F1", d: approve}, []said{selfApproval("F1 has decided step review of this round already; somebody else of the role finance decides here.")}},
		"ENG-02 two steps, the second by a return":         {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "F1", d: approval.Decision{Outcome: "return", Reason: why}}, []said{selfApproval("F1 has decided step review")}},
		"ENG-02 two steps, the second by delegating":       {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "F1", d: approval.Decision{Outcome: "delegate", To: "X1"}}, []said{selfApproval("F1 has decided step review")}},
		"ENG-02 two steps, the second for an absent one":   {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "F1/F2", d: approve}, []said{selfApproval("F1 has decided step review")}},
		"ENG-02 two steps, the first by a substitute":      {asked{chain: two, moves: "X1/F1 approve review", seat: "legal", by: "F1", d: approve}, []said{selfApproval("F1 has decided step review")}},
		"ENG-02 two steps, both by a substitute":           {asked{chain: two, moves: "X1/F1 approve review", seat: "legal", by: "X1/F2", d: approve}, []said{selfApproval("X1 has decided step review")}},
		"ENG-02 one seat for an absent one, one's own too": {asked{chain: board, moves: "F1 approve board", seat: "board.2", by: "F1/F2", d: approve}, []said{selfApproval("F1 has decided step board")}},
		"ENG-02 transfer to one who signed":                {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "F2", d: approval.Decision{Outcome: "transfer", To: "F1"}}, []said{selfApproval("Li Na has decided step review of this round already; name somebody else.")}},
		"ENG-02 add one who signed":                        {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "F2", d: approval.Decision{Outcome: "add-signer", To: "F1"}}, []said{selfApproval("Li Na has decided step review")}},
	} {
		t.Run(name, func(t *testing.T) {
			_, list, _ := tc.judge(t)
			refuses(t, list, taskOf(tc.asked), tc.want...)
		})
	}
}

func taskOf(a asked) string {
	if a.seat == "" {
		a.seat = "review"
	}
	return approval.TaskID("W000001", a.seat, 1)
}

func TestGivenTwoStepsThatMayRepeat_WhenOneStepIsDecidedTwiceByOnePerson_ThenENG02RefusesAllTheSame(t *testing.T) {
	c := chain(step("board", approval.All, "F1", "F2"))
	c.RepeatSigners = true
	a := asked{chain: c, moves: "F1 approve board", seat: "board.2", by: "F1/F2", d: approval.Decision{Outcome: "approve"}}
	_, list, _ := a.judge(t)
	refuses(t, list, taskOf(a), said{"ENG-02", "ENG_SELF_APPROVAL", "F1 has decided step board"})
}

func TestGivenAnAmountAndBands_WhenItIsApproved_ThenTheLimitIsInAndABandOfThePrincipalCounts(t *testing.T) {
	for name, tc := range map[string]asked{
		"the limit of the band":          {chain: banded(), by: "L1", d: approval.Decision{Outcome: "approve"}},
		"less, down to the limit":        {chain: banded(), by: "F1", d: approval.Decision{Outcome: "approve", Amount: "1000", Reason: "a part"}},
		"lowered by others to the limit": {chain: banded(), moves: "L1 add-before review X1; X1 approve review.2 1000.00", by: "F1", d: approval.Decision{Outcome: "approve"}},
		"a reject needs no band":         {chain: banded(), by: "F1", d: approval.Decision{Outcome: "reject", Reason: "no"}},
		"the principal's band":           {chain: banded(), by: "X1/L1", d: approval.Decision{Outcome: "approve"}},
		"the owner, whatever the bands":  {chain: banded(), moves: "clock involve review role:owner-role", by: "O1", d: approval.Decision{Outcome: "approve"}},
		"a step that is not by amount":   {by: "F1", d: approval.Decision{Outcome: "approve"}},
		"a role of a higher band":        {chain: banded(), moves: "clock involve review role:manager", by: "M1", d: approval.Decision{Outcome: "approve"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, list, _ := tc.judge(t)
			require.Empty(t, list)
		})
	}
	a := asked{chain: banded(), moves: "L1 delegate review X1; clock involve review role:finance", by: "F1", d: approval.Decision{Outcome: "approve"}}
	_, list, _ := a.judge(t)
	refuses(t, list, taskOf(a), said{"COM-16", "CBC.0151", "50000.00 is above what Li Na may approve"})
}

func TestGivenAnAnswerThatLacksSomething_WhenItIsJudged_ThenTheGapIsNamed(t *testing.T) {
	two := chain(step("review", approval.Any, "finance"), step("legal", approval.Any, "legal"))
	board := chain(step("board", approval.All, "F1", "F2"))
	says := func(rule, sentence string) []said { return []said{{rule, "CBC.0100", sentence}} }
	for name, tc := range map[string]struct {
		asked
		want []said
	}{
		"ENG-06 a reject without a reason":           {asked{by: "F1", d: approval.Decision{Outcome: "reject", Reason: " \t"}}, says("ENG-06", "The outcome reject needs a reason that others will read; enter one.")},
		"ENG-06 a return without a reason":           {asked{by: "F1", d: approval.Decision{Outcome: "return"}}, says("ENG-06", "The outcome return needs a reason")},
		"ENG-06 a bank's return without a reason":    {asked{by: "F1", d: approval.Decision{Outcome: "return"}, round: func(r *approval.Round) { r.Matter = pay }}, says("ENG-06", "The outcome return needs a reason")},
		"ENG-06 back without a reason":               {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "L1", d: approval.Decision{Outcome: "back", To: "review"}}, says("ENG-06", "The outcome back needs a reason")},
		"ENG-06 a question without words":            {asked{by: "F1", d: approval.Decision{Outcome: "ask"}}, says("ENG-06", "The outcome ask needs a reason")},
		"ENG-06 a comment without words":             {asked{by: "F1", d: approval.Decision{Outcome: "comment"}}, says("ENG-06", "The outcome comment needs a reason")},
		"ENG-06 a lower amount without a reason":     {asked{by: "F1", d: approval.Decision{Outcome: "approve", Amount: "49999.99"}}, says("ENG-06", "Approving less than was asked for needs a reason that others will read; enter one.")},
		"ENG-06 some lines without a reason":         {asked{by: "F1", d: approval.Decision{Outcome: "approve", Lines: []string{"A"}}}, says("ENG-06", "Approving less than was asked for needs a reason")},
		"COM-08 an unknown word":                     {asked{by: "F1", d: approval.Decision{Outcome: "perhaps"}}, says("COM-08", `The task review takes approve, reject, return, back, add-signer, remove-signer, ask, transfer, delegate, comment, copy, not "perhaps".`)},
		"COM-08 the engine's word, not the matter's": {asked{by: "F1", d: approval.Decision{Outcome: "approve"}, round: func(r *approval.Round) { r.Matter = pay }}, says("COM-08", `The task pay takes confirm, return, ask, transfer, delegate, comment, copy, not "approve".`)},
		"COM-08 what only deliberation takes":        {asked{by: "F1", d: approval.Decision{Outcome: "back", To: "x", Reason: "y"}, round: func(r *approval.Round) { r.Matter = pay }}, says("COM-08", `not "back"`)},
		"COM-08 what only the engine says":           {asked{by: "F1", d: approval.Decision{Outcome: "involve", To: "F1"}}, says("COM-08", `not "involve"`)},
		"COM-08 back to no step":                     {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "L1", d: approval.Decision{Outcome: "back", To: "board", Reason: "y"}}, says("COM-08", `"board" is no earlier step of the round; name one of: review.`)},
		"COM-08 back to the same step":               {asked{chain: two, moves: "F1 approve review", seat: "legal", by: "L1", d: approval.Decision{Outcome: "back", To: "legal", Reason: "y"}}, says("COM-08", `"legal" is no earlier step`)},
		"COM-08 back to a later step":                {asked{chain: two, by: "F1", d: approval.Decision{Outcome: "back", To: "legal", Reason: "y"}}, says("COM-08", `"legal" is no earlier step of the round; name one of: .`)},
		"COM-08 transfer to nobody":                  {asked{by: "F1", d: approval.Decision{Outcome: "transfer"}}, says("COM-08", "The outcome transfer names the person it goes to.")},
		"COM-08 transfer to oneself":                 {asked{by: "F1", d: approval.Decision{Outcome: "transfer", To: "F1"}}, says("COM-08", "The task is with you already; name somebody else.")},
		"COM-08 transfer to another one of all":      {asked{chain: board, seat: "board", by: "F1", d: approval.Decision{Outcome: "transfer", To: "F2"}}, says("COM-08", "Zhao Lei is asked in step board already; name somebody else.")},
		"COM-08 add another one of all":              {asked{chain: board, seat: "board", by: "F1", d: approval.Decision{Outcome: "add-signer", To: "F2"}}, says("COM-08", "Zhao Lei is asked in step board already")},
		"COM-08 add the signer twice":                {asked{moves: "F1 add-after review X1", by: "F1", d: approval.Decision{Outcome: "add-signer", To: "X1"}}, says("COM-08", "Feng Jun is asked in step review already")},
		"COM-08 a substitute adds the absent one":    {asked{chain: board, seat: "board", by: "X1/F1", d: approval.Decision{Outcome: "add-signer", To: "F1"}}, says("COM-08", "Li Na is asked in step board already")},
		"COM-08 a delegate adds the delegator":       {asked{moves: "F1 delegate review X1", by: "X1", d: approval.Decision{Outcome: "add-signer", To: "F1"}}, says("COM-08", "Li Na is asked in step review already")},
		"COM-02 three decimals":                      {asked{by: "F1", d: approval.Decision{Outcome: "approve", Amount: "1.005", Reason: "y"}}, says("COM-02", `The amount "1.005" is not written as digits`)},
		"COM-02 nothing at all":                      {asked{by: "F1", d: approval.Decision{Outcome: "approve", Amount: "0.00", Reason: "y"}}, says("COM-02", "is not greater than 0")},
		"COM-08 more than was asked for":             {asked{by: "F1", d: approval.Decision{Outcome: "approve", Amount: "50000.01", Reason: "y"}}, says("COM-08", "50000.01 is more than the 50000.00 that can be approved; approve that or less.")},
		"COM-08 more than others approved":           {asked{chain: two, moves: "F1 approve review 100.00", seat: "legal", by: "L1", d: approval.Decision{Outcome: "approve", Amount: "100.01", Reason: "y"}}, says("COM-08", "100.01 is more than the 100.00 that can be approved")},
		"COM-08 more than the chosen lines hold":     {asked{by: "F1", d: approval.Decision{Outcome: "approve", Lines: []string{"B"}, Amount: "20000.01", Reason: "y"}}, says("COM-08", "20000.01 is more than the 20000.00 that can be approved")},
		"COM-08 a line that is not there":            {asked{by: "F1", d: approval.Decision{Outcome: "approve", Lines: []string{"A", "C"}, Reason: "y"}}, says("COM-08", `The application has no line "C".`)},
		"COM-08 none of the lines others approved":   {asked{chain: two, moves: "F1 approve review only:A", seat: "legal", by: "L1", d: approval.Decision{Outcome: "approve", Lines: []string{"B"}, Reason: "y"}}, says("COM-08", "Nothing of what others approved is among these lines; reject it with a reason.")},
	} {
		t.Run(name, func(t *testing.T) {
			_, list, _ := tc.judge(t)
			refuses(t, list, taskOf(tc.asked), tc.want...)
		})
	}
}

// Rule: ENG-03
func TestGivenATaskThatIsNotOpen_WhenItIsDecided_ThenENG03SaysWhatHappenedMeanwhile(t *testing.T) {
	two := chain(step("review", approval.Any, "finance"), step("legal", approval.Any, "legal"))
	approve := approval.Decision{Outcome: "approve"}
	history := func(text string) func(*approval.Round) {
		return func(r *approval.Round) {
			r.CaseState = "APPROVED"
			r.History = func(task string) string { return text + " (" + task + ")" }
		}
	}
	stale := func(sentence string) said { return said{"ENG-03", "ENG_STATE", sentence} }
	for name, tc := range map[string]struct {
		asked
		want []said
	}{
		"decided by somebody else": {asked{chain: two, moves: "F2 approve review", by: "F1", d: approve, round: history("was decided already: approve by F2")}, []said{stale("The task was decided already: approve by F2 (W000001/review); the case is APPROVED.")}},
		"decided by oneself":       {asked{chain: two, moves: "F1 approve review", by: "F1", d: approve}, []said{stale("The task is not open; the case is UNDER_REVIEW.")}},
		"closed, as another one of all rejected": {
			asked{chain: chain(step("board", approval.All, "F1", "F2")), moves: "F1 reject board", seat: "board.2", by: "F2", d: approve}, []said{stale("The task is not open")},
		},
		"behind a signer":           {asked{moves: "F1 add-before review X1", by: "F1", d: approve, round: history("waits for a signer")}, []said{stale("The task waits for a signer (W000001/review); the case is APPROVED.")}},
		"not asked yet":             {asked{chain: two, seat: "legal", by: "L1", d: approve}, []said{stale("The task is not open")}},
		"the case was withdrawn":    {asked{by: "F1", d: approve, round: func(r *approval.Round) { r.Ended, r.CaseState = true, "CANCELLED" }}, []said{stale("The task is not open; the case is CANCELLED.")}},
		"urged after the decision":  {asked{moves: "F1 approve review", by: "W1", d: approval.Decision{Outcome: "urge"}}, []said{stale("The task is not open")}},
		"removed after the answer":  {asked{moves: "F1 add-before review X1; X1 approve review.2", seat: "review.2", by: "F1", d: approval.Decision{Outcome: "remove-signer"}}, []said{stale("The task is not open")}},
		"the last one of all":       {asked{chain: chain(step("board", approval.All, "F1", "F2")), moves: "O1 remove-signer board", seat: "board.2", by: "O1", d: approval.Decision{Outcome: "remove-signer"}}, []said{stale("Without this signer step board could not be decided any more; transfer the task instead.")}},
		"asked again, the old task": {asked{chain: two, moves: "F1 approve review; L1 back legal review", by: "F1", d: approve}, []said{stale("The task is not open")}},
		"changed since it was opened": {
			asked{by: "F1", d: approve, round: func(r *approval.Round) { r.Changed = true }},
			[]said{stale("What is applied for has changed since the round was opened, so its approvals are void; return it for changes or refuse it.")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, list, _ := tc.judge(t)
			refuses(t, list, taskOf(tc.asked), tc.want...)
		})
	}

	first := asked{moves: "F1 return review", by: "F2", d: approve, round: func(r *approval.Round) { r.Latest = 3 }}
	_, list, _ := first.judge(t)
	refuses(t, list, "W000001/review", stale("The task is not open; the case is UNDER_REVIEW. It belongs to round 1, the case is in round 3."))
	second := asked{moves: "F1 return review", by: "F2", d: approve, round: func(r *approval.Round) { r.Number, r.Latest = 2, 3 }}
	_, list, _ = second.judge(t)
	refuses(t, list, "W000001/review@2", stale("It belongs to round 2, the case is in round 3."))
}

// Rule: PGM-02
func TestGivenADeadlineThatDecides_WhenAPersonAnswersAtItsInstant_ThenPGM02SaysItIsLate(t *testing.T) {
	deadline := monday.Add(time.Hour)
	judged := func(at time.Time, act approval.Outcome, by string) refusal.List {
		_, list, _ := asked{by: by, d: approval.Decision{Outcome: act, Reason: "y"}, at: at, round: func(r *approval.Round) { r.DefaultAt = &deadline }}.judge(t)
		return list
	}
	late := said{"PGM-02", "ENG_STATE", "The term closed at 2025-11-03T03:00:00Z and the deadline decides; a decision at that instant is late."}
	require.Empty(t, judged(deadline.Add(-time.Microsecond), "approve", "F1"))
	refuses(t, judged(deadline, "approve", "F1"), "W000001/review", late)
	refuses(t, judged(deadline.In(calendar.Zone), "reject", "F1"), "W000001/review", late)
	refuses(t, judged(deadline.Add(time.Hour), "return", "F1"), "W000001/review", late)
	require.Empty(t, judged(deadline, "urge", "W1"))
	require.Empty(t, judged(deadline, "comment", "F1"))
}

// Rule: ENG-06
// Rule: PGM-08
func TestGivenADecisionWithManyFaults_WhenItIsJudged_ThenENG06ListsThemAllInOrder(t *testing.T) {
	deadline := monday
	a := asked{
		by: "X1", d: approval.Decision{Outcome: "approve", Amount: "50000.01", Lines: []string{"C"}},
		round: func(r *approval.Round) { r.Submitter, r.DefaultAt, r.Changed = "X1", &deadline, true },
		who:   func(p *approval.People) { p.BySignal, p.Signals = true, false },
	}
	_, list, _ := a.judge(t)
	refuses(t, list, "W000001/review",
		said{"COM-16", "CBC.0151", "takes no decision by signal"},
		said{"COM-16", "CBC.0151", "does not hold the role finance"},
		said{"ENG-02", "ENG_SELF_APPROVAL", "your own request"},
		said{"PGM-02", "ENG_STATE", "The term closed"},
		said{"ENG-03", "ENG_STATE", "has changed"},
		said{"COM-08", "CBC.0100", `no line "C"`},
		said{"COM-08", "CBC.0100", "50000.01 is more than"},
		said{"ENG-06", "CBC.0100", "needs a reason"})

	_, list, _ = asked{by: "X1", moves: "F1 approve review", d: approval.Decision{Outcome: "transfer", To: "W1"}}.judge(t)
	refuses(t, list, "W000001/review",
		said{"COM-16", "CBC.0151", "Feng Jun does not hold the role finance"},
		said{"COM-16", "CBC.0151", "Wang Wei is not one of the vendor's active people"},
		said{"ENG-03", "ENG_STATE", "The task is not open"})

	_, list, _ = asked{by: "F1", chain: banded(), d: approval.Decision{Outcome: "approve", Amount: "x", Lines: []string{"A"}}}.judge(t)
	refuses(t, list, "W000001/review",
		said{"COM-02", "CBC.0100", `The amount "x"`},
		said{"ENG-06", "CBC.0100", "needs a reason"},
		said{"COM-16", "CBC.0151", "30000.00 is above what Li Na may approve"})

	_, list, _ = asked{by: "Z9", seat: "nowhere", d: approval.Decision{Outcome: "back"}}.judge(t)
	refuses(t, list, "W000001/nowhere",
		said{"COM-16", "CBC.0151", `There is no person "Z9"`},
		said{"ENG-06", "CBC.0100", "needs a reason"},
		said{"COM-08", "CBC.0100", `"" is no earlier step`},
		said{"ENG-03", "ENG_STATE", "The task is not open"})
}

func TestGivenAMessage_WhenTaskPersonOrOutcomeIsMissingOrItIsTooLong_ThenENG06SaysItIsNotWellFormed(t *testing.T) {
	whole := approval.Decision{Task: "W000001/review", Person: "F1", Outcome: approval.Approve}
	require.Empty(t, whole.WellFormed())
	for name, change := range map[string]func(*approval.Decision){
		"no task":       func(d *approval.Decision) { d.Task = "" },
		"no person":     func(d *approval.Decision) { d.Person = "" },
		"no outcome":    func(d *approval.Decision) { d.Outcome = "" },
		"a long task":   func(d *approval.Decision) { d.Task = strings.Repeat("任", 65) },
		"a long amount": func(d *approval.Decision) { d.Amount = strings.Repeat("1", 65) },
		"a long name":   func(d *approval.Decision) { d.To = strings.Repeat("x", 65) },
		"a long key":    func(d *approval.Decision) { d.Key = strings.Repeat("k", 129) },
		"a long reason": func(d *approval.Decision) { d.Reason = strings.Repeat("r", 501) },
		"a NUL":         func(d *approval.Decision) { d.Reference = "B\x0077" },
		"many lines":    func(d *approval.Decision) { d.Lines = make([]string, 101) },
		"a long line":   func(d *approval.Decision) { d.Lines = []string{strings.Repeat("l", 65)} },
	} {
		d := whole
		change(&d)
		list := d.WellFormed()
		require.Len(t, list, 1, name)
		require.Equal(t, []string{"ENG-06", "CBC.0100", "decision"}, []string{list[0].Rule, list[0].Code, list[0].Object}, name)
	}
	whole.Task, whole.Reason, whole.Lines = strings.Repeat("任", 64), strings.Repeat("r", 500), slices.Repeat([]string{strings.Repeat("l", 64)}, 100)
	require.Empty(t, whole.WellFormed(), "the limits are in")
}

// Rule: COM-20
func TestGivenADecision_WhenItIsRepeated_ThenItsDigestIsTheSameForTheSameContentOnly(t *testing.T) {
	d := approval.Decision{Task: "W000001/review", Person: "F1", Outcome: approval.Approve, Reason: "y", Amount: "800", Lines: []string{"A", "B"}, To: "F2", Before: true, Reference: "R", Key: "k"}
	same := d
	same.Amount, same.Key = "800.00", "another"
	require.Equal(t, d.Digest(), same.Digest(), "800 is 800.00, and the key only finds it")
	seen := map[string]string{string(d.Digest()): "itself"}
	for name, change := range map[string]func(*approval.Decision){
		"task": func(d *approval.Decision) { d.Task = "W000001/legal" }, "person": func(d *approval.Decision) { d.Person = "F2" },
		"outcome": func(d *approval.Decision) { d.Outcome = "reject" }, "reason": func(d *approval.Decision) { d.Reason = "z" },
		"amount": func(d *approval.Decision) { d.Amount = "800.01" }, "a malformed amount": func(d *approval.Decision) { d.Amount = "x" },
		"lines": func(d *approval.Decision) { d.Lines = []string{"A"} }, "lines in one": func(d *approval.Decision) { d.Lines = []string{"A\" \"B"} },
		"to": func(d *approval.Decision) { d.To = "F3" }, "before": func(d *approval.Decision) { d.Before = false }, "reference": func(d *approval.Decision) { d.Reference = "S" },
	} {
		other := d
		change(&other)
		require.NotContains(t, seen, string(other.Digest()), name)
		seen[string(other.Digest())] = name
	}
}

func TestGivenASeat_WhenItsTaskIsNamed_ThenTheNameSaysCaseSeatAndRound(t *testing.T) {
	require.Equal(t, "W000001/review", approval.TaskID("W000001", "review", 1))
	require.Equal(t, "W000001/review.2", approval.TaskID("W000001", "review.2", 1))
	require.Equal(t, "W000001/review.2@3", approval.TaskID("W000001", "review.2", 3))
	require.Equal(t, "W000001", approval.CaseOf("W000001/review.2@3"))
	require.Equal(t, "W000001", approval.CaseOf("W000001"))
}
