//go:build lab

package addons

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDefinitionsOnARealAPIServer applies what the modules hold, asks for a plan
// of nothing new, as each kbm up does, and heals what was changed by hand.
func TestDefinitionsOnARealAPIServer(t *testing.T) {
	c := startControl(t, "127.0.0.1")
	e := c.engine(t)
	files, err := filepath.Glob("crds/*.json.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("no definitions (%v): run `make generate`", err)
	}
	all := []Addon{{Name: "definitions"}}
	for _, file := range files {
		objects, err := readCRDs(os.DirFS("."), strings.TrimSuffix(filepath.Base(file), ".json.gz"))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			o.SetLabels(map[string]string{managedByLabel: manager})
		}
		all[0].add(file, objects)
	}
	mustApply(t, e, all)
	began := time.Now()
	wantNothingToDo(t, e, all)
	t.Logf("no-op plan of %d definitions: %v", len(all[0].Objects), time.Since(began))

	issuers := find(t, all, crdKind, "issuers.cert-manager.io")
	mergePatch(t, e, issuers, `{"spec":{"names":{"categories":["mine"]}}}`)
	changes, err := e.Plan(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if c.Action.Changes() != (c.target == issuers) || c.target == issuers && !strings.Contains(strings.Join(c.Fields, " "), "spec.names.categories") {
			t.Errorf("%s: %s %q", c.Object, c.Action, c.Fields)
		}
	}
	mustApply(t, e, all)
	wantNothingToDo(t, e, all)
}
