package main

import (
	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"

	config "github.com/cert-manager/cert-manager/internal/apis/config/cainjector"
	"github.com/cert-manager/cert-manager/internal/apis/config/cainjector/scheme"
	"github.com/cert-manager/cert-manager/pkg/apis/config/cainjector/v1alpha1"
	"github.com/cert-manager/cert-manager/pkg/logs"
)

// defaults are what upstream sets where no flag says otherwise.
func defaults() (*config.CAInjectorConfiguration, error) {
	s, _, err := scheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, err
	}
	versioned := &v1alpha1.CAInjectorConfiguration{}
	s.Default(versioned)
	c := &config.CAInjectorConfiguration{}
	return c, s.Convert(versioned, c, nil)
}

// flagsOf are those of upstream's flags that set up a cluster; its pages on the
// Internet explain them.
func flagsOf(c *config.CAInjectorConfiguration) *pflag.FlagSet {
	f := pflag.NewFlagSet("cainjector", pflag.ContinueOnError)
	e, targets := &c.LeaderElectionConfig, &c.EnableInjectableConfig
	f.StringVar(&c.KubeConfig, "kubeconfig", c.KubeConfig, "kubeconfig, outside of a cluster")
	f.StringVar(&c.Namespace, "namespace", c.Namespace, "take CAs from this namespace only")
	f.StringSliceVar(&c.IgnoreNamespaces, "ignore-namespaces", c.IgnoreNamespaces, "take no CAs from these namespaces")
	f.BoolVar(&c.EnableDataSourceConfig.Certificates, "enable-certificates-data-source", c.EnableDataSourceConfig.Certificates, "take CAs from Certificates")
	f.BoolVar(&targets.ValidatingWebhookConfigurations, "enable-validatingwebhookconfigurations-injectable", targets.ValidatingWebhookConfigurations, "write CAs to these")
	f.BoolVar(&targets.MutatingWebhookConfigurations, "enable-mutatingwebhookconfigurations-injectable", targets.MutatingWebhookConfigurations, "write CAs to these")
	f.BoolVar(&targets.CustomResourceDefinitions, "enable-customresourcedefinitions-injectable", targets.CustomResourceDefinitions, "write CAs to these")
	f.BoolVar(&targets.APIServices, "enable-apiservices-injectable", targets.APIServices, "write CAs to these")
	f.StringVar(&c.MetricsListenAddress, "metrics-listen-address", c.MetricsListenAddress, "address and port of /metrics; 0 is none")
	f.BoolVar(&e.Enabled, "leader-elect", e.Enabled, "run only while no other instance does")
	f.StringVar(&e.Namespace, "leader-election-namespace", e.Namespace, "where the Lease is")
	f.DurationVar(&e.LeaseDuration, "leader-election-lease-duration", e.LeaseDuration, "how long others wait for a leader that is silent")
	f.DurationVar(&e.RenewDeadline, "leader-election-renew-deadline", e.RenewDeadline, "when a leader that cannot renew gives up")
	f.DurationVar(&e.RetryPeriod, "leader-election-retry-period", e.RetryPeriod, "time between two tries")
	f.Var(cliflag.NewMapStringBool(&c.FeatureGates), "feature-gates", "NAME=true or NAME=false, by commas")
	logs.AddFlags(&c.Logging, f)
	return f
}
