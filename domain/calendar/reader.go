package calendar

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Shown is an instant as messages write it, in the programme's zone. InZone finds it again.
func Shown(t time.Time) string { return t.In(Zone).Format("2006-01-02 15:04:05 (UTC+8)") }

// shownInstant is an instant as people wrote it in the programme's zone, with or without seconds.
var shownInstant = regexp.MustCompile(`\b(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)(?: \(UTC\+8\)| UTC\+8\b| \+08:00)`)

// InZone rewrites the instants of a message for a reader in another zone: the same instants, so that no deadline moves (PGM-15).
// "2025-09-30 00:00:00 (UTC+8)" is "2025-09-29 23:00 (UTC+7)". Where the reader's clock shows what the programme's shows, the text stays.
func InZone(text string, reader *time.Location) string {
	return shownInstant.ReplaceAllStringFunc(text, func(found string) string {
		written := shownInstant.FindStringSubmatch(found)[1]
		layout := "2006-01-02 15:04:05"
		if len(written) == len("2006-01-02 15:04") {
			layout = "2006-01-02 15:04"
		}
		at, err := time.ParseInLocation(layout, written, Zone)
		if err != nil { // no instant: a person wrote it
			return found
		}
		local := at.In(reader)
		_, offset := local.Zone()
		if _, ours := at.Zone(); offset == ours {
			return found
		}
		if local.Second() == 0 {
			layout = "2006-01-02 15:04"
		}
		return local.Format(layout) + " (" + offsetWords(offset) + ")"
	})
}

// offsetWords is an offset as people write it: UTC+7, UTC-3:30, UTC.
func offsetWords(seconds int) string {
	if seconds == 0 {
		return "UTC"
	}
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	words := "UTC" + sign + strconv.Itoa(seconds/3600)
	if minutes := seconds % 3600 / 60; minutes != 0 {
		words += fmt.Sprintf(":%02d", minutes)
	}
	return words
}
