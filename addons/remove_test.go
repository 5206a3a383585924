//go:build lab

package addons

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kbm-dev/kbm/pki"
)

func TestRemovalOnARealAPIServer(t *testing.T) {
	c := startControl(t, "127.0.0.1")
	c.startManager(t, "namespace-controller") // which empties namespaces
	e := c.engine(t)
	hook := newWebhook(t, c, e)
	hook.start(t)
	t.Cleanup(hook.stop)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *Engine, *webhook)
	}{
		{"custom resources go while their program runs", cleansUp},
		{"what others made is kept, and its place", keepsForeign},
		{"what is still wanted is kept in a place that is not", keepsWanted},
		{"a Secret of the user's own keeps the user's own namespace", keepsUserSecrets},
		{"named addons are applied alone", appliesNamed},
		{"named addons are removed alone", removesNamed},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, e, hook) }) {
			break // each goes on where the one before has ended
		}
	}
}

func cleansUp(t *testing.T, e *Engine, h *webhook) {
	mustApply(t, e, h.addons(t, thing("a", "address: x")))
	finalizers := func(list string) string { return fmt.Sprintf(`{"metadata":{"finalizers":[%s]}}`, list) }
	a := one(t, thing("a", ""))
	mergePatch(t, e, a, finalizers(`"example.com/clean-up"`))
	said := applySaying(t, e, nil, func(state string) {
		if !strings.Contains(state, "example.com/clean-up") {
			return
		}
		for _, o := range h.addons(t)[1].Objects {
			if !exists(t, e, o) {
				t.Errorf("%s is gone before the thing", describe(o))
			}
		}
		mergePatch(t, e, a, finalizers(""))
	})
	if !said("user: waiting until Thing default/a is gone", "whoever set its finalizers") {
		t.Error("the reason was not on screen")
	}
	for _, o := range h.addons(t)[1].Objects {
		if exists(t, e, o) {
			t.Errorf("%s is still there", describe(o))
		}
	}
	if inv, err := e.readInventory(t.Context()); err != nil || len(inv) != 0 {
		t.Errorf("the inventory holds %v, %v", inv, err)
	}
}

func keepsForeign(t *testing.T, e *Engine, h *webhook) {
	mustApply(t, e, h.addons(t, thing("a", "address: x")))
	theirs := create(t, e, thing("theirs", "address: t"))
	claim := create(t, e, "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: things}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}")
	// What controllers and Kubernetes itself leave in the addon's namespace.
	create(t, e, "{apiVersion: v1, kind: Secret, metadata: {name: left, namespace: things}}")
	create(t, e, "{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: left, namespace: things}}")
	create(t, e, "{apiVersion: v1, kind: Pod, metadata: {name: owned, namespace: things, ownerReferences: [{apiVersion: v1, kind: Node, name: w1, uid: u}]}, spec: {serviceAccountName: program, containers: [{name: c, image: i}]}}")

	done, err := e.Apply(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{}
	for _, c := range done {
		if c.Action == Keep {
			kept[c.Object] = c.Note
		}
	}
	if len(kept) != 2 || kept["CustomResourceDefinition things.example.com"] != "it still holds Thing default/theirs" ||
		kept["Namespace things"] != "it still holds PersistentVolumeClaim things/data" {
		t.Errorf("kept: %v", kept)
	}
	if !exists(t, e, theirs) || !exists(t, e, claim) {
		t.Error("an object of somebody else is gone")
	}
	if exists(t, e, one(t, thing("a", ""))) {
		t.Error("kbm's own thing is still there")
	}
	wantNothingToDo(t, e, nil)
	if changed := mustApply(t, e, nil); changed != 0 {
		t.Errorf("a second run changed %d objects", changed)
	}

	mergePatch(t, e, claim, `{"metadata":{"finalizers":[]}}`) // nobody runs who would see that it is not in use
	wipe(t, e, theirs)
	wipe(t, e, claim)
	if changed := mustApply(t, e, nil); changed != 2 {
		t.Errorf("the empty places are not deleted: %d changes", changed)
	}
	if inv, err := e.readInventory(t.Context()); err != nil || len(inv) != 0 {
		t.Errorf("the inventory holds %v, %v", inv, err)
	}
}

func keepsWanted(t *testing.T, e *Engine, h *webhook) {
	all := h.addons(t, thing("a", "address: x"))
	mustApply(t, e, all)
	if actions := planned(t, e, all[:1]); actions["CustomResourceDefinition things.example.com"] != Keep {
		t.Errorf("without the addon of its kind, a thing makes: %v", actions)
	}
	mustApply(t, e, all[:1])
	wantNothingToDo(t, e, all[:1])
	mustApply(t, e, nil)
}

func keepsUserSecrets(t *testing.T, e *Engine, _ *webhook) {
	const namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: own}}"
	mustApply(t, e, []Addon{addon(t, "extra", namespace)})
	secret := create(t, e, "{apiVersion: v1, kind: Secret, metadata: {name: precious, namespace: own}}")
	if actions := planned(t, e, nil); actions["Namespace own"] != Keep {
		t.Errorf("planned: %v", actions)
	}
	wipe(t, e, secret)
	if changed := mustApply(t, e, nil); changed != 1 {
		t.Errorf("%d changes, want the namespace deleted", changed)
	}
}

func appliesNamed(t *testing.T, e *Engine, _ *webhook) {
	one := addon(t, "one", "{apiVersion: v1, kind: ConfigMap, metadata: {name: one, namespace: default}}")
	two := addon(t, "two", "{apiVersion: v1, kind: ConfigMap, metadata: {name: two, namespace: default}}")
	mustApply(t, e, []Addon{one, two})
	changed := addon(t, "one", "{apiVersion: v1, kind: ConfigMap, metadata: {name: one, namespace: default}, data: {k: v}}")
	// Of two nothing is rendered any more, but it is not its turn.
	if n := mustApplyOnly(t, e, []Addon{changed}, "one"); n != 1 {
		t.Errorf("%d changes, want 1", n)
	}
	if !exists(t, e, two.Objects[0]) {
		t.Error("an addon that was not named is gone")
	}
	if actions := planned(t, e, []Addon{changed}); actions["ConfigMap default/two"] != Delete {
		t.Errorf("planned without names: %v", actions)
	}
}

func removesNamed(t *testing.T, e *Engine, _ *webhook) {
	done, err := e.Remove(t.Context(), []string{"two"}, nil)
	if err != nil || len(done) != 1 || done[0].Object != "ConfigMap default/two" {
		t.Errorf("removed %v, %v", done, err)
	}
	if done, err := e.Remove(t.Context(), nil, nil); err != nil || len(done) != 0 {
		t.Errorf("no name removes %v, %v", done, err)
	}
	if installed, err := e.Installed(t.Context()); err != nil || !slices.Equal(installed, []string{"one"}) {
		t.Errorf("installed: %q, %v", installed, err)
	}
}

// startManager runs some controllers of Kubernetes.
func (c *control) startManager(t *testing.T, controllers ...string) {
	t.Helper()
	pair := c.set.Get(pki.ControllerManager)
	config := api.NewConfig()
	config.Clusters["c"] = &api.Cluster{Server: c.cluster.EndpointURL(), CertificateAuthorityData: c.set.Get(pki.CA).Cert}
	config.AuthInfos["u"] = &api.AuthInfo{ClientCertificateData: pair.Cert, ClientKeyData: pair.Key}
	config.Contexts["x"] = &api.Context{Cluster: "c", AuthInfo: "u"}
	config.CurrentContext = "x"
	text, err := clientcmd.Write(*config)
	if err != nil {
		t.Fatal(err)
	}
	c.start(t, c.program(t, "kube-controller-manager"), "--kubeconfig", keep(t, text), "--leader-elect=false",
		"--use-service-account-credentials", "--service-account-private-key-file", keep(t, c.set.ServiceAccount.Private),
		"--bind-address", "127.0.0.1", "--secure-port", fmt.Sprint(freePort(t)), "--controllers", strings.Join(controllers, ","))
}

// create makes an object that is not kbm's.
func create(t *testing.T, e *Engine, manifest string) *unstructured.Unstructured {
	t.Helper()
	o := one(t, manifest)
	if err := e.client.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o
}

func exists(t *testing.T, e *Engine, o *unstructured.Unstructured) bool {
	t.Helper()
	err := e.client.Get(t.Context(), client.ObjectKeyFromObject(o), o.DeepCopy())
	if err != nil && !apierrors.IsNotFound(err) && !strings.Contains(err.Error(), "no matches for kind") {
		t.Error(err)
	}
	return err == nil
}

func mergePatch(t *testing.T, e *Engine, o *unstructured.Unstructured, patch string) {
	t.Helper()
	if err := e.client.Patch(t.Context(), o.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
		t.Error(err)
	}
}
