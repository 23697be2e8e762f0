// Package codecserver decrypts payloads for people who look at cases in the Temporal UI: their browser asks it, Temporal
// itself never sees what is in them. It encrypts nothing, since whoever could have that done could forge a payload.
package codecserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.temporal.io/sdk/converter"
)

// maxRequest bounds what one request may hold, in octets: a page of payloads, each at most 2 MB and a third more as base64.
const maxRequest = 32 << 20

// grace is how long a request may still take after the server was told to stop.
const grace = 10 * time.Second

// Gate says who asks.
type Gate interface {
	// Who names the caller for the log, without personal data; an error says why it is nobody.
	Who(r *http.Request) (string, error)
}

// Server decrypts for one UI.
type Server struct {
	Codec  converter.PayloadCodec
	Origin string // of the UI, like https://temporal.example.com; no other page's requests are answered
	Gate   Gate
	Log    *slog.Logger
}

// Origin is what browsers call the pages of an address: in small letters, without path, and without the port that goes without saying.
func Origin(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", fmt.Errorf("%q is no address of web pages, like https://temporal.example.com", address)
	}
	host := strings.ToLower(u.Host)
	usual := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(host, usual), nil
}

// Handler answers POST /decode, its preflight, GET /healthz, and where people sign in by links GET /sign-in.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("OPTIONS /decode", func(w http.ResponseWriter, r *http.Request) {
		if !s.sameOrigin(w, r) {
			return
		}
		w.Header().Set("Access-Control-Allow-Methods", http.MethodPost)
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type, X-Namespace, Authorization, Authorization-Extras")
		w.Header().Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
	decode := converter.NewPayloadCodecHTTPHandler(s.Codec)
	mux.HandleFunc("POST /decode", func(w http.ResponseWriter, r *http.Request) {
		if !s.sameOrigin(w, r) {
			return
		}
		namespace := r.Header.Get("X-Namespace")
		who, err := s.Gate.Who(r)
		if err != nil {
			s.Log.Warn("decoding refused", "namespace", namespace, "why", err.Error())
			http.Error(w, "sign in to the codec server first", http.StatusUnauthorized)
			return
		}
		s.Log.Info("payloads decoded", "by", who, "namespace", namespace, "octets", r.ContentLength) // to have asked is the event
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		w.Header().Set("Cache-Control", "no-store")
		decode.ServeHTTP(w, r)
	})
	if links, ok := s.Gate.(*Links); ok {
		mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) { links.signIn(w, r, s.Origin) })
	}
	return mux
}

// sameOrigin lets the UI's pages read the answers and refuses those of others. A program has no origin.
func (s *Server) sameOrigin(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Origin")
	switch r.Header.Get("Origin") {
	case s.Origin:
		w.Header().Set("Access-Control-Allow-Origin", s.Origin)
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	case "":
	default:
		s.Log.Warn("decoding refused", "why", "a page of another origin")
		http.Error(w, "only pages of "+s.Origin+" are answered", http.StatusForbidden)
		return false
	}
	return true
}

// Serve answers until the context ends, with TLS when a certificate is named.
func (s *Server) Serve(ctx context.Context, listener net.Listener, certFile, keyFile string) error {
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	})
	var err error
	if certFile != "" {
		err = server.ServeTLS(listener, certFile, keyFile)
	} else {
		err = server.Serve(listener)
	}
	if stop() { // nobody told it to
		return err
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
