// Package mail delivers messages by SMTP.
package mail

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
)

// SMTP delivers through one server.
type SMTP struct {
	host    string
	from    string
	options []mail.Option
}

// NewSMTP reads smtp://user:password@host:port?from=address (STARTTLS when the server offers it; "tls=mandatory" insists)
// or smtps:// (TLS from the first byte).
func NewSMTP(address string) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Query().Get("from") == "" {
		return nil, errors.New("SMTP_URL is malformed; write it like smtp://user:password@host:587?from=programme@example.com")
	}
	s := &SMTP{host: u.Hostname(), from: u.Query().Get("from"), options: []mail.Option{mail.WithTimeout(10 * time.Second), mail.WithTLSPolicy(mail.TLSOpportunistic)}}
	switch {
	case u.Scheme == "smtps":
		s.options = append(s.options, mail.WithSSL())
	case u.Query().Get("tls") == "mandatory":
		s.options = append(s.options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if u.Port() != "" {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return nil, fmt.Errorf("SMTP_URL: port %q is not a number", u.Port())
		}
		s.options = append(s.options, mail.WithPort(port))
	}
	if password, ok := u.User.Password(); ok {
		s.options = append(s.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	return s, nil
}

// Deliver hands one plain-text message to the server.
func (s *SMTP) Deliver(ctx context.Context, address, subject, body string) error {
	m := mail.NewMsg()
	if err := m.From(s.from); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if err := m.To(address); err != nil {
		return fmt.Errorf("recipient: %w", err)
	}
	m.Subject(subject)
	m.SetBodyString(mail.TypeTextPlain, body)
	c, err := mail.NewClient(s.host, s.options...)
	if err != nil {
		return err
	}
	return c.DialAndSendWithContext(ctx, m)
}
