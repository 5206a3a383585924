package cmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/pki"
)

// initFlags are what `kbm init` is told; each may be edited in cluster.yaml later.
type initFlags struct {
	name, endpoint, vip     string
	version                 string
	podCIDR, serviceCIDR    string
	domain                  string
	os, media, sshUser      string
	algorithm               string
	sshKeys, resolvers      []string
	recipients, jump, extra []string
	images                  []string
}

func newInitCommand(a *app) *cobra.Command {
	var f initFlags
	c := &cobra.Command{
		Use:   "init --name NAME --endpoint HOST[:PORT] | --vip IP",
		Short: "Make a cluster's folder: cluster.yaml, CAs and keys",
		Long: `Make a cluster's folder: a commented cluster.yaml with every setting there is,
the CAs and keys in pki/, and a .gitignore that keeps plain keys out of git.

Everything that a flag sets can be edited in cluster.yaml afterwards, and
kbm render and kbm up follow. Nothing that is there is ever overwritten.`,
		Example: `  # one controller, reached at its own address
  kbm init --name home --endpoint 192.168.1.11
  # several controllers behind an address that kbm keeps alive
  kbm init --dir prod --name prod --vip 10.0.0.10
  # a name of your own DNS or load balancer; keys encrypted, so that the folder may be committed
  kbm init --name prod --endpoint api.example.com:443 --recipient age1…`,
		Args: exactly(0, "kbm init takes no argument; name the cluster's folder with --dir"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.init(cmd.Context(), f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.name, "name", "", "the cluster's name")
	flags.StringVar(&f.endpoint, "endpoint", "", "DNS name or address that leads to the controllers, HOST[:PORT]")
	flags.StringVar(&f.vip, "vip", "", "free address of the controllers' LAN that kbm keeps on one of them, IP[:PORT]")
	flags.StringVar(&f.version, "kubernetes-version", cluster.DefaultVersion, "release of Kubernetes")
	flags.StringVar(&f.podCIDR, "pod-cidr", "", "address range of pods (default 10.244.0.0/14, or of IPv6)")
	flags.StringVar(&f.serviceCIDR, "service-cidr", "", "address range of services (default 10.96.0.0/12, or of IPv6)")
	flags.StringVar(&f.domain, "domain", "", "DNS domain of the cluster (default "+cluster.DefaultDomain+")")
	flags.StringSliceVar(&f.resolvers, "resolver", nil, "DNS server for names outside the cluster (default the nodes' own; repeatable)")
	flags.StringVar(&f.os, "os", "", "operating system of the nodes (default "+cluster.DefaultOS+")")
	flags.StringVar(&f.media, "media", "", "what the machines read at their first boot, see kbm media targets (default by operating system)")
	flags.StringVar(&f.sshUser, "ssh-user", "", "user to log in as (default the operating system's own)")
	flags.StringArrayVar(&f.sshKeys, "ssh-key", nil, "file of SSH public keys that may log in (default ~/.ssh/id_*.pub; repeatable; none: --ssh-key=)")
	flags.StringArrayVar(&f.jump, "jump", nil, "SSH host to go through, [USER@]HOST[:PORT]")
	flags.StringArrayVar(&f.recipients, "recipient", nil, "age or SSH public key that private keys in the folder are encrypted to (repeatable)")
	flags.StringVar(&f.algorithm, "algorithm", "", "kind of certificate keys (default "+cluster.DefaultAlgorithm+")")
	flags.StringSliceVar(&f.extra, "extra-san", nil, "further name or address of the API server (repeatable)")
	flags.StringSliceVar(&f.images, "bundle-image", nil, "further image of the bundle that every node shall hold, by its short name (repeatable)")
	completeWith(c, "os", cluster.OSNames())
	completeWith(c, "media", cluster.MediaTargets())
	completeWith(c, "algorithm", cluster.Algorithms())
	return c
}

// initPaths tells which flag gives which setting, for faults.
func initPaths() map[string]string {
	return map[string]string{
		"name": "--name", "endpoint": "--endpoint", "endpoint.host": "--endpoint", "endpoint.vip": "--vip", "endpoint.port": "--endpoint",
		"kubernetes.version": "--kubernetes-version", "network.podCIDR": "--pod-cidr", "network.serviceCIDR": "--service-cidr",
		"network.domain": "--domain", "network.resolvers": "--resolver", "os": "--os", "media": "--media", "ssh.user": "--ssh-user",
		"ssh.authorizedKeys": "--ssh-key", "ssh.jump": "--jump", "secrets.recipients": "--recipient",
		"pki.algorithm": "--algorithm", "pki.extraSANs": "--extra-san",
		"bundle.images": "--bundle-image",
	}
}

func (a *app) init(ctx context.Context, f initFlags) error {
	if err := a.refuseFolder(); err != nil {
		return err
	}
	c, keyFiles, err := f.cluster()
	if err != nil {
		return usageError(err)
	}
	whole := c.WithDefaults()
	if faults := asFlags(append(whole.Validate(), ignition.CheckTargets(whole)...), cluster.File, initPaths()); len(faults) > 0 {
		return usageError(faults)
	}
	// The version and the ranges are written down, not left to the defaults of
	// whatever kbm reads the file next: the cluster is bound to them.
	c.Network.PodCIDR, c.Network.ServiceCIDR = whole.Network.PodCIDR, whole.Network.ServiceCIDR
	made, err := a.makeFolder(c, func(staged *cluster.Cluster) error {
		store, err := a.openPKI(ctx, staged)
		if err != nil {
			return err
		}
		_, err = pki.Ensure(store, staged, time.Now(), rand.Reader)
		return errors.Join(err, ctx.Err())
	})
	if err != nil {
		return err
	}
	a.sayInit(c, keyFiles)
	return a.answer(map[string]any{"cluster": c.Name, "dir": a.dir, "files": made, "sshKeys": append([]string{}, keyFiles...)})
}

// cluster is the spec that the flags stand for.
func (f initFlags) cluster() (*cluster.Cluster, []string, error) {
	c := &cluster.Cluster{APIVersion: cluster.APIVersion, Kind: "Cluster", Name: f.name}
	switch {
	case f.name == "":
		return nil, nil, errors.New("--name is missing; write a short name for the cluster, such as --name home")
	case f.endpoint == "" && f.vip == "":
		return nil, nil, errors.New("--endpoint or --vip is missing; write --endpoint HOST[:PORT] with a name or address that leads to the controllers, or --vip IP with a free address of their LAN")
	case f.endpoint != "" && f.vip != "":
		return nil, nil, errors.New("--endpoint and --vip exclude each other; keep --vip where kbm is to hold the address, --endpoint where something else does")
	case len(f.jump) > 1:
		return nil, nil, errors.New("--jump is there twice; one host to go through is what kbm knows")
	}
	var err error
	if c.Endpoint, err = f.where(); err != nil {
		return nil, nil, err
	}
	keys, files, err := authorizedKeys(f.sshKeys)
	if err != nil {
		return nil, nil, err
	}
	c.Kubernetes.Version = f.version
	c.Network = cluster.Network{PodCIDR: f.podCIDR, ServiceCIDR: f.serviceCIDR, Domain: f.domain, Resolvers: f.resolvers}
	c.SSH = cluster.SSH{User: f.sshUser, AuthorizedKeys: keys}
	if len(f.jump) == 1 {
		c.SSH.Jump = f.jump[0]
	}
	c.OS, c.Media = f.os, f.media
	c.PKI = cluster.PKI{Algorithm: f.algorithm, ExtraSANs: f.extra}
	c.Secrets.Recipients = f.recipients
	c.Bundle.Images = f.images
	return c, files, nil
}

// where divides HOST:PORT; what cannot be divided is left to the validation.
func (f initFlags) where() (cluster.Endpoint, error) {
	text := f.endpoint + f.vip
	host, port := text, 0
	if h, p, err := net.SplitHostPort(text); err == nil && !strings.Contains(text, "/") {
		host = h
		if port, err = strconv.Atoi(p); err != nil || port < 1 {
			return cluster.Endpoint{}, fmt.Errorf("%q has no valid port; write a number from 1 to 65535 behind the colon, or leave both out for %d", text, cluster.DefaultPort)
		}
	}
	if f.vip != "" {
		return cluster.Endpoint{VIP: host, Port: port}, nil
	}
	return cluster.Endpoint{Host: host, Port: port}, nil
}

func (a *app) sayInit(c *cluster.Cluster, keyFiles []string) {
	a.say("made cluster %s in %s: cluster.yaml, pki/, nodes/", c.Name, a.dir)
	for _, file := range keyFiles {
		a.say("  %s may log in to the nodes", file)
	}
	if len(keyFiles) == 0 {
		a.note("no SSH public key was found or given, so only kbm can log in to the nodes; add people's keys to ssh.authorizedKeys in cluster.yaml")
	}
	if len(c.Secrets.Recipients) == 0 {
		a.say("  pki/ holds plain keys: keep a safe copy, and out of git (.gitignore does)")
	}
	a.say("next: look through cluster.yaml, then add machines, a controller first:")
	a.say("  kbm %sadd-node cp1 --role controller --address IP[/LENGTH]", a.dirFlag())
}
