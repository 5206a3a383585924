// Command kbm takes bare machines to a working Kubernetes cluster, and keeps
// it that way.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/kbm-dev/kbm/cmd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks kbm to end; a second one ends it.
	context.AfterFunc(ctx, stop)
	code := cmd.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
