package lab

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

func TestCgroupDirs(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"cpu,cpuacct", "memory", "systemd", "unified"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const hybrid = "5:name=systemd:/user.slice\n4:memory:/session/x\n3:cpu,cpuacct:/\n2:pids:/\n0::/user.slice\n"
	got := cgroupDirs(root, hybrid, "g", false)
	want := []string{root + "/systemd/user.slice/g", root + "/memory/session/x/g", root + "/cpu,cpuacct/g", root + "/unified/user.slice/g"}
	if !slices.Equal(got, want) {
		t.Errorf("version 1: got %q, want %q", got, want)
	}
	if got := cgroupDirs(root, "0::/user.slice\n", "g", true); !slices.Equal(got, []string{root + "/user.slice/g"}) {
		t.Errorf("version 2: got %q", got)
	}
}

func TestBoundingSet(t *testing.T) {
	caps, err := boundingSet("Name:\tx\nCapEff:\t0000000000000000\nCapBnd:\t000001fffeffffff\n")
	if err != nil || caps != 0x1fffeffffff {
		t.Errorf("got %x, %v", caps, err)
	}
	if _, err := boundingSet("Name:\tx\n"); err == nil {
		t.Error("no error without CapBnd")
	}
}

// What a computer can do needs no workaround, and gets none.
func TestQuirksFollowTheHost(t *testing.T) {
	const kubelet, containerd = "etc/kubernetes/kubelet.conf.d/90-lab.conf", "etc/containerd/conf.d/90-lab.toml"
	tests := map[string]struct {
		host          host
		with, without string
	}{
		"cgroup v1":           {host{cgroup1: true}, kubelet, containerd},
		"no CAP_SYS_RESOURCE": {host{noLowerOOM: true}, containerd, kubelet},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.MkdirAll(root+"/usr/lib/systemd/system/sysinit.target.wants", 0o755); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time changes nothing, and is no error
				if err := test.host.writeQuirks(root); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := os.Stat(filepath.Join(root, test.with)); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(root, test.without)); err == nil {
				t.Errorf("%s is there", test.without)
			}
			if info, err := os.Stat(root + "/usr/libexec/kbm-lab-boot"); err != nil || info.Mode()&0o111 == 0 {
				t.Errorf("kbm-lab-boot cannot be executed: %v", err)
			}
		})
	}
}

// Machines that shared a control group would tear down each other's.
func TestHostMustBeAbleToShareOutCgroups(t *testing.T) {
	for name, test := range map[string]struct {
		host host
		fits bool
	}{
		"version 1":              {host{cgroup1: true}, true},
		"version 2, systemd":     {host{systemd: true}, true},
		"version 2, no systemd":  {host{}, false},
		"version 1 with systemd": {host{cgroup1: true, systemd: true}, true},
	} {
		if err := test.host.fit(); (err == nil) != test.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseStat(t *testing.T) {
	p, parent, state, err := parseStat("42 (a b) c) S 7 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 100 5\n")
	if err != nil || p != (process{pid: 42, started: "987654"}) || parent != 7 || state != "S" {
		t.Errorf("got %+v, %d, %q, %v", p, parent, state, err)
	}
	for _, bad := range []string{"", "42", "42 (x) S 1", "x (x) S 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9"} {
		if _, _, _, err := parseStat(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// A record of an ended process must never lead to another that got its pid.
func TestKillEndsTheWholeTreeAndNothingElse(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "sleep 60 & sleep 60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	p, _, _, err := parseStat(string(stat))
	if err != nil {
		t.Fatal(err)
	}
	if other := (process{pid: p.pid, started: "1"}); other.alive() {
		t.Error("a process with another start counts as the same")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var children []process
	err = poll(ctx, 5*time.Millisecond, func() (bool, error) {
		children, err = childrenOf([]process{p})
		return len(children) == 2, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.kill(ctx); err != nil {
		t.Fatal(err)
	}
	<-ended
	for _, q := range append(children, p) {
		if q.alive() {
			t.Errorf("process %d is alive", q.pid)
		}
	}
}
