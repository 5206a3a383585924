package cmd

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
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
  kbm media targets proxmox`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommand,
	}
	c.AddCommand(newMediaTargetsCommand(a))
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
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "NAME\tSYSTEMS\tFORMAT\tFILE\tLABEL\tREAD BY") // Flush has the error
	for _, t := range all {
		label := t.Label
		if label == "" {
			label = "-"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, strings.Join(t.OSes, ", "), t.Format, t.MainFile("NAME"), label, t.Reader)
	}
	return w.Flush()
}

func (a *app) mediaTarget(t ignition.Target) error {
	if a.isJSON() {
		return a.answer(t)
	}
	limit := "none"
	if t.MaxSize > 0 {
		limit = fmt.Sprintf("%d bytes", t.MaxSize)
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	row := func(name string, values ...string) {
		for i, value := range values {
			if i > 0 {
				name = ""
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\n", name, value) // Flush has the error
		}
	}
	row("name", t.Name)
	row("read by", t.Reader)
	row("systems", t.OSes...)
	row("format", string(t.Format))
	if t.Label != "" {
		row("label", t.Label)
	}
	row("paths", t.Paths...)
	row("kernel", t.Kernel...)
	row("limit", limit)
	if err := w.Flush(); err != nil {
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
