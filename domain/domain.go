// Package domain holds what every concept of the programme shares.
//
// The packages below it say what the programme's rules are: pure Go, no I/O, no clock, no Temporal, no SQL.
package domain

import "errors"

// ErrNotFound says that the named record does not exist. It is neither a refusal nor a defect: a caller shows "not found".
var ErrNotFound = errors.New("not found")

// State is where a case stands, as its process calls it; the text is what the database stores.
type State string
