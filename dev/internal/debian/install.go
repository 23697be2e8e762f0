// Package debian installs packages of the distribution where that needs nobody's help: as root, with apt.
package debian

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// CanInstall says whether Install may be tried.
func CanInstall() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0
}

// Install installs packages and shows apt's own progress on stderr.
func Install(ctx context.Context, packages ...string) error {
	install := append([]string{"install", "-y", "--no-install-recommends"}, packages...)
	for _, args := range [][]string{{"update"}, install} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w", strings.Join(args, " "), err)
		}
	}
	return nil
}
