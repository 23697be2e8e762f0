// Package totp is codes that change every half minute (RFC 6238 with SHA-1 and six digits, what every authenticator knows).
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // as HMAC it is what authenticators do
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

// Period is how long a code is shown.
const Period = 30 * time.Second

// SecretLength is the length of a secret, in octets: that of the hash (RFC 4226, 4).
const SecretLength = sha1.Size

// NewSecret draws a secret.
func NewSecret() ([]byte, error) {
	secret := make([]byte, SecretLength)
	_, err := rand.Read(secret)
	return secret, err
}

// Step is the number of an instant's period.
func Step(at time.Time) int64 { return at.Unix() / int64(Period.Seconds()) }

// Code is what an authenticator shows during a period: six digits.
func Code(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash takes everything
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// Check finds the period of an entered code: the present one, or a neighbour, since clocks differ; and only one after the
// last that was taken, so that no code is good twice.
func Check(secret []byte, code string, at time.Time, last int64) (step int64, right bool) {
	now := Step(at)
	for candidate := now - 1; candidate <= now+1; candidate++ {
		if candidate > last && subtle.ConstantTimeCompare([]byte(Code(secret, candidate)), []byte(code)) == 1 {
			return candidate, true
		}
	}
	return 0, false
}

// Text is a secret as people type it: base32 without padding.
func Text(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// URI is what an authenticator reads from a QR code.
func URI(issuer, account string, secret []byte) string {
	return (&url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account,
		RawQuery: "secret=" + Text(secret) + "&issuer=" + url.QueryEscape(issuer) + "&algorithm=SHA1&digits=6&period=30",
	}).String()
}
