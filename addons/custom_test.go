//go:build lab

package addons

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestCustomResourcesOnARealAPIServer(t *testing.T) {
	c := startControl(t, "127.0.0.1")
	e := c.engine(t)
	hook := newWebhook(t, c, e)
	t.Cleanup(hook.stop)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *Engine, *webhook)
	}{
		{"a webhook that does not answer is waited for", waitsForTheWebhook},
		{"and so is one that the API server does not trust yet", waitsForTheAuthority},
		{"what the webhook denies fails at once", failsWhereDenied},
		{"what the schema refuses fails at once", failsWhereRefused},
		{"an object that takes the place of another is not denied", renames},
		{"a definition gets a field, and an object has it", upgrades},
		{"a webhook that is down does not hide what else there is to do", plansWithoutTheWebhook},
		{"the deadline names the webhook", deadlineNamesTheWebhook},
		{"the pods behind a webhook that cannot start are named, at once", failsWithItsPods},
		{"a kind that nobody defines fails at once, after all else", failsWithoutAKind},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, e, hook) }) {
			break // each goes on where the one before has ended
		}
	}
}

func waitsForTheWebhook(t *testing.T, e *Engine, h *webhook) {
	all := h.addons(t, thing("a", "address: x"), thing("b", "address: v"))
	for object, action := range planned(t, e, all) {
		if action != Create {
			t.Errorf("%s: %s, want create", object, action)
		}
	}
	said := applySaying(t, e, all, func(state string) {
		if strings.Contains(state, "does not answer") && h.server == nil {
			h.start(t)
		}
	})
	if !said("user: Thing default/a: webhook \"things.example.com\" does not answer", "connection refused") {
		t.Error("the reason was not on screen")
	}
	wantNothingToDo(t, e, all)
	for _, name := range []string{"a", "b"} {
		if !h.wasAsked(name) {
			t.Errorf("the webhook was not asked for %s", name)
		}
	}
}

func waitsForTheAuthority(t *testing.T, e *Engine, h *webhook) {
	good := h.authority
	h.authority = certificate(t, "stranger").Cert
	mustApply(t, e, h.addons(t, thing("a", "address: x"), thing("b", "address: v")))
	all := h.addons(t, thing("a", "address: x2"), thing("b", "address: v"))
	h.authority = good
	injected := false
	said := applySaying(t, e, all, func(state string) {
		if strings.Contains(state, "x509") && !injected {
			injected = true
			mustApplyOnly(t, e, h.addons(t), "things") // as cert-manager's cainjector does
		}
	})
	if !said("user: Thing default/a: webhook", "x509") {
		t.Error("the reason was not on screen")
	}
	wantNothingToDo(t, e, h.addons(t, thing("a", "address: x2"), thing("b", "address: v")))
}

func failsWhereDenied(t *testing.T, e *Engine, h *webhook) {
	all := h.addons(t, thing("a", "address: x2"), thing("b", "address: v"), thing("c", "address: v"))
	_, err := e.Plan(t.Context(), all)
	for _, want := range []string{"Thing default/c of addon user", "its address is that of b"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("plan: got %v, want an error that says %q", err, want)
		}
	}
	// In an empty cluster the plan has nobody to ask.
	c := Change{Addon: "user", Object: "Thing default/c", Action: Create, target: all[0].Objects[2]}
	r := &run{Engine: e, chosen: all, defined: definedKinds(all), changes: []Change{c}}
	began := time.Now()
	err = r.applying(customs)(t.Context())
	if err == nil || !strings.Contains(err.Error(), "addon user: create Thing default/c") || !strings.Contains(err.Error(), "its address is that of b") {
		t.Errorf("apply: got %v, want what the webhook said", err)
	}
	if took := time.Since(began); took > 10*time.Second { // it does not wait
		t.Errorf("it took %v", took)
	}
}

func failsWhereRefused(t *testing.T, e *Engine, h *webhook) {
	_, err := e.Apply(t.Context(), h.addons(t, thing("a", "address: x2"), thing("b", "address: v"), thing("c", "count: many")), nil)
	if err == nil || !strings.Contains(err.Error(), "spec.count") {
		t.Errorf("got %v, want an error that names the field", err)
	}
}

// renames is for the pool of a load balancer that gets another name.
func renames(t *testing.T, e *Engine, h *webhook) {
	all := h.addons(t, thing("a", "address: x2"), thing("renamed", "address: v"))
	actions := planned(t, e, all)
	if actions["Thing default/b"] != Delete || actions["Thing default/renamed"] != Create {
		t.Errorf("planned: %v", actions)
	}
	if changed := mustApply(t, e, all); changed != 2 {
		t.Errorf("%d objects changed, want 2", changed)
	}
	wantNothingToDo(t, e, all)
}

// upgrades is for a new kbm, whose addons may have newer definitions.
func upgrades(t *testing.T, e *Engine, h *webhook) {
	all := h.addons(t, thing("a", "address: x2, fresh: true"), thing("renamed", "address: v"))
	if _, err := e.Plan(t.Context(), all); err == nil || !strings.Contains(err.Error(), "fresh") {
		t.Errorf("got %v, want an error that names the unknown field", err)
	}
	set(t, find(t, all, crdKind, "things.example.com"), withFresh(), "spec", "versions")
	actions := planned(t, e, all)
	if actions["Thing default/a"] != Update || actions["CustomResourceDefinition things.example.com"] != Update {
		t.Errorf("planned: %v", actions)
	}
	mustApply(t, e, all)
	wantNothingToDo(t, e, all)
	mustApply(t, e, h.addons(t, thing("a", "address: x2"), thing("renamed", "address: v")))
}

func withFresh() []any {
	field := func(kind string) any { return map[string]any{"type": kind} }
	spec := map[string]any{"type": "object", "properties": map[string]any{"address": field("string"), "count": field("integer"), "fresh": field("boolean")}}
	return []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{
		"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{"spec": spec}},
	}}}
}

func plansWithoutTheWebhook(t *testing.T, e *Engine, h *webhook) {
	h.stop()
	same := h.addons(t, thing("a", "address: x2"), thing("renamed", "address: v"))
	wantNothingToDo(t, e, same)
	other := h.addons(t, thing("a", "address: x3"), thing("renamed", "address: v"), thing("d", "address: z"))
	changes, err := e.Plan(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Change{}
	for _, c := range changes {
		got[c.Object] = c
	}
	if c := got["Thing default/a"]; c.Action != Update || !strings.Contains(c.Note, "does not answer") {
		t.Errorf("a changed thing is %s (%s)", c.Action, c.Note)
	}
	if c := got["Thing default/d"]; c.Action != Create {
		t.Errorf("a new thing is %s (%s)", c.Action, c.Note)
	}
	h.start(t)
	mustApply(t, e, other)
	wantNothingToDo(t, e, other)
}

func deadlineNamesTheWebhook(t *testing.T, e *Engine, h *webhook) {
	h.stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := e.Apply(ctx, h.addons(t, thing("a", "address: x4"), thing("renamed", "address: v"), thing("d", "address: z")), nil)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `update Thing default/a: webhook "things.example.com" does not answer`) {
		t.Errorf("got %v, want the deadline and the webhook", err)
	}
	h.start(t)
}

func failsWithItsPods(t *testing.T, e *Engine, h *webhook) {
	all := h.addons(t, thing("a", "address: x5"), thing("renamed", "address: v"), thing("d", "address: z"))
	hook := find(t, all, "ValidatingWebhookConfiguration", "things")
	hooks, _, err := unstructured.NestedSlice(hook.Object, "webhooks")
	if err != nil {
		t.Fatal(err)
	}
	hooks[0].(map[string]any)["clientConfig"] = map[string]any{"service": map[string]any{"namespace": "things", "name": "program"}}
	set(t, hook, hooks, "webhooks")
	pod := stuckPod(t, e, find(t, all, "Deployment", "program"), "ErrImageNeverPull", "no such image")
	defer func() { _ = e.client.Delete(t.Context(), pod, client.GracePeriodSeconds(0)) }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = e.Apply(ctx, all, nil)
	if !errors.Is(err, errHopeless) {
		t.Fatalf("got %v, want that waiting does not help", err)
	}
	for _, want := range []string{"Thing default/a", "webhook", "pod program-stuck on w1: ErrImageNeverPull (image example.com/program)"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	mustApply(t, e, h.addons(t, thing("a", "address: x4"), thing("renamed", "address: v"), thing("d", "address: z")))
}

func failsWithoutAKind(t *testing.T, e *Engine, h *webhook) {
	all := h.addons(t, thing("a", "address: x4"), thing("renamed", "address: v"), thing("d", "address: z"),
		"{apiVersion: nobody.example.com/v1, kind: Other, metadata: {name: o}}\n")
	began := time.Now()
	_, err := e.Apply(t.Context(), all, nil)
	if err == nil || !strings.Contains(err.Error(), "create Other o: "+noKind) {
		t.Errorf("got %v, want an error that names the kind", err)
	}
	if took := time.Since(began); took > 10*time.Second { // it does not wait
		t.Errorf("it took %v", took)
	}
	if actions := planned(t, e, all); actions["Thing default/a"] != Unchanged {
		t.Errorf("what was in order was not applied: %v", actions)
	}
}

// applySaying applies, tells each state to hear, and returns whether a state
// was said that begins and contains as asked for.
func applySaying(t *testing.T, e *Engine, all []Addon, hear func(state string)) func(prefix, part string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var said []string
	_, err := e.Apply(ctx, all, func(addon, state string) {
		said = append(said, addon+": "+state)
		hear(state)
	})
	if err != nil {
		t.Fatalf("%v, after %q", err, said)
	}
	return func(prefix, part string) bool {
		found := slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, prefix) && strings.Contains(s, part) })
		if !found {
			t.Logf("said: %q", said)
		}
		return found
	}
}
