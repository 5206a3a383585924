//go:build lab

package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"
)

// killedLab names the variable that turns this test program into a lab up that
// is about to be killed.
const killedLab = "KBM_TEST_KILLED_LAB"

// TestUpSurvivesKills kills a lab up at many moments. Each next up must find
// its way, and down must leave nothing.
func TestUpSurvivesKills(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	l := testLab(t)
	var machines []Machine
	hostKey, userKey := newKey(t), newKey(t)
	for i := range 2 {
		name, address := fmt.Sprintf("m%d", i+1), fmt.Sprintf("10.99.0.%d/24", 11+i)
		machines = append(machines, Machine{
			Name: name, Address: netip.MustParsePrefix(address),
			ISO: writeMedium(t, config(name, address, hostKey, userKey)),
		})
	}
	spec := testSpec(t, ctx, machines...)
	before := traces(t, l)
	for i, after := range []time.Duration{5, 15, 30, 45, 60, 75, 90, 110, 130, 150, 180, 220, 300, 400, 600} {
		killed(t, ctx, killedInput{Lab: l, Spec: spec}, after*time.Millisecond)
		t.Logf("up killed after %d ms: %s", after, states(t, ctx, l))
		if i%2 == 0 {
			continue // the next up finds what this one left
		}
		killed(t, ctx, killedInput{Lab: l, Down: true}, after*time.Millisecond/2)
		if err := l.Down(ctx); err != nil {
			t.Fatal(err)
		}
		if left := traces(t, l); left != before {
			t.Fatalf("killed after %d ms, down left something behind:\n%s", after, left)
		}
	}
	up(t, ctx, l, spec)
	for _, m := range machines {
		if got := run(t, login(t, ctx, l, m, hostKey, userKey), "hostname; systemctl is-active from-the-medium"); got != m.Name+"\nactive" {
			t.Errorf("%s: got %q", m.Name, got)
		}
	}
	if err := l.Down(ctx); err != nil {
		t.Fatal(err)
	}
	if left := traces(t, l); left != before {
		t.Errorf("down left something behind:\n%s", left)
	}
}

type killedInput struct {
	Lab  Lab
	Spec Spec
	Down bool
}

// killed runs this test program as a lab up or down and kills it.
func killed(t *testing.T, ctx context.Context, input killedInput, after time.Duration) {
	t.Helper()
	content, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), killedLab+"="+string(content))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait()
}

// TestKilled is the other side of killed; by itself it does nothing.
func TestKilled(t *testing.T) {
	if os.Getenv(killedLab) == "" {
		return
	}
	var input killedInput
	if err := json.Unmarshal([]byte(os.Getenv(killedLab)), &input); err != nil {
		t.Fatal(err)
	}
	if input.Down {
		if err := input.Lab.Down(context.Background()); err != nil {
			t.Error(err)
		}
		return
	}
	up(t, context.Background(), input.Lab, input.Spec)
}

func states(t *testing.T, ctx context.Context, l Lab) []State {
	t.Helper()
	statuses, err := l.Status(ctx)
	if err != nil {
		t.Log(err)
	}
	var states []State
	for _, s := range statuses {
		states = append(states, s.State)
	}
	return states
}
