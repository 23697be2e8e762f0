package activities

import (
	"testing"
	"time"

	"countersign/domain/verification"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// Rule: WDL-15
func TestGivenCodesThatNobodyUsed_WhenMoreAreAskedFor_ThenTheNextIsSentAnHourLater(t *testing.T) {
	o := newOffice(t)
	codes := &Codes{DB: o.db}
	ask := func(at time.Time) error {
		_, err := codes.SendCode(t.Context(), SendCodeInput{Person: "meng", Scene: verification.Password, Target: "P1", At: at})
		return err
	}
	var g errgroup.Group
	refused := make(chan error, 2*verification.MostUnused)
	for range 2 * verification.MostUnused {
		g.Go(func() error {
			refused <- ask(day3)
			return nil
		})
	}
	require.NoError(t, g.Wait())
	close(refused)
	var many int
	for err := range refused {
		if err == nil {
			continue
		}
		many++
		require.Equal(t, "10 codes were sent within an hour and none of them was used; look for them where messages come, or ask for another one later.", RefusalOf(err)[0].Message)
		require.Equal(t, "ORG-18", RefusalOf(err)[0].Rule)
	}
	require.Equal(t, verification.MostUnused, many, "asked for at once, they are counted too")

	require.NotNil(t, RefusalOf(ask(day3.Add(verification.Window-time.Second))))
	require.NoError(t, ask(day3.Add(verification.Window)))
	_, err := o.db.Exec(`UPDATE verification_codes SET sent_at = $1`, day3.Add(verification.Window))
	require.NoError(t, err)
	require.NotNil(t, RefusalOf(ask(day3.Add(verification.Window))))
	_, err = o.db.Exec(`UPDATE verification_codes SET used_at = $1 WHERE code_id IN (SELECT code_id FROM verification_codes ORDER BY code_id DESC LIMIT 2)`, day3)
	require.NoError(t, err)
	require.NoError(t, ask(day3.Add(verification.Window)), "who uses codes gets as many as they need")
}
