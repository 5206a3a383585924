package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kbm-dev/kbm/bench/internal/machines"
	"github.com/kbm-dev/kbm/bench/internal/program"
)

// The ciphers that the clients use: the one that OpenSSH chooses by itself, and
// the one that kbm does, which is faster where the processor has instructions
// for AES.
const (
	usual = "chacha20-poly1305@openssh.com"
	same  = "aes128-gcm@openssh.com"
)

// clients are OpenSSH's, one for each machine.
type clients struct {
	m     *machines.Machines
	dir   string
	bytes int64
}

// prepare lays what kbm would send to each machine in one file, and lets a key
// of the benchmark in.
func (c *clients) prepare(ctx context.Context) error {
	if _, err := program.In(ctx, c.dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"); err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(c.dir, "key.pub"))
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(filepath.Join(c.m.Dir, "pki", "ssh", "host-ca.pub"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.dir, "known_hosts"), fmt.Appendf(nil, "@cert-authority * %s", ca), 0o600); err != nil {
		return err
	}
	for _, name := range c.m.Names {
		if err := c.m.Put(ctx, name, "/root/.ssh/authorized_keys", bytes.NewReader(key)); err != nil {
			return err
		}
	}
	needs, err := c.needs(ctx)
	if err != nil {
		return err
	}
	folder, err := c.m.Output(ctx, nil, "bundle", "path")
	if err != nil {
		return err
	}
	for name, files := range needs {
		if err := c.join(name, strings.TrimSpace(folder), files); err != nil {
			return err
		}
	}
	return nil
}

// needs asks kbm which files of the bundle it would send to each machine.
func (c *clients) needs(ctx context.Context) (map[string][]string, error) {
	// It exits with another code than 0 when there is something to do.
	out, err := c.m.Command(ctx, "diff", "-q", "-o", "json").Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	var plan struct {
		Nodes []struct {
			Node    string
			Changes []struct {
				Object string
				Bytes  int64
			}
		}
	}
	last := out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:]
	if err := json.Unmarshal(last, &plan); err != nil {
		return nil, fmt.Errorf("kbm diff: %w\n%s", err, out)
	}
	needs := map[string][]string{}
	for _, n := range plan.Nodes {
		for _, change := range n.Changes {
			if change.Bytes > 0 {
				needs[n.Node] = append(needs[n.Node], path.Base(change.Object))
				c.bytes += change.Bytes
			}
		}
	}
	return needs, nil
}

// join writes the bundle's files of these names into the file of a machine.
func (c *clients) join(machine, folder string, names []string) (err error) {
	out, err := os.Create(filepath.Join(c.dir, machine))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	for _, name := range names {
		found, err := filepath.Glob(filepath.Join(folder, "*", name))
		if err != nil || len(found) != 1 {
			return fmt.Errorf("%s is %d times in %s", name, len(found), folder)
		}
		in, err := os.Open(found[0])
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		if err := errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return out.Sync()
}

// send takes the time until the last client has ended, and cleans up.
func (c *clients) send(ctx context.Context, cipher string) (time.Duration, error) {
	start := time.Now()
	var g errgroup.Group
	for i, name := range c.m.Names {
		g.Go(func() error { return c.sendOne(ctx, name, machines.Address(i), cipher) })
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	took := time.Since(start)
	for _, name := range c.m.Names {
		if _, err := c.m.On(ctx, name, "rm /var/lib/bench"); err != nil {
			return 0, err
		}
	}
	return took, nil
}

func (c *clients) sendOne(ctx context.Context, name, address, cipher string) (err error) {
	in, err := os.Open(filepath.Join(c.dir, name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	cmd := c.m.Command(ctx, "lab", "exec", "--", "ssh", "-F", "none", "-i", filepath.Join(c.dir, "key"),
		"-c", cipher, "-o", "UserKnownHostsFile="+filepath.Join(c.dir, "known_hosts"), "-o", "HostKeyAlias="+name, "-o", "BatchMode=yes",
		"root@"+address, "cat >/var/lib/bench && sync /var/lib/bench")
	cmd.Stdin = in
	_, err = program.Run(cmd)
	return err
}
