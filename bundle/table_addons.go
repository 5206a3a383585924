package bundle

// addonComponents are the rows of the optional addons, each in the group of its
// addon's name, and of the servers that they are tested against.
func addonComponents() []component {
	return []component{
		{Name: "traefik", Group: "ingress", Version: "v3.7.12", Go: goBuild{
			Module: "traefik", Package: "github.com/traefik/traefik/v3/cmd/traefik",
			LDFlags: "-X github.com/traefik/traefik/v3/pkg/version.Version=3.7.12",
		}, Image: imageRow{Ref: "docker.io/library/traefik:v3.7.12", Layer: "base", Program: "/usr/local/bin/traefik"}},
	}
}
