package cmd

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/pki"
)

func newPKIListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Show every certificate: names, expiry, issuer and status",
		Long: `Show every certificate. Only certificates are read, so that no identity is
needed. The status is ok, or why the certificate will be issued anew.`,
		Args: exactly(0, "this command takes no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withPKI(cmd.Context(), func(c *cluster.Cluster, store *pki.Files) error {
				now := time.Now()
				entries, err := pki.List(store, c, now)
				if err != nil {
					return usageError(err)
				}
				if a.isJSON() {
					return a.answer(entries)
				}
				return a.printEntries(entries, now)
			})
		},
	}
}

func (a *app) printEntries(entries []pki.Entry, now time.Time) error {
	rows := make([][]string, len(entries))
	for i, e := range entries {
		node, left := e.Node, "-"
		if node == "" {
			node = "-"
		}
		if !e.NotAfter.IsZero() {
			left = fmt.Sprintf("%dd", int(e.NotAfter.Sub(now).Hours()/24))
		}
		rows[i] = []string{string(e.Name), node, e.Subject, left, e.Issuer, e.Status, strings.Join(e.SANs, ",")}
	}
	return ui.Table(a.out, []string{"NAME", "NODE", "SUBJECT", "EXPIRES IN", "ISSUER", "STATUS", "SANS"}, rows)
}
