// Package calendar is the programme's time: business dates, working days,
// terms, quarters, and what holds at a boundary.
//
// # Instants and windows
//
// An instant is a time.Time; it is stored in UTC and read in Zone (COM-04,
// ENG-04, PGM-01). A window is half-open: the opening instant is in, the
// closing instant is out (PGM-02, X-01). A deadline is therefore the first
// instant at which it is too late, and no rule speaks of 23:59:59. Open, Late
// and InWindow are the only comparisons with a deadline anyone needs.
//
//	P7D    7 × 24 hours
//	P12M   12 months on, same wall clock, clipped to the month's end (PGM-03)
//	P7WD   00:00 of the day after the 7th working day (COM-05, PGM-04)
//	P4WH   the instant at which the 4th working hour is full
//
// # Dates
//
// Some rules compare dates and not instants. There the starting date is not
// counted and the last day counts in full (COM-06): Within.
//
// # Working days and hours
//
// Which days are worked is data, a Calendar, and a year without data is
// refused, not guessed (ENG-05). A day that is worked has the same eight hours
// whatever its date, 09:00–12:00 and 13:00–18:00. The data changes as the operator enters it, so
// a workflow does not count them itself: an activity does, and the
// instant it returns is what the history keeps.
//
// Nothing here reads a clock, a file of the machine or its time zones.
package calendar
