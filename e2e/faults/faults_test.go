package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"countersign/internal/stacktest"

	"github.com/stretchr/testify/require"
)

// TestMain is the callers, too: the harness starts itself as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "caller" {
		if err := call(context.Background(), os.Args[2], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

var businessKeyTwice = regexp.MustCompile(`the business key F\d+-\d+ was to be booked once; it moved L:\S+ -\d+\.00 twice, the second time by entry lab-credit/`)

// ci is what the command line's own numbers are.
var ci = size{Seed: 7, Rounds: 10, InFlight: 500, Requests: 250, Faults: 3, Callers: 3}

func TestGivenASeed_WhenAPlanIsDrawnAgain_ThenItIsTheSame_AndAnotherSeedGivesAnother(t *testing.T) {
	require.Equal(t, draw(ci), draw(ci))
	other := ci
	other.Seed++
	require.NotEqual(t, draw(ci).Rounds, draw(other).Rounds)
}

func TestGivenAPlan_WhenItIsRead_ThenEachRoundHasItsCasesInFlightAndEachStepComesOnceInOrder(t *testing.T) {
	p := draw(ci)
	next, kinds := map[string]int{}, map[string]bool{}
	for _, r := range p.Rounds {
		requests := 0
		for _, s := range r.Shares {
			require.Equal(t, next[s.Case], s.From, s.Case)
			require.Greater(t, s.To, s.From)
			next[s.Case], kinds[s.Play] = s.To, true
			requests += s.To - s.From
		}
		open := 0
		for _, c := range p.Cases {
			if next[c.Case] > 0 && next[c.Case] < len(plays[c.Play].steps) {
				open++
			}
		}
		require.Equal(t, requests, r.Requests)
		require.GreaterOrEqual(t, open, ci.InFlight/2, "more are opened in the next round")
		require.Len(t, r.Faults, ci.Faults)
		for i, f := range r.Faults {
			require.LessOrEqual(t, f.After, requests)
			if i > 0 {
				require.Greater(t, f.After, r.Faults[i-1].After)
			}
		}
	}
	require.Len(t, kinds, len(plays), "all kinds")
	dealt := map[string]bool{}
	for _, r := range p.Rounds {
		for _, f := range r.Faults {
			dealt[f.Name] = true
		}
	}
	require.Len(t, dealt, len(deck), "all faults")
}

func TestGivenTwoHarnesses_WhenTheyRunBesideEachOther_ThenTheirWorkersHaveNetworksOfTheirOwn(t *testing.T) {
	taken := map[string]int{}
	for pid := range 1 << 15 {
		host, worker := sides(pid)
		require.Zero(t, taken[host]+taken[worker], "%s and %s of process %d", host, worker, pid)
		taken[host], taken[worker] = 1, 1
	}
	host, worker := sides(1<<15 - 1)
	require.Equal(t, []string{"198.19.255.253", "198.19.255.254"}, []string{host, worker})
}

func TestGivenAJournalWhoseLastLineWasCutOff_WhenItIsReadAndGoneOn_ThenNothingElseIsLost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(file)
	require.NoError(t, err)
	require.NoError(t, j.write(note{Case: "F1"}))
	_, err = j.file.WriteString(`{"case":"F1","st`) // killed
	require.NoError(t, err)
	j, err = openJournal(file)
	require.NoError(t, err)
	require.NoError(t, j.write(note{Case: "F1", Answer: true, State: "PAID"}))
	notes, err := readJournal(file)
	require.NoError(t, err)
	require.Len(t, notes[asked{"F1", 0}], 2)
	require.EqualValues(t, "PAID", answered(notes[asked{"F1", 0}]).State)
}

func TestGivenALink_WhenItIsCut_ThenNothingGoesThroughUntilItIsMended(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { echo.Close() })
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go io.Copy(c, c) //nolint:errcheck // it ends with the connection
		}
	}()
	l := &link{}
	l.prepare()
	t.Cleanup(l.close)
	address, err := l.relay("127.0.0.1", echo.Addr().String())
	require.NoError(t, err)
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	says := func(word string) error {
		if _, err := c.Write([]byte(word)); err != nil {
			return err
		}
		require.NoError(t, c.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
		_, err := io.ReadFull(c, make([]byte, len(word)))
		return err
	}
	require.NoError(t, says("before"))
	require.NoError(t, l.cut())
	require.ErrorIs(t, says("within"), os.ErrDeadlineExceeded)
	require.NoError(t, l.mend())
	require.NoError(t, c.SetReadDeadline(time.Now().Add(stacktest.Patience)))
	_, err = io.ReadFull(c, make([]byte, len("within")))
	require.NoError(t, err)
}

// workerBuilt builds a worker of the harness's own.
func workerBuilt(t *testing.T, tags string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "worker")
	out, err := exec.Command("go", "build", "-tags", tags, "-o", file, "countersign/worker").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return file
}

func fight(t *testing.T, args ...string) (report, error) {
	t.Helper()
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "report.json")
	err := run(t.Context(), append(args, "--json", file), &out, testWriter{t})
	t.Log(out.String())
	text, failed := os.ReadFile(file)
	require.NoError(t, failed, "%v", err)
	var r report
	require.NoError(t, json.Unmarshal(text, &r))
	return r, err
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(string(bytes.TrimSpace(b)))
	return len(b), nil
}

// Rules: ENG-01, ENG-02, ENG-04, PGM-10
func TestGivenCasesOfAllKindsInFlight_WhenEverythingTheyRunOnIsKilledPausedAndParted_ThenNothingIsLostOrDoubledOrSaidFalsely(t *testing.T) {
	r, err := fight(t, "--worker", workerBuilt(t, "faults"), "--seed", fmt.Sprint(ci.Seed))
	require.NoError(t, err)
	require.Empty(t, r.Findings)
	require.Len(t, r.Rounds, ci.Rounds)
	for _, round := range r.Rounds {
		require.Len(t, round.Faults, ci.Faults)
		for _, f := range round.Faults {
			require.Positive(t, f.Met, "%s met nobody", f)
		}
		require.GreaterOrEqual(t, round.InFlight, ci.InFlight/2)
	}
}

// Rule: ENG-01
func TestGivenABuildWithoutABusinessKey_WhenItsWorkerIsKilled_ThenOneRunFindsTheDoubledEntryAndNamesTheKey(t *testing.T) {
	r, err := fight(t, "--worker", workerBuilt(t, "faults faults_broken"), "--seed", "3", "--plays", "lab credit, used up", "--only", killWorker,
		"--rounds", "6", "--cases", "30", "--requests", "60", "--faults", "4", "--callers", "1", "--delay", "2s")
	require.ErrorIs(t, err, errFindings)
	require.NotEmpty(t, r.Findings)
	require.Condition(t, func() bool {
		for _, f := range r.Findings {
			if f.Check == "entries" && businessKeyTwice.MatchString(f.Message) {
				return true
			}
		}
		return false
	}, "%v", r.Findings)
}
