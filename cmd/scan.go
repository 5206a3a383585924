package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/ssh"
	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/lab"
)

// scanHostKey asks a machine for its host key and a person whether it is the
// right one: nothing else vouches for it.
func (a *app) scanHostKey(ctx context.Context, c *cluster.Cluster, n *cluster.Node) (fingerprint string, err error) {
	access := c.SSHOf(n)
	o := ssh.Options{Name: n.Name, Address: net.JoinHostPort(access.Host, strconv.Itoa(access.Port)), User: access.User}
	if l, ok := lab.Find(c.Dir); ok {
		o.Dial = l.Dial
	} else if access.Jump != "" {
		way, err := a.openJump(ctx, access)
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, way.Close()) }()
		o.Dial = way.Dial
	}
	key, err := ssh.ScanHostKey(ctx, o)
	if err != nil {
		return "", err
	}
	right, err := ui.Prompt{In: a.in, Out: a.err}.Confirm(ctx, ui.Question{
		Text:      fmt.Sprintf("%s (%s) shows the host key %s %s. Does ssh-keygen -lf print the same on the machine's console?", n.Name, o.Address, key.Type, key.Fingerprint),
		Otherwise: "compare the fingerprint, then pass it with --host-key",
	})
	if err != nil {
		return "", usageError(err)
	}
	if !right {
		return "", usageError(fmt.Errorf("the host key of %s was not accepted, so nothing was done; read the right fingerprint on its console and pass it with --host-key", n.Name))
	}
	return key.Fingerprint, nil
}

func (a *app) openJump(ctx context.Context, access cluster.Access) (*ssh.Jumps, error) {
	dir, err := os.UserHomeDir()
	if err != nil {
		return nil, fmt.Errorf("find ~/.ssh/known_hosts for the jump host: %w", err)
	}
	config, err := ssh.ReadConfig(dir)
	if err != nil {
		return nil, usageError(err)
	}
	return ssh.OpenJumps(ctx, []string{access.Jump}, config, access.User, ssh.Auth{
		IdentityFiles: access.IdentityFiles, AgentSocket: os.Getenv("SSH_AUTH_SOCK"),
		Passphrase: func(ctx context.Context, file string) ([]byte, error) {
			return ui.Prompt{In: a.in, Out: a.err}.Password(ctx, ui.Question{Text: "Passphrase of " + file + ":", Otherwise: "add the key to an SSH agent"})
		},
	}, nil)
}
