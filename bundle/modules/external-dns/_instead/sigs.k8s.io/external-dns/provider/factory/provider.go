// Package factory makes those providers that a cluster.yaml can name, and knows
// no other.
package factory

import (
	"context"
	"fmt"

	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/pkg/apis/externaldns"
	"sigs.k8s.io/external-dns/provider"
	"sigs.k8s.io/external-dns/provider/aws"
	"sigs.k8s.io/external-dns/provider/cloudflare"
	"sigs.k8s.io/external-dns/provider/rfc2136"
	"sigs.k8s.io/external-dns/provider/webhook"
)

// Select makes the provider that the flags ask for.
func Select(ctx context.Context, config *externaldns.Config, domains *endpoint.DomainFilter) (provider.Provider, error) {
	made, err := named(ctx, config, domains)
	if err != nil {
		return nil, err
	}
	if config.ProviderCacheTime > 0 {
		made = provider.NewCachedProvider(made, config.ProviderCacheTime)
	}
	return newAliasNormalizingMiddleware(made), nil
}

func named(ctx context.Context, config *externaldns.Config, domains *endpoint.DomainFilter) (provider.Provider, error) {
	switch config.Provider {
	case externaldns.ProviderAWS:
		return aws.New(ctx, config, domains)
	case externaldns.ProviderCloudflare:
		return cloudflare.New(ctx, config, domains)
	case externaldns.ProviderRFC2136:
		return rfc2136.New(ctx, config, domains)
	case externaldns.ProviderWebhook:
		return webhook.New(ctx, config, domains)
	}
	return nil, fmt.Errorf("provider %s: kbm builds external-dns for aws, cloudflare, rfc2136 and webhook", config.Provider)
}
