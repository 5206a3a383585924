package cmd

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/ui"
)

func newMediaCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "media",
		Short: "See how machines get their configuration at their first boot",
		Long: `A machine reads its configuration at its first boot, and each kind of machine
looks for it elsewhere: media: in cluster.yaml and nodes/*.yaml names a target,
and kbm render makes what that target reads. What no reader would find is
refused, since such a machine boots and silently stays as it was.`,
		Example: `  kbm media targets
  kbm media targets proxmox
  kbm media verify build/w1/w1.iso
  kbm media stick --out stick.iso`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommand,
	}
	c.AddCommand(newMediaTargetsCommand(a), newMediaVerifyCommand(a), newMediaStickCommand(a))
	return c
}

func newMediaTargetsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "targets [TARGET]",
		Short: "List the targets, or show all of one",
		Long: `List the targets that media: and --media choose from; with a name, show its
label, its paths, what it needs on the kernel's command line, how much it
takes, and what to do with the file.`,
		Example: `  kbm media targets
  kbm media targets fcos-metal
  kbm media targets -o json`,
		Args:      atMost(1, "kbm media targets takes one name; without any it lists all"),
		ValidArgs: cluster.MediaTargets(),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.mediaTargets()
			}
			t, err := ignition.FindTarget(args[0])
			if err != nil {
				return usageError(err)
			}
			return a.mediaTarget(t)
		},
	}
}

func (a *app) mediaTargets() error {
	all := ignition.Targets()
	if a.isJSON() {
		return a.answer(all)
	}
	rows := make([][]string, len(all))
	for i, t := range all {
		rows[i] = []string{t.Name, strings.Join(t.OSes, ", "), string(t.Format), t.MainFile("NAME"), cmp.Or(t.Label, "-"), t.Reader}
	}
	return ui.Table(a.out, []string{"NAME", "SYSTEMS", "FORMAT", "FILE", "LABEL", "READ BY"}, rows)
}

func (a *app) mediaTarget(t ignition.Target) error {
	if a.isJSON() {
		return a.answer(t)
	}
	limit := "none"
	if t.MaxSize > 0 {
		limit = fmt.Sprintf("%d bytes", t.MaxSize)
	}
	rows := [][]string{
		{"READ BY", t.Reader},
		{"SYSTEMS", strings.Join(t.OSes, ", ")},
		{"FORMAT", string(t.Format)},
		{"LABEL", cmp.Or(t.Label, "-")},
		{"PATHS", strings.Join(t.Paths, " ")},
		{"KERNEL", cmp.Or(strings.Join(t.Kernel, " "), "-")},
		{"LIMIT", limit},
	}
	if err := ui.Table(a.out, []string{"NAME", t.Name}, rows); err != nil {
		return err
	}
	for _, name := range t.OSes {
		system, _ := cluster.FindOS(name)
		steps, err := t.StepsFor("NAME", system, buildDir+"/NAME")
		if err != nil {
			return err
		}
		a.say("\n%s:", name)
		for _, step := range steps {
			a.say("  %s", step)
		}
	}
	return nil
}
