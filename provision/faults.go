package provision

import (
	"context"
	"errors"
	"strings"
)

// Faults is what is wrong with several machines, each of them named.
type Faults struct {
	All []error
	// Untouched is true when no machine was changed.
	Untouched bool
}

func (f *Faults) Error() string {
	var lines []string
	for _, err := range f.All {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n")
}

func (f *Faults) Unwrap() []error { return f.All }

// newFaults is nil without an error.
func newFaults(errs ...error) error {
	if all := flat(errs); len(all) > 0 {
		return &Faults{All: all}
	}
	return nil
}

// flat takes apart what errors.Join has joined.
func flat(errs []error) []error {
	var all []error
	for _, err := range errs {
		var joined interface{ Unwrap() []error }
		switch {
		case err == nil:
		// Not what was put into words since: the words would be lost.
		case errors.As(err, &joined) && err.Error() == errors.Join(joined.Unwrap()...).Error():
			all = append(all, flat(joined.Unwrap())...)
		default:
			all = append(all, err)
		}
	}
	return all
}

// tryEach is each for the time before the first write: what is wrong with a
// machine is kept for preflight, which tells it together with everything that
// is wrong with the others.
func (r *run) tryEach(ctx context.Context, machines []*machine, do func(context.Context, *machine) error) {
	_ = r.each(ctx, machines, func(ctx context.Context, m *machine) error { // the errors are in fault
		if m.fault == nil {
			m.fault = do(ctx, m)
		}
		return nil
	})
}
