// Package webhook sends signed HTTP callbacks by the Standard Webhooks scheme (standardwebhooks.com).
package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// timeout bounds one attempt, from the connection to the last octet read.
const timeout = 10 * time.Second

// client follows no redirects: who may receive is decided when a webhook is added, not by a receiver.
var client = &http.Client{
	Timeout:       timeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// CheckURL says what is wrong with an address. Without TLS only this machine is told.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("the address %q is malformed; write it like https://receiver.example/hooks, without user and password", address)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return fmt.Errorf("the address %q is not safe; it has to be https, plain http is for loopback addresses only", address)
	}
	return nil
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// NewSecret draws a key of 256 bits, in the scheme's form.
func NewSecret() (string, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("draw secret: %w", err)
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(key), nil
}

// Send makes one attempt to deliver a body. Only a 2xx is a success; the status is 0 when no answer came.
func Send(ctx context.Context, address, secret, id string, at time.Time, body string) (status int, err error) {
	key, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return 0, errors.New("the secret is malformed") // and told to nobody
	}
	signature, err := key.Sign(id, at, []byte(body))
	if err != nil {
		return 0, fmt.Errorf("sign: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "countersign")
	r.Header.Set(standardwebhooks.HeaderWebhookID, id)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if _, err := io.CopyN(io.Discard, answer.Body, 64<<10); err != nil && !errors.Is(err, io.EOF) { // read, so that the connection is used again
		return answer.StatusCode, fmt.Errorf("read the answer: %w", err)
	}
	if answer.StatusCode/100 != 2 {
		return answer.StatusCode, fmt.Errorf("the receiver answers %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	}
	return answer.StatusCode, nil
}
