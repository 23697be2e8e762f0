package views

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/domain/calendar"
)

// Rules: PGM-04, ENG-05
func TestGivenATermWhenItIsCountedOutThenEveryDayOfItIsNamed(t *testing.T) {
	for _, tc := range []struct{ term, from, want string }{
		{"P2WD", "2025-11-03T16:00:00+08:00", "2 working days from Mon 3 Nov: Tue 4, Wed 5 → closes Thu 6 Nov 00:00"},
		{"P3WD", "2025-09-25T10:00:00+08:00", "3 working days from Thu 25 Sep: Fri 26, Sun 28, Mon 29 (Sun 28 Sep is worked for National Day and Mid-Autumn Festival) → closes Tue 30 Sep 00:00"},
		{"P12WD", "2025-11-03T10:00:00+08:00", "12 working days from Mon 3 Nov: Tue 4, Wed 5, Thu 6, Fri 7, Mon 10, Tue 11, Wed 12, Thu 13, Fri 14, Mon 17, …, Wed 19 → closes Thu 20 Nov 00:00"},
		{"P7D", "2025-11-03T16:00:00+08:00", "7 days from Mon 3 Nov 16:00 → closes Mon 10 Nov 16:00"},

		{"P1WH", "2025-11-03T10:15:00+08:00", "1 working hour from Mon 3 Nov 10:15: Mon 3 1h → closes Mon 3 Nov 11:15"},
		{"P4WH", "2025-11-03T16:00:00+08:00", "4 working hours from Mon 3 Nov 16:00: Mon 3 2h, Tue 4 2h → closes Tue 4 Nov 11:00"},
		{"P4WH", "2025-11-03T15:30:20.5+08:00", "4 working hours from Mon 3 Nov 15:30: Mon 3 2h30m, Tue 4 1h30m → closes Tue 4 Nov 10:30"},
		{"P1WH", "2025-11-03T17:00:20+08:00", "1 working hour from Mon 3 Nov 17:00: Mon 3 1h, Tue 4 0m → closes Tue 4 Nov 09:00"},
		{"P1WH", "2025-11-03T17:15:00+08:00", "1 working hour from Mon 3 Nov 17:15: Mon 3 45m, Tue 4 15m → closes Tue 4 Nov 09:15"},
		{"P8WH", "2025-11-03T18:00:00+08:00", "8 working hours from Mon 3 Nov 18:00: Tue 4 8h → closes Tue 4 Nov 18:00"},
		{"P4WH", "2025-11-08T10:00:00+08:00", "4 working hours from Sat 8 Nov 10:00: Mon 10 4h → closes Mon 10 Nov 14:00"},
		{"P9WH", "2024-10-11T17:00:00+08:00", "9 working hours from Fri 11 Oct 17:00: Fri 11 1h, Sat 12 8h (Sat 12 Oct is worked for National Day) → closes Sat 12 Oct 18:00"},
		{"P4WH", "2024-12-31T16:00:00+08:00", "4 working hours from Tue 31 Dec 16:00: Tue 31 2h, Thu 2 Jan 2h (not Wed 1 Jan, New Year) → closes Thu 2 Jan 11:00"},
		{"P1WH", "2023-12-31T20:00:00+08:00", "1 working hour from Sun 31 Dec 20:00: Tue 2 Jan 1h (not Mon 1 Jan, New Year) → closes Tue 2 Jan 10:00"},
		{"P96WH", "2025-11-03T16:00:00+08:00", "96 working hours from Mon 3 Nov 16:00: Mon 3 2h, Tue 4 8h, Wed 5 8h, Thu 6 8h, Fri 7 8h, Mon 10 8h, Tue 11 8h, Wed 12 8h, Thu 13 8h, Fri 14 8h, …, Wed 19 6h → closes Wed 19 Nov 16:00"},
	} {
		from, err := time.Parse(time.RFC3339Nano, tc.from)
		require.NoError(t, err)
		at, words, err := closing(calendar.MustTerm(tc.term), from, calendar.China())
		require.NoError(t, err, tc.term)
		require.Equal(t, tc.want, words)
		want, err := calendar.MustTerm(tc.term).Closes(from, calendar.China())
		require.NoError(t, err)
		require.Equal(t, want.UTC(), *at)
	}
}

// Rule: ENG-05
func TestGivenAYearWithoutDataWhenATermIsCountedOutThenTheWordsSaySo(t *testing.T) {
	for _, term := range []string{"P1WD", "P2WH"} {
		at, words, err := closing(calendar.MustTerm(term), time.Date(2026, 12, 31, 9, 0, 0, 0, time.UTC), calendar.China())
		require.NoError(t, err)
		require.Nil(t, at)
		require.Equal(t, "The working-day calendar has no data for 2027. Enter the public holidays and make-up workdays of 2027, then try again.", words)
	}
}
