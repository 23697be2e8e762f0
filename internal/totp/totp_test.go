package totp

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The examples of RFC 6238, appendix B, of which six digits are the last six.
func TestGivenTheStandardsSecret_WhenItsInstantsCome_ThenTheCodesAreTheStandards(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		require.Equal(t, want, Code(secret, Step(time.Unix(at, 0))), at)
	}
}

func TestGivenACode_WhenItIsEntered_ThenItIsGoodForItsPeriodAndTheNeighboursAndOnce(t *testing.T) {
	secret, err := NewSecret()
	require.NoError(t, err)
	require.Len(t, secret, SecretLength)
	at := time.Unix(1_800_000_000, 0) // the beginning of a period
	code := Code(secret, Step(at))
	for offset, want := range map[time.Duration]bool{
		-Period - time.Second: false, -Period: true, 0: true, Period: true, 2*Period - time.Second: true, 2 * Period: false,
	} {
		step, right := Check(secret, code, at.Add(offset), 0)
		require.Equal(t, want, right, offset)
		if right {
			require.Equal(t, Step(at), step)
		}
	}
	_, right := Check(secret, code, at, Step(at))
	require.False(t, right, "taken before")
	for _, wrong := range []string{"", "00000", code + "0", "abcdef"} {
		_, right = Check(secret, wrong, at, 0)
		require.False(t, right, wrong)
	}
}

func TestGivenASecret_WhenItIsShown_ThenAnAuthenticatorReadsIt(t *testing.T) {
	u, err := url.Parse(URI("Countersign", "li lei", []byte("12345678901234567890")))
	require.NoError(t, err)
	require.Equal(t, "otpauth", u.Scheme)
	require.Equal(t, "/Countersign:li lei", u.Path)
	require.Equal(t, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", u.Query().Get("secret"))
	require.Equal(t, "Countersign", u.Query().Get("issuer"))
}
