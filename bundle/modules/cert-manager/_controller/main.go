// Command controller runs the controllers of cert-manager: it keeps
// certificates issued. Upstream does not publish its own main as a module, so
// this one takes upstream's packages and upstream's names of the flags.
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
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/tools/leaderelection"

	"github.com/cert-manager/cert-manager/internal/apis/config/controller/validation"
	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
	"github.com/cert-manager/cert-manager/pkg/util/feature"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	logs.FlushLogs()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cert-manager controller:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	logs.InitLogs()
	config, err := defaults()
	if err != nil {
		return err
	}
	flags := flagsOf(config)
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
	if err := errors.Join(
		validation.ValidateControllerConfiguration(config, nil).ToAggregate(),
		feature.DefaultMutableFeatureGate.SetFromMap(config.FeatureGates),
		logs.ValidateAndApply(&config.Logging),
	); err != nil {
		return err
	}
	options, err := optionsOf(config)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return err
	}
	root, err := factory.Build()
	if err != nil {
		return err
	}
	alive := leaderelection.NewLeaderHealthzAdaptor(config.LeaderElectionConfig.HealthzTimeout)
	if err := serveHealth(ctx, group, config.HealthzListenAddress, alive); err != nil {
		return err
	}
	if err := serveMetrics(ctx, group, config, root); err != nil {
		return err
	}
	group.Go(func() error {
		return whenLeading(ctx, config, root.Client, alive, func(ctx context.Context) error {
			return runControllers(ctx, config, factory, root)
		})
	})
	return group.Wait()
}
