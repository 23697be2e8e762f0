package certificate

import (
	"testing"
	"time"

	"countersign/domain/calendar"

	"github.com/stretchr/testify/require"
)

func cst(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", text, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// Rule: PGM-02
func TestGivenACertificate_WhenItIsVerified_ThenTheOpeningInstantIsInAndTheClosingOneIsOut(t *testing.T) {
	replaced, ended := cst("2025-02-10 16:00:00"), cst("2024-12-01 00:00:00")
	year := Validity{From: cst("2024-03-15 10:20:00"), Until: cst("2025-03-15 10:20:00")}
	again, left := year, year
	again.ReplacedAt, left.EndedAt = &replaced, &ended
	for _, c := range []struct {
		v    Validity
		at   string
		want State
	}{
		{year, "2024-03-15 10:19:59", NotYet},
		{year, "2024-03-15 10:20:00", Valid},
		{year, "2025-03-15 10:19:59", Valid},
		{year, "2025-03-15 10:20:00", Expired},
		{year, "2025-03-15 10:20:01", Expired},
		{again, "2025-02-10 15:59:59", Valid},
		{again, "2025-02-10 16:00:00", Replaced},
		{again, "2026-01-01 00:00:00", Replaced},
		{left, "2024-11-30 23:59:59", Valid},
		{left, "2024-12-01 00:00:00", Ended},
		{left, "2025-03-15 10:20:00", Expired},
	} {
		require.Equal(t, c.want, c.v.At(cst(c.at)), "%+v at %s", c.v, c.at)
	}
}

// Rule: PLN-41
func TestGivenAValidity_WhenItIsWritten_ThenATermHasItsLastDayAndASolutionItsClosingInstant(t *testing.T) {
	term := Validity{From: cst("2025-03-06 15:30:00"), Until: cst("2026-02-01 00:00:00")}
	require.Equal(t, "2025-03-06", term.FromText())
	require.Equal(t, "2026-01-31（含当日 that day included）", term.UntilText())
	year := Validity{From: cst("2024-02-29 09:00:00"), Until: cst("2025-02-28 09:00:00")}
	require.Equal(t, "2024-02-29 09:00:00 UTC+8", year.FromText())
	require.Equal(t, "2025-02-28 09:00:00 UTC+8（不含 exclusive）", year.UntilText())
}

func TestGivenAnyKindAndState_WhenItIsWritten_ThenItHasWordsInBothLanguages(t *testing.T) {
	for _, k := range []Kind{Solution, Plan} {
		for _, w := range []Words{k.Title(), k.Statement(), k.NameOf(), k.GradeOf()} {
			require.NotEmpty(t, w.Chinese)
			require.NotEmpty(t, w.English)
		}
	}
	for _, s := range []State{Valid, NotYet, Expired, Replaced, Ended, Unknown, ""} {
		require.NotEmpty(t, s.Said().Chinese)
	}
	require.Equal(t, "领先 Leading", Spelt("LEADING"))
	require.Equal(t, "3.0", Spelt("3.0"))
}
