package requisition

import (
	"testing"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"

	"github.com/stretchr/testify/require"
)

// Rule: PAY-14, PAY-15
func TestSpecialCases(t *testing.T) {
	running := Submitted{Case: "R000001", Partner: "P-100", State: WaitingInvoice, Method: Bank, Gross: money.Must("2000.00"), Groups: []Group{Others}}
	for name, c := range map[string]struct {
		s      Special
		change func(*Submitted)
		want   string
	}{
		"PAY-14 BANK to VOUCHER next day, no reason":    {Special{Method: Voucher}, func(*Submitted) {}, "PAY_METHOD_FIXED"},
		"PAY-14 taken back, no reason":                  {Special{}, func(*Submitted) {}, "PAY_METHOD_FIXED"},
		"PAY-15 for a special reason":                   {Special{Method: Voucher, Reason: "no invoices left"}, func(*Submitted) {}, ""},
		"PAY-15 taken back":                             {Special{Reason: "wrong bills"}, func(*Submitted) {}, ""},
		"PAY-15 completed":                              {Special{Method: Cloud, Reason: "r"}, func(r *Submitted) { r.State = Completed }, "PAY_ALREADY_PAID"},
		"PAY-15 the transfer was sent":                  {Special{Reason: "r"}, func(r *Submitted) { r.State, r.Moved = Paying, true }, "PAY_ALREADY_PAID"},
		"PAY-15 one waits already":                      {Special{Reason: "r"}, func(r *Submitted) { r.Asked = true }, "ENG_STATE"},
		"PAY-15 rejected":                               {Special{Reason: "r"}, func(r *Submitted) { r.State = Rejected }, "ENG_STATE"},
		"PAY-15 to a method that needs an invoice list": {Special{Method: Cloud, Reason: "r"}, func(r *Submitted) { r.State, r.Method = Failed, Voucher }, "ENG_STATE"},
		"PAY-07 a method that the bills do not allow":   {Special{Method: CloudOwed, Reason: "r"}, func(*Submitted) {}, "PAY_METHOD_NOT_ALLOWED"},
		"PAY-01 the same method":                        {Special{Method: Bank, Reason: "r"}, func(*Submitted) {}, "CBC.0100"},
	} {
		t.Run(name, func(t *testing.T) {
			r := running
			c.change(&r)
			require.Equal(t, c.want, codes(JudgeSpecial(mei, "mei", c.s, r, DefaultPolicy())))
		})
	}
	require.Equal(t, "CBC.0151", codes(JudgeSpecial(nil, "x", Special{Reason: "r"}, running, DefaultPolicy())))
}

// Rule: PAY-15
func TestAnswerToASpecialCaseOfThursdayIsDueOnMonday(t *testing.T) {
	step := DefaultPolicy().Chain(SpecialCase.Name).Steps[0]
	closes, err := step.Due.Closes(cst("2024-11-14 10:00:00"), calendar.China())
	require.NoError(t, err)
	require.True(t, closes.Equal(cst("2024-11-19 00:00:00")), "2024-11-18 in full")
	require.Equal(t, person.VendorOperations, step.Who[0].Role)
}

// Rule: PAY-24
func TestAPaymentOfFridayIsStartedByTuesday(t *testing.T) {
	closes, err := DefaultPolicy().Chain(Send.Name).Steps[0].Due.Closes(cst("2024-11-08 16:00:00"), calendar.China())
	require.NoError(t, err)
	require.True(t, closes.Equal(cst("2024-11-13 00:00:00")), "2024-11-12 in full")
}

// Rule: PAY-25
func TestTheAlarmOfAnInvoiceOf3JuneIsOn4July(t *testing.T) {
	require.True(t, DefaultPolicy().AlarmAt(cst("2024-06-03 15:00:00")).Equal(cst("2024-07-04 00:00:00")))
}

// Rule: PAY-19
func TestDataOf3JuneIsRequestedOnThe8thAt0000(t *testing.T) {
	require.True(t, DefaultPolicy().AutomaticAt(cst("2024-06-03 23:59:59")).Equal(cst("2024-06-08 00:00:00")))
}

// Rule: PAY-19, PAY-20, PAY-23, PAY-27
func TestAutomaticTotals(t *testing.T) {
	p := DefaultPolicy()
	both := map[Group]Method{NewResale: Voucher, Others: Bank}
	look := func(switches map[Group]Method, bills ...Bill) []Look { return LookAt(p, switches, bills) }

	require.Equal(t, []Look{{NewResale, Voucher, money.Must("50.00"), Requested}, {Others, Bank, money.Must("2000.00"), Requested}},
		look(both, resale("B1", "50.00"), advisory("B2", "2000.00")), "PAY-23: two requisitions")
	require.Equal(t, BelowMinimum, look(both, advisory("B1", "999.99"))[1].Outcome, "PAY-20: June 999.99")
	require.Equal(t, Requested, look(both, advisory("B1", "999.99"), advisory("B2", "0.01"))[1].Outcome, "PAY-20: July adds 0.01")
	under := look(both, advisory("B1", "1200.00"), advisory("B2", "-300.00"))[1]
	require.Equal(t, "900.00", under.Total.String())
	require.Equal(t, BelowMinimum, under.Outcome, "PAY-20: 1,200.00 with -300.00 outstanding")
	taken := look(both, resale("B1", "400.00"), advisory("B2", "1200.00"), advisory("B3", "-300.00"))
	require.Equal(t, "100.00 1200.00", taken[0].Total.String()+" "+taken[1].Total.String(), "PAY-27: the first takes the negatives, the second none")
	require.Equal(t, Nothing, look(both, resale("B1", "300.00"), resale("B2", "-300.00"))[0].Outcome)
	require.Empty(t, look(nil, resale("B1", "300.00")), "switched off")
	require.Equal(t, Requested, look(map[Group]Method{Others: Voucher}, advisory("B1", "0.01"))[0].Outcome, "no minimum for quota")
}

// Rule: PAY-23
func TestTheSwitchIsThePartners(t *testing.T) {
	require.Empty(t, JudgeAutomatic(mei, "mei", "P-100", NewResale, Voucher))
	require.Empty(t, JudgeAutomatic(mei, "mei", "P-100", Others, ""))
	require.Equal(t, "PAY_METHOD_NOT_ALLOWED", codes(JudgeAutomatic(mei, "mei", "P-100", NewResale, Bank)))
	require.Equal(t, "CBC.0100", codes(JudgeAutomatic(mei, "mei", "P-100", "all", Bank)))
	manager := &person.Person{ID: "wang", Active: true, Roles: []person.Role{person.EcosystemManager}}
	require.Equal(t, "CBC.0151", codes(JudgeAutomatic(manager, "wang", "P-100", NewResale, Voucher)))
}

// Rule: INV-18
func TestTheBankConfirmsTheSettlementToTheFen(t *testing.T) {
	d := approval.Decision{Task: "R000001/confirm/1", Reference: "B-1", Amount: "10300.00"}
	require.Empty(t, JudgeArrival(d, money.Must("10300.00")))
	d.Amount = "10299.99"
	require.Equal(t, "CBC.0100", codes(JudgeArrival(d, money.Must("10300.00"))))
	d.Reference, d.Amount = "", "x"
	require.Equal(t, "CBC.0100 CBC.0100", codes(JudgeArrival(d, money.Must("10300.00"))))
}

// Rule: ENG-03
func TestOnlyListedStepsExist(t *testing.T) {
	require.True(t, CanMove(Review, Rejected))
	for _, m := range []Move{{Review, Completed}, {WaitingInvoice, Completed}, {Completed, Paying}, {Rejected, Processing}, {Completed, Rejected}} {
		require.False(t, CanMove(m.From, m.To), "%s to %s", m.From, m.To)
	}
	require.True(t, Ended(Completed))
	require.False(t, Ended(Failed))
}

func TestThePolicyOfTheRuleBookIsInOrder(t *testing.T) {
	require.NoError(t, DefaultPolicy().Check())
	err := Policy{}.Check()
	for _, word := range []string{"service_role", "answer_term", "cut_over", "alarm_days"} {
		require.ErrorContains(t, err, word)
	}
}

func TestMattersAreFoundByName(t *testing.T) {
	require.Equal(t, Mend, MatterOf("mend"))
	require.Equal(t, approval.Matter{Name: "x"}, MatterOf("x"))
}
