package provision

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

// tellingHost answers troubleScript with what it is told to, and every other
// script with a journal.
type tellingHost struct{ tells string }

func (h *tellingHost) Run(_ context.Context, c Command) (Result, error) {
	if c.Script == troubleScript {
		return Result{Stdout: []byte(h.tells)}, nil
	}
	return Result{Stdout: []byte("starting\nlisten tcp 0.0.0.0:10250: bind: address already in use\n")}, nil
}

func (h *tellingHost) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("no network")
}

type reporterFunc func(Event)

func (f reporterFunc) Report(e Event) { f(e) }

// A unit that keeps ending is told at first, and then not waited for: found
// when a program took the kubelet's port after the checks, and kbm up waited
// five minutes for the node.
func TestUnitThatKeepsEndingIsNotWaitedFor(t *testing.T) {
	now := time.Unix(0, 0)
	host := &tellingHost{}
	said := ""
	r := &run{Env: Env{Now: func() time.Time { return now }, Report: reporterFunc(func(e Event) { said = e.Detail })}}
	m := &machine{node: &cluster.Node{Name: "w1"}, host: host}
	ask := func(after time.Duration, tells string) error {
		now, host.tells = now.Add(after), tells
		return r.waitFor(t.Context(), m, &m.worry, "wait until Ready", "it has not registered")
	}
	for _, step := range []struct {
		after       time.Duration
		tells, want string
	}{
		{0, "", "it has not registered"},
		{time.Second, "kubelet.service auto-restart 9 broken\n", "it has not registered"}, // too early to ask
		{patience, "containerd.service running 0 \netcd.service running 0 \nkubelet.service auto-restart 9 address already in use\n", "kubelet.service keeps ending: address already in use"},
		{nowAndAgain, "containerd.service running 0 \nkubelet.service auto-restart 14 \nkube-apiserver: no etcd\n", "kube-apiserver: no etcd"}, // often, but not long
		{tooLong, "containerd.service running 0 \nkubelet.service auto-restart 13 \n", "it has not registered"},                                // long, but not often
	} {
		if err := ask(step.after, step.tells); err != nil || said != step.want {
			t.Errorf("says %q, %v, want %q", said, err, step.want)
		}
	}
	err := ask(nowAndAgain, "kubelet.service auto-restart 14 address already in use\n")
	var unit *UnitError
	var stop permanentError
	if !errors.As(err, &unit) || !errors.As(err, &stop) {
		t.Fatalf("got %v, want a *UnitError that ends the wait", err)
	}
	for _, want := range []string{"w1: kubelet.service does not start: it has ended 5 times in 40s", "run kbm up again", "bind: address already in use"} {
		if !strings.Contains(unit.Error(), want) {
			t.Errorf("%q is not in: %v", want, unit)
		}
	}
}

// systemd itself gives a unit up that ends too often at once.
func TestUnitThatIsGivenUpIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	host := &tellingHost{tells: "containerd.service running 0 \netcd.service failed 5 bind: address already in use\n"}
	r := &run{Env: Env{Now: func() time.Time { return now }, Report: silence{}}}
	m := &machine{node: &cluster.Node{Name: "cp1"}, host: host}
	var err error
	for range 2 {
		if err != nil {
			t.Fatal(err)
		}
		err = r.waitFor(t.Context(), m, &m.worry, "wait for the API server", "connection refused")
		now = now.Add(patience)
	}
	if err == nil || !strings.Contains(err.Error(), "cp1: etcd.service does not start: systemd has given it up") {
		t.Errorf("got %v", err)
	}
}
