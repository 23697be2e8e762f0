// Package chromium finds a Chromium on this machine, or installs the distribution's: the tests of the console open its
// pages in it.
package chromium

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"countersign/dev/internal/debian"
)

// Variable names the browser to use instead of one that is found, and hands the found one on to tests.
const Variable = "CHROMIUM"

// ErrNone means that this machine has no Chromium.
var ErrNone = errors.New("no Chromium found: install it (Debian: apt-get install chromium fonts-droid-fallback; macOS: brew install --cask chromium), or set " + Variable + " to the browser's program")

// Chromium and what is made of it, under the names that distributions and macOS give them.
var names = []string{
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
	"/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
}

// Find answers the program's path; nothing is downloaded. A path in Variable goes first, and has to be there.
func Find() (string, error) {
	if chosen := os.Getenv(Variable); chosen != "" {
		path, err := exec.LookPath(chosen)
		if err != nil {
			return "", fmt.Errorf("%s: %w", Variable, err)
		}
		return path, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}

// FindOrInstall is Find that, as root on Debian or its children, installs the distribution's browser when there is none,
// with a font for Chinese: the pictures of the pages show it.
func FindOrInstall(ctx context.Context, say func(format string, args ...any)) (string, error) {
	path, err := Find()
	if !errors.Is(err, ErrNone) || !debian.CanInstall() {
		return path, err
	}
	say("no Chromium found: installing Debian's, once")
	if err := debian.Install(ctx, "chromium", "fonts-droid-fallback"); err != nil {
		return "", err
	}
	return Find()
}

// Version is what the browser says of itself: "Chromium 148.0.7778.167".
func Version(ctx context.Context, path string) (string, error) {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", path, err)
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(out)), " built on ")
	return version, nil
}
