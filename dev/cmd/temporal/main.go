// Command temporal is Temporal for a developer's machine and for tests: every service and the UI in one process, all
// state in one folder, or, with -postgres, in two databases of a Postgres server. For anything else run a real cluster.
package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	serverlog "go.temporal.io/server/common/log"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
	"google.golang.org/protobuf/types/known/durationpb"

	"countersign/dev/internal/ports"
	"countersign/dev/visibility"
)

// Closed cases stay visible this long, as in production: a quarter and its settlement.
const retention = 90 * 24 * time.Hour

const clusterName = "active"

type settings struct {
	dir          string
	ip           string
	port, uiPort int
	codec        string
	logLevel     string
	postgres     string
	allIndexes   bool
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("temporal: ")
	var s settings
	flag.StringVar(&s.dir, "dir", "", "folder that holds all state (required)")
	flag.StringVar(&s.ip, "ip", "127.0.0.1", "address to listen on")
	flag.IntVar(&s.port, "port", 7233, "port of the frontend (gRPC)")
	flag.IntVar(&s.uiPort, "ui-port", 8233, "port of the UI")
	flag.StringVar(&s.codec, "codec-endpoint", "", "codec server that the UI has payloads decrypted by; its sign-in is a cookie")
	flag.StringVar(&s.logLevel, "log-level", "warn", "debug, info, warn or error")
	flag.StringVar(&s.postgres, "postgres", "", "Postgres server that keeps the state instead of the folder, in databases "+mainDatabase+" and "+visibilityDatabase+", made when missing; TEMPORAL_POSTGRES when left out")
	flag.BoolVar(&s.allIndexes, "all-indexes", false, "with -postgres: leave Temporal's visibility indexes as they are; without it those that Countersign does not use are dropped")
	flag.Parse()
	s.postgres = cmp.Or(s.postgres, os.Getenv("TEMPORAL_POSTGRES")) // no flag's default: -h would print a password
	if s.dir == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(s); err != nil {
		log.Fatal(err)
	}
}

// run serves until SIGINT or SIGTERM.
func run(s settings) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	stores, err := prepare(s)
	if err != nil {
		return err
	}
	cfg, err := serverConfig(s, stores)
	if err != nil {
		return err
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(serverlog.NewZapLogger(serverlog.BuildZapLogger(serverlog.Config{Level: s.logLevel}))),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			// A search attribute is usable in the call after the one that registers it, not a minute later.
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
			// A developer's machine and CI call nobody.
			dynamicconfig.EnableServerVersionCheck.Key(): false,
			// Whether a build's workers may stop is known after seconds, not after minutes.
			dynamicconfig.VersionDrainageStatusVisibilityGracePeriod.Key(): 3 * time.Second,
			dynamicconfig.VersionDrainageStatusRefreshInterval.Key():       3 * time.Second,
		}),
		temporal.InterruptOn(temporal.InterruptCh()),
	)
	if err != nil {
		return fmt.Errorf("build server: %w", err)
	}

	ui := uiserver.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
		Host:                s.ip,
		Port:                s.uiPort,
		TemporalGRPCAddress: cfg.PublicClient.HostPort,
		EnableUI:            true,
		DefaultNamespace:    "default",
		DisableNewsFetch:    true,
		HideLogs:            true,
		Codec:               uiconfig.Codec{Endpoint: s.codec, IncludeCredentials: true},
		CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP on one machine
	}))
	go func() {
		if err := ui.Start(); err != nil {
			log.Fatalf("UI: %v", err)
		}
	}()
	defer ui.Stop()

	return server.Start() // blocks until the signal, then stops every service in order
}

// stores are where Temporal keeps its state, by name.
type stores struct {
	main, visibility string
	shards           int32
	of               map[string]config.DataStore
}

// prepare creates schema and namespace on the first start and leaves both alone later.
func prepare(s settings) (stores, error) {
	var st stores
	if s.postgres != "" {
		of, err := postgresStores(context.Background(), s.postgres, s.allIndexes)
		if err != nil {
			return st, err
		}
		st = stores{main: mainDatabase, visibility: visibilityDatabase, shards: historyShards, of: of}
	} else {
		file := &config.SQL{
			PluginName:   sqliteplugin.PluginName,
			DatabaseName: filepath.Join(s.dir, "temporal.db"),
			// A write-ahead log with "normal" loses nothing when the process is killed, and costs one fsync in many. With
			// SQLite's own 2 MB of cache, 75,000 sleeping cases were slow to join.
			ConnectAttributes: map[string]string{"mode": "rwc", "journal_mode": "wal", "synchronous": "normal", "cache_size": "-524288"},
		}
		if err := prepareFile(file); err != nil {
			return st, err
		}
		// SQLite has one writer; more shards would only wait for it
		st = stores{main: sqliteplugin.PluginName, visibility: sqliteplugin.PluginName, shards: 1, of: map[string]config.DataStore{sqliteplugin.PluginName: {SQL: file}}}
	}
	namespace, err := sqlite.NewNamespaceConfig(clusterName, "default", false, nil)
	if err != nil {
		return st, fmt.Errorf("describe namespace: %w", err)
	}
	namespace.Detail.Config.Retention = durationpb.New(retention)
	if err := sqlite.CreateNamespaces(st.of[st.main].SQL, namespace); err != nil { // whatever the plugin
		return st, fmt.Errorf("create namespace: %w", err)
	}
	return st, nil
}

// prepareFile writes the schema beside its place and moves it there, so that a first start killed half-way leaves no half
// schema.
func prepareFile(db *config.SQL) error {
	if _, err := os.Stat(db.DatabaseName); errors.Is(err, fs.ErrNotExist) {
		fresh := *db
		fresh.DatabaseName += ".new"
		if err := os.RemoveAll(fresh.DatabaseName); err != nil {
			return err
		}
		// No WAL here: the one file holds everything when it is moved.
		fresh.ConnectAttributes = map[string]string{"mode": "rwc"}
		if err := sqlite.SetupSchema(&fresh); err != nil {
			return fmt.Errorf("create schema: %w", err)
		}
		if err := os.Rename(fresh.DatabaseName, db.DatabaseName); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if err := lean(db.DatabaseName); err != nil {
		return fmt.Errorf("drop indexes that are not used: %w", err)
	}
	return nil
}

// lean leaves the indexes out that nothing of ours asks for: they are most of what a start or an end of a case costs here.
func lean(path string) (err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.Exec(visibility.Lean)
	return err
}

func serverConfig(s settings, st stores) (*config.Config, error) {
	// The services find each other by these ports through the membership table, which outlives a restart for half a
	// minute: with other ports all cases would wait that long.
	kept, err := ports.Keep(filepath.Join(s.dir, "internal-ports.json"),
		ports.Want{Name: "history"}, ports.Want{Name: "matching"}, ports.Want{Name: "worker"},
		ports.Want{Name: "frontend-membership"}, ports.Want{Name: "history-membership"},
		ports.Want{Name: "matching-membership"}, ports.Want{Name: "worker-membership"})
	if err != nil {
		return nil, err
	}
	service := func(name string, port int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, MembershipPort: kept[name+"-membership"], BindOnIP: s.ip}}
	}
	address := net.JoinHostPort(s.ip, strconv.Itoa(s.port))

	return &config.Config{
		Global: config.Global{Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: s.ip}},
		Persistence: config.Persistence{
			DefaultStore:     st.main,
			VisibilityStore:  st.visibility,
			NumHistoryShards: st.shards,
			DataStores:       st.of,
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: address},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			"frontend": service("frontend", s.port),
			"history":  service("history", kept["history"]),
			"matching": service("matching", kept["matching"]),
			"worker":   service("worker", kept["worker"]),
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
		PublicClient: config.PublicClient{HostPort: address},
	}, nil
}
