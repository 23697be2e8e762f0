package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"countersign/dev/internal/stack"
)

// clean stops every stack of the checkout, then removes them all.
func clean(ctx context.Context, c checkout, _ []string) error {
	dirs, err := stacks(c)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		pid := stack.Holder(dir)
		if pid == 0 {
			continue
		}
		say("stopping %s (process %d)", filepath.Base(dir), pid)
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop process %d: %w", pid, err)
		}
	}
	for _, dir := range dirs {
		for end := time.Now().Add(2 * time.Minute); stack.Holder(dir) != 0; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				return fmt.Errorf("process %d does not stop; nothing was removed", stack.Holder(dir))
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return errors.Join(os.RemoveAll(c.home), os.RemoveAll(c.memory))
}

// sweep removes what throw-away stacks left behind when they were killed.
func sweep(c checkout) error {
	dirs, err := stacks(c)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		throwaway := strings.HasPrefix(filepath.Base(dir), "test-") || strings.HasPrefix(filepath.Base(dir), "stack-")
		info, err := os.Stat(dir)
		if !throwaway || err != nil || stack.Holder(dir) != 0 || time.Since(info.ModTime()) < time.Minute {
			continue // a young one may be between its making and its lock
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// stacks are the folders of the checkout's stacks.
func stacks(c checkout) ([]string, error) {
	var dirs []string
	for _, home := range []string{c.home, c.memory} {
		entries, err := os.ReadDir(home)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() {
				dirs = append(dirs, filepath.Join(home, e.Name()))
			}
		}
	}
	return dirs, nil
}
