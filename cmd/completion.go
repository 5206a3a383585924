package cmd

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
)

// completeNodes offers the names of nodes that are not yet on the line. It
// reads file names only: a spec with a fault still completes.
func (a *app) completeNodes(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	entries, err := os.ReadDir(filepath.Join(a.dir, cluster.NodesDir))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := []string{}
	for _, e := range entries {
		name, isNode := strings.CutSuffix(e.Name(), ".yaml")
		if isNode && !strings.HasPrefix(name, ".") && !slices.Contains(args, name) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeWith offers fixed values for a flag. The flag exists: its name stands
// a few lines above each call.
func completeWith(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
