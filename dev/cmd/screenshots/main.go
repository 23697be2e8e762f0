// Command screenshots plays the demo on a stack of its own and pictures what the Temporal UI shows of it, for the docs. It
// needs bin/ built; run it with `make screenshots`.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"countersign/dev/internal/chromium"

	"github.com/chromedp/chromedp"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: screenshots FOLDER, from the checkout's root")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

// stack is the line that bin/local prints once its servers answer.
type stack struct {
	DatabaseURL     string `json:"database_url"`
	TemporalAddress string `json:"temporal_address"`
	UIURL           string `json:"ui_url"`
	PayloadKeys     string `json:"payload_keys"`
	CodecAddress    string `json:"codec_address"`
}

func run(ctx context.Context, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	browser, err := chromium.FindOrInstall(ctx, func(format string, args ...any) { fmt.Fprintf(os.Stderr, "screenshots: "+format+"\n", args...) })
	if err != nil {
		return err
	}
	home, err := os.MkdirTemp("", "countersign-screenshots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home) //nolint:errcheck // it lies in the temporary folder
	s, stop, err := start(ctx, home)
	if err != nil {
		return err
	}
	defer stop()
	env := append(os.Environ(), "DATABASE_URL="+s.DatabaseURL, "TEMPORAL_ADDRESS="+s.TemporalAddress, "METRICS_ADDRESS=off", "PAYLOAD_KEYS="+s.PayloadKeys)
	demo := exec.CommandContext(ctx, "bin/starter", "demo", "--worker", "bin/worker")
	demo.Env, demo.Stderr = env, os.Stderr
	if err := demo.Run(); err != nil {
		return fmt.Errorf("play the demo: %w", err)
	}
	worker := exec.CommandContext(ctx, "bin/worker") // answers the UI's question where a case stands
	worker.Env = env
	if err := worker.Start(); err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	defer func() {
		_ = worker.Process.Kill() // it only answered questions
		_ = worker.Wait()
	}()
	signIn, stopCodec, err := decrypt(ctx, s, env)
	if err != nil {
		return err
	}
	defer stopCodec()
	pages, err := pages(ctx, s.UIURL, env)
	if err != nil {
		return err
	}
	return picture(ctx, browser, folder, signIn, pages)
}

// start starts Postgres, Temporal and its UI; they end with stop.
func start(ctx context.Context, home string) (stack, func(), error) {
	var s stack
	local := exec.CommandContext(ctx, "bin/local", "stack", "--dir", home, "--codec")
	local.Stderr = os.Stderr
	stdin, err := local.StdinPipe()
	if err != nil {
		return s, nil, err
	}
	out, err := local.StdoutPipe()
	if err != nil {
		return s, nil, err
	}
	if err := local.Start(); err != nil {
		return s, nil, fmt.Errorf("%w; build it with: make build", err)
	}
	stop := func() {
		_ = stdin.Close() // the servers end
		_ = local.Wait()  // how, it has said itself
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	if err != nil {
		stop()
		return s, nil, fmt.Errorf("the servers do not start: %w", err)
	}
	return s, stop, nil
}

// decrypt runs the codec server that the UI asks, and answers the link that signs a browser in to it.
func decrypt(ctx context.Context, s stack, env []string) (link string, stop func(), err error) {
	codec := exec.CommandContext(ctx, "bin/starter", "codec", "serve", "--address", s.CodecAddress, "--ui", s.UIURL)
	codec.Env = env
	said, err := codec.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := codec.Start(); err != nil {
		return "", nil, fmt.Errorf("start the codec server: %w", err)
	}
	stop = func() {
		_ = codec.Process.Kill() // it only answered questions
		_ = codec.Wait()
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	at := strings.Index(line, "http://")
	if err != nil || at < 0 {
		stop()
		return "", nil, fmt.Errorf("the codec server shows no link: %s %w", line, err)
	}
	return strings.TrimSpace(line[at:]), stop, nil
}

// page is one picture, taken when a text has appeared.
type page struct{ address, text string }

// pages are what the docs show: the list of cases, the story of a withdrawal that was paid, and where an open case stands.
func pages(ctx context.Context, ui string, env []string) (map[string]page, error) {
	list := exec.CommandContext(ctx, "bin/starter", "case", "list", "--json")
	list.Env, list.Stderr = env, os.Stderr
	text, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	var listed struct {
		Cases []struct {
			Case       string     `json:"case"`
			State      string     `json:"state"`
			ClosedAt   *time.Time `json:"closed_at"`
			WorkflowID string     `json:"workflow_id"`
			RunID      string     `json:"run_id"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, fmt.Errorf("list cases: %w", err)
	}
	runs := ui + "/namespaces/default/workflows"
	found := map[string]page{"cases": {runs, "Withdrawal"}}
	for _, c := range listed.Cases {
		run := runs + "/" + url.PathEscape(c.WorkflowID) + "/" + c.RunID
		if c.State == "PAID" {
			found["history"] = page{run + "/history", "submit"}
		}
		if c.ClosedAt == nil {
			found["details"] = page{run + "/user-metadata", "Waits for"}
		}
	}
	if len(found) < 3 {
		return nil, errors.New("the demo leaves no paid withdrawal, or no open case")
	}
	return found, nil
}

func picture(ctx context.Context, browser, folder, signIn string, pages map[string]page) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.WindowSize(1600, 1700))
	if os.Geteuid() == 0 { // Chromium's sandbox does not work as root
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Navigate(signIn)); err != nil {
		return fmt.Errorf("sign in to the codec server: %w", err)
	}
	for name, p := range pages {
		png, err := look(ctx, p)
		if err != nil {
			return fmt.Errorf("picture %s: %w", strings.TrimPrefix(p.address, "http://"), err)
		}
		file := filepath.Join(folder, "temporal-"+name+".png")
		if err := os.WriteFile(file, png, 0o644); err != nil {
			return err
		}
		fmt.Println(file)
	}
	return nil
}

// look opens a page and pictures it once its text is there.
func look(ctx context.Context, p page) ([]byte, error) {
	if _, err := chromedp.Run(ctx, chromedp.Navigate(p.address)); err != nil {
		return nil, err
	}
	there := fmt.Sprintf(`(document.body.innerText + [...document.querySelectorAll('iframe')].map(f => // current details are the parameter of a frame
		(f.src ? [...new URL(f.src).searchParams.values()].join(' ') : '') + f.srcdoc).join(' ')).includes(%q)`, p.text)
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](there, chromedp.WithPollingTimeout(time.Minute))); err != nil {
		return nil, err
	}
	if _, err := chromedp.Run(ctx, chromedp.Sleep(3*time.Second)); err != nil { // fonts, and what slides in
		return nil, err
	}
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}
