package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/kbm-dev/kbm/addons"
	"github.com/kbm-dev/kbm/provision"
)

// printPlan shows a plan to a person: one line a change, files with their diff.
func printPlan(w io.Writer, plan provision.Plan) error {
	var out strings.Builder
	if plan.Empty() {
		out.WriteString("Nothing to do.\n")
	}
	for i := range plan.Nodes {
		node := &plan.Nodes[i]
		if node.Empty() {
			continue
		}
		fmt.Fprintf(&out, "%s\n", node.Node)
		for _, c := range node.Changes {
			fmt.Fprintf(&out, "  %-8s %s (%s)\n", c.Action, c.Object, c.Reason)
			for line := range strings.Lines(c.Diff) {
				out.WriteString("      " + line)
			}
		}
	}
	for _, name := range plan.NodeObjects {
		fmt.Fprintf(&out, "%s\n  label    Node %s (labels or taints differ)\n", name, name)
	}
	if plan.Fresh {
		out.WriteString("addons\n  create   all (no API server answers yet)\n")
	}
	printObjects(&out, plan)
	_, err := io.WriteString(w, out.String())
	return err
}

func printObjects(out *strings.Builder, plan provision.Plan) {
	title := "addons\n"
	for _, c := range plan.Objects {
		if c.Action == addons.Unchanged {
			continue
		}
		fmt.Fprintf(out, "%s  %-8s %s (addon %s)\n", title, c.Action, c.Object, c.Addon)
		for _, field := range c.Fields {
			fmt.Fprintf(out, "           %s\n", field)
		}
		if c.Note != "" {
			fmt.Fprintf(out, "           (%s)\n", c.Note)
		}
		title = ""
	}
}
