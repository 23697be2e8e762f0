// Package incentive turns performance into incentives by policies that are data: which income counts, at which rate, under which plan; nothing of
// that is code. The sums themselves are made in the database, a partner and month at a time.
package incentive

// SheetState is where the performance of a partner and month stands (PERF-14).
type SheetState string

// The states of a sheet.
const (
	Estimated  SheetState = "estimated"   // the month runs
	FirstDraft SheetState = "first-draft" // it is over, not reviewed
	Final      SheetState = "final"       // reviewed: only now it feeds bills
)

// SheetMoves lists every lawful step of a sheet; "" opens it.
var SheetMoves = []struct{ From, To SheetState }{{"", Estimated}, {"", FirstDraft}, {Estimated, FirstDraft}, {FirstDraft, Final}}

// Plans are the identities of which a partner needs one to have performance (PERF-12).
var Plans = []string{"solution-provider", "distribution"}

// Buckets is into how many parts a month's partners are divided, as consumption is.
const Buckets = 8
