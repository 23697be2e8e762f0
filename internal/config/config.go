// Package config reads the environment once, in main.
package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"countersign/internal/codec"
	"countersign/internal/documents"
	"countersign/internal/telemetry"

	"github.com/caarlos0/env/v11"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
)

// Config is what the programme is told from outside. The Temporal client reads its own TEMPORAL_* variables and profiles,
// the same as Temporal's command line.
type Config struct {
	DatabaseURL      string     `env:"DATABASE_URL"`                                // the programme's login: a member of countersign_programme
	DatabaseOwnerURL string     `env:"DATABASE_OWNER_URL"`                          // migrates; DATABASE_URL when empty
	TemporalUIURL    string     `env:"TEMPORAL_UI_URL"`                             // for links to cases; none when empty
	AccountSiteURL   string     `env:"ACCOUNT_SITE_URL"`                            // where accounts and their passwords are managed (ORG-19); the commands are named when empty
	SMTPURL          string     `env:"SMTP_URL"`                                    // smtp://user:password@host:587?from=a@b; messages stay in the outbox when empty
	TextGateway      string     `env:"TEXT_GATEWAY"`                                // domain of a gateway that turns mails to number@domain into text messages; these stay in the outbox when empty
	MetricsAddress   string     `env:"METRICS_ADDRESS" envDefault:"127.0.0.1:9464"` // of the worker; "off" serves none
	WorkflowCache    int        `env:"WORKFLOW_CACHE"  envDefault:"4000"`           // cases that the worker keeps in memory, some 26 kB each; others are read again when something happens
	Documents        string     `env:"DOCUMENTS"       envDefault:"postgres"`       // where new documents go: postgres, file:///folder, s3://bucket/prefix?endpoint=https://host&region=…
	DocumentLimit    int64      `env:"DOCUMENT_LIMIT"  envDefault:"10485760"`       // octets of one document, at most 1 GB; one upload holds as much memory
	DocumentTypes    []string   `env:"DOCUMENT_TYPES"  envDefault:"application/pdf,image/png,image/jpeg,application/ofd"`
	CertificateURL   string     `env:"CERTIFICATE_URL" envDefault:"/certificates"` // where certificates are verified: printed on them, followed by number and code
	AWSKeyID         string     `env:"AWS_ACCESS_KEY_ID"`                          // of the bucket; without it the machine's role
	AWSSecret        string     `env:"AWS_SECRET_ACCESS_KEY"`
	AWSSession       string     `env:"AWS_SESSION_TOKEN"`
	WorkerVersioning bool       `env:"WORKER_VERSIONING"`                 // workers are versions of the deployment countersign: Temporal sends each run to the version that may carry it on
	WorkerBuildID    string     `env:"WORKER_BUILD_ID"`                   // names this build among the deployment's versions; the commit it was built from when empty
	PayloadKeys      string     `env:"PAYLOAD_KEYS"`                      // ID:BASE64,…: what Temporal keeps is encrypted with the first and read with all; "off" in front writes in clear
	PayloadKeysFile  string     `env:"PAYLOAD_KEYS_FILE"`                 // the same in a file, a line each, read at the start
	CodecIssuer      string     `env:"CODEC_OIDC_ISSUER"`                 // whose tokens the codec server takes; empty: people sign in by a link
	CodecAudience    string     `env:"CODEC_OIDC_AUDIENCE"`               // whom the tokens are for, mostly the Temporal UI's client ID
	CodecClaim       string     `env:"CODEC_OIDC_CLAIM"`                  // NAME=VALUE that a token has to have; empty: every token of the audience
	LogLevel         slog.Level `env:"LOG_LEVEL"       envDefault:"INFO"` // DEBUG, INFO, WARN, ERROR

	ConsoleAddress      string   `env:"CONSOLE_ADDRESS" envDefault:"127.0.0.1:8080"` // where the server listens; /livez and /readyz included, which do not say what fails
	ConsoleMetrics      string   `env:"CONSOLE_METRICS_ADDRESS" envDefault:"off"`    // where it tells those who run it its metrics, and what is not ready; "off" serves none
	ConsoleURL          string   `env:"CONSOLE_URL"`                                 // where browsers find it, like https://console.example.com; http:// and its address when empty
	ConsoleNotice       string   `env:"CONSOLE_NOTICE"`                              // stands above each of its pages: that this is a demo, or a test
	ConsoleProxies      []string `env:"CONSOLE_PROXIES"`                             // networks of proxies in front, like 10.0.0.0/8: their X-Forwarded-For counts
	ConsoleIssuer       string   `env:"CONSOLE_OIDC_ISSUER"`                         // identity provider of the vendor's people; empty: passwords alone
	ConsoleClientID     string   `env:"CONSOLE_OIDC_CLIENT_ID"`                      // as which the console is registered there
	ConsoleClientSecret string   `env:"CONSOLE_OIDC_CLIENT_SECRET"`                  // its secret
	ConsoleProvider     string   `env:"CONSOLE_OIDC_NAME"`                           // what people call the provider; its address when empty

	// The standard variables of OpenTelemetry that say whether there are traces; the others it reads by itself.
	OTLPEndpoint       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`        // http://collector:4318; without it no traces
	OTLPTracesEndpoint string `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"` // the same for traces alone, with its path
	OTLPProtocol       string `env:"OTEL_EXPORTER_OTLP_PROTOCOL" envDefault:"http/protobuf"`
	OTLPTracesProtocol string `env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"`
	TracesExporter     string `env:"OTEL_TRACES_EXPORTER" envDefault:"otlp"` // otlp or none
	TelemetryOff       bool   `env:"OTEL_SDK_DISABLED"`
}

// Load reads every variable; all that is malformed is told in one error.
func Load(environ map[string]string) (Config, error) {
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Environment: environ}); err != nil {
		return c, fmt.Errorf("the environment is not in order: %w", err)
	}
	c.CertificateURL = strings.TrimRight(c.CertificateURL, "/")
	if c.ConsoleURL == "" {
		c.ConsoleURL = "http://" + c.ConsoleAddress
	}
	c.ConsoleURL = strings.TrimRight(c.ConsoleURL, "/")
	if u, err := url.Parse(c.ConsoleURL); err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.Host == "" || u.Scheme+"://"+u.Host != c.ConsoleURL {
		return c, fmt.Errorf("the environment is not in order: CONSOLE_URL: %q is no address of a site; write it like https://console.example.com", c.ConsoleURL)
	}
	if c.DatabaseOwnerURL == "" {
		c.DatabaseOwnerURL = c.DatabaseURL
	}
	return c, nil
}

// NeedDatabase says what to do when no database is named.
func (c Config) NeedDatabase() error {
	if c.DatabaseURL == "" {
		return errors.New("DATABASE_URL is not set; name the Postgres database, like postgres://user:password@host:5432/countersign")
	}
	return nil
}

// ConsoleSafe tells whether what browsers send the console goes over TLS, or over this machine only.
func (c Config) ConsoleSafe() bool {
	u, err := url.Parse(c.ConsoleURL)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || err == nil && address.IsLoopback()
}

// Proxies are the networks whose X-Forwarded-For the console believes.
func (c Config) Proxies() ([]netip.Prefix, error) {
	var found []netip.Prefix
	for _, text := range c.ConsoleProxies {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("CONSOLE_PROXIES: %q is not a network; write it like 10.0.0.0/8", text)
		}
		found = append(found, network)
	}
	return found, nil
}

// CaseInTemporal is where the Temporal UI shows a run; empty when no UI is known. It asks no server.
func (c Config) CaseInTemporal(namespace, workflowID, runID string) string {
	if c.TemporalUIURL == "" {
		return ""
	}
	address, err := url.JoinPath(c.TemporalUIURL, "namespaces", url.PathEscape(namespace), "workflows", url.PathEscape(workflowID), url.PathEscape(runID), "history")
	if err != nil {
		return ""
	}
	return address
}

// BuildID names this build among the versions of the worker's deployment: WORKER_BUILD_ID, else the commit that the Go
// tool wrote into the binary. Two builds must never share a name, so a checkout with changes has none.
func (c Config) BuildID(info *debug.BuildInfo) (string, error) {
	if c.WorkerBuildID != "" {
		return c.WorkerBuildID, nil
	}
	settings := map[string]string{}
	if info != nil {
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
	}
	switch {
	case settings["vcs.revision"] == "":
		return "", errors.New("WORKER_VERSIONING is on, but this binary does not know the commit it was built from; set WORKER_BUILD_ID to a name that no other build has")
	case settings["vcs.modified"] == "true":
		return "", fmt.Errorf("WORKER_VERSIONING is on, but this binary was built from changes on top of commit %s; set WORKER_BUILD_ID to a name that no other build has", settings["vcs.revision"])
	}
	return settings["vcs.revision"], nil
}

// Traces starts sending traces where the OTEL_* variables say; without an endpoint there are none. The service is the
// process's name in them.
func (c Config) Traces(ctx context.Context, service, version string, failed func(error)) (*telemetry.Traces, error) {
	if c.TelemetryOff || c.TracesExporter == "none" || c.OTLPEndpoint == "" && c.OTLPTracesEndpoint == "" {
		return &telemetry.Traces{}, nil
	}
	if c.TracesExporter != "otlp" {
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is not known; write otlp or none", c.TracesExporter)
	}
	if protocol := cmp.Or(c.OTLPTracesProtocol, c.OTLPProtocol); protocol != "http/protobuf" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: %q is not spoken here; write http/protobuf, and the collector's port for it, mostly 4318", protocol)
	}
	return telemetry.Start(ctx, service, version, failed)
}

// Observe begins the metrics and the traces of a process that serves; the service is its name in them.
func (c Config) Observe(ctx context.Context, service string) (*telemetry.Process, error) {
	version := "unknown"
	if build, ok := debug.ReadBuildInfo(); ok {
		version = build.Main.Version
	}
	traces, err := c.Traces(ctx, service, version, func(err error) { slog.Warn("traces not delivered", "error", err) })
	if err != nil {
		return nil, err
	}
	return telemetry.Observe(traces)
}

// DocumentStore opens the place where documents are kept.
func (c Config) DocumentStore(db *sqlx.DB) (*documents.Store, error) {
	rules := documents.Rules{Limit: c.DocumentLimit, Types: c.DocumentTypes}
	for _, t := range rules.Types {
		if !slices.Contains(documents.Known, t) {
			return nil, fmt.Errorf("DOCUMENT_TYPES: %q cannot be checked; choose of: %s", t, strings.Join(documents.Known, ","))
		}
	}
	if rules.Limit < 1 || rules.Limit > 1<<30 {
		return nil, fmt.Errorf("DOCUMENT_LIMIT: %d is not between 1 and %d octets", rules.Limit, 1<<30)
	}
	s, err := documents.Open(db, c.Documents, documents.Keys{ID: c.AWSKeyID, Secret: c.AWSSecret, Session: c.AWSSession}, rules)
	if err != nil {
		return nil, fmt.Errorf("DOCUMENTS: %w", err)
	}
	return s, nil
}

// PayloadCodec is what encrypts the payloads that Temporal keeps.
func (c Config) PayloadCodec() (*codec.Codec, error) {
	keys, name := c.PayloadKeys, "PAYLOAD_KEYS"
	switch {
	case c.PayloadKeys != "" && c.PayloadKeysFile != "":
		return nil, errors.New("PAYLOAD_KEYS and PAYLOAD_KEYS_FILE are both set; leave one of them out")
	case c.PayloadKeysFile != "":
		text, err := os.ReadFile(c.PayloadKeysFile)
		if err != nil {
			return nil, fmt.Errorf("PAYLOAD_KEYS_FILE: %w", err)
		}
		keys, name = string(text), "PAYLOAD_KEYS_FILE"
	case c.PayloadKeys == "":
		return nil, errors.New("PAYLOAD_KEYS is not set, and nothing goes to Temporal in clear by mistake; " +
			"make a key with `starter codec key` and give the same to every worker and command, or set PAYLOAD_KEYS=off to let Temporal keep names and accounts in clear")
	}
	parsed, err := codec.Parse(keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return parsed, nil
}

// Temporal connects to the cluster that TEMPORAL_ADDRESS names; what goes there is encrypted with PAYLOAD_KEYS. It gives up after the timeout with one clear sentence.
func Temporal(ctx context.Context, logger *slog.Logger, change func(*client.Options), timeout time.Duration) (client.Client, string, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, "", fmt.Errorf("the Temporal settings (TEMPORAL_*) are not in order: %w", err)
	}
	c, err := Load(env.ToMap(os.Environ()))
	if err != nil {
		return nil, "", err
	}
	payloads, err := c.PayloadCodec()
	if err != nil {
		return nil, "", err
	}
	if err := payloads.Apply(&options); err != nil {
		return nil, "", err
	}
	options.Logger = log.NewStructuredLogger(logger)
	if options.HostPort == "" {
		options.HostPort = client.DefaultHostPort
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	if change != nil {
		change(&options)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	connected, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, "", fmt.Errorf("Temporal is not reachable at %s (TEMPORAL_ADDRESS); start it or correct the address: %w", options.HostPort, err) //nolint:staticcheck // a name begins it
	}
	return connected, options.Namespace, nil
}
