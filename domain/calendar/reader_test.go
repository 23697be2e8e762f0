package calendar_test

import (
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/internal/zone"

	"github.com/stretchr/testify/require"
)

// Rule: PGM-15
func TestGivenAMessageWithADeadline_WhenItsReaderHasAnotherZone_ThenTheSameInstantIsToldInThatZone(t *testing.T) {
	deadline := time.Date(2025, 9, 30, 0, 0, 0, 0, calendar.Zone)
	body := "到期 due: " + calendar.Shown(deadline) + "\n"
	require.Equal(t, "到期 due: 2025-09-30 00:00:00 (UTC+8)\n", body)
	for name, want := range map[string]string{
		"UTC+7":            "2025-09-29 23:00 (UTC+7)",
		"Asia/Bangkok":     "2025-09-29 23:00 (UTC+7)",
		"Asia/Shanghai":    "2025-09-30 00:00:00 (UTC+8)",
		"Asia/Singapore":   "2025-09-30 00:00:00 (UTC+8)",
		"UTC":              "2025-09-29 16:00 (UTC)",
		"Asia/Kathmandu":   "2025-09-29 21:45 (UTC+5:45)",
		"America/New_York": "2025-09-29 12:00 (UTC-4)", // summer time
		"UTC-3:30":         "2025-09-29 12:30 (UTC-3:30)",
	} {
		reader, err := zone.Find(name)
		require.NoError(t, err, name)
		require.Equal(t, "到期 due: "+want+"\n", calendar.InZone(body, reader), name)
	}
	bangkok, err := zone.Find("Asia/Bangkok")
	require.NoError(t, err)
	for text, want := range map[string]string{
		"by 2025-09-30 08:00:01 UTC+8.":         "by 2025-09-30 07:00:01 (UTC+7).",
		"2025-11-03 10:00 +08:00 and after it":  "2025-11-03 09:00 (UTC+7) and after it",
		"deadline: 2025-09-30":                  "deadline: 2025-09-30",
		"2025-13-45 10:00:00 (UTC+8), they say": "2025-13-45 10:00:00 (UTC+8), they say",
		"2025-09-30 00:00:00 (UTC+9)":           "2025-09-30 00:00:00 (UTC+9)",
	} {
		require.Equal(t, want, calendar.InZone(text, bangkok))
	}
}
