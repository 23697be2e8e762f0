package countersign_test

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "countersign"

// goPackage is what `go list` says of one package of ours, its tests left out.
type goPackage struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string // as written
	Deps       []string // all that these need, too
}

// ours lists the packages of this module; those of modules below it are not among them.
func ours(t *testing.T) []goPackage {
	t.Helper()
	list := exec.Command("go", "list", "-e", "-deps=false", "-json=ImportPath,Dir,GoFiles,Imports,Deps", "./...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	require.NoError(t, err)
	var packages []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	require.NotEmpty(t, packages)
	return packages
}

// within tells whether a package is one of the folders, or lies below one.
func within(importPath string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		f = module + "/" + f
		return importPath == f || strings.HasPrefix(importPath, f+"/")
	})
}

// arrows says which of our folders each folder may know. What is not listed knows anything but a main.
var arrows = map[string][]string{
	"domain":     {"domain"},
	"schema":     {"schema", "domain/calendar", "internal/prepared"},
	"activities": {"activities", "domain", "schema", "internal"},
	"views":      {"views", "domain", "schema", "internal"},
	"workflows":  {"workflows", "activities", "domain", "internal"},
	"policies":   {"policies", "domain"},
	"desk":       {"desk", "workflows", "views", "activities", "domain"},
	"web":        {"web", "desk", "policies", "workflows", "views", "activities", "domain", "internal"},
	"web/page":   {"web/page", "desk", "activities", "domain", "internal/documents"},
	"web/signin": {"web/signin", "web/page", "views", "activities", "domain", "internal"},
	"internal":   {"internal", "domain", "schema"},
}

var mains = []string{"worker", "starter", "server"}

func TestGivenTheHouse_WhenItsImportsAreRead_ThenArrowsGoOneWayAndNothingImportsAMain(t *testing.T) {
	for _, p := range ours(t) {
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module+"/") {
				continue
			}
			for _, main := range mains {
				if within(imported, main) && !within(p.ImportPath, main) {
					t.Errorf("%s imports %s: nothing imports a main", p.ImportPath, imported)
				}
			}
			for folder, may := range arrows {
				if within(p.ImportPath, folder) && !within(imported, may...) {
					t.Errorf("%s imports %s: %s may know %s", p.ImportPath, imported, folder, strings.Join(may, ", "))
				}
			}
		}
	}
}

func TestGivenTheDomain_WhenItsImportsAreRead_ThenItKnowsNeitherTemporalNorADatabaseNorTheMachine(t *testing.T) {
	for _, p := range ours(t) {
		if !within(p.ImportPath, "domain") {
			continue
		}
		for _, imported := range p.Imports { // the machine is looked for here only: fmt itself knows os
			switch {
			case slices.Contains([]string{"os", "net", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "syscall", "plugin", "time/tzdata"}, imported),
				strings.HasPrefix(imported, "os/"), strings.HasPrefix(imported, "net/") && imported != "net/url",
				strings.HasPrefix(imported, "database/sql") && imported != "database/sql/driver":
				t.Errorf("%s imports %s: the domain does no I/O and draws no lots", p.ImportPath, imported)
			}
		}
		for _, needed := range p.Deps {
			for _, no := range []string{"go.temporal.io/", "google.golang.org/grpc", "github.com/lib/pq", "github.com/jmoiron/sqlx", "github.com/pressly/goose"} {
				if strings.HasPrefix(needed, no) {
					t.Errorf("%s needs %s", p.ImportPath, needed)
				}
			}
			if needed == "database/sql" || needed == "net" {
				t.Errorf("%s needs %s", p.ImportPath, needed)
			}
		}
	}
}

func TestGivenTheDomain_WhenItsSourceIsRead_ThenItAsksNoClockAndLoadsNoTimeZone(t *testing.T) {
	forbidden := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "LoadLocation", "LoadLocationFromTZData", "Local"}
	for _, p := range ours(t) {
		if !within(p.ImportPath, "domain") {
			continue
		}
		for _, name := range p.GoFiles {
			files := token.NewFileSet()
			source, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			ast.Inspect(source, func(n ast.Node) bool {
				selector, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if from, ok := selector.X.(*ast.Ident); ok && from.Name == "time" && slices.Contains(forbidden, selector.Sel.Name) {
					t.Errorf("%s: time.%s: instants are handed in", files.Position(n.Pos()), selector.Sel.Name)
				}
				return true
			})
		}
	}
}

// The fault harness has builds of its own: one that is slow where a crash hurts, one with a mistake.
func TestGivenTheProgramme_WhenItIsBuiltToBeReleased_ThenNothingOfTheFaultHarnessIsInIt(t *testing.T) {
	tagged := 0
	for _, p := range ours(t) {
		for _, name := range p.GoFiles {
			require.NotRegexp(t, `_(faults|broken)\.go$`, name, p.ImportPath)
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			require.NoError(t, err)
			if strings.HasPrefix(string(text), "//go:build !faults") {
				tagged++
			}
		}
	}
	require.Equal(t, 2, tagged, "the delay and the broken key are the only ones, and both are left out")
	for _, file := range []string{"Dockerfile", "docker-compose.yml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(text), "-tags", file)
	}
	if bin := os.Getenv("COUNTERSIGN_BIN"); bin != "" {
		for _, main := range []string{"worker", "starter", "server"} {
			info, err := buildinfo.ReadFile(filepath.Join(bin, main))
			require.NoError(t, err)
			for _, s := range info.Settings {
				require.False(t, s.Key == "-tags" && strings.Contains(s.Value, "faults"), "%s was built with %s", main, s.Value)
			}
		}
	}
}

func TestGivenTheModule_WhenItsRequirementsAreRead_ThenTheTemporalServerAndLocalFoldersAreNotAmongThem(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	require.NotContains(t, string(text), "go.temporal.io/server")
	require.NotContains(t, string(text), "=>", "what is replaced builds on this machine only")
}

// Whoever clones the project has neither our folders nor our module mirror.
func TestGivenFilesUnderVersionControl_WhenTheyAreRead_ThenNoneNamesThisMachinesFoldersOrMirror(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	require.NoError(t, err, "the project is a git checkout")
	secrets := machine(t)
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // deleted, not committed yet
		}
		for what, secret := range secrets {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s names %s", name, what)
			}
		}
	}
}

// machine is what must not appear in a file: the checkout's folder, and hosts that modules are fetched from here.
func machine(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	here, err := os.Getwd()
	require.NoError(t, err)
	if strings.Count(here, "/") > 1 { // "/src" is not telling
		found["the checkout's folder"] = here + "/"
	}
	proxies, err := exec.Command("go", "env", "GOPROXY").Output()
	require.NoError(t, err)
	for _, proxy := range strings.FieldsFunc(strings.TrimSpace(string(proxies)), func(r rune) bool { return r == ',' || r == '|' }) {
		_, address, isURL := strings.Cut(proxy, "://")
		if host, _, _ := strings.Cut(address, "/"); isURL && host != "" && host != "proxy.golang.org" {
			found["the module mirror"] = host[strings.LastIndexByte(host, '@')+1:]
		}
	}
	return found
}
