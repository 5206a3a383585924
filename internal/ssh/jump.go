package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
)

// Jumps is a way through other hosts. Its keys are verified against the
// person's known_hosts: kbm has not made those machines.
type Jumps struct {
	hops []*Client
}

// OpenJumps connects through each of jumps, [USER@]HOST[:PORT], in turn. What
// the Config says of such a host is followed; user and auth are for what neither
// of them says. One Jumps serves any number of nodes.
func OpenJumps(ctx context.Context, jumps []string, c *Config, user string, auth Auth, dial DialFunc) (*Jumps, error) {
	way := &Jumps{}
	for _, jump := range jumps {
		o, err := c.jumpOptions(jump, user, auth)
		if err != nil {
			return nil, errors.Join(err, way.Close())
		}
		o.Dial = dial
		client, err := Connect(ctx, o)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("jump host: %w", err), way.Close())
		}
		way.hops = append(way.hops, client)
		dial = client.Dial
	}
	return way, nil
}

func (c *Config) jumpOptions(jump, user string, auth Auth) (Options, error) {
	ownUser, host, port, err := ParseJump(jump)
	if err != nil {
		return Options{}, err
	}
	t, err := c.Resolve(host)
	if err != nil {
		return Options{}, err
	}
	if port == defaultPort {
		port = cmp.Or(t.Port, port)
	}
	auth.IdentityFiles = append(t.IdentityFiles, auth.IdentityFiles...)
	return Options{
		Name: host, Address: net.JoinHostPort(cmp.Or(t.HostName, host), port),
		User: cmp.Or(ownUser, t.User, user), Auth: auth, JumpOnly: true,
		HostKeys: HostKeys{KnownHosts: []string{filepath.Join(c.home, ".ssh", "known_hosts")}},
	}, nil
}

// Dial opens a connection from the last host.
func (w *Jumps) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return w.hops[len(w.hops)-1].Dial(ctx, network, address)
}

// Close ends the connections, the last one first.
func (w *Jumps) Close() error {
	var errs []error
	for i := len(w.hops) - 1; i >= 0; i-- {
		errs = append(errs, w.hops[i].Close())
	}
	return errors.Join(errs...)
}
