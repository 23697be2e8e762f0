package calendar_test

import (
	"testing"
	"time"

	"countersign/domain/calendar"
)

// Rule: PGM-02
func TestAWindowTakesItsOpeningInstantAndNotItsClosingOne(t *testing.T) {
	opens, closes := instant(t, "2025-11-03T10:00:00+08:00"), instant(t, "2025-11-03T12:00:00+08:00")
	for _, tc := range []struct {
		now      time.Time
		in, late bool
	}{
		{opens.Add(-time.Nanosecond), false, false},
		{opens, true, false},
		{closes.Add(-time.Nanosecond), true, false},
		{closes, false, true},
		{closes.UTC(), false, true},
	} {
		if got := calendar.InWindow(tc.now, opens, closes); got != tc.in {
			t.Errorf("%s in the window is %v", tc.now, got)
		}
		if got := calendar.Late(tc.now, closes); got != tc.late {
			t.Errorf("%s late is %v", tc.now, got)
		}
		if calendar.Open(tc.now, closes) == calendar.Late(tc.now, closes) {
			t.Errorf("%s is both open and late, or neither", tc.now)
		}
	}
}

// Rule: X-01
func TestExactlySevenDaysOldIsNoLongerWithinSevenDays(t *testing.T) {
	created := instant(t, "2024-03-01T00:00:00Z")
	closes, err := calendar.MustTerm("P7D").Closes(created, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !calendar.InWindow(instant(t, "2024-03-07T23:59:59Z"), created, closes) {
		t.Error("2024-03-07T23:59:59Z is too late, want within 7 days")
	}
	if !calendar.Late(instant(t, "2024-03-08T00:00:00Z"), closes) {
		t.Error("2024-03-08T00:00:00Z is within 7 days, want too late")
	}
}
