package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"countersign/internal/codec"
	"countersign/internal/codecserver"
	"countersign/internal/config"

	"github.com/spf13/cobra"
)

func (h *house) codecCommand() *cobra.Command {
	key := &cobra.Command{
		Use: "key [ID]", Short: "Draw a key for PAYLOAD_KEYS", Args: atMost(1),
		Long: `Draw a key that encrypts what Temporal keeps. ID names it for ever: letters, digits, dots and dashes; "main" when left out.
It goes into PAYLOAD_KEYS of every worker, command and codec server: first to write with it, behind the first to read only.
Whoever loses it can read no history that was written with it. docs/encryption.md tells how to rotate.`,
		RunE: func(_ *cobra.Command, args []string) error {
			id := "main"
			if len(args) > 0 {
				id = args[0]
			}
			text, err := codec.NewKey(id)
			if err != nil {
				return usageError{err}
			}
			return h.show(map[string]string{"key": text}, func() { h.say("%s", text) })
		},
	}
	var s codecSettings
	serve := &cobra.Command{
		Use: "serve [--address HOST:PORT] [--url URL] [--ui URL] [--tls-cert FILE --tls-key FILE]", Short: "Decrypt payloads for people who look at the Temporal UI", Args: exactly(),
		Long: `Serve POST /decode for the Temporal UI of TEMPORAL_UI_URL, with the keys of PAYLOAD_KEYS, until it is interrupted.
Set the UI's codec endpoint to --url.

With CODEC_OIDC_ISSUER and CODEC_OIDC_AUDIENCE set, whoever brings a token of that issuer for that audience may read, with
CODEC_OIDC_CLAIM, like groups=temporal-operators, only whoever has it; the UI has to pass its access token along. Without
them the command prints a link on stderr, good for 15 minutes, that signs one browser in for twelve hours, and the next one when
it was used or opened too late; the UI has to include credentials, and has to be of the same site. Every request is a line of the log, with who asked.`,
		RunE: func(c *cobra.Command, _ []string) error { return h.serveCodec(c.Context(), s) },
	}
	f := serve.Flags()
	f.StringVar(&s.address, "address", "127.0.0.1:8234", "where to listen")
	f.StringVar(&s.url, "url", "", "where browsers find it; by the address when left out")
	f.StringVar(&s.ui, "ui", "", "where browsers find the Temporal UI; TEMPORAL_UI_URL when left out")
	f.StringVar(&s.cert, "tls-cert", "", "a certificate (PEM), to serve with TLS; otherwise put a proxy with TLS in front")
	f.StringVar(&s.key, "tls-key", "", "its key (PEM)")
	return group("codec", "Keys and sight of what Temporal keeps encrypted", key, serve)
}

type codecSettings struct{ address, url, ui, cert, key string }

func (h *house) serveCodec(ctx context.Context, s codecSettings) error {
	c, err := h.config()
	if err != nil {
		return err
	}
	payloads, err := c.PayloadCodec()
	if err != nil {
		return err
	}
	if (s.cert == "") != (s.key == "") {
		return usageError{errors.New("--tls-cert and --tls-key belong together")}
	}
	if s.ui == "" {
		s.ui = c.TemporalUIURL
	}
	origin, err := codecserver.Origin(s.ui)
	if err != nil {
		return usageError{errors.New("the address of the Temporal UI is not known: name it with --ui or TEMPORAL_UI_URL, like https://temporal.example.com")}
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return usageError{fmt.Errorf("--address: %w", err)}
	}
	if s.url == "" {
		s.url = "http://" + listener.Addr().String()
		if s.cert != "" {
			s.url = "https://" + listener.Addr().String()
		}
	}
	gate, err := h.codecGate(ctx, c, s.url)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	logger := slog.New(slog.NewJSONHandler(h.out, &slog.HandlerOptions{Level: c.LogLevel}))
	logger.Info("codec server runs", "address", listener.Addr().String(), "ui", origin)
	server := codecserver.Server{Codec: payloads, Origin: origin, Gate: gate, Log: logger}
	return server.Serve(ctx, listener, s.cert, s.key)
}

// codecGate is OpenID Connect where it is set up, else links on stderr: the log of stdout is kept, and links are for nobody else.
func (h *house) codecGate(ctx context.Context, c config.Config, base string) (codecserver.Gate, error) {
	if c.CodecIssuer == "" {
		if c.CodecAudience != "" || c.CodecClaim != "" {
			return nil, errors.New("CODEC_OIDC_AUDIENCE or CODEC_OIDC_CLAIM is set without CODEC_OIDC_ISSUER; name the issuer, or leave all out to sign in by a link")
		}
		return codecserver.NewLinks(base, func(link string) {
			fmt.Fprintf(h.err, "Sign a browser in to see payloads in the Temporal UI: %s\n", link)
		}), nil
	}
	tokens, err := codecserver.NewTokens(ctx, c.CodecIssuer, c.CodecAudience, c.CodecClaim)
	if err != nil {
		return nil, fmt.Errorf("CODEC_OIDC_ISSUER, _AUDIENCE, _CLAIM: %w", err)
	}
	return tokens, nil
}

// payloads decrypts what a command reads from a file; without PAYLOAD_KEYS it reads clear ones only.
func (h *house) payloads() (*codec.Codec, error) {
	c, err := h.config()
	if err != nil {
		return nil, err
	}
	if c.PayloadKeys == "" && c.PayloadKeysFile == "" {
		return &codec.Codec{}, nil
	}
	return c.PayloadCodec()
}
