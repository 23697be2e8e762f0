package child

import (
	"os/exec"
	"syscall"
)

// own puts cmd into a process group of its own, so that a Ctrl-C in the terminal reaches this process only and the
// children are stopped in order; if this process is killed, the kernel asks cmd to stop.
func own(cmd *exec.Cmd, stop syscall.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = stop
}
