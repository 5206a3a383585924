package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/provision"
)

// spec loads the cluster's folder for commands that need no keys.
func (a *app) spec() (*cluster.Cluster, error) {
	c, err := cluster.Load(a.dir)
	if err == nil {
		err = ignition.CheckTargets(c).Err()
	}
	var faults cluster.Faults
	if errors.As(err, &faults) {
		return nil, usageError(err)
	}
	return c, err
}

// message is how an error is printed: many faults, of a spec or of machines,
// get a heading and a line each.
func message(err error) string {
	var spec cluster.Faults
	var machines *provision.Faults
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted: run it again, and it carries on where it was"
	case errors.As(err, &spec) && len(spec) > 1:
		return list(len(spec), true, err)
	case errors.As(err, &machines) && len(machines.All) > 1:
		return list(len(machines.All), machines.Untouched, err)
	}
	return err.Error()
}

func list(n int, untouched bool, faults error) string {
	heading := fmt.Sprintf("%d faults", n)
	if untouched {
		heading += ", and nothing was touched"
	}
	return heading + ":\n  " + strings.ReplaceAll(faults.Error(), "\n", "\n  ")
}

// asFlags names the flag where a fault is in what a flag gave: the file that
// the fault names is not written yet. The table goes from YAML path to flag.
func asFlags(faults cluster.Faults, file string, flags map[string]string) cluster.Faults {
	named := cluster.Faults{}
	for _, f := range faults {
		path, rest := f.Path, ""
		if i := strings.IndexByte(path, '['); i >= 0 {
			path, rest = path[:i], path[i:]
		}
		if flag, ok := flags[path]; ok && f.File == file {
			f.File, f.Path = flag+rest, ""
		}
		named = append(named, f)
	}
	return named
}
