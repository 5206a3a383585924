package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
)

func newSchemaCommand(a *app) *cobra.Command {
	kinds := strings.Join(cluster.Kinds(), " or ")
	return &cobra.Command{
		Use:   "schema [cluster|node]",
		Short: "Print the JSON Schema of cluster.yaml or nodes/*.yaml",
		Long: `Print the JSON Schema of cluster.yaml or nodes/*.yaml, with what each setting
means, its default and an example, for editors that complete and check YAML.`,
		Example: `  kbm schema > cluster.schema.json
  kbm schema node > node.schema.json
  # then, as the first line of cluster.yaml:
  # yaml-language-server: $schema=cluster.schema.json`,
		Args:      atMost(1, "kbm schema takes one argument: "+kinds),
		ValidArgs: cluster.Kinds(),
		RunE: func(_ *cobra.Command, args []string) error {
			kind := append(args, cluster.Kinds()...)[0]
			if !slices.Contains(cluster.Kinds(), kind) {
				return usageError(fmt.Errorf("%q has no schema; write %s", kind, kinds))
			}
			text, err := cluster.Schema(kind)
			if err != nil {
				return err
			}
			_, err = a.out.Write(text)
			return err
		},
	}
}
