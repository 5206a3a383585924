package cmd

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/external"
)

func newExternalHAProxyCommand(a *app) *cobra.Command {
	var (
		o         externalOptions
		p         external.ProxyOptions
		sni, host []string
		user      string
	)
	c := &cobra.Command{
		Use:   "haproxy",
		Short: "Print the configuration of a HAProxy in front of the cluster",
		Long: `Print the configuration of a HAProxy in front of the cluster: the API, HTTP and
HTTPS, passed on as they are to servers that are checked. TLS ends in the
cluster, so HAProxy holds no keys. With several ingress classes, or names that
lead elsewhere, connections are told apart by the name that they ask for. A
class with trustedProxies is told the client's address (PROXY protocol).

Where the Internet reaches the proxy, leave out what it must not reach:
--api-port 0, and --class with the classes for the outside.`,
		Example: `  kbm external haproxy > /etc/haproxy/haproxy.cfg
  kbm external haproxy --api-port 0 --class external \
    --sni nas.example.com=192.168.1.5:443 --default-backend 192.168.1.6:443`,
		Args: exactly(0, "kbm external haproxy takes no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := a.find(cmd.Context(), o, func(*cluster.Cluster, []cluster.IngressClass) string { return fromSpec })
			if err != nil {
				return err
			}
			if p.HTTPS, err = elsewhere("sni", sni); err != nil {
				return err
			}
			if p.HTTP, err = elsewhere("host", host); err != nil {
				return err
			}
			p.Cluster, p.Classes, p.Addresses = f.cluster, f.classes, f.served
			if p.Names, err = f.claimed(o); err != nil {
				return usageError(err)
			}
			// Most systems name a user's group after the user.
			p.User, p.Group, _ = strings.Cut(user, ":")
			p.Group = cmp.Or(p.Group, p.User)
			if !cmd.Flags().Changed("api-port") {
				p.APIPort = f.cluster.EndpointPort()
			}
			if !cmd.Flags().Changed("ca-file") {
				p.CAFile = "/etc/haproxy/" + f.cluster.Name + "-ca.crt"
			}
			proxy, err := external.NewProxy(p)
			if err != nil {
				return usageError(err)
			}
			text, err := proxy.HAProxy()
			if err != nil {
				return err
			}
			return o.print(a, text, proxy)
		},
	}
	o.flags(c, "default spec")
	c.Flags().StringSliceVar(&p.Listen, "listen", []string{"*"}, "addresses to listen at; \"::\" is IPv6 and IPv4")
	c.Flags().IntVar(&p.APIPort, "api-port", 0, "port of the API; 0 leaves it out (default the endpoint's)")
	c.Flags().IntVar(&p.HTTPPort, "http-port", 80, "port of HTTP; 0 leaves it out")
	c.Flags().IntVar(&p.HTTPSPort, "https-port", 443, "port of HTTPS; 0 leaves it out")
	c.Flags().StringVar(&p.CAFile, "ca-file", "", "where the proxy has pki/ca.crt, to verify the API servers that it checks; empty to check no more than that they take a connection (default /etc/haproxy/NAME-ca.crt)")
	c.Flags().StringArrayVar(&sni, "sni", nil, "NAME=HOST:PORT leads HTTPS of that name out of the cluster; the name may begin with \"*.\"")
	c.Flags().StringArrayVar(&host, "host", nil, "NAME=HOST:PORT does so with HTTP")
	c.Flags().StringVar(&p.HTTPSDefault, "default-backend", "", "HOST:PORT for HTTPS of names that nobody claims (default the default class)")
	c.Flags().StringVar(&p.HTTPDefault, "http-default-backend", "", "HOST:PORT for HTTP of such names")
	c.Flags().StringVar(&p.Stats, "stats", "127.0.0.1:8404", "where to show statistics, and /metrics for Prometheus; empty for nowhere")
	c.Flags().StringVar(&user, "user", "haproxy", "user, or USER:GROUP, that HAProxy becomes; empty to stay who it is")
	c.Flags().IntVar(&p.Connections, "maxconn", 4096, "connections at once")
	return c
}

func elsewhere(flag string, texts []string) (routes []external.Elsewhere, err error) {
	for _, text := range texts {
		name, to, err := pair(flag, text, "NAME=HOST:PORT")
		if err != nil {
			return nil, err
		}
		routes = append(routes, external.Elsewhere{Name: name, To: to})
	}
	return routes, nil
}

// claimed are the names of the classes. Where they lead to in the LAN does not
// matter behind the proxy, so two classes with one name differ in any case.
func (f *found) claimed(o externalOptions) ([]external.Name, error) {
	order := o.classes
	if len(order) == 0 {
		for _, class := range f.classes {
			order = append(order, class.Name)
		}
	}
	return external.Join(slices.Clone(f.names), order)
}
