package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/ui"
)

func newMediaVerifyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Read a medium back, and say what a machine would see",
		Long: `Read a medium back, and say what a machine would see: which targets would read
it, the node and its names, certificates and when they end, and where it holds
secrets, of which nothing is shown. FILE is an ISO, a live ISO, config.ign,
user-data or guestinfo.data, made by kbm or not, or the disk that it was written
to, such as /dev/sdx.

The exit code is 1 where no machine would read it or a certificate has ended.`,
		Example: `  kbm media verify build/w1/w1.iso
  kbm media verify w2-live.iso -o json`,
		Args: exactly(1, "kbm media verify takes one file"),
		RunE: func(_ *cobra.Command, args []string) error { return a.mediaVerify(args[0], time.Now()) },
	}
}

func (a *app) mediaVerify(file string, now time.Time) error {
	found, err := inspect(file)
	if err != nil {
		return usageError(err)
	}
	if a.isJSON() {
		err = a.answer(found)
	} else if !a.quiet {
		err = a.sayFound(file, found, now)
	}
	return errors.Join(err, faultsOf(file, found, now))
}

func inspect(file string) (ignition.Found, error) {
	f, err := os.Open(file)
	if err != nil {
		return ignition.Found{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return ignition.Found{}, err
	}
	device := info.Mode()&(fs.ModeDevice|fs.ModeCharDevice) == fs.ModeDevice
	if !info.Mode().IsRegular() && !device {
		return ignition.Found{}, fmt.Errorf("%s is neither a file nor a disk; name the medium", file)
	}
	size, err := f.Seek(0, io.SeekEnd) // a disk's status has no size
	if err != nil {
		return ignition.Found{}, err
	}
	found, err := ignition.Inspect(f, size)
	if err != nil {
		return found, fmt.Errorf("%s: %w", file, err)
	}
	return found, nil
}

// faultsOf is why the medium would not make a node.
func faultsOf(file string, found ignition.Found, now time.Time) error {
	if found.Ignored != "" {
		return fmt.Errorf("%s: no machine would read it: %s", file, found.Ignored)
	}
	if found.Bundle != nil && len(found.Bundle.Faults) > 0 {
		return fmt.Errorf("%s: a machine would refuse %s; render it anew, and copy it again", file, strings.Join(found.Bundle.Faults, ", "))
	}
	for _, m := range found.Machines {
		for _, c := range m.Certificates {
			if !c.Expires.IsZero() && c.Expires.Before(now) {
				return fmt.Errorf("%s: %s of %s ended on %s; kbm render %s makes a new medium", file, c.Path, m.Node, c.Expires.Format(time.DateOnly), m.Node)
			}
		}
	}
	return nil
}

// clusterCAKey signs whatever its holder likes.
const clusterCAKey = "/etc/kubernetes/pki/ca.key"

func (a *app) sayFound(file string, found ignition.Found, now time.Time) error {
	a.say("%s: %s", file, found.Kind)
	if found.Label != "" {
		a.say("  label: %s", found.Label)
		a.say("  paths: %s", strings.Join(withoutBundle(found.Files), ", "))
	}
	if found.Bundle != nil {
		a.say("  bundle: %s, %d MB", count(found.Bundle.Files, "file"), found.Bundle.Bytes/1e6)
	}
	if found.Format != "" {
		a.say("  format: %s", found.Format)
	}
	for _, name := range found.Targets {
		t, err := ignition.FindTarget(name)
		if err != nil {
			return err
		}
		where := ""
		if found.Kind == ignition.Raw && t.Output == ignition.ISO {
			where = fmt.Sprintf(", from %s on a volume labelled %s", t.Paths[0], t.Label)
		}
		a.say("  read by: %s, as %s (%s)%s", t.Reader, t.Name, strings.Join(t.OSes, ", "), where)
	}
	for _, m := range found.Machines {
		node := "node " + m.Node
		if m.Node == "" {
			node = "a machine that it gives no name"
		}
		a.say("%s: writes %s", node, count(len(m.Files), "file"))
		if len(m.Keys) > 0 {
			a.say("  it is known by: %s", strings.Join(m.Keys, ", "))
		}
		if len(m.Names) > 0 {
			a.say("  its SSH host key is signed for: %s", strings.Join(m.Names, ", "))
		}
		switch {
		case slices.Contains(m.Secrets, clusterCAKey):
			a.say("  SECRETS of the whole cluster are on it: whoever has it can take the cluster over")
		case m.ClusterSecrets:
			a.say("  SECRETS of the cluster are on it: whoever has it can act as this node")
		case len(m.Secrets) > 0:
			a.say("  secret is its own SSH host key, and nothing of the cluster")
		default:
			a.say("  it holds no secret")
		}
		for _, path := range m.Secrets {
			a.say("    %s", path)
		}
		if err := a.sayCertificates(m, now); err != nil {
			return err
		}
	}
	return nil
}

// withoutBundle leaves out what has no name that tells a person anything.
func withoutBundle(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return strings.HasPrefix(path, ignition.BundleDir+"/") })
}

func (a *app) sayCertificates(m ignition.FoundMachine, now time.Time) error {
	if len(m.Certificates) == 0 {
		return nil
	}
	rows := [][]string{}
	for _, c := range m.Certificates {
		left := "never"
		if !c.Expires.IsZero() {
			left = fmt.Sprintf("%s (%dd)", c.Expires.Format(time.DateOnly), int(c.Expires.Sub(now).Hours()/24))
		}
		rows = append(rows, []string{c.Path, c.Subject, left, strings.Join(slices.Compact(c.Names), ",")})
	}
	return ui.Table(a.out, []string{"CERTIFICATE", "SUBJECT", "ENDS", "NAMES"}, rows)
}
