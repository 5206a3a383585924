package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/sets"

	config "github.com/cert-manager/cert-manager/internal/apis/config/controller"
	"github.com/cert-manager/cert-manager/pkg/controller"
	dnsutil "github.com/cert-manager/cert-manager/pkg/issuer/acme/dns/util"
)

func optionsOf(c *config.ControllerConfiguration) (controller.ContextOptions, error) {
	acme, err := acmeOptions(c)
	return controller.ContextOptions{
		Kubeconfig:         c.KubeConfig,
		KubernetesAPIQPS:   c.KubernetesAPIQPS,
		KubernetesAPIBurst: c.KubernetesAPIBurst,
		Namespace:          c.Namespace,
		ACMEOptions:        acme,
		IssuerOptions: controller.IssuerOptions{
			ClusterResourceNamespace:        c.ClusterResourceNamespace,
			ClusterIssuerAmbientCredentials: c.ClusterIssuerAmbientCredentials,
			IssuerAmbientCredentials:        c.IssuerAmbientCredentials,
		},
		IngressShimOptions: controller.IngressShimOptions{
			DefaultIssuerName:                 c.IngressShimConfig.DefaultIssuerName,
			DefaultIssuerKind:                 c.IngressShimConfig.DefaultIssuerKind,
			DefaultIssuerGroup:                c.IngressShimConfig.DefaultIssuerGroup,
			DefaultAutoCertificateAnnotations: c.IngressShimConfig.DefaultAutoCertificateAnnotations,
			ExtraCertificateAnnotations:       c.IngressShimConfig.ExtraCertificateAnnotations,
			GatewayAPIExtraProtocols:          sets.New(c.GatewayAPIConfig.ExtraProtocols...),
		},
		CertificateOptions: controller.CertificateOptions{
			EnableOwnerRef:                           c.EnableCertificateOwnerRef,
			CopiedAnnotationPrefixes:                 c.CopiedAnnotationPrefixes,
			CertificateRequestMinimumBackoffDuration: c.CertificateRequestMinimumBackoffDuration,
			CertificateRequestMaximumBackoffDuration: c.CertificateRequestMaximumBackoffDuration,
		},
		SchedulerOptions: controller.SchedulerOptions{MaxConcurrentChallenges: c.MaxConcurrentChallenges},
		ConfigOptions:    controller.ConfigOptions{EnableGatewayAPI: c.GatewayAPIConfig.Enabled},
	}, err
}

func acmeOptions(c *config.ControllerConfiguration) (controller.ACMEOptions, error) {
	h, d := c.ACMEHTTP01Config, c.ACMEDNS01Config
	if len(d.RecursiveNameservers) == 0 {
		d.RecursiveNameservers = dnsutil.RecursiveNameservers
	}
	o := controller.ACMEOptions{
		HTTP01SolverImage:            h.SolverImage,
		ACMEHTTP01SolverRunAsNonRoot: h.SolverRunAsNonRoot,
		HTTP01SolverNameservers:      h.SolverNameservers,
		DNS01CheckAuthoritative:      !d.RecursiveNameserversOnly,
		DNS01Nameservers:             d.RecursiveNameservers,
		DNS01CheckRetryPeriod:        d.CheckRetryPeriod,
	}
	for _, q := range []struct {
		flag, value string
		to          *resource.Quantity
	}{
		{"request-cpu", h.SolverResourceRequestCPU, &o.HTTP01SolverResourceRequestCPU},
		{"request-memory", h.SolverResourceRequestMemory, &o.HTTP01SolverResourceRequestMemory},
		{"limits-cpu", h.SolverResourceLimitsCPU, &o.HTTP01SolverResourceLimitsCPU},
		{"limits-memory", h.SolverResourceLimitsMemory, &o.HTTP01SolverResourceLimitsMemory},
	} {
		quantity, err := resource.ParseQuantity(q.value)
		if err != nil {
			return o, fmt.Errorf("--acme-http01-solver-resource-%s %q: %w", q.flag, q.value, err)
		}
		*q.to = quantity
	}
	return o, nil
}
