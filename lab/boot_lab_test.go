//go:build lab

package lab

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/ignition"
)

// TestMachineBootsFromItsMedium is the whole lab on one machine: a real first
// boot from a real ISO, SSH with the keys of that ISO, a power cut, a reboot,
// and nothing left afterwards.
func TestMachineBootsFromItsMedium(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	l := testLab(t)
	hostKey, userKey := newKey(t), newKey(t)
	m := Machine{Name: "m1", Address: netip.MustParsePrefix("10.99.0.11/24"), ISO: writeMedium(t, config("m1", "10.99.0.11/24", hostKey, userKey))}
	spec := testSpec(t, ctx, m)
	before := traces(t, l)

	began := time.Now()
	up(t, ctx, l, spec)
	t.Logf("first boot: %s", time.Since(began).Round(time.Millisecond))

	client := login(t, ctx, l, m, hostKey, userKey)
	for command, want := range map[string]string{
		"hostname":                                        "m1",
		"cat /etc/from-the-medium":                        "hello",
		"systemctl is-active from-the-medium":             "active",
		"sudo sh -c ': </dev/kmsg && echo open'":          "open",
		"sudo -n id -u":                                   "0",
		"systemctl list-units --failed --no-legend":       "",
		"cat /proc/sys/net/ipv4/ip_forward":               "1",
		"cat /sys/class/net/eth0/address":                 macOf(l.ID, "m1"),
		"ls /etc/ssh/ssh_host_*_key":                      "/etc/ssh/ssh_host_ed25519_key",
		"curl -sS -m 5 http://192.0.2.1 2>&1 | head -c 8": "curl: (7",
	} {
		if got := run(t, client, command); got != want {
			t.Errorf("%s: got %q, want %q", command, got, want)
		}
	}
	run(t, client, "echo mine | sudo tee /etc/machine-made-this && sudo sysctl -qw kernel.panic=7")
	if panicSwitch, _ := os.ReadFile("/proc/sys/kernel/panic"); strings.TrimSpace(string(panicSwitch)) == "7" {
		t.Error("a machine changed a switch of this computer")
	}
	machineID := run(t, client, "cat /etc/machine-id")

	up(t, ctx, l, spec) // changes nothing
	if got := run(t, client, "cat /etc/machine-id"); got != machineID {
		t.Errorf("a second up gave the machine another identity: %s, was %s", got, machineID)
	}

	t.Run("power cut", func(t *testing.T) {
		if err := l.Off(ctx, "m1"); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, ctx, l, MachineStatus{Name: "m1", State: Stopped, Address: "10.99.0.11"})
		began := time.Now()
		up(t, ctx, l, spec)
		t.Logf("later boot: %s", time.Since(began).Round(time.Millisecond))
		client := login(t, ctx, l, m, hostKey, userKey)
		if got := run(t, client, "cat /etc/machine-made-this /etc/machine-id"); got != "mine\n"+machineID {
			t.Errorf("after a power cut: got %q, want its own disk", got)
		}
	})

	t.Run("reboot", func(t *testing.T) {
		client := login(t, ctx, l, m, hostKey, userKey)
		run(t, client, "sudo touch /run/before-reboot; sudo ip link add cni0 type bridge; sudo nft add table inet t; sudo systemctl reboot")
		_ = client.Close()
		state := "rebooting"
		for range 100 {
			client = login(t, ctx, l, m, hostKey, userKey)
			if state = run(t, client, "ls /run/before-reboot 2>/dev/null; ip -br link show type bridge; sudo nft list ruleset; cat /etc/machine-made-this"); state == "mine" {
				break
			}
			_ = client.Close()
		}
		if state != "mine" {
			t.Errorf("after a reboot: got %q", state)
		}
	})

	t.Run("outside machine", func(t *testing.T) {
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, "ip", "-br", "-4", "address", "show", bridgeName)
		cmd.Stdout = &out
		if err := l.Run(cmd); err != nil || !strings.Contains(out.String(), "10.99.0.1/24") {
			t.Errorf("got %q, %v", out.String(), err)
		}
	})

	if err := l.Down(ctx); err != nil {
		t.Fatal(err)
	}
	if after := traces(t, l); after != before {
		t.Errorf("down left something behind:\n%s\nbefore it was:\n%s", after, before)
	}
	if l.Exists() {
		t.Error("the lab is still there")
	}
}

// A medium that Ignition refuses must show Ignition's own words.
func TestRefusedMedium(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	l := testLab(t)
	m := Machine{Name: "m1", Address: netip.MustParsePrefix("10.99.0.11/24"), ISO: writeMedium(t, []byte(`{"ignition":{"version":"9.9.9"}}`))}
	err := l.Up(ctx, testSpec(t, ctx, m), func(Event) {})
	if err == nil || !strings.Contains(err.Error(), "first boot of machine m1") || !strings.Contains(err.Error(), "unsupported config version") {
		t.Errorf("got: %v", err)
	}
}

func testLab(t *testing.T) Lab {
	t.Helper()
	l, err := forIn(DefaultStateRoot, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l
}

func testSpec(t *testing.T, ctx context.Context, machines ...Machine) Spec {
	t.Helper()
	base, err := EnsureBase(ctx, DefaultCacheDir, func(e Event) { t.Log(e) })
	if err != nil {
		t.Fatal(err)
	}
	return Spec{
		Gateway: netip.MustParsePrefix("10.99.0.1/24"), Machines: machines,
		Base: base, Ignition: ignitionProgram(t),
	}
}

// ignitionProgram is the one in the bundle, which the tests' setup builds.
func ignitionProgram(t *testing.T) string {
	t.Helper()
	for _, version := range bundle.Supported() {
		dir, err := bundle.DefaultDir(version, runtime.GOARCH)
		if err != nil {
			t.Fatal(err)
		}
		b, err := bundle.Open(dir)
		if err != nil {
			t.Log(err)
			continue
		}
		if a, ok := b.Find("ignition"); ok {
			return b.File(a)
		}
	}
	t.Fatal("no bundle holds the ignition program: kbm bundle build")
	return ""
}

func up(t *testing.T, ctx context.Context, l Lab, spec Spec) {
	t.Helper()
	if err := l.Up(ctx, spec, func(e Event) { t.Log(e) }); err != nil {
		t.Fatal(err)
	}
}

// traces lists everything on this computer that carries the lab's name.
func traces(t *testing.T, l Lab) string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"/run/netns/*", "/sys/fs/cgroup/*/*", "/sys/fs/cgroup/memory/*/*/*", "/run/systemd/nspawn/*/*", DefaultStateRoot + "/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, paths...)
	}
	for _, file := range []string{"/proc/self/mountinfo", "/proc/[0-9]*/cmdline"} {
		paths, err := filepath.Glob(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			content, _ := os.ReadFile(path)
			for line := range bytes.Lines(content) {
				found = append(found, string(bytes.ReplaceAll(bytes.TrimSpace(line), []byte{0}, []byte(" "))))
			}
		}
	}
	var ours []string
	for _, line := range found {
		if strings.Contains(line, l.ID) {
			ours = append(ours, line)
		}
	}
	return strings.Join(ours, "\n")
}

func wantStatus(t *testing.T, ctx context.Context, l Lab, want MachineStatus) {
	t.Helper()
	got, err := l.Status(ctx)
	if err != nil || len(got) != 1 {
		t.Fatalf("status: %v, %v", got, err)
	}
	want.Console = l.consolePath(want.Name)
	if got[0] != want {
		t.Errorf("status: got %+v, want %+v", got[0], want)
	}
}

type key struct {
	signer  ssh.Signer
	private []byte
}

func (k key) public() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.signer.PublicKey())))
}

func newKey(t *testing.T) key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return key{signer: signer, private: pem.EncodeToMemory(block)}
}

func config(name, address string, host, user key) []byte {
	file := func(path string, mode int, content string) map[string]any {
		return map[string]any{"path": path, "mode": mode, "overwrite": true, "contents": map[string]any{"source": "data:," + url.PathEscape(content)}}
	}
	c, _ := json.Marshal(map[string]any{
		"ignition": map[string]any{"version": "3.4.0"},
		"passwd":   map[string]any{"users": []any{map[string]any{"name": "core", "sshAuthorizedKeys": []string{user.public()}}}},
		"storage": map[string]any{"files": []any{
			file("/etc/hostname", 0o644, name+"\n"),
			file("/etc/from-the-medium", 0o644, "hello\n"),
			file("/etc/ssh/ssh_host_ed25519_key", 0o600, string(host.private)),
			file("/etc/systemd/network/10-eth0.network", 0o644, fmt.Sprintf("[Match]\nName=eth0\n[Network]\nAddress=%s\nGateway=10.99.0.1\n", address)),
		}},
		"systemd": map[string]any{"units": []any{map[string]any{
			"name": "from-the-medium.service", "enabled": true,
			"contents": "[Service]\nType=oneshot\nRemainAfterExit=yes\nOOMScoreAdjust=-999\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
		}}},
	})
	return c
}

func writeMedium(t *testing.T, config []byte) string {
	t.Helper()
	image, err := ignition.WriteISO("config-2", map[string][]byte{"openstack/latest/user_data": config})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m1.iso")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// login waits for the machine and accepts only the host key of its medium.
func login(t *testing.T, ctx context.Context, l Lab, m Machine, host, user key) *ssh.Client {
	t.Helper()
	var client *ssh.Client
	var last error
	err := poll(ctx, 100*time.Millisecond, func() (bool, error) {
		conn, err := l.Dial(ctx, "tcp", m.Address.Addr().String()+":22")
		if last = err; err != nil {
			return false, nil
		}
		// A machine that goes down meanwhile says nothing any more.
		if last = conn.SetDeadline(time.Now().Add(5 * time.Second)); last != nil {
			return false, last
		}
		c, chans, reqs, err := ssh.NewClientConn(conn, m.Name, &ssh.ClientConfig{
			User: "core", HostKeyCallback: ssh.FixedHostKey(host.signer.PublicKey()),
			Auth: []ssh.AuthMethod{ssh.PublicKeys(user.signer)},
		})
		if last = err; err != nil {
			return false, nil
		}
		if last = conn.SetDeadline(time.Time{}); last != nil {
			return false, last
		}
		client = ssh.NewClient(c, chans, reqs)
		return true, nil
	})
	if err != nil {
		t.Fatalf("log in on %s: %v, last: %v", m.Name, err, last)
	}
	return client
}

func run(t *testing.T, client *ssh.Client, command string) string {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	out, err := session.CombinedOutput(command)
	if err != nil {
		t.Logf("%s: %v", command, err)
	}
	return strings.TrimSpace(string(out))
}
