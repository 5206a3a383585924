package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/ignition"
)

func testMachine() ignition.Machine {
	return ignition.Machine{
		Name: "cp1", Hostname: "cp1",
		Dirs: []ignition.Dir{{Path: "/etc/kubernetes/manifests", Mode: 0o700}},
		Files: []ignition.File{
			{Path: "/etc/kubernetes/kubelet.yaml", Mode: 0o644, Content: []byte("kind: Kubelet\n"), Restarts: []string{"kubelet.service"}},
			{Path: "/etc/kubernetes/pki/it's a.key", Mode: 0o600, Content: []byte("hush\n"), Secret: true, Restarts: []string{"kubelet.service", "etcd.service"}},
			{Path: "/var/lib/app/data", Mode: 0o640, Owner: "nobody", Group: "nogroup", Content: []byte("x")},
		},
		Links: []ignition.Link{{Path: "/etc/localtime", Target: "/usr/share/zoneinfo/UTC"}},
		Units: []ignition.Unit{
			{Name: "etcd.service", Content: "[Service]\nExecStart=/bin/etcd\n", Enabled: true, Started: true},
			{Name: "kubelet.service", Content: "[Service]\nExecStart=/bin/kubelet\n", Enabled: true, Started: true},
		},
	}
}

// look gathers and compares.
func look(t *testing.T, host Host, m ignition.Machine) NodePlan {
	t.Helper()
	facts, err := Gather(t.Context(), host, m, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Compare(m, facts)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func apply(t *testing.T, host Host, m ignition.Machine) NodePlan {
	t.Helper()
	plan := look(t, host, m)
	if err := ApplyFiles(t.Context(), host, &plan); err != nil {
		t.Fatal(err)
	}
	if err := ApplyUnits(t.Context(), host, &plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

func summary(p NodePlan) string {
	var lines []string
	for _, c := range p.Changes {
		lines = append(lines, fmt.Sprintf("%s %s", c.Action, c.Object))
	}
	return strings.Join(lines, "\n")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

func TestApplyBringsAMachineToItsState(t *testing.T) {
	host, m := newMachine(t, ""), testMachine()
	apply(t, host, m)
	expect(t, "the second plan", summary(look(t, host, m)), "")
	expect(t, "what is on the disk",
		host.sh(t, `cd / && stat -c '%A %U:%G %n' etc/kubernetes/manifests etc/kubernetes/pki/* var/lib/app/data && cat etc/kubernetes/pki/*.key && readlink /etc/localtime && hostname`),
		"drwx------ root:root etc/kubernetes/manifests\n-rw------- root:root etc/kubernetes/pki/it's a.key\n-rw-r----- nobody:nogroup var/lib/app/data\nhush\n/usr/share/zoneinfo/UTC\ncp1")
	expect(t, "what is left over", host.sh(t, `cd / && ls -d etc/.kbm-new etc/*/.kbm-new var/lib/kbm/restart/* var/lib/kbm/*.new 2>/dev/null; :`), "")
	expect(t, "systemd's orders", host.sh(t, "cat /run/units/log"),
		"enable etcd.service kubelet.service\ndaemon-reload\nstart etcd.service kubelet.service")
}

func TestApplyHealsOnlyWhatWasChanged(t *testing.T) {
	host, m := newMachine(t, ""), testMachine()
	apply(t, host, m)
	host.sh(t, `echo changed >>/etc/kubernetes/kubelet.yaml; chmod 644 /etc/kubernetes/pki/*.key; rm /etc/localtime /run/units/log`)
	host.runs.Store(0)
	expect(t, "the plan", summary(apply(t, host, m)),
		"update /etc/kubernetes/kubelet.yaml\nmode /etc/kubernetes/pki/it's a.key\nlink /etc/localtime\nrestart etcd.service\nrestart kubelet.service")
	if n := host.runs.Load(); n != 3 {
		t.Errorf("it took %d round trips, not 3", n)
	}
	expect(t, "the next plan", summary(look(t, host, m)), "")
}

func TestApplyPrunesWhatTheSpecNoLongerHas(t *testing.T) {
	host, m := newMachine(t, ""), testMachine()
	apply(t, host, m)
	m.Dirs, m.Files, m.Units = nil, m.Files[:1], m.Units[1:]
	expect(t, "the plan", summary(apply(t, host, m)), strings.Join([]string{
		"delete /var/lib/app/data", "delete /etc/systemd/system/etcd.service",
		"delete /etc/kubernetes/pki/it's a.key", "delete /etc/kubernetes/manifests",
		"restart kubelet.service",
	}, "\n"))
	expect(t, "the next plan", summary(look(t, host, m)), "")
	expect(t, "etcd's unit", host.sh(t, "grep -c 'disable etcd.service' /run/units/log; ls /etc/systemd/system"), "1\nkubelet.service")
}

// cutReader breaks like a connection does: after some bytes there are no more.
type cutReader struct {
	io.Reader
	left int
	cut  func()
}

func (r *cutReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		r.cut()
		return 0, io.EOF
	}
	n, err := r.Reader.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// cuttingHost breaks the input of each script after some bytes.
type cuttingHost struct {
	Host
	after int
}

func (h cuttingHost) Run(ctx context.Context, c Command) (Result, error) {
	if c.Stdin != nil {
		c.Stdin = &cutReader{Reader: c.Stdin, left: h.after, cut: func() {}}
	}
	return h.Host.Run(ctx, c)
}

func TestApplyCutAnywhereChangesNothing(t *testing.T) {
	host, m := newMachine(t, ""), testMachine()
	plan := look(t, host, m)
	whole, err := plan.archive()
	if err != nil {
		t.Fatal(err)
	}
	// Between two blocks a tar can end without anybody noticing: try each.
	commit := strings.LastIndex(whole.String(), "var/lib/kbm/commit")
	for after := 0; after <= commit; after += 512 {
		if err := ApplyFiles(t.Context(), cuttingHost{host, after}, &plan); err == nil {
			t.Errorf("nothing was noticed after %d bytes", after)
		}
	}
	expect(t, "files", host.sh(t, `find /etc/kubernetes /etc/systemd /var/lib -type f`), "")
	expect(t, "staged", host.sh(t, `find /etc /var -name .kbm-new`), "")
	apply(t, host, m)
	expect(t, "the next plan", summary(look(t, host, m)), "")
}

func TestInterruptedRestartIsMadeUpFor(t *testing.T) {
	host, m := newMachine(t, ""), testMachine()
	apply(t, host, m)
	m.Files[0].Content = []byte("kind: New\n")
	plan := look(t, host, m)
	if err := ApplyFiles(t.Context(), host, &plan); err != nil {
		t.Fatal(err)
	}
	// kbm is killed here.
	expect(t, "the plan", summary(apply(t, host, m)), "restart kubelet.service")
	expect(t, "the next plan", summary(look(t, host, m)), "")
}

// A kubelet that finds a new static pod while the old one still ends would wait
// for more than ten seconds.
func TestStaticPodEndsBeforeItsNextIsThere(t *testing.T) {
	host, m := newMachine(t, ""), testMachine()
	const manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml"
	m.Files = append(m.Files, ignition.File{Path: manifest, Mode: 0o600, Content: []byte("old\n")})
	apply(t, host, m)
	// The kubelet takes its time, and then removes the folder of the pod.
	host.sh(t, `pod=/var/lib/kubelet/pods/0123456789abcdef0123456789abcdef
mkdir -p $pod/containers/kube-apiserver
{
	tries=500
	while [ -e `+manifest+` ] && [ $tries -gt 0 ]; do tries=$((tries - 1)); sleep 0.02; done
	sleep 0.5
	cat `+manifest+` >/run/seen 2>/dev/null || echo nothing >/run/seen
	rm -r $pod
} >/dev/null 2>&1 &`)
	m.Files[len(m.Files)-1].Content = []byte("new\n")
	expect(t, "the plan", summary(apply(t, host, m)), "update "+manifest)
	expect(t, "the manifest when the old pod had ended", host.sh(t, "cat /run/seen"), "nothing")
	expect(t, "the manifest", host.sh(t, "cat "+manifest), "new")
}

func TestOwedRestartOfAUnitThatIsGone(t *testing.T) {
	host, m := newMachine(t, ""), testMachine()
	apply(t, host, m)
	host.sh(t, "touch /var/lib/kbm/restart/gone.service")
	expect(t, "the plan", summary(apply(t, host, m)), "restart gone.service")
	expect(t, "the next plan", summary(look(t, host, m)), "")
}

func TestFullDiskChangesNothing(t *testing.T) {
	host, m := newMachine(t, "1m"), testMachine()
	apply(t, host, m)
	m.Files[0].Content = []byte("kind: New\n")
	m.Files = append(m.Files, ignition.File{Path: "/var/lib/app/big", Mode: 0o644, Content: make([]byte, 2<<20)})
	plan := look(t, host, m)
	err := ApplyFiles(t.Context(), host, &plan)
	var full *DiskFullError
	if !errors.As(err, &full) || full.Path != "/var/lib/app/big" || full.Node != "cp1" {
		t.Fatalf("got %v", err)
	}
	expect(t, "kubelet.yaml", host.sh(t, "cat /etc/kubernetes/kubelet.yaml"), "kind: Kubelet")
	expect(t, "staged", host.sh(t, `find /etc /var -name .kbm-new`), "")
}

func TestUnitThatDoesNotStartTellsWhy(t *testing.T) {
	host, m := newMachine(t, ""), testMachine()
	host.sh(t, "mkdir -p /run/units/etcd.service; touch /run/units/etcd.service/broken")
	plan := look(t, host, m)
	if err := ApplyFiles(t.Context(), host, &plan); err != nil {
		t.Fatal(err)
	}
	err := ApplyUnits(t.Context(), host, &plan)
	var unit *UnitError
	if !errors.As(err, &unit) || unit.Node != "cp1" || unit.Unit != "etcd.service" || !strings.Contains(unit.Reason, "Job for etcd.service failed.") || !strings.Contains(unit.Journal, "cannot open the database\n") || !strings.Contains(unit.Journal, "Failed to start etcd.service") {
		t.Fatalf("got %v", err)
	}
	expect(t, "kubelet", host.sh(t, "ls /run/units/kubelet.service/active"), "/run/units/kubelet.service/active")
}

func TestHashOfALargeFileIsRemembered(t *testing.T) {
	host := newMachine(t, "")
	m := ignition.Machine{Name: "cp1", Files: []ignition.File{{Path: "/opt/big one", Mode: 0o644, Content: make([]byte, 2<<20)}}}
	apply(t, host, m)
	for range 2 {
		expect(t, "the plan", summary(look(t, host, m)), "")
		expect(t, "the cache", host.sh(t, `cut -d' ' -f2,6- /var/lib/kbm/stat-cache`), "2097152 /opt/big one")
	}
	// A sum that is only remembered shows that the file was not read.
	host.sh(t, `sed -i s/^.............../xxxxxxxxxxxxxxx/ /var/lib/kbm/stat-cache`)
	expect(t, "the plan with another memory", summary(look(t, host, m)), "update /opt/big one")
	host.sh(t, `touch "/opt/big one"`)
	expect(t, "the plan after a touch", summary(look(t, host, m)), "")
}

func TestGatherTellsWhatAMachineIs(t *testing.T) {
	host := newMachine(t, "")
	f, err := Gather(t.Context(), host, testMachine(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if f.OS["ID"] != "debian" || f.Hostname != "machine" || f.MachineID != "00000000000000000000000000000001" || !f.Systemd {
		t.Errorf("got %+v", f)
	}
	if f.CPUs < 1 || f.Memory < 1<<28 || f.Kernel == "" || f.Arch == "" || f.BootID == "" || f.Cgroup == 0 {
		t.Errorf("got %+v", f)
	}
	if f.ClockOffset.Abs() > f.ClockError+time.Millisecond {
		t.Errorf("the clock is off by %s, plus or minus %s", f.ClockOffset, f.ClockError)
	}
	if d := f.Disks["/etc/kubernetes/pki"]; d.Free == 0 || d.Mount == "" {
		t.Errorf("disk %+v", d)
	}
	if !slices.ContainsFunc(f.Routes, func(r Route) bool { return r.Destination.Bits() > 0 }) && len(f.Addresses) > 1 {
		t.Errorf("routes %v", f.Routes)
	}
}
