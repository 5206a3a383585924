package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// BuildOptions say what Build makes, and where. The zero value makes all of the
// default version for this machine's architecture in the default folder.
type BuildOptions struct {
	Dir        string // DefaultDir unless set
	Kubernetes string // DefaultKubernetes unless set
	Arch       string // this machine's unless set
	// Only limits the work to artefacts of these names and groups; Addons stands
	// for the groups of all addons. What the folder already holds stays in it.
	Only []string
	// Parallel limits how many packages are compiled at a time; 0 leaves it to Go.
	Parallel int
	// Progress, where set, is told of every component.
	Progress func(Event)
	// Now is the clock for elapsed times; time.Now unless set.
	Now func() time.Time
}

// State is what happens to a component.
type State string

// The states of a component, in the order in which they come. Waiting is told
// before the first, while another process builds in the same folder.
const (
	Waiting State = "waiting"
	Started State = "started"
	Built   State = "built"
	InPlace State = "in place"
)

// Event tells how far Build is.
type Event struct {
	Artefact     string
	State        State
	Index, Total int           // the Index-th of Total, from 1
	Elapsed      time.Duration // that this component took
	Log          string        // file with the compiler's words
}

// Build makes what is missing in the bundle, or was made from other sources,
// and leaves the rest alone. It may be interrupted at any time: every artefact
// that was finished is kept.
func Build(ctx context.Context, o BuildOptions) (*Bundle, error) {
	o, r, rows, err := o.resolve()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, "build"), 0o755); err != nil {
		return nil, fmt.Errorf("build bundle: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(o.Dir, "build"), func() { o.Progress(Event{State: Waiting}) })
	if err != nil {
		return nil, fmt.Errorf("build bundle in %s: %w", o.Dir, err)
	}
	w, err := openWorkshop(ctx, o, r, rows)
	if err == nil {
		err = w.makeAll(ctx, rows, o)
	}
	if err := errors.Join(err, unlock()); err != nil {
		return nil, fmt.Errorf("build bundle in %s: %w", o.Dir, err)
	}
	return Open(o.Dir)
}

// Validate tells what is wrong with the options, without touching anything.
func (o BuildOptions) Validate() error {
	_, _, _, err := o.resolve()
	return err
}

func (o BuildOptions) resolve() (BuildOptions, release, []component, error) {
	o, r, err := o.complete()
	if err != nil {
		return o, r, nil, err
	}
	rows, err := selectRows(components(r), o.Only)
	if err != nil {
		return o, r, nil, err
	}
	return o, r, rows, checkCross(rows, o.Arch)
}

func (o BuildOptions) complete() (BuildOptions, release, error) {
	if o.Kubernetes == "" {
		o.Kubernetes = DefaultKubernetes
	}
	r, err := releaseOf(o.Kubernetes)
	if err != nil {
		return o, r, err
	}
	if o.Arch == "" {
		o.Arch = runtime.GOARCH
	}
	if !slices.Contains([]string{"amd64", "arm64"}, o.Arch) {
		return o, r, fmt.Errorf("architecture %q is not one of nodes: it is amd64 or arm64", o.Arch)
	}
	if o.Dir == "" {
		o.Dir, err = DefaultDir(o.Kubernetes, o.Arch)
	} else {
		o.Dir, err = filepath.Abs(o.Dir)
	}
	if o.Progress == nil {
		o.Progress = func(Event) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, r, err
}

// selectRows keeps the rows whose name or group is in only, or all of them.
func selectRows(rows []component, only []string) ([]component, error) {
	if len(only) == 0 {
		return rows, nil
	}
	used := map[string]bool{}
	var selected []component
	for _, row := range rows {
		asked := row.asked(only)
		for _, name := range asked {
			used[name] = true
		}
		if len(asked) > 0 {
			selected = append(selected, row)
		}
	}
	var unknown []string
	for _, name := range only {
		if !used[name] {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("no artefact or group is called %s: `kbm bundle list --all` has the names", strings.Join(unknown, ", "))
	}
	return selected, nil
}

// asked returns those of the names that choose the row.
func (c component) asked(names []string) []string {
	called := []string{c.Name, string(c.Group)}
	if c.Group.isAddon() {
		called = append(called, string(Addons))
	}
	return slices.DeleteFunc(called, func(name string) bool { return !slices.Contains(names, name) })
}
