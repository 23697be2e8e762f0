package bill_test

import (
	"testing"
	"time"

	"countersign/domain/bill"
	"countersign/domain/money"

	"github.com/stretchr/testify/require"
)

// Rule: INC-14
func TestGivenAnIdentityThatEnded_WhenAYearHasPassed_ThenTheIncentiveVoidsAtMidnight(t *testing.T) {
	start, announced := cst("2023-01-01 00:00:00"), cst("2024-01-10 09:00:00")
	for ended, void := range map[string]string{
		"2024-03-15 18:30:00": "2025-03-16 00:00:00", // held on 15 March
		"2024-03-16 00:00:00": "2025-03-16 00:00:00", // the last instant before it is on 15 March
		"2026-02-01 00:00:00": "2027-02-01 00:00:00", // last held on 31 January
	} {
		lapses := bill.Lapses(announced, []bill.Held{{From: start, Until: at(ended)}})
		require.Equal(t, cst(void), lapses, ended)

		b := released("B1", "200.00")
		require.Equal(t, "200.00", bill.Payable(b, false, lapses, lapses.Add(-time.Second)).String())
		require.Equal(t, "0.00", bill.Payable(b, false, lapses, lapses).String(), "however late the clock is")
	}
}

// Rule: INC-15
func TestGivenAnIdentityThatEndedOn29February_WhenItsYearIsCounted_ThenTheLastValidDayIs28February(t *testing.T) {
	require.Equal(t, date("2025-02-28"), bill.LastValidDay(cst("2024-02-29 12:00:00")))
	require.Equal(t, date("2025-02-28"), bill.LastValidDay(cst("2024-03-01 00:00:00")))
	require.Equal(t, date("2025-03-15"), bill.LastValidDay(cst("2024-03-15 23:59:59")))
}

// Rule: INC-14
func TestGivenAPartnerInItsPlan_WhenItStaysOrComesBackInTime_ThenNoEndIsInSight(t *testing.T) {
	announced := cst("2022-06-10 09:00:00")
	for name, held := range map[string][]bill.Held{
		"known in no plan":        nil,
		"in its plan":             {{From: cst("2022-01-01 00:00:00")}},
		"came back in time":       {{From: cst("2022-01-01 00:00:00"), Until: at("2024-03-15 18:00:00")}, {From: cst("2025-03-15 08:00:00")}},
		"another plan carries on": {{From: cst("2022-01-01 00:00:00"), Until: at("2024-03-15 18:00:00")}, {From: cst("2023-01-01 00:00:00")}},
	} {
		require.True(t, bill.Lapses(announced, held).IsZero(), name)
	}
	late := []bill.Held{{From: cst("2025-04-01 08:00:00")}, {From: cst("2022-01-01 00:00:00"), Until: at("2024-03-15 18:00:00")}}
	require.Equal(t, cst("2025-03-16 00:00:00"), bill.Lapses(announced, late), "what voided is not restored by coming back")
	require.True(t, bill.Lapses(cst("2025-05-10 09:00:00"), late).IsZero(), "announced after the return")
	gone := late[1:]
	require.Equal(t, cst("2025-05-10 09:00:00"), bill.Lapses(cst("2025-05-10 09:00:00"), gone), "announced when the year was over")
}

// Rule: INC-16
func TestGivenANegativeOf600_WhenAPositiveOf200Voids_ThenBothVoidAndANewNegativeOf400Remains(t *testing.T) {
	v := bill.VoidWith([]bill.Bill{released("B1", "200.00")}, []bill.Bill{released("B2", "-600.00")})
	require.Len(t, v.Bills, 2)
	require.Equal(t, "-400.00", v.Rest.String())
}

// Rule: INC-17
func TestGivenNoNegative_WhenAPositiveVoids_ThenItIsLost(t *testing.T) {
	v := bill.VoidWith([]bill.Bill{released("B1", "200.00")}, nil)
	require.Len(t, v.Bills, 1)
	require.Zero(t, v.Rest.Sign())
}

// Rule: INC-18
func TestGivenANegativeOf50_WhenAPositiveOf200Voids_ThenBothVoidAndNothingNewRemains(t *testing.T) {
	v := bill.VoidWith([]bill.Bill{released("B1", "200.00")}, []bill.Bill{released("B2", "-50.00")})
	require.Len(t, v.Bills, 2)
	require.Zero(t, v.Rest.Sign())
	require.Zero(t, bill.VoidWith([]bill.Bill{released("B1", "50.00")}, []bill.Bill{released("B2", "-50.00")}).Rest.Sign())
}

func TestGivenNothingThatVoids_WhenThereAreNegatives_ThenTheyStay(t *testing.T) {
	require.Empty(t, bill.VoidWith(nil, []bill.Bill{released("B2", "-50.00")}).Bills)
}

// Rule: INC-16
func TestGivenBillsOfBothSigns_WhenTheyAccrueAndVoid_ThenThePayableFollows(t *testing.T) {
	payable := func(amounts ...string) string {
		total := money.Zero
		for _, a := range amounts {
			total = total.Add(bill.Accrue("P-100", money.Must(a))[1].Amount)
		}
		return total.String()
	}
	require.Equal(t, "-400.00", payable("200.00", "-600.00"))
	reversed := bill.Reverse("P-100", money.Must("-600.00"))
	require.Equal(t, "V.INCENT:P-100", string(reversed[1].Account))
	require.Equal(t, "600.00", reversed[1].Amount.String())
	require.Equal(t, "V.INCEXP", string(reversed[0].Account))
}
