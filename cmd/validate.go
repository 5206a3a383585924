package cmd

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
)

func newValidateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "Check cluster.yaml and nodes/*.yaml",
		Long: `Check cluster.yaml and nodes/*.yaml, and print every fault there is: the file,
the YAML path, the value, what is wrong and what would be right. It touches
nothing and reaches no machine. With faults the exit code is 2.`,
		Example: `  kbm validate
  kbm validate --dir prod -o json`,
		Args: exactly(0, "kbm validate takes no argument; name the cluster's folder with --dir"),
		RunE: func(*cobra.Command, []string) error { return a.validate() },
	}
}

func (a *app) validate() error {
	c, err := a.spec()
	if err == nil && len(c.Nodes) > 0 {
		err = usageError(c.ReadyForUp())
	}
	var faults cluster.Faults
	if err != nil && !errors.As(err, &faults) {
		return err
	}
	// An empty list, not null, for whoever reads it.
	said := a.answer(map[string]any{"valid": err == nil, "faults": append(cluster.Faults{}, faults...)})
	switch {
	case said != nil:
		return said
	case err != nil && a.isJSON():
		return withCode(exitInput, errSilent)
	case err != nil:
		return err
	}
	a.say("ok: cluster %s, %s", c.Name, count(len(c.Nodes), "node"))
	if len(c.Nodes) == 0 {
		a.say("next: kbm %sadd-node NAME --role controller --address IP", a.dirFlag())
	}
	return nil
}
