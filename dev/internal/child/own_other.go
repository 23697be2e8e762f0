//go:build !linux

package child

import (
	"os/exec"
	"syscall"
)

// own is the Linux version without Pdeathsig: when this process is killed, its children stay until the next start.
func own(cmd *exec.Cmd, _ syscall.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}
