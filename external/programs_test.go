package external

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// run fails the test unless the program is content.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v (make setup installs it)\n%s", name, args, err, out)
	}
	return string(out)
}

func save(t *testing.T, name string, text []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestHAProxyTakesIt(t *testing.T) {
	ca := newAuthority(t)
	options := []ProxyOptions{seed000(t)}
	for _, c := range clusters() {
		options = append(options, proxy(t, c))
	}
	for _, o := range options {
		o.CAFile = ca.file
		text, err := haproxy(o)
		run(t, "haproxy", "-dW", "-c", "-f", save(t, "haproxy.cfg", text, err)) // -dW: without a warning
		o.CAFile, o.User, o.Group, o.Stats, o.Listen = "", "", "", "", []string{"127.0.0.1", "::1"}
		text, err = haproxy(o)
		run(t, "haproxy", "-dW", "-c", "-f", save(t, "haproxy.cfg", text, err))
	}
}

func TestNamedTakesIt(t *testing.T) {
	for _, c := range clusters() {
		l := list(t, c)
		records, outside, err := l.Zone(Zone{})
		if len(outside) > 0 {
			t.Errorf("records alone leave out %v", outside)
		}
		include := save(t, "names", records, err)
		whole := "$TTL 300\n@ IN SOA ns.example.net. root.example.net. 1 1h 1h 1h 1h\n@ IN NS ns.example.net.\n$INCLUDE " + include + "\n"
		run(t, "named-checkzone", "example.com", save(t, "zone", []byte(whole), nil))
	}
	text, outside, err := list(t, pets()).Zone(Zone{Origin: "k8s.example.com", Server: "ns.k8s.example.com", Addresses: []string{"192.168.0.1", "fd00::1"}, Serial: 7})
	out := run(t, "named-checkzone", "k8s.example.com", save(t, "zone", text, err))
	if !strings.Contains(out, "loaded serial 7") || len(outside) != 2 {
		t.Errorf("left out %v; %s", outside, out)
	}
}

func TestZoneRefuses(t *testing.T) {
	for _, z := range []Zone{
		{Origin: "k8s.example.com", Server: "ns.k8s.example.com"}, // nobody could find it
		{Origin: "k8s.example.com", Server: "ns 1.example.com"},
		{Origin: "k8s.example.com", Server: "ns.example.com", Addresses: []string{"ns"}},
	} {
		if text, _, err := list(t, pets()).Zone(z); err == nil {
			t.Errorf("%+v was taken:\n%s", z, text)
		}
	}
}

// Servers take a changed zone for the old one unless its serial has grown.
func TestNextSerial(t *testing.T) {
	z := Zone{Origin: "k8s.example.com", Server: "ns.example.com", Serial: 1700000000}
	l := list(t, pets())
	old, _, err := l.Zone(z)
	if err != nil {
		t.Fatal(err)
	}
	later := time.Unix(1800000000, 0)
	changed := l
	changed.Names = l.Names[:2]
	for _, c := range []struct {
		what string
		list List
		old  []byte
		now  time.Time
		want uint32
	}{
		{"no zone yet", l, nil, later, 1800000000},
		{"the same names", l, old, later, 1700000000},
		{"other names", changed, old, later, 1800000000},
		{"a clock that is behind", changed, old, time.Unix(5, 0), 1700000001},
	} {
		got, err := c.list.NextSerial(z, c.old, c.now)
		if err != nil || got != c.want {
			t.Errorf("%s: %d, %v; want %d", c.what, got, err, c.want)
		}
	}
}

// TestDnsmasq asks a real dnsmasq, which has another above it that knows
// everything under example.com, as a public DNS with a wildcard does.
func TestDnsmasq(t *testing.T) {
	t.Parallel()
	lo := newLoopback()
	for _, c := range clusters() {
		text, err := list(t, c).Dnsmasq()
		run(t, "dnsmasq", "--test", "--conf-file="+save(t, c.Name+".conf", text, err))
	}
	dnsmasq(t, lo.ip(61), "--conf-file=/dev/null", "--address=/example.com/203.0.113.9", "--address=/example.com/2001:db8::9")
	l := list(t, pets())
	l.Names = append(l.Names, list(t, six()).Names...)
	text, err := l.Dnsmasq()
	dnsmasq(t, lo.ip(60), "--conf-file="+save(t, "names.conf", text, err), "--server="+lo.ip(61)+"#5353")

	const public4, public6 = "203.0.113.9", "2001:db8::9"
	for name, want := range map[string][]string{
		"app1.k8s.example.com":   {"192.168.0.3"}, // and not the public AAAA
		"x.app1.k8s.example.com": {public4, public6},
		"nas.example.com":        {"192.168.0.5"},
		"any.lan.example.com":    {"192.168.0.5"},
		"lan.example.com":        {public4, public6},
		"both.example.com":       {"192.0.2.30", "fd00::30"},
		"six.example.com":        {"fd00::21", "fd00::22"},
		"a.six.example.com":      {"fd00::21", "fd00::22"},
		"example.com":            {public4, public6},
	} {
		got, err := ask(t, lo.ip(60), name)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %v, %v; want %v", name, got, err, want)
		}
	}
}

// dnsmasq serves at port 5353 of an address until the test ends.
func dnsmasq(t *testing.T, address string, args ...string) {
	t.Helper()
	args = append(args, "--keep-in-foreground", "--no-resolv", "--no-hosts", "--pid-file", "--user=", "--bind-interfaces", "--listen-address="+address, "--port=5353")
	cmd := exec.CommandContext(t.Context(), "dnsmasq", args...)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (make setup installs it)", err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // it was killed
	eventually(t, "dnsmasq answers", 20*time.Second, func() error {
		conn, err := net.Dial("tcp", net.JoinHostPort(address, strconv.Itoa(5353)))
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
}

func ask(t *testing.T, server, name string) ([]string, error) {
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(server, "5353"))
	}}
	addresses, err := r.LookupHost(t.Context(), name+".")
	return sorted(addresses), err
}

// The system's own resolver reads the lines, in a namespace where they are /etc/hosts.
func TestHosts(t *testing.T) {
	text, err := list(t, pets()).PutBlock([]byte("127.0.0.1 localhost"))
	file := save(t, "hosts", text, err)
	out := run(t, "unshare", "--map-root-user", "--mount", "sh", "-c", `mount --bind "$1" /etc/hosts && getent ahosts app2.k8s.example.com localhost`, "sh", file)
	if !strings.Contains(out, "192.168.0.3 ") || !strings.Contains(out, "127.0.0.1 ") {
		t.Errorf("getent says:\n%s", out)
	}
}

func TestPutBlock(t *testing.T) {
	l := list(t, farm())
	const before = "127.0.0.1 localhost\n# kbm farmer: begin\n192.0.2.1 cow\n# kbm farmer: end\n"
	once, err := l.PutBlock([]byte(before))
	if err != nil || !strings.HasPrefix(string(once), before) || !strings.Contains(string(once), "10.10.0.5 grafana") {
		t.Fatalf("%v:\n%s", err, once)
	}
	after := append(slices.Clone(once), "192.0.2.2 later\n"...)
	twice, err := l.PutBlock(after)
	if err != nil || string(twice) != string(after) {
		t.Errorf("the same lines again: %v:\n%s", err, twice)
	}
	l.Names = nil
	gone, err := l.PutBlock(after)
	if want := before + "# kbm farm: begin\n# kbm farm: end\n192.0.2.2 later\n"; err != nil || string(gone) != want {
		t.Errorf("no names any more: %v:\n%s", err, gone)
	}
	if _, err := l.PutBlock([]byte("# kbm farm: begin\n")); err == nil {
		t.Error("everything after half a block would be lost")
	}
}
