package cmd

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kbm-dev/kbm/internal/remote"
)

func newSSHCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "ssh NODE -- COMMAND [ARG...]",
		Short: "Run a command on a machine, as root, over a verified connection",
		Long: `Run a command on a machine as root, with the same login and the same check of
the host key as kbm up. Standard input is passed on, and the exit code is the
command's own.`,
		Example: `  kbm ssh cp1 -- journalctl -u kubelet -n 20 --no-pager
  kbm ssh w1 -- sh -c 'cat >/etc/motd' <motd`,
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: a.completeNodes,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, err := a.peek(cmd.Context())
			if err != nil {
				return err
			}
			node, ok := s.cluster.Node(args[0])
			if !ok {
				return usageError(fmt.Errorf("there is no node %s: the nodes are %s", args[0], strings.Join(s.cluster.NodeNames(), ", ")))
			}
			m, err := s.machines(a.silent())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, m.Close()) }()
			host, err := m.connect(cmd.Context(), node)
			if err != nil {
				return err
			}
			c := remote.Command{Script: "exec " + quoted(args[1:]), Stdout: a.out}
			// A terminal has nothing to pass on, and would never end.
			if file, ok := a.in.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
				c.Stdin = a.in
			}
			result, err := host.Run(cmd.Context(), c)
			var run *remote.RunError
			if err != nil && !errors.As(err, &run) {
				return err
			}
			if _, err := a.err.Write(result.Stderr); err != nil {
				return err
			}
			if run != nil {
				return withCode(run.ExitCode, errSilent)
			}
			return nil
		},
	}
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = remote.Quote(w)
	}
	return strings.Join(out, " ")
}
