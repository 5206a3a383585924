//go:build lab

package lab

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// TestCloudInitReadsItsMedium boots a machine from either volume that kbm makes
// for cloud-init, and logs in by the host key that is on it.
func TestCloudInitReadsItsMedium(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	l := testLab(t)
	hostKey, userKey := newKey(t), newKey(t)
	sources := map[string]string{"nocloud": "DataSourceNoCloud", "config-drive": "DataSourceConfigDrive"}
	var machines []Machine
	for target := range sources {
		m := Machine{Name: target, CloudInit: true, Address: netip.MustParsePrefix("10.99.0.11/24")}
		if len(machines) > 0 {
			m.Address = netip.MustParsePrefix("10.99.0.12/24")
		}
		m.ISO = cloudMedium(t, m, hostKey, userKey)
		machines = append(machines, m)
	}
	spec := testSpec(t, ctx, machines...)
	base, err := EnsureCloudBase(ctx, DefaultCacheDir, func(e Event) { t.Log(e) })
	if err != nil {
		t.Fatal(err)
	}
	spec.Base, spec.CloudBase = "", base // nothing needs the other one

	began := time.Now()
	up(t, ctx, l, spec)
	t.Logf("first boot: %s", time.Since(began).Round(time.Millisecond))
	for _, m := range machines {
		client := login(t, ctx, l, m, hostKey, userKey)
		// Logins are allowed before the last stage, which enables units, has ended.
		const status = "cloud-init status --wait --long | grep -o '^status.*\\|^DataSource[A-Za-z]*'"
		if got := run(t, client, status); got != "status: done\n"+sources[m.Name] {
			t.Errorf("%s: cloud-init: %q", m.Name, got)
		}
		for command, want := range map[string]string{
			"sudo grep 'WARNING\\|Traceback' /var/log/cloud-init.log || :": "",
			"hostname":                                  m.Name,
			"cat /etc/from-the-medium":                  "hello",
			"systemctl is-enabled from-the-medium":      "enabled",
			"systemctl list-units --failed --no-legend": "",
			"sudo -n id -u":                             "0",
			"ls /etc/ssh/ssh_host_*_key":                "/etc/ssh/ssh_host_ed25519_key",
			"ls /home":                                  "core",
		} {
			if got := run(t, client, command); got != want {
				t.Errorf("%s: %s: got %q, want %q", m.Name, command, got, want)
			}
		}
		_ = client.Close()
	}
}

func cloudMedium(t *testing.T, m Machine, host, user key) string {
	t.Helper()
	system, _ := cluster.FindOS("debian")
	out, err := ignition.Render(ignition.Machine{
		Name: m.Name, Hostname: m.Name,
		Users: []ignition.User{{Name: "core", AuthorizedKeys: []string{user.public()}}},
		Files: []ignition.File{
			{Path: "/etc/ssh/ssh_host_ed25519_key", Mode: 0o600, Content: host.private, Secret: true},
			{Path: "/etc/from-the-medium", Mode: 0o644, Content: []byte("hello\n")},
		},
		Units:   []ignition.Unit{{Name: "from-the-medium.service", Enabled: true, Content: "[Service]\nType=oneshot\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}},
		Network: &ignition.Network{Address: m.Address.String(), Gateway: "10.99.0.1", Interface: "eth0"},
	}, ignition.Options{OS: system, Target: m.Name})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), m.Name+".iso")
	if !strings.HasSuffix(out.Files[0].Name, ".iso") {
		t.Fatalf("the first file is %s", out.Files[0].Name)
	}
	if err := os.WriteFile(path, out.Files[0].Content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
