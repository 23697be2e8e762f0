package calendar_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign/domain/calendar"
)

// Rule: COM-05
// Rule: PGM-04
// Rule: WDL-16
// Rule: WDL-22
// Rule: WDR-03
func TestWorkingDaysAreCountedFromTheDayAfterOverHolidaysAndMakeUpDays(t *testing.T) {
	for _, tc := range []struct {
		rule, from   string
		n            int
		last, closes string
	}{
		{"COM-05", "2025-11-03", 7, "2025-11-12", "2025-11-13T00:00:00+08:00"},
		{"COM-05", "2025-09-26", 7, "2025-10-13", "2025-10-14T00:00:00+08:00"},
		{"PGM-04", "2025-09-25", 3, "2025-09-29", "2025-09-30T00:00:00+08:00"},
		{"WDL-16", "2025-11-03", 7, "2025-11-12", "2025-11-13T00:00:00+08:00"},
		{"WDL-22", "2025-11-03", 7, "2025-11-12", "2025-11-13T00:00:00+08:00"},
		{"WDR-03", "2024-11-01", 7, "2024-11-12", "2024-11-13T00:00:00+08:00"},
		{"WDR-03", "2024-09-30", 7, "2024-10-15", "2024-10-16T00:00:00+08:00"},
		{"from a Saturday off", "2025-11-08", 1, "2025-11-10", "2025-11-11T00:00:00+08:00"},
		{"from a Saturday worked, which does not count itself", "2025-10-11", 1, "2025-10-13", "2025-10-14T00:00:00+08:00"},
		{"the deadline falls on a Saturday off", "2025-11-06", 1, "2025-11-07", "2025-11-08T00:00:00+08:00"},
		{"the last day of the data has a deadline", "2026-12-30", 1, "2026-12-31", "2027-01-01T00:00:00+08:00"},
	} {
		last, closes, err := calendar.China().WorkingDays(date(t, tc.from), tc.n)
		if err != nil {
			t.Errorf("%s: %v", tc.rule, err)
			continue
		}
		if last.String() != tc.last || closes.Format(time.RFC3339) != tc.closes {
			t.Errorf("%s: %d working days from %s end on %s and close at %s, want %s and %s",
				tc.rule, tc.n, tc.from, last, closes.Format(time.RFC3339), tc.last, tc.closes)
		}
	}
}

// The days of the example, one by one: 26, 28 and 29 September.
// Rule: PGM-04
func TestAMakeUpSundayCountsAndTheSaturdayBeforeItDoesNot(t *testing.T) {
	var got []string
	for n := 1; n <= 3; n++ {
		last, _, err := calendar.China().WorkingDays(date(t, "2025-09-25"), n)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, last.String())
	}
	if want := []string{"2025-09-26", "2025-09-28", "2025-09-29"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Rule: ENG-05
func TestTheDataGoesBeforeTheWeekday(t *testing.T) {
	for day, want := range map[string]bool{
		"2024-10-12": true,  // a Saturday that makes up for the National Day
		"2024-10-05": false, // a Saturday within the National Day
		"2024-10-07": false, // a Monday within the National Day
		"2024-10-08": true,  // the Tuesday after it
		"2024-10-13": false, // a plain Sunday
	} {
		got, err := calendar.China().IsWorkingDay(date(t, day))
		if err != nil || got != want {
			t.Errorf("%s worked is %v, %v", day, got, err)
		}
	}
}

func TestAYearWithoutDataIsRefusedAndTheClerkIsToldWhatToDo(t *testing.T) {
	c := calendar.China()
	_, single := c.IsWorkingDay(date(t, "2027-01-04"))
	last, closes, counted := c.WorkingDays(date(t, "2026-12-30"), 2) // the 31st, then into 2027
	_, before := c.IsWorkingDay(date(t, "2023-12-29"))
	_, none := (*calendar.Calendar)(nil).IsWorkingDay(date(t, "2025-01-02"))

	if !last.IsZero() || !closes.IsZero() {
		t.Errorf("a refused count still answered %s and %s", last, closes)
	}
	for _, tc := range []struct {
		err  error
		year int
	}{{single, 2027}, {counted, 2027}, {before, 2023}, {none, 2025}} {
		var noData calendar.NoDataError
		if !errors.As(tc.err, &noData) || noData.Year != tc.year {
			t.Errorf("got %v, want no data for %d", tc.err, tc.year)
		}
	}
	const want = "The working-day calendar has no data for 2027. Enter the public holidays and make-up workdays of 2027, then try again."
	if single.Error() != want {
		t.Errorf("the clerk reads %q", single)
	}
}

func TestACountMustBeAboveZeroAndStartFromARealDay(t *testing.T) {
	for _, n := range []int{0, -1} {
		if last, _, err := calendar.China().WorkingDays(date(t, "2025-11-03"), n); err == nil {
			t.Errorf("%d working days ended on %s", n, last)
		}
	}
	thirtieth := calendar.Date{Year: 2025, Month: time.February, Day: 30}
	if last, _, err := calendar.China().WorkingDays(thirtieth, 1); err == nil {
		t.Errorf("a working day after 30 February is %s", last)
	}
	if worked, err := calendar.China().IsWorkingDay(thirtieth); err == nil {
		t.Errorf("30 February worked is %v", worked)
	}
}

func TestTheEmbeddedYearsAreWhole(t *testing.T) {
	c := calendar.China()
	if got := c.Years(); !slices.Equal(got, []int{2024, 2025, 2026}) {
		t.Fatalf("the years are %v", got)
	}
	for _, tc := range []struct {
		year          int
		off, makeUp   int // as the notices of the State Council list them
		workedInTotal int
	}{
		{2024, 28, 8, 251},
		{2025, 28, 5, 248},
		{2026, 33, 6, 248},
	} {
		var off, makeUp, worked int
		for _, day := range c.Days() {
			if day.Date.Year == tc.year && day.Working {
				makeUp++
			} else if day.Date.Year == tc.year {
				off++
			}
			if day.Name == "" {
				t.Errorf("%s has no name", day.Date)
			}
		}
		for d := (calendar.Date{Year: tc.year, Month: time.January, Day: 1}); d.Year == tc.year; d = d.AddDays(1) {
			if yes, err := c.IsWorkingDay(d); err != nil {
				t.Fatal(err)
			} else if yes {
				worked++
			}
		}
		if off != tc.off || makeUp != tc.makeUp || worked != tc.workedInTotal {
			t.Errorf("%d has %d days off, %d made up, %d worked", tc.year, off, makeUp, worked)
		}
	}
}

func TestACalendarCanBeStoredAndBuiltAgain(t *testing.T) {
	c := calendar.China()
	again, err := calendar.New(c.Years(), c.Days())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again.Days(), c.Days()) || !slices.Equal(again.Years(), c.Years()) {
		t.Error("the second calendar differs from the first")
	}
	years, days := c.Years(), c.Days()
	years[0], days[0] = 1999, calendar.Day{}
	if c.Years()[0] != 2024 || c.Days()[0].Date.String() != "2024-01-01" {
		t.Error("what was handed out changes the calendar")
	}
}

func TestAYearNeedsNoExceptionsButMustBeListed(t *testing.T) {
	c, err := calendar.New([]int{2030, 2029, 2030}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Years(); !slices.Equal(got, []int{2029, 2030}) {
		t.Errorf("the years are %v", got)
	}
	last, _, err := c.WorkingDays(date(t, "2029-12-31"), 5) // a Monday; the Saturday and Sunday after are off
	if err != nil || last.String() != "2030-01-07" {
		t.Errorf("got %s, %v", last, err)
	}
}

func TestFaultyDaysAreAllNamedAtOnce(t *testing.T) {
	_, err := calendar.New([]int{2025}, []calendar.Day{
		{Date: date(t, "2026-01-01"), Name: "New Year"},
		{Date: date(t, "2025-10-01"), Name: "National Day"},
		{Date: date(t, "2025-10-01"), Working: true, Name: "National Day"},
		{Date: date(t, "2025-10-13"), Working: true, Name: "National Day"},
		{Date: calendar.Date{Year: 2025, Month: time.February, Day: 30}, Name: "none"},
	})
	if err == nil {
		t.Fatal("the calendar was built")
	}
	for _, want := range []string{
		"2026-01-01 lies outside the years",
		"2025-10-01 comes twice",
		"2025-10-13 is a Monday, worked anyway",
		`"2025-02-30" is not a date`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestDaysAreReadFromCSVStrictly(t *testing.T) {
	days, err := calendar.ParseDays("# notice\ndate,kind,name\n2027-01-01,holiday,New Year\n2027-01-03,workday,New Year\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []calendar.Day{
		{Date: date(t, "2027-01-01"), Name: "New Year"},
		{Date: date(t, "2027-01-03"), Working: true, Name: "New Year"},
	}
	if !slices.Equal(days, want) {
		t.Errorf("got %v, want %v", days, want)
	}
	for _, text := range []string{
		"",
		"2027-01-01,holiday,New Year\n",
		"date,kind,name\n2027-01-01,off,New Year\n",
		"date,kind,name\n2027-02-29,holiday,New Year\n",
		"date,kind,name\n2027-01-01,holiday\n",
	} {
		if days, err := calendar.ParseDays(text); err == nil {
			t.Errorf("%q was read as %v", text, days)
		}
	}
}

func TestWorkingDaysAreMonotoneAndEndOnAWorkingDay(t *testing.T) {
	c := calendar.China()
	first := date(t, "2024-01-01")
	rapid.Check(t, func(t *rapid.T) {
		// 940 days and 40 working days, at most 75 more, stay before 2027.
		from := first.AddDays(rapid.IntRange(0, 940).Draw(t, "from"))
		later := from.AddDays(rapid.IntRange(0, 30).Draw(t, "later"))
		n := rapid.IntRange(1, 40).Draw(t, "n")

		last, closes, err := c.WorkingDays(from, n)
		if err != nil {
			t.Fatal(err)
		}
		if worked, err := c.IsWorkingDay(last); err != nil || !worked {
			t.Fatalf("the last day, %s, is not worked: %v", last, err)
		}
		if !last.After(from) {
			t.Fatalf("the last day, %s, is not after %s", last, from)
		}
		if want := last.Start().Add(24 * time.Hour); !closes.Equal(want) || closes.Location() != calendar.Zone {
			t.Fatalf("%s closes at %s", last, closes)
		}
		worked := 0
		for d := from.AddDays(1); !d.After(last); d = d.AddDays(1) {
			if yes, _ := c.IsWorkingDay(d); yes {
				worked++
			}
		}
		if worked != n {
			t.Fatalf("%s to %s has %d working days, want %d", from, last, worked, n)
		}
		if next, _, err := c.WorkingDays(from, n+1); err != nil || !next.After(last) {
			t.Fatalf("one working day more ends on %s, not after %s: %v", next, last, err)
		}
		if end, _, err := c.WorkingDays(later, n); err != nil || end.Before(last) {
			t.Fatalf("from the later %s it ends on %s, before %s: %v", later, end, last, err)
		}
	})
}
