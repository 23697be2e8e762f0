package calendar_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign/domain/calendar"
)

// Monday 3 to Friday 7 November 2025 are plain working days.
// Rule: PGM-02
func TestWorkingHoursAreCountedFromTheInstantItself(t *testing.T) {
	for _, tc := range []struct {
		when, from string
		n          int
		want       string
	}{
		{"inside the morning", "2025-11-03T10:15:00+08:00", 1, "2025-11-03T11:15:00+08:00"},
		{"over the lunch break", "2025-11-03T10:15:00+08:00", 4, "2025-11-03T15:15:00+08:00"},
		{"a whole day later", "2025-11-03T10:15:00+08:00", 8, "2025-11-04T10:15:00+08:00"},
		{"over the night", "2025-11-03T10:15:00+08:00", 9, "2025-11-04T11:15:00+08:00"},
		{"a whole week later", "2025-11-03T10:15:00+08:00", 40, "2025-11-10T10:15:00+08:00"},
		{"to the nanosecond", "2025-11-03T17:59:59.999999999+08:00", 1, "2025-11-04T09:59:59.999999999+08:00"},
		{"as UTC has it", "2025-11-03T02:15:00Z", 4, "2025-11-03T15:15:00+08:00"},
		{"Sunday in UTC, Monday before nine here", "2025-11-02T23:00:00Z", 1, "2025-11-03T10:00:00+08:00"},

		{"before nine", "2025-11-03T07:30:00+08:00", 1, "2025-11-03T10:00:00+08:00"},
		{"before nine, until lunch and not until after it", "2025-11-03T07:30:00+08:00", 3, "2025-11-03T12:00:00+08:00"},
		{"midnight, one day until its end", "2025-11-03T00:00:00+08:00", 8, "2025-11-03T18:00:00+08:00"},
		{"exactly nine", "2025-11-03T09:00:00+08:00", 1, "2025-11-03T10:00:00+08:00"},
		{"exactly nine, one day", "2025-11-03T09:00:00+08:00", 8, "2025-11-03T18:00:00+08:00"},
		{"exactly nine, one day and an hour", "2025-11-03T09:00:00+08:00", 9, "2025-11-04T10:00:00+08:00"},
		{"exactly nine, a week until Friday evening", "2025-11-03T09:00:00+08:00", 40, "2025-11-07T18:00:00+08:00"},

		{"exactly twelve", "2025-11-03T12:00:00+08:00", 1, "2025-11-03T14:00:00+08:00"},
		{"in the lunch break", "2025-11-03T12:20:00+08:00", 1, "2025-11-03T14:00:00+08:00"},
		{"in the lunch break, the afternoon", "2025-11-03T12:20:00+08:00", 5, "2025-11-03T18:00:00+08:00"},
		{"in the lunch break, until the next", "2025-11-03T12:20:00+08:00", 8, "2025-11-04T12:00:00+08:00"},
		{"exactly thirteen", "2025-11-03T13:00:00+08:00", 1, "2025-11-03T14:00:00+08:00"},
		{"exactly thirteen, over the night", "2025-11-03T13:00:00+08:00", 9, "2025-11-04T14:00:00+08:00"},

		{"the last hour", "2025-11-03T17:00:00+08:00", 1, "2025-11-03T18:00:00+08:00"},
		{"exactly eighteen", "2025-11-03T18:00:00+08:00", 1, "2025-11-04T10:00:00+08:00"},
		{"exactly eighteen, one day", "2025-11-03T18:00:00+08:00", 8, "2025-11-04T18:00:00+08:00"},
		{"at night", "2025-11-03T23:45:00+08:00", 4, "2025-11-04T14:00:00+08:00"},

		{"Friday evening", "2025-11-07T17:30:00+08:00", 1, "2025-11-10T09:30:00+08:00"},
		{"on a Saturday, at a working hour", "2025-11-08T10:15:00+08:00", 1, "2025-11-10T10:00:00+08:00"},
		{"on a Sunday", "2025-11-09T20:00:00+08:00", 9, "2025-11-11T10:00:00+08:00"},
		{"on a holiday that is a Wednesday", "2025-10-01T10:15:00+08:00", 4, "2025-10-09T14:00:00+08:00"},
		{"into a holiday", "2025-09-30T17:00:00+08:00", 9, "2025-10-09T18:00:00+08:00"},

		{"over a make-up Saturday", "2024-10-11T17:00:00+08:00", 9, "2024-10-12T18:00:00+08:00"},
		{"over a make-up Saturday and the Sunday after it", "2024-10-11T17:00:00+08:00", 10, "2024-10-14T10:00:00+08:00"},
		{"on a make-up Saturday", "2024-10-12T11:30:00+08:00", 1, "2024-10-12T13:30:00+08:00"},
		{"into a make-up Sunday, not the Saturday before it", "2025-09-26T16:00:00+08:00", 4, "2025-09-28T11:00:00+08:00"},
		{"over a make-up Sunday", "2025-09-26T16:00:00+08:00", 40, "2025-10-10T16:00:00+08:00"},

		{"over new year", "2024-12-31T16:00:00+08:00", 4, "2025-01-02T11:00:00+08:00"},
		{"the last hour of the data", "2026-12-31T17:00:00+08:00", 1, "2026-12-31T18:00:00+08:00"},
		{"after work on the last day without data", "2023-12-31T18:00:00+08:00", 1, "2024-01-02T10:00:00+08:00"},
	} {
		closes, err := calendar.China().WorkingHours(instant(t, tc.from), tc.n)
		if err != nil {
			t.Errorf("%s: %v", tc.when, err)
			continue
		}
		if got := closes.Format(time.RFC3339Nano); got != tc.want {
			t.Errorf("%s: %d working hours from %s close at %s, want %s", tc.when, tc.n, tc.from, got, tc.want)
		}
	}
}

// Rule: ENG-05
func TestWorkingHoursInAYearWithoutDataAreRefused(t *testing.T) {
	for _, tc := range []struct {
		from string
		n    int
		year int
	}{
		{"2026-12-31T17:00:00.000000001+08:00", 1, 2027}, // a nanosecond of the hour is left
		{"2026-12-31T18:00:00+08:00", 1, 2027},
		{"2026-01-05T09:00:00+08:00", 292_200, 2027},
		{"2023-12-31T17:59:59+08:00", 1, 2023}, // a Sunday, but that is a guess
		{"2027-01-04T09:00:00+08:00", 1, 2027},
	} {
		closes, err := calendar.China().WorkingHours(instant(t, tc.from), tc.n)
		var noData calendar.NoDataError
		if !errors.As(err, &noData) || noData.Year != tc.year || !closes.IsZero() {
			t.Errorf("%d from %s: got %s, %v, want no data for %d", tc.n, tc.from, closes, err, tc.year)
		}
	}
	_, err := calendar.China().WorkingTime(instant(t, "2026-12-31T17:00:00+08:00"), instant(t, "2027-01-01T09:00:00.1+08:00"))
	if !errors.As(err, new(calendar.NoDataError)) {
		t.Errorf("working time reaches into 2027: %v", err)
	}
}

func TestACountOfHoursMustBeAboveZeroAndAtMostAHundredYears(t *testing.T) {
	for _, n := range []int{0, -1, 292_201, 1 << 62} {
		closes, err := calendar.China().WorkingHours(instant(t, "2025-11-03T09:00:00+08:00"), n)
		if err == nil || errors.As(err, new(calendar.NoDataError)) || !closes.IsZero() {
			t.Errorf("%d working hours close at %s, %v", n, closes, err)
		}
	}
}

func TestTheLongestTermInWorkingHoursIsCounted(t *testing.T) {
	var years []int
	for year := 2025; year < 2200; year++ {
		years = append(years, year)
	}
	c, err := calendar.New(years, nil)
	if err != nil {
		t.Fatal(err)
	}
	// 36 525 days are 7 305 weeks of five, until the Friday of the last.
	closes, err := calendar.MustTerm("P292200WH").Closes(instant(t, "2025-11-03T09:00:00+08:00"), c)
	want := date(t, "2025-11-03").AddDays(7*7_304 + 4).Start().Add(18 * time.Hour)
	if err != nil || !closes.Equal(want) {
		t.Errorf("closes at %s, %v, want %s", closes, err, want)
	}
}

// Rule: PGM-02
func TestWorkingTimeIsWhatLiesBetweenTwoInstants(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		want     time.Duration
	}{
		{"2025-11-03T10:15:00+08:00", "2025-11-03T11:00:00+08:00", 45 * time.Minute},
		{"2025-11-03T11:00:00+08:00", "2025-11-03T14:00:00+08:00", 2 * time.Hour},
		{"2025-11-03T12:00:00+08:00", "2025-11-03T13:00:00+08:00", 0},
		{"2025-11-03T18:00:00+08:00", "2025-11-04T09:00:00+08:00", 0},
		{"2025-11-03T00:00:00+08:00", "2025-11-04T00:00:00+08:00", 8 * time.Hour},
		{"2025-11-07T17:00:00+08:00", "2025-11-10T10:00:00+08:00", 2 * time.Hour},
		{"2024-10-12T00:00:00+08:00", "2024-10-14T00:00:00+08:00", 8 * time.Hour}, // a make-up Saturday and a Sunday
		{"2025-10-01T00:00:00+08:00", "2025-10-09T00:00:00+08:00", 0},
		{"2025-11-03T14:00:00+08:00", "2025-11-03T10:00:00+08:00", 0},
		{"2025-11-03T14:00:00+08:00", "2025-11-03T14:00:00+08:00", 0},
		{"2026-12-31T17:00:00+08:00", "2027-01-01T09:00:00+08:00", time.Hour}, // 2027 is not looked at
	} {
		got, err := calendar.China().WorkingTime(instant(t, tc.from), instant(t, tc.to))
		if err != nil || got != tc.want {
			t.Errorf("%s to %s: %s, %v, want %s", tc.from, tc.to, got, err, tc.want)
		}
	}
}

func TestHoursCountFromTheInstantsOwnDayUntilWorkEnds(t *testing.T) {
	for from, want := range map[string]string{
		"2025-11-03T00:00:00+08:00":           "2025-11-03",
		"2025-11-03T17:59:59.999999999+08:00": "2025-11-03",
		"2025-11-03T18:00:00+08:00":           "2025-11-04",
		"2025-11-03T10:00:00Z":                "2025-11-04",
		"2025-11-07T20:00:00+08:00":           "2025-11-08", // a Saturday: worked or not is another question
	} {
		if got := calendar.FirstCounted(instant(t, from)).String(); got != want {
			t.Errorf("from %s the first day is %s, want %s", from, got, want)
		}
	}
}

func TestWorkingHoursAddUp(t *testing.T) {
	c := calendar.China()
	first := date(t, "2024-01-01").Start().UTC() // the answer is in Zone all the same
	rapid.Check(t, func(t *rapid.T) {
		// 900 days and 2 × 80 hours, 20 working days, stay before 2027.
		from := first.Add(time.Duration(rapid.IntRange(0, 900*24*60).Draw(t, "minute")) * time.Minute)
		n, m := rapid.IntRange(1, 80).Draw(t, "n"), rapid.IntRange(1, 80).Draw(t, "m")
		count := func(from time.Time, n int) time.Time {
			closes, err := c.WorkingHours(from, n)
			if err != nil {
				t.Fatal(err)
			}
			return closes
		}

		closes := count(from, n)
		if !closes.After(from) || closes.Location() != calendar.Zone {
			t.Fatalf("%d working hours from %s close at %s", n, from, closes)
		}
		if then, atOnce := count(closes, m), count(from, n+m); !then.Equal(atOnce) {
			t.Fatalf("%d and then %d working hours from %s close at %s, at once at %s", n, m, from, then, atOnce)
		}
		if got, err := c.WorkingTime(from, closes); err != nil || got != time.Duration(n)*time.Hour {
			t.Fatalf("from %s to %s is %s of working time, %v, want %d hours", from, closes, got, err, n)
		}
		minutes := 0 // as the clock on the wall has it, without the code's own table
		for at := from; at.Before(closes); at = at.Add(time.Minute) {
			hour := at.In(calendar.Zone).Hour()
			if hour < 9 || hour == 12 || hour > 17 {
				continue
			}
			if worked, err := c.IsWorkingDay(calendar.DateOf(at)); err != nil {
				t.Fatal(err)
			} else if worked {
				minutes++
			}
		}
		if minutes != n*60 {
			t.Fatalf("from %s to %s are %d working minutes, want %d hours", from, closes, minutes, n)
		}
		if later := count(from.Add(time.Hour), n); later.Before(closes) {
			t.Fatalf("an hour later it closes at %s, before %s", later, closes)
		}
	})
}
