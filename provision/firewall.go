package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// Within firewallAnswer a second connection has to stand; after firewallUndo the
// machine takes the rules back that were not confirmed. Which of the two came
// first the machine decides.
const (
	firewallAnswer = 30 * time.Second
	firewallUndo   = 60 * time.Second
)

// LockedOutError is a firewall that did not let kbm in a second time.
type LockedOutError struct {
	Node  string
	Cause error // why the second connection failed
	// Undo is why the rules could not be taken back at once: then the machine
	// does so by itself.
	Undo error
}

func (e *LockedOutError) Error() string {
	done := "the rules from before are in force again"
	if e.Undo != nil {
		done = fmt.Sprintf("it takes the new rules back within %s", firewallUndo)
	}
	return fmt.Sprintf("the firewall of %s would have locked kbm out; %s; name the network that you come from, or your jump host, in security.firewall.admin (the second connection: %v)",
		e.Node, done, e.Cause)
}

func (e *LockedOutError) Unwrap() error { return e.Cause }

// TryFirewall puts the rules that were delivered to a machine in force, and
// keeps them only if again finds a way in by a connection of its own: that of
// host was there before the rules, and proves nothing. Otherwise those from
// before come back, and the error is a *LockedOutError. Should kbm or its
// connection die meanwhile, the machine takes the rules back by itself.
func TryFirewall(ctx context.Context, node string, host Host, again func(context.Context) (Host, error)) error {
	if err := firewallScript(ctx, host, "try"); err != nil {
		return fmt.Errorf("try the firewall of %s: %w", node, err)
	}
	other, err := secondWayIn(ctx, again)
	if err != nil {
		return &LockedOutError{Node: node, Cause: err, Undo: undoFirewall(ctx, host)}
	}
	// The way in is open. Files are written to disk here, which takes as long as
	// the disk needs.
	if err := firewallScript(ctx, other, "confirm"); err != nil {
		var run *RunError
		if !errors.As(err, &run) {
			// Whether the machine heard it nobody knows; if not, its rules go now.
			_ = undoFirewall(ctx, host)
		}
		return fmt.Errorf("confirm the firewall of %s: %w", node, err)
	}
	return nil
}

func secondWayIn(ctx context.Context, again func(context.Context) (Host, error)) (Host, error) {
	ctx, cancel := context.WithTimeout(ctx, firewallAnswer)
	defer cancel()
	return again(ctx)
}

// undoFirewall takes rules back that were not confirmed, also when ctx has ended.
func undoFirewall(ctx context.Context, host Host) error {
	ctx, stop := shortly(context.WithoutCancel(ctx))
	defer stop()
	return firewallScript(ctx, host, "undo")
}

func firewallScript(ctx context.Context, host Host, action string) error {
	text, err := script("firewall.sh", action, ignition.FirewallUnit, ignition.FirewallTable,
		ignition.FirewallWanted, ignition.FirewallConfirmed, strconv.Itoa(int(firewallUndo.Seconds())))
	if err != nil {
		return err
	}
	_, err = host.Run(ctx, Command{Script: text})
	return err
}

// raiseFirewall tries the rules of a machine where they are new, or not in
// force: once in a run.
func (r *run) raiseFirewall(ctx context.Context, m *machine) error {
	if m.walled || !slices.Contains(m.plan.Units(), ignition.FirewallUnit) {
		return nil
	}
	const step = "try the firewall"
	r.report(m.node.Name, step, Started, "")
	again := func(ctx context.Context) (Host, error) { return r.Connect(ctx, m.node) }
	if err := TryFirewall(ctx, m.node.Name, m.host, again); err != nil {
		return err
	}
	m.walled = true
	r.report(m.node.Name, step, Done, "a second connection came through")
	return nil
}

// checkFirewall tells whom new rules let in that somebody may not think of.
func checkFirewall(c *cluster.Cluster, n PreflightNode) []Problem {
	news := slices.ContainsFunc(n.Plan.Changes, func(ch Change) bool { return ch.Object == ignition.FirewallWanted })
	if !news || !c.HasFirewall(n.Node) || len(c.Security.Firewall.Admin) > 0 {
		return nil
	}
	return []Problem{{
		Warning: true, What: "its firewall leaves SSH open to everybody",
		Cure: "name the networks that you come from in security.firewall.admin",
	}}
}
