package cmd

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says of flags that cannot be understood what would be right.
func flagError(c *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		bare    *pflag.ValueRequiredError
		wrong   *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		err = fmt.Errorf("%w; %s --help lists those that there are", err, c.CommandPath())
	case errors.As(err, &bare):
		err = fmt.Errorf("--%s has no value; write --%[1]s %s", bare.GetFlag().Name, placeholder(bare.GetFlag()))
	case errors.As(err, &wrong):
		err = fmt.Errorf("--%s: %q is not %s", wrong.GetFlag().Name, wrong.GetValue(), wanted(wrong))
	}
	return usageError(err)
}

func placeholder(f *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(f)
	return name
}

// wanted is what a flag's value should have been.
func wanted(e *pflag.InvalidValueError) string {
	switch kind := e.GetFlag().Value.Type(); {
	case errors.Is(e, strconv.ErrRange):
		return "in the range of numbers that it takes"
	case kind == "bool":
		return fmt.Sprintf("true or false; write --%s, or --%[1]s=false", e.GetFlag().Name)
	case kind == "duration":
		return "a time; write 90s or 15m"
	case kind == "int", kind == "uint32":
		return "a whole number"
	default:
		return fmt.Sprintf("one that it takes: %v", e.Unwrap())
	}
}
