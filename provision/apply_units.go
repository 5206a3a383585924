package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ApplyUnits starts and restarts what the plan says, in the plan's order and in
// one round trip: all of it, or of the units that are named only theirs.
// A unit that does not come up is a *UnitError.
func ApplyUnits(ctx context.Context, host Host, p *NodePlan, only ...string) error {
	var args []string
	for _, u := range p.units {
		if len(only) == 0 || slices.Contains(only, u.unit) {
			args = append(args, string(u.action), u.unit)
		}
	}
	if len(args) == 0 {
		return nil
	}
	text, err := script("units.sh", args...)
	if err != nil {
		return err
	}
	_, err = host.Run(ctx, Command{Script: text})
	var run *RunError
	if errors.As(err, &run) && run.ExitCode == unitFailed {
		return newUnitError(p.Node, run.Stderr)
	}
	if err != nil {
		return fmt.Errorf("start units on %s: %w", p.Node, err)
	}
	return nil
}

// unitFailed is what units.sh ends with when a unit does not come up.
const unitFailed = 3

// UnitError is a unit that did not come up.
type UnitError struct {
	Node, Unit string
	Reason     string // what systemctl said
	Journal    string // the last 15 lines of the unit's journal
}

func newUnitError(node, stderr string) *UnitError {
	reason, rest, _ := strings.Cut(stderr, "\n= ")
	unit, journal, _ := strings.Cut(rest, "\n")
	return &UnitError{Node: node, Unit: unit, Reason: strings.TrimSpace(reason), Journal: strings.TrimSpace(journal)}
}

func (e *UnitError) Error() string {
	text := fmt.Sprintf("%s: %s does not start", e.Node, e.Unit)
	if e.Reason != "" {
		first, _, _ := strings.Cut(e.Reason, "\n")
		text += ": " + strings.TrimSuffix(first, ".")
	}
	if e.Journal != "" {
		text += "; mend what its journal tells, and run kbm up again:\n  " + strings.ReplaceAll(e.Journal, "\n", "\n  ")
	}
	return text
}
