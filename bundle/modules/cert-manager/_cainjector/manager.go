package main

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	apireg "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	config "github.com/cert-manager/cert-manager/internal/apis/config/cainjector"
	"github.com/cert-manager/cert-manager/internal/kube"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/cert-manager/cert-manager/pkg/util"
)

// lease is the name that upstream's cainjector takes, so that both are never
// active together.
const lease = "cert-manager-cainjector-leader-election"

func newManager(c *config.CAInjectorConfiguration) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientscheme.AddToScheme(scheme), apiext.AddToScheme(scheme), apireg.AddToScheme(scheme), cmapi.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	access, err := kube.BuildClientConfig("", c.KubeConfig)
	if err != nil {
		return nil, err
	}
	e := c.LeaderElectionConfig
	options := manager.Options{
		Scheme:  scheme,
		Metrics: metrics.Options{BindAddress: c.MetricsListenAddress},
		// Secrets are watched by their metadata: a cache of whole ones would
		// hold every secret of the cluster.
		Client:                        client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		LeaderElection:                e.Enabled,
		LeaderElectionID:              lease,
		LeaderElectionNamespace:       e.Namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &e.LeaseDuration,
		RenewDeadline:                 &e.RenewDeadline,
		RetryPeriod:                   &e.RetryPeriod,
	}
	if c.Namespace != "" {
		options.Cache = cache.Options{DefaultNamespaces: map[string]cache.Config{c.Namespace: {}}}
	}
	// The field manager of what it writes is made of the user agent: it must
	// have one.
	return ctrl.NewManager(util.RestConfigWithUserAgent(access, "cainjector"), options)
}
