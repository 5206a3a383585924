package traffic

import (
	"context"
	"time"

	"github.com/kbm-dev/kbm/bench/internal/machines"
)

// section turns on every addon. None of them needs a server that the lab lacks:
// the certificates are of the private CA, and no record is asked for.
const section = `
addons:
  ingress: {classes: [{name: external, expose: hostNetwork, default: true}, {name: internal, expose: loadBalancer, pool: lan}]}
  loadBalancer: {pools: [{name: lan, addresses: [10.87.0.200-10.87.0.210]}]}
  certs: {}
  dns:
    provider: rfc2136
    domains: [bench.example.com]
    rfc2136: {server: 10.87.0.1, keyName: bench, key: {env: BENCH_TSIG}}
  auth:
    provider: github
    clientID: bench
    clientSecret: {env: BENCH_SECRET}
    hosts: [auth.bench.example.com]
    emailDomains: ["*"]
  metrics: {}
`

// secrets are the values that the section names. They open nothing.
const (
	tsigEnv   = "BENCH_TSIG=YmVuY2htYXJrLWtleS1vZi1uby1zZXJ2ZXI="
	secretEnv = "BENCH_SECRET=of-no-account"
)

// addons takes the time of `kbm up` that brings all addons to a cluster that is
// ready without them, with their images in place.
func (r *result) addons(ctx context.Context, m *machines.Machines) error {
	const app = "bundle:\n  images: [agnhost]\n"
	if err := m.Spec("bundle", app); err != nil {
		return err
	}
	if err := m.Run(ctx, "up"); err != nil {
		return err
	}
	if err := m.Spec("bundle", app+section); err != nil {
		return err
	}
	m.Env = []string{tsigEnv, secretEnv}
	if err := m.Run(ctx, "push"); err != nil {
		return err
	}
	start := time.Now()
	if err := m.Run(ctx, "up"); err != nil {
		return err
	}
	r.ready = time.Since(start)
	start = time.Now()
	if err := m.Run(ctx, "up"); err != nil {
		return err
	}
	r.noop = time.Since(start)
	return nil
}
