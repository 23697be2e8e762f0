//go:build faults

package activities

import (
	"math/rand/v2"
	"os"
	"time"
)

// committed keeps what was committed from being answered for a random time, FAULTS_DELAY at most, so that whoever kills the worker
// meets this moment often. This build is never released.
func committed() {
	if longest, err := time.ParseDuration(os.Getenv("FAULTS_DELAY")); err == nil && longest > 0 {
		time.Sleep(rand.N(longest))
	}
}
