package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/sets"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/internal/apis/config/controller/v1alpha1"
	"github.com/cert-manager/cert-manager/internal/controller/feature"
	"github.com/cert-manager/cert-manager/pkg/controller"
	gateways "github.com/cert-manager/cert-manager/pkg/controller/certificate-shim/gateways"
	utilfeature "github.com/cert-manager/cert-manager/pkg/util/feature"

	// They make themselves known to the issuing controllers. Venafi's comes
	// with the controller of its requests.
	_ "github.com/cert-manager/cert-manager/pkg/issuer/acme"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/vault"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/venafi"
)

// runControllers runs the chosen controllers until the context ends or one of
// them fails.
func runControllers(ctx context.Context, c *config.ControllerConfiguration, factory *controller.ContextFactory, root *controller.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range sets.List(chosen(c)) {
		construct, ok := controller.Known()[name]
		if !ok {
			return fmt.Errorf("--controllers names %q, which is none", name)
		}
		loop, err := construct(factory)
		if err != nil {
			return fmt.Errorf("start controller %s: %w", name, err)
		}
		group.Go(func() error {
			if err := loop.Run(c.NumberOfConcurrentWorkers, ctx); err != nil {
				return fmt.Errorf("run controller %s: %w", name, err)
			}
			return nil
		})
	}
	// Informers start when every controller has asked for its own; the
	// controllers wait for them.
	root.SharedInformerFactory.Start(ctx.Done())
	root.KubeSharedInformerFactory.Start(ctx.Done())
	root.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	if root.GatewaySolverEnabled {
		root.GWShared.Start(ctx.Done())
	}
	return group.Wait()
}

// chosen lists the controllers to run: those that --controllers names, and what
// feature gates, the Gateway API and a single namespace add or take away.
func chosen(c *config.ControllerConfiguration) sets.Set[string] {
	names := sets.New[string]()
	for _, name := range c.Controllers {
		switch {
		case name == "*":
			names.Insert(v1alpha1.DefaultEnabledControllers...)
		case !strings.HasPrefix(name, "-"):
			names.Insert(name)
		}
	}
	if utilfeature.DefaultFeatureGate.Enabled(feature.ExperimentalCertificateSigningRequestControllers) {
		names.Insert(v1alpha1.ExperimentalCertificateSigningRequestControllers...)
	}
	if c.GatewayAPIConfig.Enabled && utilfeature.DefaultFeatureGate.Enabled(feature.ExperimentalGatewayAPISupport) {
		names.Insert(gateways.ControllerName)
	}
	if c.Namespace != "" {
		names.Delete(v1alpha1.ClusterScopedControllers...)
	}
	for name := range names {
		if slices.Contains(c.Controllers, "-"+name) {
			names.Delete(name)
		}
	}
	return names
}
