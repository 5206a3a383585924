package main

import (
	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"

	"github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/internal/apis/config/controller/scheme"
	"github.com/cert-manager/cert-manager/pkg/apis/config/controller/v1alpha1"
	"github.com/cert-manager/cert-manager/pkg/logs"
)

// defaults are what upstream sets where no flag says otherwise.
func defaults() (*controller.ControllerConfiguration, error) {
	s, _, err := scheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, err
	}
	versioned := &v1alpha1.ControllerConfiguration{}
	s.Default(versioned)
	config := &controller.ControllerConfiguration{}
	return config, s.Convert(versioned, config, nil)
}

// flagsOf are those of upstream's flags that set up a cluster; its pages on the
// Internet explain them.
func flagsOf(c *controller.ControllerConfiguration) *pflag.FlagSet {
	f := pflag.NewFlagSet("controller", pflag.ContinueOnError)
	f.StringVar(&c.KubeConfig, "kubeconfig", c.KubeConfig, "kubeconfig, outside of a cluster")
	f.StringVar(&c.Namespace, "namespace", c.Namespace, "watch this namespace only, and no ClusterIssuers")
	f.StringVar(&c.ClusterResourceNamespace, "cluster-resource-namespace", c.ClusterResourceNamespace, "where the Secrets of ClusterIssuers are")
	f.StringSliceVar(&c.Controllers, "controllers", c.Controllers, "controllers to run; * is those that are on by default, -NAME leaves one out")
	f.IntVar(&c.NumberOfConcurrentWorkers, "concurrent-workers", c.NumberOfConcurrentWorkers, "workers of each controller")
	f.IntVar(&c.MaxConcurrentChallenges, "max-concurrent-challenges", c.MaxConcurrentChallenges, "ACME challenges that run at a time")
	f.StringSliceVar(&c.CopiedAnnotationPrefixes, "copied-annotation-prefixes", c.CopiedAnnotationPrefixes, "annotations that go from a Certificate to its requests")
	f.BoolVar(&c.EnableCertificateOwnerRef, "enable-certificate-owner-ref", c.EnableCertificateOwnerRef, "delete a Secret with its Certificate")
	f.BoolVar(&c.GatewayAPIConfig.Enabled, "enable-gateway-api", c.GatewayAPIConfig.Enabled, "serve the Gateway API")
	f.Float32Var(&c.KubernetesAPIQPS, "kube-api-qps", c.KubernetesAPIQPS, "requests a second, where the API server does not limit them itself")
	f.IntVar(&c.KubernetesAPIBurst, "kube-api-burst", c.KubernetesAPIBurst, "requests in a burst")
	f.StringVar(&c.MetricsListenAddress, "metrics-listen-address", c.MetricsListenAddress, "address and port of /metrics")
	f.StringVar(&c.HealthzListenAddress, "internal-healthz-listen-address", c.HealthzListenAddress, "address and port of /livez")
	f.Var(cliflag.NewMapStringBool(&c.FeatureGates), "feature-gates", "NAME=true or NAME=false, by commas")
	electionFlags(f, &c.LeaderElectionConfig)
	issuerFlags(f, c)
	solverFlags(f, c)
	logs.AddFlags(&c.Logging, f)
	return f
}

func electionFlags(f *pflag.FlagSet, e *controller.LeaderElectionConfig) {
	f.BoolVar(&e.Enabled, "leader-elect", e.Enabled, "run only while no other instance does")
	f.StringVar(&e.Namespace, "leader-election-namespace", e.Namespace, "where the Lease is")
	f.DurationVar(&e.LeaseDuration, "leader-election-lease-duration", e.LeaseDuration, "how long others wait for a leader that is silent")
	f.DurationVar(&e.RenewDeadline, "leader-election-renew-deadline", e.RenewDeadline, "when a leader that cannot renew gives up")
	f.DurationVar(&e.RetryPeriod, "leader-election-retry-period", e.RetryPeriod, "time between two tries")
}

func issuerFlags(f *pflag.FlagSet, c *controller.ControllerConfiguration) {
	f.BoolVar(&c.ClusterIssuerAmbientCredentials, "cluster-issuer-ambient-credentials", c.ClusterIssuerAmbientCredentials, "ClusterIssuers may use the credentials of the machine")
	f.BoolVar(&c.IssuerAmbientCredentials, "issuer-ambient-credentials", c.IssuerAmbientCredentials, "Issuers may use the credentials of the machine")
	shim := &c.IngressShimConfig
	f.StringVar(&shim.DefaultIssuerName, "default-issuer-name", shim.DefaultIssuerName, "issuer of an Ingress that names none")
	f.StringVar(&shim.DefaultIssuerKind, "default-issuer-kind", shim.DefaultIssuerKind, "its kind")
	f.StringVar(&shim.DefaultIssuerGroup, "default-issuer-group", shim.DefaultIssuerGroup, "the group of its kind")
	f.StringSliceVar(&shim.DefaultAutoCertificateAnnotations, "auto-certificate-annotations", shim.DefaultAutoCertificateAnnotations, "annotations by which an Ingress asks for a certificate")
	f.StringSliceVar(&shim.ExtraCertificateAnnotations, "extra-certificate-annotations", shim.ExtraCertificateAnnotations, "annotations that go from an Ingress to its Certificate")
}

func solverFlags(f *pflag.FlagSet, c *controller.ControllerConfiguration) {
	h, d := &c.ACMEHTTP01Config, &c.ACMEDNS01Config
	f.StringVar(&h.SolverImage, "acme-http01-solver-image", h.SolverImage, "image of the pods that answer HTTP-01")
	f.StringVar(&h.SolverResourceRequestCPU, "acme-http01-solver-resource-request-cpu", h.SolverResourceRequestCPU, "CPU that they request")
	f.StringVar(&h.SolverResourceRequestMemory, "acme-http01-solver-resource-request-memory", h.SolverResourceRequestMemory, "memory that they request")
	f.StringVar(&h.SolverResourceLimitsCPU, "acme-http01-solver-resource-limits-cpu", h.SolverResourceLimitsCPU, "CPU that they may use")
	f.StringVar(&h.SolverResourceLimitsMemory, "acme-http01-solver-resource-limits-memory", h.SolverResourceLimitsMemory, "memory that they may use")
	f.BoolVar(&h.SolverRunAsNonRoot, "acme-http01-solver-run-as-non-root", h.SolverRunAsNonRoot, "they must not run as root")
	f.StringSliceVar(&h.SolverNameservers, "acme-http01-solver-nameservers", h.SolverNameservers, "address:port of servers that the HTTP-01 check asks")
	f.StringSliceVar(&d.RecursiveNameservers, "dns01-recursive-nameservers", d.RecursiveNameservers, "address:port of servers that the DNS-01 check asks")
	f.BoolVar(&d.RecursiveNameserversOnly, "dns01-recursive-nameservers-only", d.RecursiveNameserversOnly, "do not ask the zone's own servers")
	f.DurationVar(&d.CheckRetryPeriod, "dns01-check-retry-period", d.CheckRetryPeriod, "time between two checks, of HTTP-01 too")
}
