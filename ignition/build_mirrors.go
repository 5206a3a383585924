package ignition

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/bundle"
)

// mirrorsDir is where containerd looks for the mirrors of a registry: each has
// a folder of its name with a hosts.toml.
const mirrorsDir = "/etc/containerd/certs.d"

// mirrorsDir is empty where the spec names no mirror of a registry.
func (b *builder) mirrorsDir() string {
	if len(b.registries()) == 0 {
		return ""
	}
	return mirrorsDir
}

func (b *builder) registries() bundle.Mirrors {
	return bundle.Mirrors(b.in.Cluster.Bundle.Mirrors).OfRegistries()
}

// mirrors tell containerd whom to ask before a registry. It reads the files at
// each pull, so nothing is restarted.
func (b *builder) mirrors() {
	registries := b.registries()
	for _, registry := range slices.Sorted(maps.Keys(registries)) {
		server := "https://" + registry
		if registry == "docker.io" {
			server = "https://registry-1.docker.io" // docker.io itself is a web page
		}
		mirror, below := endpointOf(registries[registry])
		b.file(File{
			Path: mirrorsDir + "/" + registry + "/hosts.toml", Mode: 0o644, Stage: Joined,
			Content: b.render("etc/containerd/hosts.toml", b.with(map[string]any{"Server": server, "Mirror": mirror, "Below": below})),
		})
	}
}

// endpointOf is the API of a mirror. One that lies below a path has its images
// there, as Harbor's projects do: https://host/path is asked at /v2/path, and
// containerd must be told not to add the /v2 itself.
func endpointOf(mirror string) (endpoint string, below bool) {
	u, err := url.Parse(mirror)
	if err != nil {
		return mirror, false // the spec is checked before
	}
	path := strings.Trim(u.Path, "/")
	if path == "" {
		return u.Scheme + "://" + u.Host, false
	}
	return u.Scheme + "://" + u.Host + "/v2/" + path, true
}
