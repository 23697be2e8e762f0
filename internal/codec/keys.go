package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
)

// Off in the first place, instead of a key, has what is written stay in clear; keys behind it still read.
const Off = "off"

const keySize = 32 // AES-256

var keyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// Parse reads a list of keys, separated by commas or lines: ID:BASE64, each of 32 octets. The first one encrypts, all
// decrypt. Its errors show no key.
func Parse(list string) (*Codec, error) {
	entries := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' })
	c := &Codec{keys: map[string]cipher.AEAD{}}
	for i, entry := range entries {
		entry = strings.TrimSpace(entry)
		if entry == Off && i == 0 {
			continue
		}
		id, encoded, ok := strings.Cut(entry, ":")
		if !ok || !keyID.MatchString(id) {
			return nil, fmt.Errorf("entry %d has no ID of letters, digits, dots and dashes before a colon: %w", i+1, errSpelling)
		}
		if c.keys[id] != nil {
			return nil, fmt.Errorf("the key %q stands there twice", id)
		}
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("the key %q is not the base64 of %d octets: %w", id, keySize, errSpelling)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if c.keys[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
		if i == 0 {
			c.first = id
			if c.naming, err = hkdf.Key(sha256.New, key, nil, "countersign update IDs", keySize); err != nil {
				return nil, err
			}
		}
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("no key is there: %w", errSpelling)
	}
	return c, nil
}

// NewKey draws a key and writes it as Parse reads it.
func NewKey(id string) (string, error) {
	if !keyID.MatchString(id) {
		return "", fmt.Errorf("%q is no ID of a key: one to 32 letters, digits, dots and dashes", id)
	}
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return "", err
	}
	return id + ":" + base64.StdEncoding.EncodeToString(key), nil
}
