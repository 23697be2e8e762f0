// Package zone finds time zones by the names that people give them, the same on every machine.
package zone

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // not the machine's own
)

var fixedZone = regexp.MustCompile(`^UTC([+-])(\d{1,2})(?::([0-5]\d))?$`)

// Find finds a zone by its name, like Asia/Bangkok, or by its offset, like UTC+7.
func Find(name string) (*time.Location, error) {
	m := fixedZone.FindStringSubmatch(name)
	if m == nil {
		if name == "" || strings.EqualFold(name, "local") {
			return nil, fmt.Errorf("%q is no time zone; write it like Asia/Bangkok or UTC+7", name)
		}
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil, fmt.Errorf("%q is no time zone; write it like Asia/Bangkok or UTC+7", name)
		}
		return zone, nil
	}
	hours, _ := strconv.Atoi(m[2])   // digits only
	minutes, _ := strconv.Atoi(m[3]) // digits or nothing, which is 0
	if hours > 14 {
		return nil, fmt.Errorf("%q is no time zone; offsets go to 14 hours", name)
	}
	offset := hours*3600 + minutes*60
	if m[1] == "-" {
		offset = -offset
	}
	return time.FixedZone(name, offset), nil
}

// Or finds a zone by its name; the other one where there is none, so that what is to be shown is shown all the same.
func Or(name string, other *time.Location) *time.Location {
	zone, err := Find(name)
	if err != nil {
		return other
	}
	return zone
}
