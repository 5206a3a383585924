package hosts

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

// control is a real etcd and a real API server on loopback, with the cluster's
// own PKI. What controllers and kubelets would do is in objects.go.
type control struct {
	address  string
	client   *kubernetes.Clientset
	programs []*exec.Cmd
	stop     context.CancelFunc
	played   chan error
}

func startControl(ctx context.Context, dir string, b *bundle.Bundle, c *cluster.Cluster, set *pki.Set) (*control, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	k := &control{address: "127.0.0.1:" + ports[0]}
	etcd, peer := "http://127.0.0.1:"+ports[1], "http://127.0.0.1:"+ports[2]
	server, err := unpack(b, "kube-apiserver", dir)
	if err != nil {
		return nil, err
	}
	store, ok := b.Find("etcd")
	if !ok {
		return nil, fmt.Errorf("the bundle in %s has no etcd", b.Dir())
	}
	files, err := keep(dir, c, set)
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{
			b.File(store), "--data-dir", filepath.Join(dir, "etcd"), "--unsafe-no-fsync",
			"--listen-client-urls", etcd, "--advertise-client-urls", etcd,
			"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer,
		},
		{
			server, "--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--secure-port", ports[0],
			"--endpoint-reconciler-type", "none", "--authorization-mode", "Node,RBAC",
			"--service-cluster-ip-range", c.Network.ServiceCIDR, "--service-account-issuer", "https://kubernetes.default.svc",
			"--client-ca-file", files["ca"], "--tls-cert-file", files["cert"], "--tls-private-key-file", files["key"],
			"--service-account-key-file", files["sa-public"], "--service-account-signing-key-file", files["sa-private"],
		},
	} {
		if err := k.start(dir, args); err != nil {
			return nil, errors.Join(err, k.Close())
		}
	}
	if err := k.populate(ctx, c, set); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

// keep writes the keys that the API server reads.
func keep(dir string, c *cluster.Cluster, set *pki.Set) (map[string]string, error) {
	serving := set.Node(c.Controllers()[0].Name).Get(pki.APIServer)
	files := map[string]string{}
	for name, content := range map[string][]byte{
		"ca": set.Get(pki.CA).Cert, "cert": serving.Cert, "key": serving.Key,
		"sa-public": set.ServiceAccount.Public, "sa-private": set.ServiceAccount.Private,
	} {
		files[name] = filepath.Join(dir, name+".pem")
		if err := os.WriteFile(files[name], content, 0o600); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// start runs a program until Close, or until this process dies.
func (k *control) start(dir string, args []string) error {
	log, err := os.Create(filepath.Join(dir, filepath.Base(args[0])+".log"))
	if err != nil {
		return err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return err
	}
	k.programs = append(k.programs, cmd)
	return nil
}

// dial is what the simulated machines forward to: whatever kbm asks for, only
// the API server is there.
func (k *control) dial(_, _ string) (net.Conn, error) { return net.Dial("tcp", k.address) }

// populate waits for the API server, makes the nodes, and from then on plays
// the controllers.
func (k *control) populate(ctx context.Context, c *cluster.Cluster, set *pki.Set) error {
	admin, err := set.Client("bench", []string{"system:masters"}, time.Hour, time.Now(), rand.Reader)
	if err != nil {
		return err
	}
	// The certificate is for the controller's address.
	n := c.Controllers()[0]
	k.client, err = kubernetes.NewForConfig(&rest.Config{
		Host: "https://" + net.JoinHostPort(n.IP().String(), strconv.Itoa(c.APIServerPort())),
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", k.address)
		},
		TLSClientConfig: rest.TLSClientConfig{CAData: set.Get(pki.CA).Cert, CertData: admin.Cert, KeyData: admin.Key},
		QPS:             -1,
	})
	if err != nil {
		return err
	}
	if err := k.waitReady(ctx); err != nil {
		return err
	}
	if err := k.makeNodes(ctx, c); err != nil {
		return err
	}
	playing, stop := context.WithCancel(ctx)
	k.stop, k.played = stop, make(chan error, 1)
	go func() { k.played <- k.play(playing, len(c.Nodes)) }()
	return nil
}

// Close ends the programs. They need not tidy up: their data goes, too.
func (k *control) Close() (err error) {
	if k.stop != nil {
		k.stop()
		err = <-k.played
	}
	for _, cmd := range k.programs {
		err = errors.Join(err, cmd.Process.Kill())
		_ = cmd.Wait() // it says that it was killed
	}
	return err
}

func freePorts(n int) (ports []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports, nil
}
