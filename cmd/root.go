// Package cmd is the command line: one file a verb. It is the only place that
// knows flags, prints errors and decides exit codes.
package cmd

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

// app carries what every command shares: streams and the persistent flags.
type app struct {
	in       io.Reader
	out, err io.Writer

	dir      string
	output   string
	identity string
	quiet    bool
}

// Main runs kbm and returns its exit code.
func Main(ctx context.Context, args []string, in io.Reader, out, errw io.Writer) int {
	a := &app{in: in, out: out, err: errw}
	root := newRootCommand(a)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errw)
	if err := root.ExecuteContext(ctx); err != nil {
		return report(errw, err)
	}
	return exitOK
}

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:     "kbm",
		Short:   "Kubernetes on bare metal",
		Version: thisBuild().String(),
		Long: `kbm takes bare machines to a working Kubernetes cluster, and keeps it that way.

Exit codes: 0 done; 1 something failed; 2 wrong input, nothing was touched;
3 there are changes to make (kbm diff); 4 a machine could not be reached or
trusted; 5 another kbm holds the lock; 130 interrupted.`,
		Example: `  kbm init --name home --endpoint 192.168.1.11
  kbm add-node cp1 --role controller --address 192.168.1.11/24
  kbm up`,
		SilenceErrors: true,
		SilenceUsage:  true,

		// Not cobra's own refusal of unknown commands: that one is no usage error.
		Args: cobra.ArbitraryArgs,
		RunE: subcommand,

		PersistentPreRunE: a.checkOutput,
	}
	root.PersistentFlags().StringVar(&a.dir, "dir", ".", "the cluster's folder")
	_ = root.MarkPersistentFlagDirname("dir") // the flag stands one line above
	root.PersistentFlags().StringVarP(&a.output, "output", "o", "text", "text or json")
	completeWith(root, "output", []string{"text", "json"})
	root.PersistentFlags().StringVar(&a.identity, "identity", "", "file of an age identity or SSH key that decrypts what ends in .age in the cluster's folder ($KBM_AGE_IDENTITY)")
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "print errors only")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newInitCommand(a),
		newAddNodeCommand(a),
		newRenderCommand(a),
		newMediaCommand(a),
		newInstallCommand(a),
		newValidateCommand(a),
		newSchemaCommand(a),
		newUpCommand(a),
		newDiffCommand(a),
		newStatusCommand(a),
		newKubeconfigCommand(a),
		newPushCommand(a),
		newSSHCommand(a),
		newAddonsCommand(a),
		newExternalCommand(a),
		newBundleCommand(a),
		newPKICommand(a),
		newLabCommand(a),
		newVersionCommand(a),
	)
	return root
}
