// Package password keeps passwords as argon2id hashes and draws initial ones.
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/argon2"
)

// What one look at a password costs: 19 MiB of memory, twice over.
const (
	memory  = 19 * 1024 // KiB
	passes  = 2
	threads = 1
	length  = 32
)

// Hash is what is stored of a password: algorithm, parameters, salt and hash in the usual notation, "$argon2id$v=19$m=19456,t=2,p=1$…$…".
func Hash(password string) (string, error) {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("draw salt: %w", err)
	}
	sum := argon2.IDKey([]byte(password), salt, passes, memory, threads, length)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// Matches tells whether a password is the one of a hash, with the parameters that the hash names. What is no hash matches nothing;
// an account without a password takes as long as one with.
func Matches(stored, password string) bool {
	if stored == "" {
		Spend(password)
		return false
	}
	var version int
	var m, t uint32
	var p uint8
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil || t == 0 || p == 0 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	sum, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(sum) != length {
		return false
	}
	return subtle.ConstantTimeCompare(argon2.IDKey([]byte(password), salt, t, m, p, length), sum) == 1
}

// Spend takes as long as Matches does: for an account that does not exist, so that nobody finds out by the time it takes.
func Spend(password string) {
	argon2.IDKey([]byte(password), make([]byte, 16), passes, memory, threads, length)
}

// Signs of an initial password: without those that look alike.
const (
	small  = "abcdefghijkmnpqrstuvwxyz"
	large  = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	digits = "23456789"
	other  = "-_+=?!"
)

// Initial draws a password of 16 signs of all four kinds.
func Initial() (string, error) {
	out := make([]byte, 0, 16)
	for _, set := range []string{small, large, digits, other} {
		for range 4 {
			n, err := rand.Int(rand.Reader, big.NewInt(int64(len(set))))
			if err != nil {
				return "", fmt.Errorf("draw password: %w", err)
			}
			at, err := rand.Int(rand.Reader, big.NewInt(int64(len(out)+1)))
			if err != nil {
				return "", fmt.Errorf("draw password: %w", err)
			}
			k := int(at.Int64())
			out = append(out[:k], append([]byte{set[n.Int64()]}, out[k:]...)...)
		}
	}
	return string(out), nil
}
