package zone_test

import (
	"testing"
	"time"

	"countersign/internal/zone"

	"github.com/stretchr/testify/require"
)

// Rule: PGM-15
func TestGivenANameThatIsNoZone_WhenItIsLookedFor_ThenItIsRefusedAndTheOtherOneServes(t *testing.T) {
	for _, wrong := range []string{"", "Local", "UTC+15", "Mars/Olympus", "../etc/passwd", "+07:00"} {
		_, err := zone.Find(wrong)
		require.ErrorContains(t, err, "is no time zone", wrong)
		require.Equal(t, time.UTC, zone.Or(wrong, time.UTC))
	}
	require.Equal(t, "Asia/Bangkok", zone.Or("Asia/Bangkok", time.UTC).String())
}
