package config

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// cloud answers as Temporal Cloud does at its door: by TLS, with a client certificate of a known authority or an API key,
// and for a namespace that the request's metadata names.
type cloud struct {
	workflowservice.UnimplementedWorkflowServiceServer
	key     string // empty: the certificate is enough
	address string

	mu   sync.Mutex
	seen metadata.MD // of the last request
}

func (c *cloud) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{ServerVersion: "1.32.0", Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func (c *cloud) DescribeNamespace(_ context.Context, r *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	return &workflowservice.DescribeNamespaceResponse{IsGlobalNamespace: r.GetNamespace() == "countersign.a2dd6"}, nil
}

func (c *cloud) door(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	seen, _ := metadata.FromIncomingContext(ctx)
	c.mu.Lock()
	c.seen = seen
	c.mu.Unlock()
	if c.key != "" && strings.Join(seen.Get("authorization"), "") != "Bearer "+c.key {
		return nil, status.Error(codes.Unauthenticated, "request unauthorized")
	}
	return handler(ctx, request)
}

func (c *cloud) header(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.seen.Get(name), ",")
}

func (c *cloud) serve(t *testing.T, config *tls.Config) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)), grpc.UnaryInterceptor(c.door))
	workflowservice.RegisterWorkflowServiceServer(server, c)
	go func() { _ = server.Serve(listener) }() // ends with the test
	t.Cleanup(server.Stop)
	c.address = listener.Addr().String()
}

// authority signs certificates for one test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.issue("ca", nil)
	return a
}

// issue writes NAME.crt and NAME.key; a certificate without a parent signs itself and may sign others.
func (a *authority) issue(name string, parent *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signer, signKey := template, key
	if parent != nil {
		signer, signKey = parent.cert, parent.key
	} else {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, key.Public(), signKey)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	require.NoError(a.t, os.WriteFile(a.file(name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(a.t, os.WriteFile(a.file(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return cert, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) pair(name string) tls.Certificate {
	a.t.Helper()
	a.issue(name, a)
	pair, err := tls.LoadX509KeyPair(a.file(name+".crt"), a.file(name+".key"))
	require.NoError(a.t, err)
	return pair
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// connect sets the variables, and no others, and asks for the namespace.
func connect(t *testing.T, environ map[string]string) error {
	t.Helper()
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "TEMPORAL_") {
			t.Setenv(name, "") // put back at the end
			require.NoError(t, os.Unsetenv(name))
		}
	}
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
	t.Setenv("PAYLOAD_KEYS", "off")
	for name, value := range environ {
		t.Setenv(name, value)
	}
	c, namespace, err := Temporal(t.Context(), slog.New(slog.DiscardHandler), nil, 20*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	require.Equal(t, "countersign.a2dd6", namespace)
	got, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err == nil {
		require.True(t, got.GetIsGlobalNamespace())
	}
	return err
}

func TestGivenAClusterThatAsksForACertificate_WhenTheVariablesNameOneOfItsAuthority_ThenTheClientIsLetIn(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	c := &cloud{}
	c.serve(t, &tls.Config{Certificates: []tls.Certificate{a.pair("server")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool(), MinVersion: tls.VersionTLS12})
	a.issue("worker", a)
	stranger.issue("worker", stranger)
	with := func(client *authority) map[string]string {
		return map[string]string{
			"TEMPORAL_ADDRESS": c.address, "TEMPORAL_NAMESPACE": "countersign.a2dd6", "TEMPORAL_TLS_SERVER_CA_CERT_PATH": a.file("ca.crt"),
			"TEMPORAL_TLS_CLIENT_CERT_PATH": client.file("worker.crt"), "TEMPORAL_TLS_CLIENT_KEY_PATH": client.file("worker.key"),
		}
	}
	require.NoError(t, connect(t, with(a)))
	require.ErrorContains(t, connect(t, with(stranger)), "Temporal is not reachable at "+c.address)

	unknown := with(a)
	delete(unknown, "TEMPORAL_TLS_SERVER_CA_CERT_PATH") // as for Temporal Cloud, whose authority the machine knows
	require.ErrorContains(t, connect(t, unknown), "certificate signed by unknown authority", "and nobody else's server is believed")
	missing := with(a)
	missing["TEMPORAL_TLS_CLIENT_KEY_PATH"] = a.file("none.key")
	require.ErrorContains(t, connect(t, missing), "no such file")
}

func TestGivenAClusterThatAsksForAnAPIKey_WhenTheVariableHoldsIt_ThenEveryRequestCarriesItAndTheNamespace(t *testing.T) {
	a := newAuthority(t)
	c := &cloud{key: "secret-key"}
	c.serve(t, &tls.Config{Certificates: []tls.Certificate{a.pair("server")}, MinVersion: tls.VersionTLS12})
	environ := map[string]string{
		"TEMPORAL_ADDRESS": c.address, "TEMPORAL_NAMESPACE": "countersign.a2dd6", "TEMPORAL_TLS_SERVER_CA_CERT_PATH": a.file("ca.crt"), "TEMPORAL_API_KEY": "secret-key",
	}
	require.NoError(t, connect(t, environ))
	require.Equal(t, "Bearer secret-key", c.header("authorization"))
	require.Equal(t, "countersign.a2dd6", c.header("temporal-namespace"))

	environ["TEMPORAL_API_KEY"] = "another"
	err := connect(t, environ)
	require.ErrorContains(t, err, "unauthorized")
	require.NotContains(t, err.Error(), "another", "a key is in no message")
}
