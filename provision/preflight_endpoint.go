package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// checkEndpoint finds the machines that cannot turn the endpoint's name into an
// address: their kubelets and pods reach the API servers by it.
func (r *run) checkEndpoint(ctx context.Context) error {
	host := r.Cluster.Endpoint.Host
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return nil
	}
	return r.each(ctx, r.sound(), func(ctx context.Context, m *machine) error {
		return checkName(ctx, m.node.Name, m.host, host)
	})
}

// notFound is what getent ends with when nobody knows a name; timeout's own
// code is 124.
const notFound = 2

// checkName asks whatever the machine asks for names: files, DNS, mDNS.
func checkName(ctx context.Context, node string, host Host, name string) error {
	out, err := host.Run(ctx, Command{Script: "timeout 10 getent ahosts " + quote(name)})
	var run *RunError
	switch {
	case errors.As(err, &run) && (run.ExitCode == notFound || run.ExitCode == 124):
		return Problem{
			Node: node, What: fmt.Sprintf("it cannot resolve endpoint.host %s", name),
			Cure: fmt.Sprintf("add the name to the DNS that it asks (dns: in nodes/%s.yaml names the servers), or to its /etc/hosts", node),
		}
	case err != nil:
		return fmt.Errorf("resolve %s on %s: %w", name, node, err)
	}
	address, _, _ := strings.Cut(string(out.Stdout), " ")
	if ip, err := netip.ParseAddr(address); err == nil && ip.IsLoopback() {
		return Problem{
			Node: node, What: fmt.Sprintf("endpoint.host %s leads to itself there (%s)", name, address),
			Cure: "take the name out of its /etc/hosts, or give it the address that leads to the controllers",
		}
	}
	return nil
}
