package e2e

import (
	"fmt"
	"sync"
	"testing"

	"countersign/internal/browsertest"
	"countersign/internal/stacktest"
	"countersign/web/webtest"

	"github.com/stretchr/testify/require"
)

// theConsole is the server with its pages, and the browser that looks at them: one of each for all tests.
type theConsole struct {
	once      sync.Once
	err       error
	origin    string
	server    *stacktest.Worker
	browser   *browsertest.Browser
	passwords map[string]string // of people whose accounts are set up
}

// Languages of the console, as a browser asks for them.
const (
	chinese = "zh-CN"
	english = "en"
)

// console is served from the first test on that asks; a worker runs, too.
func console(t *testing.T) *theConsole {
	t.Helper()
	s := running(t)
	c := &s.console
	c.once.Do(func() { c.err = c.start(s) })
	require.NoError(t, c.err)
	return c
}

func (c *theConsole) start(s *stack) (err error) {
	c.passwords = map[string]string{}
	if c.server, c.origin, err = s.StartConsole("TEMPORAL_UI_URL=" + s.Now.UIURL); err != nil {
		return err
	}
	c.browser, err = browsertest.Start()
	return err
}

// account gives somebody an account, and answers the initial password.
func (c *theConsole) account(t *testing.T, person string) string {
	t.Helper()
	var given struct {
		Initial string `json:"initial_password"`
	}
	the.ask(t, 0, &given, "person", "account", person, "--as", "addy")
	return given.Initial
}

func (c *theConsole) stop() {
	if c.browser != nil {
		c.browser.Stop()
	}
	if c.server != nil {
		c.server.Kill()
	}
}

// reader is somebody at a browser.
type reader struct {
	*browsertest.Page
	t    *testing.T
	c    *theConsole
	lang string
}

// visitor is somebody who has not signed in.
func (c *theConsole) visitor(t *testing.T, o browsertest.Options) reader {
	t.Helper()
	o.Origin = c.origin
	return reader{c.browser.Open(t, o), t, c, o.Language}
}

// signIn lets somebody in by the form, who sets a password of their own the first time.
func (c *theConsole) signIn(t *testing.T, o browsertest.Options, person string) reader {
	t.Helper()
	r := c.visitor(t, o)
	password := c.passwords[person]
	if password == "" {
		password = c.account(t, person)
	}
	require.Equal(t, 200, r.Go("/"))
	enter := func(password string) {
		r.Fill(r.say("sign-in.account"), person)
		r.Fill(r.say("sign-in.password"), password)
		require.Equal(t, 200, r.Press(r.say("sign-in.submit")))
	}
	enter(password)
	if c.passwords[person] == "" { // ORG-14
		require.Contains(t, r.Path(), "/account/password")
		own := "Own-" + password
		r.Fill(r.say("account.password.old"), password)
		r.Fill(r.say("account.password.new"), own)
		r.Fill(r.say("account.password.again"), own)
		require.Equal(t, 200, r.Press(r.say("account.password.submit")))
		c.passwords[person] = own
	}
	return r
}

// say is a text of the console in the reader's language.
func (r reader) say(key string, args ...any) string {
	r.t.Helper()
	texts, ok := book()[key]
	require.True(r.t, ok, "there is no text %q", key)
	text := texts[0]
	if r.lang == english {
		text = texts[1]
	}
	return fmt.Sprintf(text, args...)
}

// book has every text of the console, in Chinese and English.
var book = sync.OnceValue(func() map[string][2]string { return webtest.Texts("../web") })
