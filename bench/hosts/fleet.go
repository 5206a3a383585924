package hosts

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/bench/internal/program"
	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/ssh/sshtest"
	"github.com/kbm-dev/kbm/pki"
)

// fleet is a cluster folder and the machines that it describes.
type fleet struct {
	cluster   *cluster.Cluster
	pki       *pki.Set
	listeners []net.Listener
	control   *control
}

// newFleet has kbm make a cluster of n nodes in dir, and serves them.
func newFleet(ctx context.Context, kbm, dir string, n int) (f *fleet, err error) {
	f = &fleet{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		f.listeners = append(f.listeners, l)
	}
	home := filepath.Join(dir, "cluster")
	list := filepath.Join(dir, "machines.yaml")
	if err := os.WriteFile(list, f.nodes(), 0o600); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "--name", "bench", "--endpoint", "api.bench.example"},
		{"add-node", "--from", list},
	} {
		if _, err := program.Run(exec.CommandContext(ctx, kbm, append([]string{"--dir", home}, args...)...)); err != nil {
			return nil, err
		}
	}
	if f.cluster, err = cluster.Load(home); err != nil {
		return nil, err
	}
	store, err := pki.NewFiles(f.cluster, nil)
	if err != nil {
		return nil, err
	}
	if f.pki, err = pki.Ensure(store, f.cluster, time.Now(), rand.Reader); err != nil {
		return nil, err
	}
	folder, err := bundle.DefaultDir(f.cluster.Kubernetes.Version, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	b, err := bundle.Open(folder)
	if err != nil {
		return nil, err
	}
	if f.control, err = startControl(ctx, filepath.Join(dir, "control"), b, f.cluster, f.pki); err != nil {
		return nil, err
	}
	return f, f.serve(b.Manifest())
}

func name(i int) string { return fmt.Sprintf("node-%03d", i) }

// nodes is what add-node --from reads. The addresses are nobody's: SSH goes to
// loopback, and everything else through it.
func (f *fleet) nodes() []byte {
	var b bytes.Buffer
	for i, l := range f.listeners {
		role := cluster.Worker
		if i == 0 {
			role = cluster.Controller
		}
		fmt.Fprintf(&b, "---\napiVersion: %s\nkind: Node\nname: %s\nrole: %s\naddress: 192.0.%d.%d/16\nssh: {host: 127.0.0.1, port: %d}\n",
			cluster.APIVersion, name(i), role, 2+i/250, i%250+1, l.Addr().(*net.TCPAddr).Port)
	}
	return b.Bytes()
}

// serve makes the machines answer, each as one that is just as the spec says.
func (f *fleet) serve(manifest bundle.Manifest) error {
	userCA, _, _, _, err := ssh.ParseAuthorizedKey(f.pki.SSHUserCA.Public)
	if err != nil {
		return fmt.Errorf("SSH user CA: %w", err)
	}
	checker := &ssh.CertChecker{IsUserAuthority: func(key ssh.PublicKey) bool {
		return bytes.Equal(key.Marshal(), userCA.Marshal())
	}}
	answers := map[string][]byte{}
	server := &sshtest.Server{Handler: shell(answers), Login: checker.Authenticate, Dial: f.control.dial}
	for i := range f.cluster.Nodes {
		n := &f.cluster.Nodes[i]
		m, err := ignition.Build(ignition.Input{Cluster: f.cluster, Node: n, PKI: f.pki, Bundle: &manifest})
		if err != nil {
			return err
		}
		if answers[n.Name], err = inOrder(n, m); err != nil {
			return err
		}
	}
	for i, l := range f.listeners {
		key, err := hostKey(f.pki.Node(name(i)).SSHHost)
		if err != nil {
			return fmt.Errorf("host key of %s: %w", name(i), err)
		}
		go server.Serve(name(i), l, key)
	}
	return nil
}

// hostKey is what sshd shows: the node's key with its certificate.
func hostKey(k pki.SSHKey) (ssh.Signer, error) {
	key, err := ssh.ParsePrivateKey(k.Private)
	if err != nil {
		return nil, err
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(k.Certificate)
	if err != nil {
		return nil, err
	}
	cert, ok := public.(*ssh.Certificate)
	if !ok {
		return nil, errors.New("it has no certificate")
	}
	return ssh.NewCertSigner(cert, key)
}

// Close ends the machines and the control plane.
func (f *fleet) Close() error {
	var errs []error
	for _, l := range f.listeners {
		errs = append(errs, l.Close())
	}
	if f.control != nil {
		errs = append(errs, f.control.Close())
	}
	return errors.Join(errs...)
}
