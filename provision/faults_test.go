package provision

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// silence hears nothing.
type silence struct{}

func (silence) Report(Event) {}

// A machine that is off, one that somebody works on, one that is no good and a
// bad bundle: a person learns of all of them in one run, before the first write.
func TestAllFaultsAreToldAtOnce(t *testing.T) {
	busy, poor := newMachine(t, ""), newMachine(t, "")
	release, err := Acquire(t.Context(), "w2", busy, "ada on desk")
	if err != nil {
		t.Fatal(err)
	}
	env := Env{
		Cluster: &cluster.Cluster{Nodes: []cluster.Node{{Name: "w1"}, {Name: "w2"}, {Name: "w3", Address: "192.0.2.3"}}},
		Bundle:  bundle.Manifest{Arch: "amd64"},
		Connect: func(_ context.Context, n *cluster.Node) (Host, error) {
			switch n.Name {
			case "w1":
				return nil, &net.OpError{Op: "dial w1", Err: errors.New("it is off")}
			case "w2":
				return busy, nil
			}
			return poor, nil
		},
		Source:   badSource{},
		Report:   silence{},
		Owner:    "test",
		Parallel: 2,
	}
	wanted := bundledPlan("w3")
	_, err = Run(t.Context(), env, []Step{
		{"connect", connect},
		{"lock", lock},
		{"look", func(_ context.Context, r *run) error {
			r.nodes[2].facts.Arch, r.nodes[2].facts.Systemd, r.nodes[2].plan = "x86_64", true, wanted
			return nil
		}},
		{"check", preflight},
		{"write", func(context.Context, *run) error { return errors.New("the first write") }},
	})
	var faults *Faults
	if !errors.As(err, &faults) || !faults.Untouched || len(faults.All) != 4 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{"it is off", "w2: ada on desk", "w3: the spec's address 192.0.2.3", "kubelet is no good"} {
		if !strings.Contains(faults.All[i].Error(), want) {
			t.Errorf("fault %d is %q, want %q", i, faults.All[i], want)
		}
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	for name, host := range map[string]Host{"w2": busy, "w3": poor} {
		release, err := Acquire(t.Context(), name, host, "bob")
		if err != nil {
			t.Fatalf("the lock is still held: %v", err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	}
}

func bundledPlan(node string) NodePlan {
	return NodePlan{Node: node, artefacts: []item{{path: "/opt/bin/kubelet", artefact: &ignition.Artefact{Name: "kubelet", Size: 7}}}}
}

// badSource finds a fault in whatever it is asked about.
type badSource struct{ memorySource }

func (badSource) Verify(_ context.Context, names ...string) error {
	return errors.New(strings.Join(names, ", ") + " is no good")
}

func TestInterruptedRunSaysSo(t *testing.T) {
	env := Env{Cluster: &cluster.Cluster{Nodes: []cluster.Node{{Name: "w1"}, {Name: "w2"}}}, Report: silence{}}
	ctx, interrupt := context.WithCancelCause(t.Context())
	env.Connect = func(ctx context.Context, n *cluster.Node) (Host, error) {
		if n.Name == "w2" {
			interrupt(errors.New("interrupt signal received"))
		}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	env.Parallel = 2
	_, err := Run(ctx, env, Up())
	if err == nil || err.Error() != context.Canceled.Error() {
		t.Errorf("got %v", err)
	}
}

func TestFaultsKeepTheirWords(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c")
	put := errors.Join(b, c)
	got := flat([]error{nil, a, errors.Join(put, nil), &Faults{All: []error{a}}, wordedError{put}})
	want := []string{"a", "b", "c", "a", "in words: b\nc"}
	if !slices.EqualFunc(got, want, func(err error, text string) bool { return err.Error() == text }) {
		t.Errorf("got %q", got)
	}
	if newFaults(nil, errors.Join()) != nil {
		t.Error("no fault is an error")
	}
}

type wordedError struct{ error }

func (e wordedError) Error() string { return "in words: " + e.error.Error() }
func (e wordedError) Unwrap() error { return e.error }
