package calendar_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign/domain/calendar"
)

// Rule: COM-05
// Rule: PGM-03
// Rule: PGM-04
// Rule: X-01
func TestATermClosesAtTheFirstInstantThatIsTooLate(t *testing.T) {
	for _, tc := range []struct{ rule, term, from, want string }{
		{"X-01", "P7D", "2024-03-01T00:00:00Z", "2024-03-08T08:00:00+08:00"},
		{"PGM-03", "P12M", "2024-02-29T09:00:00+08:00", "2025-02-28T09:00:00+08:00"},
		{"COM-05", "P7WD", "2025-11-03T17:45:00+08:00", "2025-11-13T00:00:00+08:00"},
		{"COM-05", "P7WD", "2025-09-26T09:00:00+08:00", "2025-10-14T00:00:00+08:00"},
		{"PGM-04", "P3WD", "2025-09-25T10:00:00+08:00", "2025-09-30T00:00:00+08:00"},
		{"the starting date is the business date", "P1WD", "2025-11-03T16:00:00Z", "2025-11-06T00:00:00+08:00"},
		{"working hours", "P4WH", "2025-11-03T16:00:00+08:00", "2025-11-04T11:00:00+08:00"},
		{"a duration", "90s", "2025-11-03T23:59:00+08:00", "2025-11-04T00:00:30+08:00"},
	} {
		closes, err := calendar.MustTerm(tc.term).Closes(instant(t, tc.from), calendar.China())
		if err != nil {
			t.Errorf("%s: %v", tc.rule, err)
			continue
		}
		if got := closes.Format(time.RFC3339Nano); got != tc.want {
			t.Errorf("%s: %s from %s closes at %s, want %s", tc.rule, tc.term, tc.from, got, tc.want)
		}
	}
}

func TestOnlyWorkingDaysAndHoursNeedTheCalendar(t *testing.T) {
	from := instant(t, "2031-01-01T00:00:00+08:00")
	for _, term := range []string{"P7D", "P12M", "2h"} {
		if _, err := calendar.MustTerm(term).Closes(from, nil); err != nil {
			t.Errorf("%s: %v", term, err)
		}
	}
	for _, c := range []*calendar.Calendar{nil, calendar.China()} {
		for _, term := range []string{"P7WD", "P4WH"} {
			closes, err := calendar.MustTerm(term).Closes(from, c)
			var noData calendar.NoDataError
			if !errors.As(err, &noData) || noData.Year != 2031 || !closes.IsZero() {
				t.Errorf("%s: got %s, %v, want no data for 2031", term, closes, err)
			}
		}
	}
}

func TestNoTermHasNoDeadline(t *testing.T) {
	var none calendar.Term
	if closes, err := none.Closes(instant(t, "2025-11-03T00:00:00Z"), calendar.China()); err == nil {
		t.Errorf("the zero term closes at %s", closes)
	}
	if !none.IsZero() || none.String() != "" || calendar.MustTerm("1ns").IsZero() {
		t.Error("the zero term and the shortest one are mistaken for each other")
	}
}

func TestATermIsWrittenOneWay(t *testing.T) {
	for text, want := range map[string]string{
		"P7D": "P7D", "P12M": "P12M", "P7WD": "P7WD", "P4WH": "P4WH", "P36525D": "P36525D",
		"90s": "1m30s", "2h": "2h", "120m": "2h", "1h30m": "1h30m", "10m": "10m", "1h0m5s": "1h0m5s", "1.5s": "1.5s", "20s": "20s", "10h": "10h",
	} {
		term, err := calendar.ParseTerm(text)
		if err != nil || term.String() != want {
			t.Errorf("%s is written %s, %v, want %s", text, term, err, want)
		}
	}
}

func TestAMalformedTermIsRefusedWithHowToWriteOne(t *testing.T) {
	for _, text := range []string{
		"", "P", "P0D", "P0M", "P0WD", "P0WH", "P-7D", "P+7D", "P07D", "p7d", "P7", "7D", "P7W", "P4H", "P-4WH", "P04WH", "p4wh", "P4wh", "PT4WH", "P4WH ", "P1WD4WH", "P1.5WH", "P1Y", "P1M7D", "PT2H", "P1.5D", "P7D ", " P7D", "P7D\n",
		"0", "0s", "-90s", "+90s", "90", "90 s", "tomorrow", "P７D",
	} {
		term, err := calendar.ParseTerm(text)
		if err == nil {
			t.Errorf("%q was read as %s", text, term)
			continue
		}
		if !strings.Contains(err.Error(), "write days (P7D), months (P12M), working days (P7WD), working hours (P4WH) or a duration (90s, 2h), above zero") {
			t.Errorf("%q: the refusal does not say how to write a term: %v", text, err)
		}
	}
}

func TestATermOfMoreThanAHundredYearsIsRefused(t *testing.T) {
	for _, text := range []string{"P36526D", "P1201M", "P36526WD", "P292201WH", "876600h0m1s", "P9223372036854775808D", "P99999999999999999999999M"} {
		term, err := calendar.ParseTerm(text)
		if err == nil || !strings.Contains(err.Error(), "a hundred years at most") {
			t.Errorf("%q was read as %s, %v", text, term, err)
		}
	}
	for _, text := range []string{"P36525D", "P1200M", "P36525WD", "P292200WH", "876600h"} {
		if _, err := calendar.ParseTerm(text); err != nil {
			t.Error(err)
		}
	}
}

func TestATermInTheProgramMustBeRight(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("P0D was taken")
		}
	}()
	calendar.MustTerm("P0D")
}

func TestATermTravelsAsText(t *testing.T) {
	type policy struct {
		Review calendar.Term `json:"review"`
		Appeal calendar.Term `json:"appeal"`
	}
	in := policy{Review: calendar.MustTerm("P7WD")}
	text, err := json.Marshal(in)
	if err != nil || string(text) != `{"review":"P7WD","appeal":""}` {
		t.Fatalf("written as %s, %v", text, err)
	}
	out := policy{Appeal: calendar.MustTerm("2h")}
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Errorf("came back as %+v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"review":"P0D"}`), &out); err == nil {
		t.Errorf("P0D was read as %s", out.Review)
	}
	if err := json.Unmarshal([]byte(`{"review":7}`), &out); err == nil {
		t.Errorf("a bare number was read as %s", out.Review)
	}
}

// anyTerm draws a term of every kind.
func anyTerm() *rapid.Generator[calendar.Term] {
	return rapid.Custom(func(t *rapid.T) calendar.Term {
		pattern := rapid.SampledFrom([]string{`P[1-9][0-9]{0,3}D`, `P[1-9][0-9]{0,2}M`, `P[1-9][0-9]{0,3}WD`, `P[1-9][0-9]{0,4}WH`, `[1-9][0-9]{0,4}(ns|ms|s|m|h)`, `[1-9]h[1-9]m[1-9]s`}).Draw(t, "kind")
		return calendar.MustTerm(rapid.StringMatching(pattern).Draw(t, "term"))
	})
}

func TestATermComesBackFromItsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		term := anyTerm().Draw(t, "term")
		var back calendar.Term
		text, err := term.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := back.UnmarshalText(text); err != nil || back != term {
			t.Fatalf("%s came back as %s, %v", text, back, err)
		}
	})
}

func TestATermAlwaysClosesAfterItBegins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		term, from := anyTerm().Draw(t, "term"), anyDate().Draw(t, "from").Start()
		closes, err := term.Closes(from, calendar.China())
		if errors.As(err, new(calendar.NoDataError)) {
			return
		}
		if err != nil || !calendar.InWindow(from, from, closes) {
			t.Fatalf("%s from %s closes at %s, %v", term, from, closes, err)
		}
	})
}

func FuzzParseTermTakesOnlyWhatComesBack(f *testing.F) {
	for _, seed := range []string{"P7D", "P12M", "P7WD", "P4WH", "90s", "2h", "1h0m5s", "P0D", "P99999999999999999999D", "-1s", "9223372036854775807ns", ""} {
		f.Add(seed)
	}
	from := instant(f, "2025-11-03T10:00:00+08:00")
	f.Fuzz(func(t *testing.T, text string) {
		term, err := calendar.ParseTerm(text)
		if err != nil {
			if !term.IsZero() {
				t.Fatalf("%q was refused and still read as %s", text, term)
			}
			return
		}
		if back, err := calendar.ParseTerm(term.String()); err != nil || back != term {
			t.Fatalf("%q is written %s and came back as %s, %v", text, term, back, err)
		}
		closes, err := term.Closes(from, calendar.China())
		if err == nil && !closes.After(from) {
			t.Fatalf("%q closes at %s, before it begins", text, closes)
		}
	})
}

func TestATermIsSaidInWords(t *testing.T) {
	for text, want := range map[string]string{
		"P1D": "1 day", "P7D": "7 days", "P12M": "12 months", "P1WD": "1 working day", "P7WD": "7 working days", "P1WH": "1 working hour", "P4WH": "4 working hours",
		"90s": "90 seconds", "5m": "5 minutes", "1h": "1 hour", "24h": "24 hours", "90m": "90 minutes", "1500ms": "1.5s",
	} {
		if got := calendar.MustTerm(text).Words(); got != want {
			t.Errorf("%s is %q, not %q", text, got, want)
		}
	}
	if got := (calendar.Term{}).Words(); got != "no term" {
		t.Errorf("no term is %q", got)
	}
}
