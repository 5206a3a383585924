package provision

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// What a medium has put on a machine is known to kbm: it goes when it leaves
// the spec, and the units that depend on it are restarted.
func TestWhatCameFromAMediumIsPruned(t *testing.T) {
	host, m := newMachine(t, ""), testMachine()
	full, err := FromMedium(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) == len(full.Files) || len(testMachine().Files) != len(m.Files) {
		t.Fatalf("%d files of %d", len(full.Files), len(m.Files))
	}
	record := full.Files[len(full.Files)-1]
	if record.Path != inventoryPath || record.Secret || record.Stage != ignition.Joined {
		t.Errorf("the record is %+v", record)
	}
	apply(t, host, m)
	var written, recorded Inventory
	if err := json.Unmarshal(record.Content, &recorded); err != nil {
		t.Fatal(err)
	}
	facts, err := Gather(t.Context(), host, m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	written = facts.Inventory
	if len(written.Paths) != len(recorded.Paths) {
		t.Errorf("the medium records %v, and kbm up %v", recorded.Paths, written.Paths)
	}
	for path, restarts := range written.Paths {
		if !slices.Equal(recorded.Paths[path], restarts) {
			t.Errorf("%s restarts %q by the medium, %q by kbm up", path, recorded.Paths[path], restarts)
		}
	}
}

// A node that has just registered has its taints already, and all the rest by
// the patch: then nothing differs.
func TestNodePatchesOfFreshNodes(t *testing.T) {
	c := &cluster.Cluster{Nodes: []cluster.Node{{Name: "ed1", Role: cluster.Edge, Labels: map[string]string{"zone": "a"}}}}
	patches, err := NodePatches(c)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"metadata":{"annotations":{"kbm.dev/owned":"{\"labels\":[\"node-role.kubernetes.io/edge\",\"zone\"],\"taints\":[\"node-role.kubernetes.io/edge:NoSchedule\"]}"},"labels":{"node-role.kubernetes.io/edge":"","zone":"a"}}}`
	if got := string(patches["ed1"]); got != want || len(patches) != 1 {
		t.Errorf("got %s, want %s", got, want)
	}
}
