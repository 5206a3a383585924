package ignition_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// A node holds the images of the addons that are on, wherever their pods may
// run, and of no other; any further image is asked for by its name.
func TestImagesFollowTheAddons(t *testing.T) {
	c := load(t, "ha")
	wanted := func(step string, names ...string) {
		t.Helper()
		for _, m := range machines(t, c) {
			var have []string
			for _, f := range m.Files {
				name, image := strings.CutSuffix(path.Base(f.Path), ".tar")
				if image && slices.Contains([]string{"traefik", "metrics-server", "agnhost"}, name) {
					have = append(have, name)
				}
			}
			if !slices.Equal(have, names) {
				t.Errorf("%s: %s gets %v, not %v", step, m.Name, have, names)
			}
		}
	}
	wanted("no addons")
	c.Addons.Ingress = &cluster.Ingress{}
	wanted("ingress", "traefik")
	c.Bundle.Images = []string{"agnhost"}
	wanted("ingress, and a named image", "agnhost", "traefik")
}
