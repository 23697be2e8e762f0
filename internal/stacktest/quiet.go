package stacktest

import "go.temporal.io/sdk/log"

// silent keeps a Temporal client's own log out of a test's output.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// Quiet is a logger that says nothing.
var Quiet log.Logger = silent{}
