package e2e

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

	"countersign/domain/withdrawal"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// postOffice is a mail server on loopback. It refuses the first message once, as busy servers do.
type postOffice struct {
	address string

	mu       sync.Mutex
	refused  bool
	received []letter
}

type letter struct{ from, to, subject, body string }

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	o := &postOffice{address: l.Addr().String()}
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

func (o *postOffice) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	say := func(line string) { fmt.Fprintf(c, "%s\r\n", line) }
	say("220 post.example")
	var got letter
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
			got = letter{from: address(rest)}
			say("250 ok")
		case "RCPT":
			got.to = address(rest)
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
func (l *letter) read(in *bufio.Reader) error {
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
	if l.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return err
	}
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	decoded, err := io.ReadAll(body)
	l.body = string(decoded)
	return err
}

func (o *postOffice) takes(l letter) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.refused {
		o.refused = true
		return false
	}
	o.received = append(o.received, l)
	return true
}

func (o *postOffice) letters() []letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]letter(nil), o.received...)
}

// Rule: PGM-13
func TestGivenAMailServer_WhenWorkersDeliver_ThenEachMessageArrivesOnceAndSecretsAreBlanked(t *testing.T) {
	p := newPartner(t, "PMAIL", lot{withdrawal.EbankCorporate, "1000.00"})
	p.load("people: [{id: post-1, name: Post, partner: PMAIL, email: post@pmail.example, roles: [partner-withdrawals]}]")
	office := newPostOffice(t)
	smtp := "SMTP_URL=smtp://" + office.address + "?from=countersign@vendor.example"
	for range 2 { // several workers share the outbox
		t.Cleanup(p.s.anotherWorker(t, smtp).kill)
	}

	p.s.ask(t, 0, nil, "code", "send", "--as", "post-1", "--target", p.id)
	arrived := func(n int) []letter {
		t.Helper()
		eventually(t, fmt.Sprintf("letter %d", n), func() (bool, error) { return len(office.letters()) >= n, nil })
		eventually(t, "the record of every delivery", func() (bool, error) {
			waiting, err := p.s.views.Outbox(t.Context(), "post-1", false)
			return len(waiting) == 0, err
		})
		return office.letters()
	}
	first := arrived(1)[0]
	require.Equal(t, "countersign@vendor.example", first.from)
	require.Equal(t, "post@pmail.example", first.to)
	require.Equal(t, "验证码 / Verification code", first.subject)
	code := codeInMail.FindStringSubmatch(first.body)
	require.NotNil(t, code, first.body)

	app := p.toBank("k1", "100.00")
	app.Submitter, app.Code = "post-1", code[1]
	c := p.opens(app)
	c.must(withdrawal.Review, approve, withdrawal.Approved)
	letters := arrived(3)
	require.Len(t, letters, 3, "the code, the receipt and the approval, each once")
	for _, l := range letters[1:] {
		require.Equal(t, "post@pmail.example", l.to)
		require.Contains(t, l.subject+l.body, c.number)
	}

	var outbox struct {
		Messages []views.Message `json:"messages"`
	}
	p.s.ask(t, 0, &outbox, "outbox", "--person", "post-1", "--all")
	require.Len(t, outbox.Messages, 3)
	require.Equal(t, 2, outbox.Messages[0].Attempts, "the server was busy once")
	require.Empty(t, outbox.Messages[0].Body, "a delivered code is readable nowhere")
	require.NotEmpty(t, outbox.Messages[1].Body)
	require.Zero(t, p.s.count(t, `SELECT count(*) FROM outbox WHERE secret AND sent_at IS NOT NULL AND body <> ''`))
}
