package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/provision"
)

func newUpCommand(a *app) *cobra.Command {
	var o upOptions
	c := &cobra.Command{
		Use:   "up",
		Short: "Bring every node to the state that the spec asks for",
		Long: `Bring every node to the state that the spec asks for, and wait until the
cluster is ready. kbm looks at all machines first, checks them, and then writes
only what differs and restarts only what depends on it. It may be interrupted at
any moment: the next run carries on. A second run says that nothing is to be done.`,
		Example: `  kbm up
  kbm up --dry-run
  kbm up -o json | tee up.log`,
		Args: exactly(0, "kbm up takes no argument; it brings up all nodes"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.dryRun {
				return a.diff(cmd.Context(), o)
			}
			return a.up(cmd.Context(), o)
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "only show what would be done (kbm diff)")
	return c
}

func newDiffCommand(a *app) *cobra.Command {
	var o upOptions
	c := &cobra.Command{
		Use:   "diff",
		Short: "Show what kbm up would do",
		Long: `Show what kbm up would do, and change nothing: files, units, objects.
It ends with 0 when there is nothing to do, and with 3 when there is.`,
		Example: `  kbm diff
  kbm diff -o json`,
		Args: exactly(0, "kbm diff takes no argument; it compares all nodes"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.diff(cmd.Context(), o) },
	}
	o.flags(c)
	return c
}

// defaultParallel is how many machines are worked on at once: enough that a
// rack takes as long as a machine, and few enough for a workstation's memory.
const defaultParallel = 32

type upOptions struct {
	parallel int
	dryRun   bool
}

func (o *upOptions) flags(c *cobra.Command) {
	c.Flags().IntVar(&o.parallel, "parallel", defaultParallel, "how many machines to work on at once")
}

func (a *app) up(ctx context.Context, o upOptions) error {
	start := time.Now()
	s, err := a.load(ctx, opening{addons: true})
	if err != nil {
		return err
	}
	// It is needed most when the cluster does not come up.
	if err := s.writeKubeconfig(); err != nil {
		return err
	}
	plan, err := s.run(ctx, provision.Up(), o)
	if err != nil {
		return err
	}
	return a.sayUp(s, plan, time.Since(start))
}

func (a *app) sayUp(s *session, plan provision.Plan, took time.Duration) error {
	if a.output == outputJSON {
		return json.NewEncoder(a.out).Encode(map[string]any{
			"result": "ready", "changed": !plan.Empty(), "seconds": took.Seconds(),
		})
	}
	if a.quiet {
		return nil
	}
	if plan.Empty() {
		_, err := fmt.Fprintf(a.out, "Nothing to do: %d nodes are as the spec says (%.1fs).\n", len(plan.Nodes), took.Seconds())
		return err
	}
	_, err := fmt.Fprintf(a.out, "Cluster %s is ready: %d nodes, Kubernetes %s (%.1fs). Its kubeconfig is %s.\n",
		s.cluster.Name, len(plan.Nodes), s.cluster.Kubernetes.Version, took.Seconds(), s.kubeconfigPath())
	return err
}

func (a *app) diff(ctx context.Context, o upOptions) error {
	s, err := a.load(ctx, opening{addons: true, readOnly: true})
	if err != nil {
		return err
	}
	plan, err := s.run(ctx, provision.Diff(), o)
	if err != nil {
		return err
	}
	if a.output == outputJSON {
		if err := json.NewEncoder(a.out).Encode(plan); err != nil {
			return err
		}
	} else if err := printPlan(a.out, plan); err != nil {
		return err
	}
	if plan.Empty() {
		return nil
	}
	return withCode(exitChanges, errSilent)
}
