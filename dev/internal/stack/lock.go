package stack

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Lock takes the stack's folder for this process. The kernel frees it when the process ends, however it ends.
func Lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(lockFile(dir), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	// A record lock and not flock, because the kernel tells who holds one.
	err = syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart})
	if err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		err = fmt.Errorf("the stack in %s runs already (process %d): stop it there with Ctrl-C, or all of them with make clean, which also removes their data", dir, Holder(dir))
	}
	return nil, errors.Join(err, f.Close())
}

// Holder is the other process that runs the stack in dir, zero for none.
func Holder(dir string) int {
	f, err := os.Open(lockFile(dir))
	if err != nil {
		return 0
	}
	defer f.Close()
	who := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &who); err != nil || who.Type == syscall.F_UNLCK {
		return 0
	}
	return int(who.Pid)
}

func lockFile(dir string) string { return filepath.Join(dir, "lock") }
