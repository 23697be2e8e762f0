// Package notice turns a message as it was written, in Chinese and English and in the programme's zone, into one for its reader.
package notice

import (
	"strings"
	"time"

	"countersign/domain/calendar"
)

// Reader is how somebody wants messages.
type Reader struct {
	Language string `db:"language"`  // zh or en
	Zone     string `db:"time_zone"` // like Asia/Shanghai or UTC+7
}

// Text is a message for the reader: what it tells is the same, instants are those of the reader's clock in the zone, the subject begins with
// the reader's language (PGM-15). Both languages stay in the body: labels and sentences stand side by side there.
func (r Reader) Text(subject, body string, zone *time.Location) (string, string) {
	if turned, ok := r.turned(subject); ok {
		if rest, found := strings.CutPrefix(body, subject); found {
			body = turned + rest
		}
		subject = turned
	}
	return calendar.InZone(subject, zone), calendar.InZone(body, zone)
}

// turned puts English before Chinese in a subject of both.
func (r Reader) turned(subject string) (string, bool) {
	if r.Language != "en" || strings.Count(subject, " / ") != 1 {
		return subject, false
	}
	chinese, english, _ := strings.Cut(subject, " / ")
	return english + " / " + chinese, true
}
