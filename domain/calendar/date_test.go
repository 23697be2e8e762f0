package calendar_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign/domain/calendar"
)

// date reads a date that stands in a test.
func date(t testing.TB, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// instant reads an instant that stands in a test, as RFC 3339.
func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// anyDate draws a date from 1990 to 2090; short months and leap days are among them.
func anyDate() *rapid.Generator[calendar.Date] {
	return rapid.Custom(func(t *rapid.T) calendar.Date {
		return calendar.Date{Year: 1990, Month: time.January, Day: 1}.AddDays(rapid.IntRange(0, 36_524).Draw(t, "day"))
	})
}

// Rule: COM-04
// Rule: ENG-04
// Rule: PGM-01
func TestTheBusinessDateOfAnInstantIsTakenInUTCPlus8(t *testing.T) {
	for _, tc := range []struct{ rule, at, want string }{
		{"COM-04", "2025-10-20T16:30:00Z", "2025-10-21"},
		{"ENG-04", "2024-06-30T16:30:00Z", "2024-07-01"},
		{"PGM-01", "2025-06-30T17:30:00Z", "2025-07-01"},
		{"the last instant before midnight", "2025-10-20T15:59:59.999999999Z", "2025-10-20"},
		{"midnight itself", "2025-10-20T16:00:00Z", "2025-10-21"},
		{"another zone's clock does not matter", "2025-10-20T23:30:00-05:00", "2025-10-21"},
	} {
		if got := calendar.DateOf(instant(t, tc.at)).String(); got != tc.want {
			t.Errorf("%s: the date of %s is %s, want %s", tc.rule, tc.at, got, tc.want)
		}
	}
}

// Rule: PGM-03
func TestMonthsKeepTheWallClockAndFallBackToTheMonthsEnd(t *testing.T) {
	for _, tc := range []struct {
		at   string
		n    int
		want string
	}{
		{"2024-02-29T09:00:00+08:00", 12, "2025-02-28T09:00:00+08:00"},
		{"2024-01-31T10:00:00+08:00", 3, "2024-04-30T10:00:00+08:00"},
		{"2024-01-31T10:00:00+08:00", 1, "2024-02-29T10:00:00+08:00"},
		{"2024-03-31T10:00:00+08:00", -1, "2024-02-29T10:00:00+08:00"},
		{"2024-12-15T23:59:59.5+08:00", 1, "2025-01-15T23:59:59.5+08:00"},
		// 30 January 17:00 UTC is 31 January here: clipping is decided in UTC+8.
		{"2025-01-30T17:00:00Z", 1, "2025-02-28T01:00:00+08:00"},
	} {
		if got := calendar.AddMonths(instant(t, tc.at), tc.n).Format(time.RFC3339Nano); got != tc.want {
			t.Errorf("%s and %d months is %s, want %s", tc.at, tc.n, got, tc.want)
		}
	}
}

// Rule: COM-06
// Rule: WDL-10
// Rule: WDL-11
func TestADateIsWithinMonthsThroughTheLastDayInFull(t *testing.T) {
	for _, tc := range []struct {
		rule, start string
		months      int
		on          string
		want        bool
	}{
		{"COM-06", "2025-11-30", 3, "2026-02-28", true},
		{"COM-06", "2025-11-30", 3, "2026-03-01", false},
		{"WDL-10", "2025-08-15", 3, "2025-11-15", true},
		{"WDL-10", "2025-08-15", 3, "2025-11-16", false},
		{"WDL-11", "2024-12-31", 11, "2025-11-30", true},
		{"WDL-11", "2024-12-31", 11, "2025-12-01", false},
		{"the start itself", "2025-08-15", 3, "2025-08-15", true},
		{"the day before the start", "2025-08-15", 3, "2025-08-14", false},
	} {
		if got := calendar.Within(date(t, tc.start), date(t, tc.on), tc.months); got != tc.want {
			t.Errorf("%s: %s within %d months of %s is %v", tc.rule, tc.on, tc.months, tc.start, got)
		}
	}
}

// The last day counts until its last instant, and midnight after it is out.
// Rule: COM-06
func TestTheLastDayOfADateRuleEndsAtMidnight(t *testing.T) {
	start := date(t, "2025-11-30")
	for at, want := range map[string]bool{
		"2026-02-28T23:59:59+08:00": true,
		"2026-03-01T00:00:00+08:00": false,
	} {
		if got := calendar.Within(start, calendar.DateOf(instant(t, at)), 3); got != want {
			t.Errorf("%s within 3 months of %s is %v", at, start, got)
		}
	}
}

func TestDatesAreOrderedAndCounted(t *testing.T) {
	leap := date(t, "2024-02-29")
	if got := leap.AddDays(1).String(); got != "2024-03-01" {
		t.Errorf("the day after %s is %s", leap, got)
	}
	if got := leap.AddDays(-60).String(); got != "2023-12-31" {
		t.Errorf("60 days before %s is %s", leap, got)
	}
	if got := leap.Weekday(); got != time.Thursday {
		t.Errorf("%s is a %s", leap, got)
	}
	if got := leap.Start().UTC().Format(time.RFC3339); got != "2024-02-28T16:00:00Z" {
		t.Errorf("%s starts at %s", leap, got)
	}
	ascending := []string{"2023-12-31", "2024-01-30", "2024-02-01", "2024-02-29"}
	for i, a := range ascending {
		for j, b := range ascending {
			a, b := date(t, a), date(t, b)
			if a.Before(b) != (i < j) || a.After(b) != (i > j) || (a.Compare(b) == 0) != (i == j) {
				t.Errorf("%s and %s compare as %d", a, b, a.Compare(b))
			}
		}
	}
}

func TestMonthsNeverOverflowIntoTheNextMonth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := anyDate().Draw(t, "date"), rapid.IntRange(-600, 600).Draw(t, "months")
		got := d.AddMonths(n)

		if moved := (got.Year-d.Year)*12 + int(got.Month-d.Month); moved != n {
			t.Fatalf("%s and %d months is %s, %d months on", d, n, got, moved)
		}
		if clipped := got.AddDays(1).Day == 1; got.Day != d.Day && (got.Day > d.Day || !clipped) {
			t.Fatalf("%s and %d months is %s: neither the same day nor the month's last", d, n, got)
		}
		sinceMidnight := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)-1).Draw(t, "time of day"))
		if at := calendar.AddMonths(d.Start().Add(sinceMidnight), n); !at.Equal(got.Start().Add(sinceMidnight)) {
			t.Fatalf("the instant moved to %s, the date to %s", at, got)
		}
	})
}

func TestADateIsReadStrictly(t *testing.T) {
	for _, text := range []string{
		"", "2025", "2025-11-3", "25-11-03", "2025-11-31", "2025-02-29", "2025-13-01", "0000-01-01", "2025/11/03",
		"20251103", " 2025-11-03", "2025-11-03 ", "2025-11-03T00:00:00Z", "+2025-11-03", "12025-11-03", "２０２５-11-03",
	} {
		d, err := calendar.ParseDate(text)
		if err == nil {
			t.Errorf("%q was read as %s", text, d)
			continue
		}
		if !strings.Contains(err.Error(), "write year, month and day as in 2025-11-03") {
			t.Errorf("%q: the refusal does not say how to write a date: %v", text, err)
		}
	}
}

func TestADateTravelsAsText(t *testing.T) {
	type form struct {
		From  calendar.Date            `json:"from"`
		Until calendar.Date            `json:"until"`
		Seen  map[calendar.Date]string `json:"seen"`
	}
	in := form{From: date(t, "2025-11-03"), Seen: map[calendar.Date]string{date(t, "2026-01-01"): "x"}}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(text), `{"from":"2025-11-03","until":"","seen":{"2026-01-01":"x"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var out form
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if out.From != in.From || !out.Until.IsZero() || out.Seen[date(t, "2026-01-01")] != "x" {
		t.Errorf("came back as %+v", out)
	}
	if text, err := json.Marshal(calendar.Date{Year: 2025, Month: time.February, Day: 30}); err == nil {
		t.Errorf("30 February was written as %s", text)
	}
	if err := json.Unmarshal([]byte(`{"from":"2025-02-30"}`), &out); err == nil {
		t.Errorf("30 February was read as %s", out.From)
	}
}

func TestADateColumnIsReadAsItIsWritten(t *testing.T) {
	want := date(t, "2025-11-03")
	for name, column := range map[string]any{
		"midnight in the driver's zone": time.Date(2025, time.November, 3, 0, 0, 0, 0, time.UTC),
		// As an instant this is 22:00 on the 2nd here: only its own fields count.
		"midnight in a zone east of us": time.Date(2025, time.November, 3, 0, 0, 0, 0, time.FixedZone("", 10*3600)),
		"text":                          "2025-11-03",
		"bytes":                         []byte("2025-11-03"),
	} {
		var got calendar.Date
		if err := got.Scan(column); err != nil || got != want {
			t.Errorf("%s is read as %s, %v", name, got, err)
		}
	}
	if got, err := want.Value(); err != nil || got != "2025-11-03" {
		t.Errorf("%s is written as %v, %v", want, got, err)
	}
}

func TestNoDateIsNull(t *testing.T) {
	if got, err := (calendar.Date{}).Value(); err != nil || got != nil {
		t.Errorf("the zero date is written as %v, %v", got, err)
	}
	got := date(t, "2025-11-03")
	if err := got.Scan(nil); err != nil || !got.IsZero() {
		t.Errorf("NULL is read as %s, %v", got, err)
	}
}

func TestAColumnThatIsNoDateIsRefused(t *testing.T) {
	for _, column := range []any{instant(t, "2025-11-03T08:00:00Z"), "infinity", []byte("2025-02-30"), int64(20251103)} {
		var d calendar.Date
		if err := d.Scan(column); err == nil {
			t.Errorf("%v was read as %s", column, d)
		}
	}
	if got, err := (calendar.Date{Year: 2025, Month: time.February, Day: 30}).Value(); err == nil {
		t.Errorf("30 February was written as %v", got)
	}
}

func FuzzParseDateTakesOnlyWhatStringWrites(f *testing.F) {
	for _, seed := range []string{"2025-11-03", "2024-02-29", "2025-02-29", "0001-01-01", "9999-12-31", "", "2025-1-1", "-025-01-01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := calendar.ParseDate(text)
		if err != nil {
			if !d.IsZero() {
				t.Fatalf("%q was refused and still read as %s", text, d)
			}
			return
		}
		if d.String() != text || !d.Valid() {
			t.Fatalf("%q was read as %s", text, d)
		}
	})
}
