package bundle

import (
	"os"
	"testing"

	"golang.org/x/mod/modfile"
)

// An addon's definitions are embedded from one module, and its programs are
// built from another: the versions must be the same.
func TestProgramsAreOfTheirDefinitionsVersion(t *testing.T) {
	const file = "../tools/crds/go.mod"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse(file, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	definitions := map[string]string{}
	for _, r := range mod.Require {
		definitions[r.Mod.Path] = r.Mod.Version
	}
	for group, module := range map[Group]string{
		"certs": "github.com/cert-manager/cert-manager", "load-balancer": "go.universe.tf/metallb",
	} {
		programs := 0
		for _, c := range addonComponents() {
			if c.Group != group {
				continue
			}
			programs++
			if c.Version != definitions[module] {
				t.Errorf("%s is %s, and the definitions in %s are of %s %q", c.Name, c.Version, file, module, definitions[module])
			}
		}
		if programs == 0 {
			t.Errorf("there is no program of %s", group)
		}
	}
}
