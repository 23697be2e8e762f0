//go:build !faults

package activities

// committed stands between COMMIT and the answer. Only the fault harness's own build does something there.
func committed() {}
