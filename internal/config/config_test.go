package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"countersign/internal/prepared"

	"github.com/stretchr/testify/require"
)

func TestWhatIsNotSetHasItsDefault(t *testing.T) {
	c, err := Load(map[string]string{"DATABASE_URL": "postgres://x"})
	require.NoError(t, err)
	require.Equal(t, Config{
		DatabaseURL: "postgres://x", DatabaseOwnerURL: "postgres://x", MetricsAddress: "127.0.0.1:9464", LogLevel: slog.LevelInfo, WorkflowCache: 4000,
		Documents: "postgres", DocumentLimit: 10 << 20, DocumentTypes: []string{"application/pdf", "image/png", "image/jpeg", "application/ofd"},
		CertificateURL: "/certificates", ConsoleAddress: "127.0.0.1:8080", ConsoleMetrics: "off", ConsoleURL: "http://127.0.0.1:8080", OTLPProtocol: "http/protobuf", TracesExporter: "otlp",
	}, c)
	require.NoError(t, c.NeedDatabase())
	require.ErrorContains(t, Config{}.NeedDatabase(), "DATABASE_URL")
}

func TestAMalformedVariableIsNamed(t *testing.T) {
	_, err := Load(map[string]string{"LOG_LEVEL": "loud"})
	require.ErrorContains(t, err, "LogLevel")
	require.ErrorContains(t, err, "loud")
}

func TestABuildIsNamedByTheEnvironmentOrByItsCommitAndNeverByChance(t *testing.T) {
	built := func(settings ...debug.BuildSetting) *debug.BuildInfo { return &debug.BuildInfo{Settings: settings} }
	commit, clean, dirty := debug.BuildSetting{Key: "vcs.revision", Value: "8e38ed8"}, debug.BuildSetting{Key: "vcs.modified", Value: "false"}, debug.BuildSetting{Key: "vcs.modified", Value: "true"}

	c, err := Load(map[string]string{"WORKER_VERSIONING": "true", "WORKER_BUILD_ID": "release-7"})
	require.NoError(t, err)
	require.True(t, c.WorkerVersioning)
	id, err := c.BuildID(built(commit, dirty))
	require.NoError(t, err)
	require.Equal(t, "release-7", id)

	id, err = Config{}.BuildID(built(commit, clean))
	require.NoError(t, err)
	require.Equal(t, "8e38ed8", id)

	for want, info := range map[string]*debug.BuildInfo{"does not know the commit": nil, "does not know": built(clean), "from changes on top of commit 8e38ed8": built(commit, dirty)} {
		_, err := Config{}.BuildID(info)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "set WORKER_BUILD_ID")
	}
	_, err = Load(map[string]string{"WORKER_VERSIONING": "perhaps"})
	require.ErrorContains(t, err, "WorkerVersioning")
}

func TestWhereDocumentsGoIsUnderstoodOrWhatIsWrongIsNamed(t *testing.T) {
	folder := t.TempDir()
	for _, good := range []string{"postgres", "file://" + folder, "s3://scans/back-office?endpoint=http://127.0.0.1:9000&region=cn-north-1"} {
		c, err := Load(map[string]string{"DOCUMENTS": good})
		require.NoError(t, err)
		_, err = c.DocumentStore(nil)
		require.NoError(t, err, good)
	}
	for _, bad := range []struct{ name, value, says string }{
		{"DOCUMENTS", "mysql", "not understood"},
		{"DOCUMENTS", "file://" + folder + "/none", "no such file or directory"},
		{"DOCUMENTS", "file://host/folder", "not understood"},
		{"DOCUMENTS", "s3://", "not understood"},
		{"DOCUMENTS", "s3://scans?endpoint=minio:9000", "https://host:9000"},
		{"DOCUMENT_LIMIT", "0", "between 1"},
		{"DOCUMENT_LIMIT", "2000000000", "between 1"},
		{"DOCUMENT_TYPES", "application/pdf,image/bmp", "image/bmp"},
	} {
		c, err := Load(map[string]string{bad.name: bad.value})
		require.NoError(t, err)
		_, err = c.DocumentStore(nil)
		require.ErrorContains(t, err, bad.name+": ")
		require.ErrorContains(t, err, bad.says)
	}
}

func TestPayloadKeysComeFromTheEnvironmentOrAFileAndAreAskedFor(t *testing.T) {
	const key = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte(key+"\n"), 0o600))
	for name, test := range map[string]struct {
		environ map[string]string
		writes  bool
		says    string
	}{
		"keys":      {map[string]string{"PAYLOAD_KEYS": key}, true, ""},
		"a file":    {map[string]string{"PAYLOAD_KEYS_FILE": file}, true, ""},
		"off":       {map[string]string{"PAYLOAD_KEYS": "off"}, false, ""},
		"none":      {nil, false, "PAYLOAD_KEYS is not set"},
		"both":      {map[string]string{"PAYLOAD_KEYS": key, "PAYLOAD_KEYS_FILE": file}, false, "both set"},
		"malformed": {map[string]string{"PAYLOAD_KEYS": "secret"}, false, "PAYLOAD_KEYS: entry 1"},
		"no file":   {map[string]string{"PAYLOAD_KEYS_FILE": file + "-none"}, false, "PAYLOAD_KEYS_FILE: open"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(test.environ)
			require.NoError(t, err)
			payloads, err := c.PayloadCodec()
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.writes, payloads.Writes())
		})
	}
}

func TestWithoutPayloadKeysNothingIsSaidToTemporal(t *testing.T) {
	t.Setenv("PAYLOAD_KEYS", "")
	t.Setenv("PAYLOAD_KEYS_FILE", "")
	_, _, err := Temporal(t.Context(), slog.New(slog.DiscardHandler), nil, time.Minute)
	require.ErrorContains(t, err, "starter codec key")
}

func TestTracesAreOffUntilACollectorIsNamed(t *testing.T) {
	for _, off := range []map[string]string{
		{},
		{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"},
	} {
		c, err := Load(off)
		require.NoError(t, err)
		traces, err := c.Traces(t.Context(), "test", "1", func(error) {})
		require.NoError(t, err)
		interceptors, err := traces.Interceptors()
		require.NoError(t, err)
		require.Empty(t, interceptors)
		driver, err := traces.Driver()
		require.NoError(t, err)
		require.Equal(t, prepared.Driver, driver)
		require.NoError(t, traces.Close(t.Context()))
	}
	for _, on := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		c, err := Load(map[string]string{on: "http://127.0.0.1:4318"})
		require.NoError(t, err)
		traces, err := c.Traces(t.Context(), "test", "1", func(error) {})
		require.NoError(t, err)
		interceptors, err := traces.Interceptors()
		require.NoError(t, err)
		require.Len(t, interceptors, 1)
	}
	for name, value := range map[string]string{"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"} {
		c, err := Load(map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", name: value})
		require.NoError(t, err)
		_, err = c.Traces(t.Context(), "test", "1", func(error) {})
		require.ErrorContains(t, err, value)
		require.ErrorContains(t, err, "OTEL_")
	}
}

func TestWhereTheConsoleIsFoundAndWhoseHeadersCount(t *testing.T) {
	c, err := Load(map[string]string{})
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:8080", c.ConsoleURL)
	c, err = Load(map[string]string{"CONSOLE_URL": "https://console.example.com/", "CONSOLE_PROXIES": "10.0.0.0/8,::1/128", "CONSOLE_NOTICE": "演示, a demo"})
	require.NoError(t, err)
	require.Equal(t, "https://console.example.com", c.ConsoleURL)
	require.Equal(t, "演示, a demo", c.ConsoleNotice)
	networks, err := c.Proxies()
	require.NoError(t, err)
	require.Len(t, networks, 2)
	c.ConsoleProxies = []string{"10.0.0.1"}
	_, err = c.Proxies()
	require.ErrorContains(t, err, `CONSOLE_PROXIES: "10.0.0.1" is not a network`)
}

func TestTheConsolesAddressIsOneOfASiteAndItIsToldWhenPasswordsGoInClear(t *testing.T) {
	for _, wrong := range []string{"console.example.com", "ftp://console.example.com", "https://console.example.com/console", "https://console.example.com?x=1", "https://me:secret@console.example.com", "https://"} {
		_, err := Load(map[string]string{"CONSOLE_URL": wrong})
		require.ErrorContains(t, err, "CONSOLE_URL", wrong)
		require.ErrorContains(t, err, "write it like https://console.example.com", wrong)
	}
	for address, safe := range map[string]bool{
		"https://console.example.com": true, "http://127.0.0.1:8080": true, "http://localhost:8080": true, "http://[::1]:8080": true, "http://console.example.com": false, "http://0.0.0.0:8080": false,
	} {
		c, err := Load(map[string]string{"CONSOLE_URL": address})
		require.NoError(t, err)
		require.Equal(t, safe, c.ConsoleSafe(), address)
	}
	c, err := Load(map[string]string{"CONSOLE_METRICS_ADDRESS": "127.0.0.1:9465"})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:9465", c.ConsoleMetrics)
}

func TestACaseIsFoundInTheTemporalUI(t *testing.T) {
	require.Empty(t, Config{}.CaseInTemporal("default", "withdrawal/P1/k", "r"))
	require.Equal(t, "http://ui:8233/namespaces/default/workflows/withdrawal%2FP1%2Fk/r/history", Config{TemporalUIURL: "http://ui:8233"}.CaseInTemporal("default", "withdrawal/P1/k", "r"))
}
