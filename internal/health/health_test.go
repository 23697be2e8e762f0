package health

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/pgtest"

	"github.com/stretchr/testify/require"
)

// probe asks as Kubernetes does.
func probe(t *testing.T, server *httptest.Server, path string) (int, string) {
	t.Helper()
	answer, err := server.Client().Get(server.URL + path)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

func served(t *testing.T, h *Health) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	h.Serve(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestGivenAWorker_WhenItStartsRunsAndDrains_ThenItLivesAllTheTimeAndIsReadyOnlyInBetween(t *testing.T) {
	h := New("worker")
	server := served(t, h)
	is := func(code int, says string) {
		t.Helper()
		for _, path := range []string{"/readyz", "/healthz"} {
			got, said := probe(t, server, path)
			require.Equal(t, code, got)
			require.Equal(t, says+"\n", said)
		}
		lives, said := probe(t, server, "/livez")
		require.Equal(t, http.StatusOK, lives)
		require.Equal(t, "ok\n", said)
	}
	is(http.StatusServiceUnavailable, "worker: starting")
	h.Works(Check{"database", func(context.Context) error { return nil }})
	is(http.StatusOK, "ok")
	h.Works(Check{"database", func(context.Context) error { return nil }}, Check{"Temporal", func(context.Context) error { return errors.New("not\nserving") }})
	is(http.StatusServiceUnavailable, "Temporal: not serving")
	h.Drains()
	is(http.StatusServiceUnavailable, "worker: draining\nTemporal: not serving")
}

func TestGivenAPostgresThatHangsOrIsGone_WhenReadinessIsAsked_ThenItSaysSoInTimeAndRecoversWithIt(t *testing.T) {
	u, err := url.Parse(pgtest.URL(t))
	require.NoError(t, err)
	wire := between(t, u.Host)
	u.Host = wire.address()
	answers, done, err := Database(u.String())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, done()) })
	h := New("worker")
	h.Works(answers)
	server := served(t, h)
	ready := func() bool { code, _ := probe(t, server, "/readyz"); return code == http.StatusOK }
	require.True(t, ready())

	wire.hang(true)
	time.Sleep(moment) // an answer is good for as long
	began := time.Now()
	code, said := probe(t, server, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "database: no answer within 2s\n", said)
	require.Less(t, time.Since(began), time.Minute, "it does not wait for Postgres")
	lives, _ := probe(t, server, "/livez")
	require.Equal(t, http.StatusOK, lives)
	wire.hang(false)
	require.Eventually(t, ready, time.Minute, 50*time.Millisecond)

	wire.cut(t)
	require.Eventually(t, func() bool { code, said := probe(t, server, "/readyz"); return code != http.StatusOK && said != "" }, time.Minute, 50*time.Millisecond)
}

func TestGivenAServerThatAnybodyAsks_WhenItIsNotReady_ThenItDoesNotSayWhyAndAsksItsDatabasesOnceAMoment(t *testing.T) {
	h := New("server")
	var asked atomic.Int32
	h.Works(Check{"database", func(context.Context) error {
		asked.Add(1)
		return errors.New("password of countersign at 10.0.0.7 is wrong")
	}})
	mux := http.NewServeMux()
	h.ServePublic(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	began := time.Now()
	for range 20 {
		code, said := probe(t, server, "/readyz")
		require.Equal(t, http.StatusServiceUnavailable, code)
		require.Equal(t, "not ready\n", said)
	}
	require.LessOrEqual(t, int(asked.Load()), 1+int(time.Since(began)/moment))
	require.ErrorContains(t, h.Listen(t.Context(), "nowhere", nil), "nowhere")
	require.NoError(t, h.Listen(t.Context(), "off", nil))
}

// wire is a connection to a server that can be made to hang, or be cut.
type wire struct {
	listener net.Listener
	mu       sync.Mutex
	open     []net.Conn
	flows    *sync.Cond
	hangs    bool
}

func between(t *testing.T, server string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{listener: listener}
	w.flows = sync.NewCond(&w.mu)
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return // cut
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				_ = from.Close() // nobody is behind it
				continue
			}
			w.mu.Lock()
			w.open = append(w.open, from, to)
			w.mu.Unlock()
			go w.carry(from, to)
			go w.carry(to, from)
		}
	}()
	t.Cleanup(func() { w.hang(false); w.cut(t) })
	return w
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) carry(from, to net.Conn) {
	defer to.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		w.mu.Lock()
		for w.hangs {
			w.flows.Wait()
		}
		w.mu.Unlock()
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *wire) hang(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hangs = yes
	w.flows.Broadcast()
}

func (w *wire) cut(t *testing.T) {
	t.Helper()
	_ = w.listener.Close() // a second time changes nothing
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		_ = c.Close() // the other side may have
	}
}
