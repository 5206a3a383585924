package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// atMost is cobra.MaximumNArgs with an exit code and a message that helps.
func atMost(n int, otherwise string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > n {
			return usageError(errors.New(otherwise))
		}
		return nil
	}
}

// subcommand answers for a command that only has others below it.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	cmd.SuggestionsMinimumDistance = 2 // edits; cobra sets it only for its own message
	right := "kbm --help lists what there is"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		right = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError(fmt.Errorf("%q is not a command of %s; %s", args[0], cmd.CommandPath(), right))
}

// checkOutput runs before every command.
func (a *app) checkOutput(*cobra.Command, []string) error {
	if !slices.Contains([]string{"text", "json"}, a.output) {
		return usageError(fmt.Errorf("--output %q is not a form of output; write text or json", a.output))
	}
	return nil
}
