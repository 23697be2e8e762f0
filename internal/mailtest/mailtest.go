// Package mailtest is a real mail server for tests, in their own process.
package mailtest

import (
	"bufio"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
)

// PostOffice is a mail server on loopback.
type PostOffice struct {
	URL string // as NewSMTP of internal/mail reads it

	mu       sync.Mutex
	busy     int
	received []Letter
}

// Letter is one mail that was taken, decoded.
type Letter struct{ From, To, Subject, Body string }

// New opens a post office until the test ends. It refuses the first messages, as busy servers do.
func New(t testing.TB, busy int) *PostOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	o := &PostOffice{URL: "smtp://" + l.Addr().String() + "?from=countersign@vendor.example", busy: busy}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go o.serve(c)
		}
	}()
	return o
}

func (o *PostOffice) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	say := func(line string) { fmt.Fprintf(c, "%s\r\n", line) }
	say("220 post.example")
	var got Letter
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO", "HELO", "NOOP", "RSET":
			say("250 post.example")
		case "MAIL":
			got = Letter{From: address(rest)}
			say("250 ok")
		case "RCPT":
			got.To = address(rest)
			say("250 ok")
		case "DATA":
			say("354 go on")
			if err := got.read(in); err != nil {
				return
			}
			if o.takes(got) {
				say("250 taken")
			} else {
				say("451 busy, come back")
			}
		case "QUIT":
			say("221 bye")
			return
		default:
			say("500 what?")
		}
	}
}

func address(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

// read takes the text up to the line with the dot.
func (l *Letter) read(in *bufio.Reader) error {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	m, err := mail.ReadMessage(strings.NewReader(text.String()))
	if err != nil {
		return err
	}
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return err
	}
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	decoded, err := io.ReadAll(body)
	l.Body = string(decoded)
	return err
}

func (o *PostOffice) takes(l Letter) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy > 0 {
		o.busy--
		return false
	}
	o.received = append(o.received, l)
	return true
}

// Letters are those taken so far, in order.
func (o *PostOffice) Letters() []Letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Letter(nil), o.received...)
}
