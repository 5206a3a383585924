package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/provision"
)

func newPushCommand(a *app) *cobra.Command {
	var o upOptions
	c := &cobra.Command{
		Use:   "push",
		Short: "Bring binaries and images to the machines, ahead of kbm up",
		Long: `Bring the bundle's binaries and images to the machines and load the images,
without starting anything of Kubernetes. A later kbm up finds them in place.`,
		Example: `  kbm push`,
		Args:    exactly(0, "kbm push takes no argument; it brings the bundle to all nodes"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			if _, err := s.run(cmd.Context(), provision.Push(), o); err != nil || a.quiet || a.output == outputJSON {
				return err
			}
			_, err = fmt.Fprintf(a.out, "Binaries and images are on %d machines.\n", len(s.cluster.Nodes))
			return err
		},
	}
	o.flags(c)
	return c
}
