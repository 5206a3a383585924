package bundle

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// faults gathers what went wrong with each artefact. A host that cannot be
// reached is one fault, however many artefacts it has.
type faults struct {
	causes []string // as long as errs
	names  [][]string
	errs   []error
}

func (f *faults) add(name string, err error) {
	if err == nil {
		return
	}
	var op *net.OpError
	cause := ""
	if errors.As(err, &op) && op.Op != "read" && op.Op != "write" {
		err, cause = op, op.Error()
	}
	i := slices.Index(f.causes, cause)
	if i < 0 || cause == "" {
		f.causes, f.names, f.errs = append(f.causes, cause), append(f.names, nil), append(f.errs, err)
		i = len(f.errs) - 1
	}
	f.names[i] = append(f.names[i], name)
}

func (f *faults) err() error {
	all := make([]error, len(f.errs))
	for i, err := range f.errs {
		all[i] = fmt.Errorf("%s: %w", strings.Join(f.names[i], ", "), err)
	}
	return errors.Join(all...)
}
