package main

import (
	"context"
	"errors"
	"os"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
)

// lease is the name that upstream's controller takes, so that both are never
// active together.
const lease = "cert-manager-controller"

// whenLeading does the work while this instance holds the Lease, or at once
// where there is no election.
func whenLeading(ctx context.Context, c *config.ControllerConfiguration, client kubernetes.Interface,
	alive *leaderelection.HealthzAdaptor, work func(context.Context) error,
) error {
	e := c.LeaderElectionConfig
	if !e.Enabled {
		return work(ctx)
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, e.Namespace, lease, client.CoreV1(), client.CoordinationV1(),
		resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())})
	if err != nil {
		return err
	}
	electionCtx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Name: lease, Lock: lock, WatchDog: alive, ReleaseOnCancel: true,
		LeaseDuration: e.LeaseDuration, RenewDeadline: e.RenewDeadline, RetryPeriod: e.RetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				done <- work(ctx)
				stop()
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	elector.Run(electionCtx)
	if electionCtx.Err() == nil {
		return errors.New("the Lease was lost to another instance")
	}
	select {
	case err := <-done:
		return err
	default:
		return nil
	}
}
