package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"countersign/dev/internal/debian"
)

// race prints -race for go test, or nothing and the reason on stderr.
func race(ctx context.Context, _ checkout, _ []string) error {
	if compiles(ctx) != nil && runtime.GOOS == "linux" && debian.CanInstall() {
		say("no C compiler for the race detector: installing gcc, once")
		if err := debian.Install(ctx, "gcc", "libc6-dev"); err != nil {
			return err
		}
	}
	if err := compiles(ctx); err != nil {
		say("no C compiler (%v): the tests run without the race detector; install gcc and the C library's headers to have it", err)
		return nil
	}
	fmt.Println("-race")
	return nil
}

// compiles tries the compiler that Go would use, and the C library's headers, which are another package.
func compiles(ctx context.Context) error {
	cc := append(cCompiler(ctx), "-x", "c", "-fsyntax-only", "-")
	cmd := exec.CommandContext(ctx, cc[0], cc[1:]...)
	cmd.Stdin = strings.NewReader("#include <stdlib.h>\nint main(void) { return 0; }\n")
	return cmd.Run()
}

// cCompiler is what go env says, which may carry flags or a wrapper.
func cCompiler(ctx context.Context) []string {
	out, err := exec.CommandContext(ctx, "go", "env", "CC").Output()
	if cc := strings.Fields(string(out)); err == nil && len(cc) > 0 {
		return cc
	}
	return []string{"cc"}
}

func cCompilerFound(ctx context.Context) string {
	if err := compiles(ctx); err != nil {
		return fmt.Sprintf("none that works (%v): tests run without the race detector", err)
	}
	return firstLine(ctx, cCompiler(ctx)[0], "--version")
}
