package calendar_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"countersign/domain/calendar"
)

// Rule: ENG-04
func TestTheQuarterOfAnInstantIsTakenInUTCPlus8(t *testing.T) {
	at := instant(t, "2024-06-30T16:30:00Z") // 2024-07-01 00:30 in UTC+8
	if got := calendar.QuarterOf(calendar.DateOf(at)).String(); got != "2024Q3" {
		t.Errorf("%s lies in %s, want 2024Q3", at, got)
	}
}

func TestAQuarterStartsWithItsFirstMonthAndIsFollowedByTheNext(t *testing.T) {
	for _, tc := range []struct{ quarter, start, next string }{
		{"2026Q1", "2026-01-01", "2026Q2"},
		{"2026Q2", "2026-04-01", "2026Q3"},
		{"2026Q3", "2026-07-01", "2026Q4"},
		{"2026Q4", "2026-10-01", "2027Q1"},
	} {
		q, err := calendar.ParseQuarter(tc.quarter)
		if err != nil {
			t.Fatal(err)
		}
		if q.String() != tc.quarter || q.Start().String() != tc.start || q.Next().String() != tc.next {
			t.Errorf("%s is written %s, starts %s, then %s", tc.quarter, q, q.Start(), q.Next())
		}
	}
}

func TestEveryDateLiesInItsQuarter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDate().Draw(t, "date")
		q := calendar.QuarterOf(d)
		if d.Before(q.Start()) || !d.Before(q.Next().Start()) {
			t.Fatalf("%s is not in %s", d, q)
		}
		if back, err := calendar.ParseQuarter(q.String()); err != nil || back != q {
			t.Fatalf("%s came back as %s, %v", q, back, err)
		}
	})
}

func TestAQuarterIsReadStrictly(t *testing.T) {
	for _, text := range []string{"", "2026", "2026Q0", "2026Q5", "2026q3", "2026-Q3", "26Q3", "2026Q33", "2026Q3 ", " 2026Q3", "+026Q3", "0000Q1"} {
		if q, err := calendar.ParseQuarter(text); err == nil {
			t.Errorf("%q was read as %s", text, q)
		}
	}
}

func TestAQuarterTravelsAsText(t *testing.T) {
	in := []calendar.Quarter{{Year: 2026, Q: 3}, {}}
	text, err := json.Marshal(in)
	if err != nil || string(text) != `["2026Q3",""]` {
		t.Fatalf("written as %s, %v", text, err)
	}
	out := []calendar.Quarter{{}, {Year: 1, Q: 1}}
	if err := json.Unmarshal(text, &out); err != nil || out[0] != in[0] || !out[1].IsZero() {
		t.Errorf("came back as %v, %v", out, err)
	}
	if text, err := json.Marshal(calendar.Quarter{Year: 2026, Q: 5}); err == nil {
		t.Errorf("a fifth quarter was written as %s", text)
	}
}
