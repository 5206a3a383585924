//go:build lab

package addons

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestEngineOnARealAPIServer(t *testing.T) {
	c := startControl(t, "127.0.0.1")
	e := c.engine(t)
	all, err := Render(c.cluster, Review{})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		run  func(*testing.T, *control, *Engine, []Addon)
	}{
		{"plan creates everything on an empty cluster", planCreates},
		{"an interrupted apply is carried on", applyInterrupted},
		{"apply, then nothing is left to do", applyAll},
		{"a plan with nothing to do only reads", noDryRun},
		{"what was changed by hand is seen and healed", healsByHand},
		{"a field that has left its manifest leaves the cluster", forgets},
		{"what may not change is replaced", replaces},
		{"an addon no longer rendered is pruned, and nothing else", prunes},
		{"an object that someone else made since is left alone", leavesOthers},
		{"wait names the pod that is stuck, and why", waitNamesThePod},
		{"wait ends when all is ready", waitEndsWhenReady},
		{"wait fails at once where waiting does not help", waitFailsAtOnce},
		{"wait sees what is missing", waitSeesWhatIsMissing},
		{"wait stops with its context", waitStopsWithItsContext},
	} {
		t.Run(step.name, func(t *testing.T) { step.run(t, c, e, all) })
	}
}

func planCreates(t *testing.T, _ *control, e *Engine, all []Addon) {
	for object, action := range planned(t, e, all) {
		if action != Create {
			t.Errorf("%s: %s, want create", object, action)
		}
	}
	if inv, err := e.readInventory(t.Context()); err != nil || len(inv) != 0 {
		t.Errorf("plan wrote an inventory: %v, %v", inv, err)
	}
}

// applyInterrupted cuts Apply off before the first pod is started.
func applyInterrupted(t *testing.T, _ *control, e *Engine, all []Addon) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var begun []string
	_, err := e.Apply(ctx, all, func(addon, _ string) {
		if slices.Contains(begun, addon) { // a wave later
			cancel()
		}
		begun = append(begun, addon)
	})
	if err == nil {
		t.Fatal("the apply was not cut off")
	}
	inv, err := e.readInventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if missing := inventoryOf(all).without(inv); len(missing) != 0 {
		t.Errorf("the inventory does not know %v, which may have been made", missing)
	}
	actions := planned(t, e, all)
	if actions["ConfigMap kube-system/coredns"] != Unchanged || actions["Deployment kube-system/coredns"] != Create {
		t.Errorf("want what pods need made, and no pod: %v", actions)
	}
}

func applyAll(t *testing.T, _ *control, e *Engine, all []Addon) {
	changed := mustApply(t, e, all)
	if changed == 0 {
		t.Error("nothing was applied")
	}
	wantNothingToDo(t, e, all)
	if changed := mustApply(t, e, all); changed != 0 {
		t.Errorf("a second apply changed %d objects", changed)
	}
}

// noDryRun: a plan with nothing to do makes no work for the API server but reading.
func noDryRun(t *testing.T, c *control, _ *Engine, all []Addon) {
	var mu sync.Mutex
	var asked []string
	cfg := c.config(t, "kbm", "system:masters")
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodGet {
				mu.Lock()
				asked = append(asked, r.Method+" "+r.URL.Path)
				mu.Unlock()
			}
			return next.RoundTrip(r)
		})
	})
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	wantNothingToDo(t, e, all)
	if len(asked) > 0 {
		t.Errorf("a plan with nothing to do only reads, but asked for %d dry runs: %s", len(asked), strings.Join(asked, ", "))
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func healsByHand(t *testing.T, _ *control, e *Engine, all []Addon) {
	coredns := find(t, all, "Deployment", "coredns")
	patch := `{"spec":{"replicas":5,"template":{"spec":{"containers":[{"name":"coredns","image":"example.com/other:1"}]}}}}`
	byHand(t, e, coredns, patch)
	binding := find(t, all, "ClusterRoleBinding", "kubeadm:cluster-admins")
	if err := e.client.Delete(t.Context(), binding.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	changes, err := e.Plan(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		switch change.Object {
		case describe(coredns):
			want := []string{
				"spec.replicas: 5 → 2",
				`spec.template.spec.containers[0].image: "example.com/other:1" → "registry.k8s.io/coredns/coredns:v1.14.6"`,
			}
			if change.Action != Update || !slices.Equal(change.Fields, want) {
				t.Errorf("got %s %q, want update %q", change.Action, change.Fields, want)
			}
		case describe(binding):
			if change.Action != Create {
				t.Errorf("%s: %s, want create", change.Object, change.Action)
			}
		default:
			if change.Action != Unchanged {
				t.Errorf("%s: %s %q, want unchanged", change.Object, change.Action, change.Fields)
			}
		}
	}
	if changed := mustApply(t, e, all); changed != 2 {
		t.Errorf("healing changed %d objects, want 2", changed)
	}
	wantNothingToDo(t, e, all)
}

func forgets(t *testing.T, _ *control, e *Engine, all []Addon) {
	service := find(t, all, "Service", "kube-dns")
	path := []string{"metadata", "labels", "example.com/for-a-while"}
	set(t, service, "1", path...)
	mustApply(t, e, all)
	unstructured.RemoveNestedField(service.Object, path...)
	if action := planned(t, e, all)[describe(service)]; action != Update {
		t.Errorf("got %s, want update", action)
	}
	mustApply(t, e, all)
	live, err := e.read(t.Context(), service)
	if value, there, _ := unstructured.NestedString(live.Object, path...); err != nil || there {
		t.Errorf("the label is there: %q, %v", value, err)
	}
	wantNothingToDo(t, e, all)
}

func replaces(t *testing.T, _ *control, e *Engine, all []Addon) {
	binding := find(t, all, "ClusterRoleBinding", "kbm:flannel")
	other := binding.DeepCopy()
	set(t, other, "view", "roleRef", "name")
	wipe(t, e, binding)
	if err := e.client.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if action := planned(t, e, all)[describe(binding)]; action != Replace {
		t.Errorf("got %s, want replace", action)
	}
	mustApply(t, e, all)
	wantNothingToDo(t, e, all)
}

func prunes(t *testing.T, _ *control, e *Engine, all []Addon) {
	kept := slices.DeleteFunc(slices.Clone(all), func(a Addon) bool { return a.Name == "coredns" })
	gone := inventoryOf(all).without(inventoryOf(kept))
	if changed := mustApply(t, e, kept); changed != len(gone) {
		t.Errorf("%d objects changed, want the %d of coredns", changed, len(gone))
	}
	for _, a := range all {
		for _, o := range a.Objects {
			err := e.client.Get(t.Context(), client.ObjectKeyFromObject(o), o.DeepCopy())
			if there := err == nil; there != (a.Name != "coredns") {
				t.Errorf("%s of addon %s: there is %v (%v)", describe(o), a.Name, there, err)
			}
		}
	}
	wantNothingToDo(t, e, kept)
	mustApply(t, e, all)
	wantNothingToDo(t, e, all)
}

func leavesOthers(t *testing.T, _ *control, e *Engine, all []Addon) {
	service := find(t, all, "Service", "kube-dns")
	wipe(t, e, service)
	theirs := service.DeepCopy()
	theirs.SetLabels(nil)
	if err := e.client.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	kept := slices.DeleteFunc(slices.Clone(all), func(a Addon) bool { return a.Name == "coredns" })
	mustApply(t, e, kept)
	if err := e.client.Get(t.Context(), client.ObjectKeyFromObject(theirs), theirs); err != nil {
		t.Errorf("someone else's Service was deleted: %v", err)
	}
	wantNothingToDo(t, e, kept)
	mustApply(t, e, all)
}

func planned(t *testing.T, e *Engine, all []Addon) map[string]Action {
	t.Helper()
	changes, err := e.Plan(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	actions := map[string]Action{}
	for _, c := range changes {
		actions[c.Object] = c.Action
	}
	return actions
}

func wantNothingToDo(t *testing.T, e *Engine, all []Addon) {
	t.Helper()
	changes, err := e.Plan(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if c.Action.Changes() {
			t.Errorf("%s %s: %s", c.Action, c.Object, strings.Join(c.Fields, "; "))
		}
	}
}

func mustApply(t *testing.T, e *Engine, all []Addon) int {
	t.Helper()
	return mustApplyOnly(t, e, all)
}

func mustApplyOnly(t *testing.T, e *Engine, all []Addon, names ...string) int {
	t.Helper()
	done, err := e.Apply(t.Context(), all, nil, names...)
	if err != nil {
		t.Fatal(err)
	}
	return len(slices.DeleteFunc(done, func(c Change) bool { return !c.Action.Changes() }))
}

// wipe deletes an object behind the engine's back.
func wipe(t *testing.T, e *Engine, o *unstructured.Unstructured) {
	t.Helper()
	if err := e.client.Delete(t.Context(), o.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	eventually(t.Context(), t, describe(o)+" is gone", func() error {
		err := e.client.Get(t.Context(), client.ObjectKeyFromObject(o), o.DeepCopy())
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there: %w", err)
	})
}

func byHand(t *testing.T, e *Engine, o *unstructured.Unstructured, patch string) {
	t.Helper()
	err := e.client.Patch(t.Context(), o.DeepCopy(),
		client.RawPatch("application/strategic-merge-patch+json", []byte(patch)), client.FieldOwner("kubectl-edit"))
	if err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, all []Addon, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, a := range all {
		for _, o := range a.Objects {
			if o.GetKind() == kind && o.GetName() == name {
				return o
			}
		}
	}
	t.Fatalf("no %s %s is rendered", kind, name)
	return nil
}

func set(t *testing.T, o *unstructured.Unstructured, value any, path ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(o.Object, value, path...); err != nil {
		t.Fatal(err)
	}
}
