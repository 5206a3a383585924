package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/provision"
)

func newStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show nodes, components, versions, expiry of certificates, and drift",
		Long: `Show how the cluster fares: its nodes, their versions, units that are down, the
certificate that ends first, and how far each machine is from the spec.
It ends with 0 when all is well, and with 1 when something is not.`,
		Example: `  kbm status
  kbm status -o json`,
		Args: exactly(0, "kbm status takes no argument; it shows all nodes"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.peek(cmd.Context())
			if err != nil {
				return err
			}
			env, done, err := s.env(a.silent(), upOptions{parallel: defaultParallel})
			if err != nil {
				return err
			}
			status, err := provision.Look(cmd.Context(), env)
			if err := errors.Join(err, done()); err != nil {
				return err
			}
			if err := a.sayStatus(status); err != nil {
				return err
			}
			if !status.Healthy() {
				return withCode(exitFailed, errSilent)
			}
			return nil
		},
	}
}

func (a *app) sayStatus(s provision.Status) error {
	if a.output == outputJSON {
		return json.NewEncoder(a.out).Encode(s)
	}
	api := "API ok"
	if s.API != "ok" {
		api = "no API: " + s.API
	}
	_, err := fmt.Fprintf(a.out, "Cluster %s, Kubernetes %s, %s, %s\n\n", s.Cluster, s.Kubernetes, s.Endpoint, api)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, n := range s.Nodes {
		rows = append(rows, []string{
			n.Name, n.Role, n.Address, n.Ready, n.Kubelet, strings.TrimPrefix(n.Runtime, "containerd://"), units(n), drift(n), expiry(n),
		})
	}
	if err := ui.Table(a.out, []string{"NODE", "ROLE", "ADDRESS", "READY", "KUBELET", "CONTAINERD", "UNITS", "DRIFT", "CERTIFICATES"}, rows); err != nil {
		return err
	}
	if unwell := findings(s); len(unwell) > 0 {
		_, err = fmt.Fprintf(a.out, "\n%s\n", strings.Join(unwell, "\n"))
	}
	return err
}

// findings are the lines below the table, each on something that is not well.
func findings(s provision.Status) (lines []string) {
	for _, n := range s.Nodes {
		switch {
		case n.Error != "":
			lines = append(lines, n.Error)
		case len(n.Down) > 0:
			lines = append(lines, n.Name+": down: "+strings.Join(n.Down, ", "))
		}
	}
	for _, p := range s.Pods {
		lines = append(lines, "kube-system: "+p)
	}
	return lines
}

func units(n provision.NodeStatus) string {
	switch {
	case n.Error != "":
		return "unreachable"
	case len(n.Down) > 0:
		return fmt.Sprintf("%d down", len(n.Down))
	}
	return "running"
}

func drift(n provision.NodeStatus) string {
	switch {
	case n.Error != "":
		return "?"
	case n.Drift == 0:
		return "none"
	}
	return count(n.Drift, "change")
}

func expiry(n provision.NodeStatus) string {
	if n.Expires.IsZero() {
		return "?"
	}
	return fmt.Sprintf("%d days", int(time.Until(n.Expires).Hours()/24))
}
