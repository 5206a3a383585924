package bundle

const (
	certManager    = "github.com/cert-manager/cert-manager/"
	certManagerVer = "v1.21.2"
	metalLBVer     = "v0.16.1"
	dexVer         = "v2.45.1"
)

// addonComponents are the rows of the optional addons, each in the group of its
// addon's name, and of the servers that they are tested against.
func addonComponents() []component {
	// Upstream has its programs of cert-manager in modules that it does not
	// publish, so these are our own mains around its packages. They lie under
	// upstream's path, for what they need is internal to it.
	certs := func(name string) component {
		return component{
			Name: "cert-manager-" + name, Group: "certs", Version: certManagerVer,
			Go: goBuild{
				Module: "cert-manager", Package: certManager + "kbm/_" + name,
				LDFlags: "-X " + certManager + "pkg/util.AppVersion=" + certManagerVer,
			},
			Image: imageRow{
				Ref: "quay.io/jetstack/cert-manager-" + name + ":" + certManagerVer, Layer: "base",
				Program: "/app/cmd/" + name + "/" + name, User: nonRoot,
			},
		}
	}
	metalLB := func(name string) component {
		return component{
			Name: "metallb-" + name, Group: "load-balancer", Version: metalLBVer,
			Go:    goBuild{Module: "metallb", Package: "go.universe.tf/metallb/" + name},
			Image: imageRow{Ref: "quay.io/metallb/" + name + ":" + metalLBVer, Layer: "base", Program: "/" + name},
		}
	}
	return []component{
		{Name: "traefik", Group: "ingress", Version: "v3.7.12", Go: goBuild{
			Module: "traefik", Package: "github.com/traefik/traefik/v3/cmd/traefik",
			LDFlags: "-X github.com/traefik/traefik/v3/pkg/version.Version=3.7.12",
		}, Image: imageRow{Ref: "docker.io/library/traefik:v3.7.12", Layer: "base", Program: "/usr/local/bin/traefik"}},
		certs("controller"), certs("webhook"), certs("cainjector"), certs("acmesolver"),
		metalLB("controller"), metalLB("speaker"),
		{Name: "external-dns", Group: "dns", Version: "v0.22.0", Go: goBuild{
			Module: "external-dns", Package: "sigs.k8s.io/external-dns",
			LDFlags: "-X sigs.k8s.io/external-dns/pkg/apis/externaldns.Version=v0.22.0",
		}, Image: imageRow{Ref: "registry.k8s.io/external-dns/external-dns:v0.22.0", Layer: "base", Program: "/ko-app/external-dns"}},
		{Name: "oauth2-proxy", Group: "auth", Version: "v7.15.3", Go: goBuild{
			Module: "oauth2-proxy", Package: "github.com/oauth2-proxy/oauth2-proxy/v7",
			LDFlags: "-X github.com/oauth2-proxy/oauth2-proxy/v7/pkg/version.VERSION=v7.15.3",
		}, Image: imageRow{Ref: "quay.io/oauth2-proxy/oauth2-proxy:v7.15.3", Layer: "base", Program: "/bin/oauth2-proxy", User: nonRoot}},
		{Name: "metrics-server", Group: "metrics-server", Version: "v0.9.0", Go: goBuild{
			Module: "metrics-server", Package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
			LDFlags: "-X k8s.io/client-go/pkg/version.gitVersion=v0.9.0",
		}, Image: imageRow{Ref: "registry.k8s.io/metrics-server/metrics-server:v0.9.0", Layer: "base", Program: "/metrics-server", User: "65534"}},

		{Name: "pebble", Kind: Tool, Group: Traffic, Version: "v2.10.1", Go: goBuild{
			Module: "pebble", Package: "github.com/letsencrypt/pebble/v2/cmd/pebble", LDFlags: "-X main.version=v2.10.1",
		}},
		{Name: "dex", Kind: Tool, Group: Traffic, Version: dexVer, Go: goBuild{
			Module: "dex", Package: "github.com/dexidp/dex/cmd/dex", LDFlags: "-X main.version=" + dexVer,
		}},
	}
}
