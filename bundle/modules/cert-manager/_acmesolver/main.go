// Command acmesolver answers one HTTP-01 challenge: the controller of
// cert-manager starts it as a pod, with the answer in its flags.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
	"github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	logs.FlushLogs()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cert-manager acmesolver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	logs.InitLogs()
	var s solver.HTTP01Solver
	flags := pflag.NewFlagSet("acmesolver", pflag.ContinueOnError)
	flags.IntVar(&s.ListenPort, "listen-port", 8089, "port to answer on")
	flags.StringVar(&s.Domain, "domain", "", "name that is to be proven")
	flags.StringVar(&s.Token, "token", "", "token of the challenge")
	flags.StringVar(&s.Key, "key", "", "answer to the challenge")
	version := flags.Bool("version", false, "print the version and exit")
	if err := flags.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if *version {
		_, err := fmt.Fprintln(out, util.AppVersion)
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Listen(logs.FromContext(ctx, "acmesolver")) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}
