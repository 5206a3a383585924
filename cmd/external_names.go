package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/external"
)

// nameForm is one way to tell names to a LAN.
type nameForm struct {
	name, short, long, example string
	// flags adds the flags of this form only, and returns what makes its text.
	// old is what the file of --out holds, nil without one.
	flags func(*app, *cobra.Command) func(l external.List, old []byte) ([]byte, error)
}

func nameForms() []nameForm {
	return []nameForm{{
		name: "dnsmasq", short: "Print the names as a file for dnsmasq",
		long: "Print the names as a file for /etc/dnsmasq.d.",
		example: `  kbm external dnsmasq > /etc/dnsmasq.d/home.conf
  kbm external dnsmasq --from cluster --class internal`,
		flags: plainForm(external.List.Dnsmasq),
	}, {
		name: "uci", short: "Print the names as a script for an OpenWrt router",
		long:    "Print the names as a script of uci commands for an OpenWrt router. Run again, it first\ntakes out what it put there, and leaves everything else alone.",
		example: `  kbm external uci | ssh root@192.168.1.1 sh`,
		flags:   plainForm(external.List.UCI),
	}, {
		name: "hosts", short: "Print the names as lines for /etc/hosts",
		long:    "Print the names as lines for /etc/hosts, between two marks. With --out, only the\nlines between the marks of that file are replaced. Wildcards are left out: the\nfile knows none.",
		example: `  sudo kbm external hosts --out /etc/hosts`,
		flags:   hostsForm,
	}, {
		name: "zone", short: "Print the names as DNS records, or as a whole zone",
		long: "Print the names as records in the form of RFC 1035, for $INCLUDE in a zone; with\n--origin as a whole zone. Its serial is the time in seconds; with --out, a zone\nwhose names are the same stays as it is.",
		example: `  kbm external zone
  kbm external zone --origin home.example.com --ns ns1.home.example.com=192.168.1.53 --out db.home`,
		flags: zoneForm,
	}}
}

func newExternalNamesCommand(a *app, form nameForm) *cobra.Command {
	var (
		o                   externalOptions
		addresses, endpoint []string
		text                func(external.List, []byte) ([]byte, error)
	)
	c := &cobra.Command{
		Use: form.name, Short: form.short, Long: form.long, Example: form.example,
		Args: exactly(0, "kbm external "+form.name+" takes no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := a.find(cmd.Context(), o, func(c *cluster.Cluster, classes []cluster.IngressClass) string {
				// Without either of the two, no cluster needs to be asked.
				if hosted(classes) || c.Addons.Ingress == nil && c.Addons.LoadBalancer == nil {
					return fromSpec
				}
				return fromCluster
			})
			if err != nil {
				return err
			}
			l, err := f.list(a, o, addresses, endpoint)
			if err != nil {
				return err
			}
			old, err := o.old()
			if err != nil {
				return err
			}
			out, err := text(l, old)
			if err != nil {
				return usageError(err)
			}
			return o.print(a, out, l)
		},
	}
	o.flags(c, "default spec where it has hosts, else cluster")
	c.Flags().StringSliceVar(&addresses, "address", nil, "where all names lead to, such as a proxy in front (default the ingress classes themselves)")
	c.Flags().StringSliceVar(&endpoint, "endpoint", nil, "also print endpoint.host, leading to these addresses; \"controllers\" stands for theirs")
	text = form.flags(a, c)
	return c
}

// list settles the names.
func (f *found) list(a *app, o externalOptions, addresses, endpoint []string) (l external.List, err error) {
	if len(addresses) > 0 {
		for i := range f.names {
			f.names[i].Addresses = addresses
		}
	}
	if len(endpoint) == 1 && endpoint[0] == "controllers" {
		endpoint = f.cluster.AddressesOf(cluster.Controller)
	}
	if len(endpoint) > 0 {
		api, err := external.Endpoint(f.cluster, endpoint)
		if err != nil {
			return l, usageError(err)
		}
		f.names = append(f.names, api)
	}
	if err := f.dropLost(a); err != nil {
		return l, err
	}
	names, err := external.Join(f.names, o.classes)
	if err != nil {
		return l, usageError(err)
	}
	if len(names) == 0 {
		return l, f.noNames()
	}
	return external.List{Cluster: f.cluster.Name, Source: f.source, Names: names}, nil
}

// dropLost leaves out names that lead nowhere. In a running cluster that may
// change by itself; in the spec it is a fault.
func (f *found) dropLost(a *app) (err error) {
	f.names = slices.DeleteFunc(f.names, func(n external.Name) bool {
		switch {
		case len(n.Addresses) > 0:
			return false
		case f.source == cluster.File:
			err = usageError(fmt.Errorf("%s: cluster.yaml does not say where %s leads to: set the address of the class, or with nodePort what it publishes; or give --address, or ask the running cluster with --from cluster", n.From, n.Name))
		default:
			a.note("left out: %s: %s leads nowhere yet", n.From, n.Name)
		}
		return true
	})
	return err
}

func (f *found) noNames() error {
	switch {
	case f.source != cluster.File:
		return errors.New("there are no names: the cluster has no Ingress with a host and an address, and no Service of type LoadBalancer with the annotation external-dns.alpha.kubernetes.io/hostname")
	case f.cluster.Addons.Ingress == nil:
		return usageError(errors.New("there are no names: addons.ingress is off in cluster.yaml"))
	}
	return usageError(errors.New("there are no names: list them as hosts of a class in addons.ingress, or ask the running cluster with --from cluster"))
}

// old is the file that will be written, as it is now.
func (o externalOptions) old() ([]byte, error) {
	if o.out == "" {
		return nil, nil
	}
	if err := isFile(o.out); err != nil {
		return nil, usageError(err)
	}
	text, err := os.ReadFile(o.out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--out: %w", err)
	}
	return text, nil
}

func plainForm(text func(external.List) ([]byte, error)) func(*app, *cobra.Command) func(external.List, []byte) ([]byte, error) {
	return func(*app, *cobra.Command) func(external.List, []byte) ([]byte, error) {
		return func(l external.List, _ []byte) ([]byte, error) { return text(l) }
	}
}

func hostsForm(a *app, c *cobra.Command) func(external.List, []byte) ([]byte, error) {
	return func(l external.List, old []byte) ([]byte, error) {
		for _, n := range l.Wildcards() {
			a.note("left out: %s, for /etc/hosts knows no wildcards", n.Name)
		}
		if !c.Flags().Changed("out") {
			return l.Hosts()
		}
		return l.PutBlock(old)
	}
}
