package bundle

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// Mirrors say where to ask instead: from a host that kbm pulls from, such as
// registry.k8s.io, to a URL, https://mirror.example.com/k8s. What the host has
// under /a, the mirror has under /k8s/a; for images, registry.k8s.io/a is
// mirror.example.com/k8s/a.
type Mirrors map[string]string

// Hosts lists the hosts that the artefacts of a Kubernetes version come from.
func Hosts(kubernetesVersion string) []string {
	hosts := map[string]bool{}
	for _, c := range components(release{version: kubernetesVersion}) {
		if u, err := c.upstream("amd64"); err == nil {
			hosts[hostOf(u.URL)] = true
		}
	}
	return slices.Sorted(maps.Keys(hosts))
}

// OfRegistries are the mirrors without those of programs.
func (m Mirrors) OfRegistries() Mirrors {
	registries := maps.Clone(m)
	for _, u := range upstreams() {
		delete(registries, hostOf(u.URL))
	}
	return registries
}

// Of are the mirrors of these hosts.
func (m Mirrors) Of(hosts []string) Mirrors {
	some := maps.Clone(m)
	maps.DeleteFunc(some, func(host, _ string) bool { return !slices.Contains(hosts, host) })
	return some
}

// hostOf is the host of a URL or of an image's reference.
func hostOf(address string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(address, "https://"), "/")
	return host
}

func (m Mirrors) check(hosts []string) error {
	var faults []error
	for _, from := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(hosts, from) {
			faults = append(faults, fmt.Errorf("mirror of %q: nothing is pulled from there: the hosts are %s", from, strings.Join(hosts, ", ")))
			continue
		}
		if wrong, right := cluster.MirrorFault(m[from]); wrong != "" {
			// The URL is not repeated: it may hold a password.
			faults = append(faults, fmt.Errorf("mirror of %s: the URL %s: %s", from, wrong, right))
		}
	}
	return errors.Join(faults...)
}

// URL is where to ask for what is published at a URL.
func (m Mirrors) URL(address string) string { return m.of(address) }

// of rewrites a URL, or the reference of an image to one without a scheme.
func (m Mirrors) of(address string) string {
	host := hostOf(address)
	to, ok := m[host]
	if !ok {
		return address
	}
	to = strings.TrimSuffix(to, "/")
	if rest, ok := strings.CutPrefix(address, "https://"+host); ok {
		return to + rest
	}
	_, to, _ = strings.Cut(to, "://")
	return to + strings.TrimPrefix(address, host)
}

// plain lists the hosts that were named with http: all others are asked over
// TLS alone.
func (m Mirrors) plain() map[string]bool {
	hosts := map[string]bool{}
	for _, to := range m {
		if u, err := url.Parse(to); err == nil && u.Scheme == "http" {
			hosts[u.Host] = true
		}
	}
	return hosts
}
