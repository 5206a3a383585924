package provision

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// deliver does with the machine what `kbm up` does, from the address.
func (s *street) deliver(t *testing.T, want ignition.Machine, from string) error {
	t.Helper()
	logins := 0
	r := &run{Env: Env{Report: silence{}, Connect: func(ctx context.Context, _ *cluster.Node) (Host, error) {
		logins++
		return s.from(t, from)(ctx)
	}}}
	m := &machine{node: &cluster.Node{Name: want.Name}, want: want}
	if err := connectOne(t.Context(), r, m); err != nil {
		t.Fatal(err)
	}
	m.plan = look(t, m.host, want)
	for _, step := range []func(context.Context, *machine) error{r.prepare, r.apply} {
		if err := step(t.Context(), m); err != nil {
			return err
		}
	}
	if logins != 2 {
		t.Errorf("kbm logged in %d times, not once before and once after", logins)
	}
	return nil
}

// reach tells which ports of the machine answer an address.
func (s *street) reach(t *testing.T, from string, ports ...int) string {
	t.Helper()
	answers := make([]string, len(ports))
	var all sync.WaitGroup
	for i, port := range ports {
		all.Go(func() {
			if conn, err := s.dial(t.Context(), from, port); err == nil {
				answers[i] = fmt.Sprint(port)
				_ = conn.Close()
			}
		})
	}
	all.Wait()
	return strings.Join(strings.Fields(strings.Join(answers, " ")), " ")
}

func TestFirewallLetsInWhomTheSpecNames(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	ports := []int{22, 80, 443, 10250, 25565, 8080, 30080, 30090}
	for _, port := range ports[1:6] {
		s.listen(t, port)
	}
	// As kube-proxy leads node ports elsewhere before a packet counts as input;
	// the place that they are led to is open here.
	s.machine.sh(t, `nft add table ip kube-proxy
nft 'add chain ip kube-proxy nodeports { type nat hook prerouting priority dstnat; }'
nft add rule ip kube-proxy nodeports tcp dport { 30080, 30090 } redirect to :80`)
	everything := "22 80 443 10250 25565 8080 30080 30090"
	expect(t, "a stranger without a firewall", s.reach(t, someone, ports...), everything)

	m := wanted(t, cluster.Firewall{Admin: []string{"198.51.100.0/24"}, Open: []string{"25565/tcp"}})
	if err := s.deliver(t, m, admin); err != nil {
		t.Fatal(err)
	}
	expect(t, "a stranger", s.reach(t, someone, ports...), "80 443 25565 30080")
	expect(t, "an administrator", s.reach(t, admin, ports...), "22 80 443 25565 30080")
	expect(t, "another node", s.reach(t, otherNode, ports...), everything)
	expect(t, "others' tables", s.machine.sh(t, "nft list tables"), "table ip kube-proxy\ntable inet kbm_firewall")
	expect(t, "the next plan", summary(look(t, s.machine, m)), "")
	expect(t, "what waits to take the rules back", s.machine.sh(t, "ls /run/units/kbm-firewall-undo.timer/active /run/kbm-firewall/pending 2>/dev/null; :"), "")
}

func TestFirewallThatLocksOutIsTakenBack(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	good := wanted(t, cluster.Firewall{Admin: []string{admin}})
	bad := wanted(t, cluster.Firewall{Admin: []string{"10.9.9.0/24"}})
	before := "22"
	for _, first := range []bool{true, false} {
		var locked *LockedOutError
		if err := s.deliver(t, bad, admin); !errors.As(err, &locked) || locked.Undo != nil ||
			!strings.Contains(err.Error(), "the firewall of ed1 would have locked kbm out") {
			t.Fatalf("got %v", err)
		}
		expect(t, "an administrator", s.reach(t, admin, 22), "22")
		expect(t, "a stranger", s.reach(t, someone, 22), before)
		// The next run does not take the wanted file for the rules in force.
		if plan := summary(look(t, s.machine, bad)); !strings.Contains(plan, "start kbm-firewall.service") {
			t.Errorf("the next plan: %q", plan)
		}
		if !first {
			break
		}
		expect(t, "rules at boot", s.machine.sh(t, "ls "+ignition.FirewallConfirmed+" 2>/dev/null; :"), "")
		if err := s.deliver(t, good, admin); err != nil {
			t.Fatal(err)
		}
		before = ""
	}
	expect(t, "rules at boot", s.machine.sh(t, "cat "+ignition.FirewallConfirmed), strings.TrimSpace(string(good.Files[0].Content)))
}

// kbm may be killed, or its connection cut, in the middle of a trial.
func TestMachineTakesUnconfirmedRulesBack(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	m := wanted(t, cluster.Firewall{Admin: []string{"10.9.9.0/24"}})
	plan := look(t, s.machine, m)
	if err := ApplyFiles(t.Context(), s.machine, &plan); err != nil {
		t.Fatal(err)
	}
	try, err := script("firewall.sh", "try", ignition.FirewallUnit, ignition.FirewallTable, ignition.FirewallWanted, ignition.FirewallConfirmed, "2")
	if err != nil {
		t.Fatal(err)
	}
	s.machine.sh(t, try)
	expect(t, "while the rules are tried", s.reach(t, admin, 22), "")
	err = poll(t.Context(), 10*time.Second, 50*time.Millisecond, func(ctx context.Context) error {
		conn, err := s.dial(ctx, admin, 22)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := firewallScript(t.Context(), s.machine, "confirm"); err == nil || !strings.Contains(err.Error(), "taken back before") {
		t.Errorf("a confirmation that comes too late: %v", err)
	}
}

func TestRulesThatAreNoneAreNotTried(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	m := wanted(t, cluster.Firewall{})
	m.Files[0].Content = []byte("table inet kbm_firewall { oops }\n")
	var run *RunError
	if err := s.deliver(t, m, someone); !errors.As(err, &run) || !strings.Contains(run.Stderr, "syntax error") {
		t.Errorf("got %v", err)
	}
	expect(t, "tables", s.machine.sh(t, "nft list tables"), "")
}

// hostFunc is a machine of which only the running of scripts matters.
type hostFunc func(ctx context.Context, cmd Command) (Result, error)

func (f hostFunc) Run(ctx context.Context, cmd Command) (Result, error) { return f(ctx, cmd) }

func (hostFunc) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, errors.ErrUnsupported
}

// A machine whose disk is busy may confirm late, and that is not a way in that
// is shut: only the connection is bounded. One that is lost meanwhile leaves
// nothing that nobody has confirmed.
func TestConfirmationTakesAsLongAsTheDiskNeeds(t *testing.T) {
	t.Parallel()
	gone := errors.New("connection lost")
	var undone bool
	first := hostFunc(func(_ context.Context, cmd Command) (Result, error) {
		undone = undone || strings.HasPrefix(cmd.Script, "set -- "+quote("undo"))
		return Result{}, nil
	})
	for _, answer := range []error{nil, gone} {
		second := hostFunc(func(ctx context.Context, _ Command) (Result, error) {
			if _, limited := ctx.Deadline(); limited {
				t.Error("the confirmation is bounded in time")
			}
			return Result{}, answer
		})
		err := TryFirewall(t.Context(), "ed1", first, func(context.Context) (Host, error) { return second, nil })
		var locked *LockedOutError
		if !errors.Is(err, answer) || errors.As(err, &locked) {
			t.Errorf("confirmed with %v: got %v", answer, err)
		}
		if undone != (answer != nil) {
			t.Errorf("confirmed with %v: the rules were taken back: %t", answer, undone)
		}
	}
}
