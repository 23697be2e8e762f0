package verification_test

import (
	"testing"
	"time"

	"countersign/domain/verification"

	"github.com/stretchr/testify/require"
)

var (
	sentAt = time.Date(2025, 11, 3, 10, 0, 0, 0, time.UTC)
	salt   = []byte("salt")
)

// fresh is a code 123456 sent at 10:00 for five minutes and five tries.
func fresh() verification.Code {
	return verification.Code{Salt: salt, Hash: verification.Hash(salt, "123456"), ExpiresAt: sentAt.Add(5 * time.Minute), TriesLeft: 5}
}

func TestGivenASentCode_WhenSomethingIsEntered_ThenTheVerdictSaysHowItFares(t *testing.T) {
	used := sentAt.Add(time.Minute)
	for _, tc := range []struct {
		name    string
		change  func(*verification.Code)
		entered string
		after   time.Duration
		want    verification.Verdict
	}{
		{"at once", nil, "123456", 0, verification.Right},
		{"in the last instant of the five minutes", nil, "123456", 5*time.Minute - time.Nanosecond, verification.Right},
		{"when the five minutes close, the closing instant is out", nil, "123456", 5 * time.Minute, verification.Expired},
		{"wrong", nil, "123457", 0, verification.Wrong},
		{"with a blank", nil, "123456 ", 0, verification.Wrong},
		{"nothing", nil, "", 0, verification.Missing},
		{"with the last try", func(c *verification.Code) { c.TriesLeft = 1 }, "123456", 0, verification.Right},
		{"after five wrong tries even the right one", func(c *verification.Code) { c.TriesLeft = 0 }, "123456", 0, verification.Exhausted},
		{"a second time", func(c *verification.Code) { c.UsedAt = &used }, "123456", 2 * time.Minute, verification.Used},
		{"a second time and late", func(c *verification.Code) { c.UsedAt = &used }, "123456", time.Hour, verification.Used},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code := fresh()
			if tc.change != nil {
				tc.change(&code)
			}
			require.Equal(t, tc.want, verification.Check(&code, tc.entered, sentAt.Add(tc.after)))
		})
	}
	require.Equal(t, verification.NotSent, verification.Check(nil, "123456", sentAt))
	require.Equal(t, verification.Missing, verification.Check(nil, "", sentAt))
}

func TestGivenAVerdict_WhenItIsTold_ThenItSaysWhatToDo(t *testing.T) {
	for verdict, todo := range map[verification.Verdict]string{
		verification.Missing: "enter it", verification.NotSent: "ask for one", verification.Used: "ask for a new one", verification.Expired: "ask for a new one",
		verification.Exhausted: "ask for a new one", verification.Wrong: "try again", "": "enter it",
	} {
		require.Contains(t, verdict.Advice(), todo)
	}
	require.Empty(t, verification.Right.Advice())
}

func TestGivenTheSameCodeForTwoPeople_WhenItIsStored_ThenTheSaltMakesTheHashesDifferAndTheCodeIsNotInThem(t *testing.T) {
	a, b := verification.Hash([]byte("a"), "123456"), verification.Hash([]byte("b"), "123456")
	require.NotEqual(t, a, b)
	require.Len(t, a, 32)
	require.NotContains(t, string(a), "123456")
}
