package cmd

import (
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/lab"
)

func newLabStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the machines: running, stopped or absent, and whether sshd answers",
		Example: `  kbm lab status
  kbm lab status -o json`,
		Args: exactly(0, "this command takes no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := lab.For(a.dir)
			if err != nil {
				return err
			}
			statuses, err := l.Status(cmd.Context())
			if err != nil {
				return err
			}
			// A lab outlives a broken spec, and can be looked at all the same.
			if c, err := cluster.Load(a.dir); err == nil {
				statuses = withAbsent(statuses, c)
			}
			if a.isJSON() {
				return a.answer(statuses)
			}
			return a.printMachines(statuses)
		},
	}
}

// withAbsent adds the nodes that have no machine.
func withAbsent(statuses []lab.MachineStatus, c *cluster.Cluster) []lab.MachineStatus {
	for i := range c.Nodes {
		n := &c.Nodes[i]
		if !slices.ContainsFunc(statuses, func(s lab.MachineStatus) bool { return s.Name == n.Name }) {
			statuses = append(statuses, lab.MachineStatus{Name: n.Name, State: lab.Absent, Address: n.IP().String()})
		}
	}
	return statuses
}

func (a *app) printMachines(statuses []lab.MachineStatus) error {
	rows := make([][]string, len(statuses))
	for i, s := range statuses {
		ssh, pid, console := "-", "-", "-"
		if s.State == lab.Running {
			ssh, pid = "silent", strconv.Itoa(s.PID)
		}
		if s.SSH {
			ssh = "answers"
		}
		if s.Console != "" {
			console = s.Console
		}
		rows[i] = []string{s.Name, string(s.State), s.Address, ssh, pid, console}
	}
	return ui.Table(a.out, []string{"MACHINE", "STATE", "ADDRESS", "SSH", "PID", "CONSOLE"}, rows)
}
