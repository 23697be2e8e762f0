package password

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGivenAPasswordWhenItIsStoredThenOnlyItMatchesAndTheHashSaysHow(t *testing.T) {
	hash, err := Hash("Correct horse 1")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
	require.True(t, Matches(hash, "Correct horse 1"))
	again, err := Hash("Correct horse 1")
	require.NoError(t, err)
	require.NotEqual(t, hash, again, "a salt of its own")
	for _, wrong := range []string{"", "Correct horse 2", "Correct horse 1 "} {
		require.False(t, Matches(hash, wrong), wrong)
	}
	for _, broken := range []string{
		"", "$", hash[:len(hash)-1], strings.Replace(hash, "v=19", "v=18", 1), strings.Replace(hash, "argon2id", "argon2i", 1),
		strings.Replace(hash, "t=2", "t=0", 1), strings.Replace(hash, "m=19456", "m=x", 1),
	} {
		require.False(t, Matches(broken, "Correct horse 1"), broken)
	}
}

func TestGivenInitialPasswordsWhenTheyAreDrawnThenEachHasSixteenSignsOfFourKinds(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		p, err := Initial()
		require.NoError(t, err)
		require.Len(t, p, 16)
		for _, set := range []string{small, large, digits, other} {
			n := 0
			for _, r := range p {
				if strings.ContainsRune(set, r) {
					n++
				}
			}
			require.Equal(t, 4, n, p)
		}
		require.False(t, seen[p])
		seen[p] = true
	}
}
