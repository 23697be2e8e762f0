//go:build faults_broken

package activities

import "github.com/google/uuid"

// useKey draws a new key at every run of the step, the mistake that the fault harness has to find: a step that runs twice takes
// the points twice, by two entries that balance. This build is never released.
func useKey(key string) string { return key + "-" + uuid.NewString()[:8] }
