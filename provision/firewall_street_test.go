package provision

import (
	"bufio"
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
	"github.com/kbm-dev/kbm/internal/ssh"
	"github.com/kbm-dev/kbm/pki"
)

// Who is on the street in front of the machine, and the machine itself.
const (
	someone        = "203.0.113.1"
	admin          = "198.51.100.9"
	otherNode      = "192.168.0.21"
	ourMachine     = "203.0.113.7"
	streetPatience = 800 * time.Millisecond // how long a packet that is dropped is waited for
)

// street is a machine with a network, a real sshd and real nftables of its own,
// and a world in front of it that has several addresses.
type street struct {
	machine     *localMachine
	world       string // the process that keeps the world's namespace
	key         []byte
	fingerprint string
}

const buildWorld = `set -e
ip link set lo up
ip link add out type veth peer name eth0 netns "$1"
for a in 203.0.113.1/24 198.51.100.9/32 192.168.0.21/32; do ip address add $a dev out; done
ip link set out up
echo ready
exec cat`

const buildSSHD = `set -e
ip link set lo up
ip address add 203.0.113.7/24 dev eth0
ip link set eth0 up
ip route add default via 203.0.113.1
echo 'sshd:x:105:65534::/run/sshd:/usr/sbin/nologin' >>/etc/passwd
mkdir -p /run/sshd /var/empty /root && chmod 755 /run/sshd
ssh-keygen -q -t ed25519 -N '' -f /etc/host && ssh-keygen -q -t ed25519 -N '' -f /etc/user
printf '%s\n' 'Port 22' 'HostKey /etc/host' 'AuthorizedKeysFile /etc/user.pub' 'StrictModes no' 'UsePAM no' \
  'PidFile /run/sshd.pid' 'SetEnv PATH=/usr/local/bin:/usr/sbin:/usr/bin' >/etc/sshd_config
/usr/sbin/sshd -f /etc/sshd_config -E /run/sshd.log
ssh-keygen -lf /etc/host.pub | cut -d' ' -f2`

func newStreet(t *testing.T) *street {
	t.Helper()
	s := &street{machine: &localMachine{root: t.TempDir(), net: true}}
	s.machine.start(t, "")
	world := exec.Command("unshare", "--net", "sh", "-c", buildWorld, "sh", s.machine.pid)
	world.Stderr = os.Stderr
	stdin, err := world.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := world.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := world.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = world.Wait() })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("there is no street: %v", err)
	}
	s.world = strconv.Itoa(world.Process.Pid)
	s.fingerprint = s.machine.sh(t, buildSSHD)
	t.Cleanup(func() {
		_, _ = s.machine.Run(context.Background(), Command{Script: "kill $(cat /run/sshd.pid)"})
	})
	if s.key, err = os.ReadFile(filepath.Join(s.machine.root, "etc/user")); err != nil {
		t.Fatal(err)
	}
	return s
}

// within runs do in the network of a process. The thread is never used again.
func within(pid string, do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		file, err := os.Open("/proc/" + pid + "/ns/net")
		if err == nil {
			err = unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}

// dial connects to a port of the machine from an address of the world.
func (s *street) dial(ctx context.Context, from string, port int) (conn net.Conn, err error) {
	err = within(s.world, func() (err error) {
		d := net.Dialer{Timeout: streetPatience, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0))}
		conn, err = d.DialContext(ctx, "tcp4", net.JoinHostPort(ourMachine, strconv.Itoa(port)))
		return err
	})
	return conn, err
}

// listen has the machine answer at a port.
func (s *street) listen(t *testing.T, port int) {
	t.Helper()
	err := within(s.machine.pid, func() error {
		l, err := net.Listen("tcp4", ":"+strconv.Itoa(port))
		if err == nil {
			t.Cleanup(func() { _ = l.Close() })
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// from logs in as kbm does, from an address of the world.
func (s *street) from(t *testing.T, address string) func(context.Context) (Host, error) {
	return func(ctx context.Context) (Host, error) {
		client, err := ssh.Connect(ctx, ssh.Options{
			Name: "ed1", Address: net.JoinHostPort(ourMachine, "22"), User: "root",
			Auth: ssh.Auth{Key: s.key}, HostKeys: ssh.HostKeys{Fingerprint: s.fingerprint},
			Dial:           func(ctx context.Context, _, _ string) (net.Conn, error) { return s.dial(ctx, address, 22) },
			ConnectTimeout: 5 * time.Second,
		})
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { _ = client.Close() })
		return client, nil
	}
}

// wanted is the part of an edge node's Machine that the firewall is.
func wanted(t *testing.T, f cluster.Firewall) ignition.Machine {
	t.Helper()
	spec := &cluster.Cluster{
		APIVersion: cluster.APIVersion, Kind: "Cluster", Name: "home", Dir: t.TempDir(),
		Endpoint: cluster.Endpoint{Host: "192.168.0.11"},
		Security: cluster.Security{Firewall: &f},
		Addons: cluster.Addons{Ingress: &cluster.Ingress{Classes: []cluster.IngressClass{
			{Name: "external", Expose: cluster.HostNetwork}, {Name: "proxied", Expose: cluster.NodePort},
		}}},
		Nodes: []cluster.Node{
			{Name: "cp1", Role: cluster.Controller, Address: "192.168.0.11/24"},
			{Name: "ed1", Role: cluster.Edge, Address: ourMachine + "/24"},
			{Name: "w1", Role: cluster.Worker, Address: otherNode},
		},
	}
	spec = spec.WithDefaults()
	store, err := pki.NewFiles(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := pki.Ensure(store, spec, time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ignition.Build(ignition.Input{
		Cluster: spec, Node: &spec.Nodes[1], PKI: set,
		Bundle: &bundle.Manifest{Artefacts: []bundle.Artefact{{Name: "pause", Kind: bundle.Image, Group: bundle.Controller}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := ignition.Machine{Name: "ed1", Hostname: "ed1"}
	for _, file := range all.Files {
		if strings.HasPrefix(file.Path, "/etc/kbm/") {
			m.Files = append(m.Files, file)
		}
	}
	for _, unit := range all.Units {
		if unit.Name == ignition.FirewallUnit {
			m.Units = append(m.Units, unit)
		}
	}
	return m
}
