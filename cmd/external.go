package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/external"
	"github.com/kbm-dev/kbm/internal/atomicfile"
	"github.com/kbm-dev/kbm/provision"
)

const (
	fromSpec    = "spec"
	fromCluster = "cluster"
)

func newExternalCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "external",
		Short: "Print what the world outside of the cluster needs: a proxy, and names",
		Long: `Print the configuration of a proxy in front of the cluster, and the names of its
apps for the DNS of a LAN. It follows from cluster.yaml and from the Ingress
objects of the running cluster; nothing is sent anywhere.`,
		Example: `  kbm external haproxy > haproxy.cfg
  kbm external dnsmasq > /etc/dnsmasq.d/home.conf
  kbm external uci | ssh root@192.168.1.1 sh`,
		Args: cobra.ArbitraryArgs,
		RunE: subcommand,
	}
	c.AddCommand(newExternalHAProxyCommand(a))
	for _, f := range nameForms() {
		c.AddCommand(newExternalNamesCommand(a, f))
	}
	return c
}

// externalOptions are the flags that all commands of kbm external share.
type externalOptions struct {
	from    string
	classes []string
	out     string
}

func (o *externalOptions) flags(c *cobra.Command, from string) {
	c.Flags().StringVar(&o.from, "from", "", "spec: the hosts in cluster.yaml; cluster: the objects of the running cluster ("+from+")")
	completeWith(c, "from", []string{fromSpec, fromCluster})
	c.Flags().StringSliceVar(&o.classes, "class", nil, "ingress classes; a name that two of them serve is the first one's (default all)")
	c.Flags().StringVar(&o.out, "out", "", "file to write, instead of standard output")
}

// found is what a cluster shows to the world: its ingress classes, and its names.
type found struct {
	cluster *cluster.Cluster
	classes []cluster.IngressClass
	names   []external.Name
	// source is where the names come from, in words.
	source string
	// served are the addresses of the classes in a running cluster.
	served map[string][]string
}

// find reads the spec, and asks the cluster where that is wanted. standard
// chooses between the two when --from is not given.
func (a *app) find(ctx context.Context, o externalOptions, standard func(*cluster.Cluster, []cluster.IngressClass) string) (*found, error) {
	if o.from != "" && o.from != fromSpec && o.from != fromCluster {
		return nil, usageError(fmt.Errorf("--from %q is not a place to look; write spec or cluster", o.from))
	}
	c, err := a.spec()
	if err != nil {
		return nil, err
	}
	f := &found{cluster: c, source: cluster.File}
	if f.classes, err = external.Classes(c, o.classes); err != nil {
		return nil, usageError(err)
	}
	if o.from == "" {
		o.from = standard(c, f.classes)
	}
	if o.from == fromSpec {
		f.names = external.FromSpec(c, f.classes)
		return f, nil
	}
	objects, err := a.exposed(ctx)
	if err != nil {
		return nil, err
	}
	var left []string
	f.names, left = external.FromRunning(c, objects, o.classes)
	for _, reason := range left {
		a.note("left out: %s", reason)
	}
	f.source, f.served = "its Ingress objects and Services", external.Served(objects)
	return f, nil
}

// exposed asks the running cluster, through the SSH connection to a controller.
func (a *app) exposed(ctx context.Context) (objects []external.Object, err error) {
	s, err := a.peek(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.cluster.ReadyForUp(); err != nil {
		return nil, usageError(err)
	}
	progress := a.silent()
	machines, err := s.machines(progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, progress.Close(), machines.Close()) }()
	exposed, err := provision.ListExposed(ctx, provision.Env{
		Cluster: s.cluster, PKI: s.pki, Connect: machines.connect, Admin: s.admin,
		Report: reporter{progress}, Now: time.Now, Parallel: defaultParallel,
	})
	for _, e := range exposed {
		objects = append(objects, external.Object(e))
	}
	return objects, err
}

// print gives the text to its reader: a person, a program or a file. data is
// what the text was made of.
func (o externalOptions) print(a *app, text []byte, data any) error {
	if o.out != "" {
		if err := isFile(o.out); err != nil {
			return usageError(err)
		}
		if err := atomicfile.Write(o.out, text, 0o644); err != nil {
			return err
		}
		a.say("wrote %s", o.out)
		return a.answer(data)
	}
	if a.isJSON() {
		return a.answer(data)
	}
	_, err := a.out.Write(text)
	return err
}

// isFile keeps a rename from replacing a device.
func isFile(out string) error {
	info, err := os.Stat(out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("--out: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("--out %s is not a regular file; name a file", out)
	}
	return nil
}

// hosted tells whether the spec gives names to any of the classes.
func hosted(classes []cluster.IngressClass) bool {
	return slices.ContainsFunc(classes, func(class cluster.IngressClass) bool { return len(class.Hosts) > 0 })
}

// pair is the two sides of a flag such as NAME=VALUE.
func pair(flag, text, form string) (left, right string, err error) {
	left, right, ok := strings.Cut(text, "=")
	if !ok || left == "" || right == "" {
		return "", "", usageError(fmt.Errorf("--%s %q is not %s", flag, text, form))
	}
	return left, right, nil
}
