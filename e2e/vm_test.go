//go:build lab

package e2e

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/e2e/harness"
)

//go:embed testdata/cloud-image.sh
var cloudImageScript []byte

// cloudImage is a small cloud image of this computer's own release, made once
// and kept in kbm's cache.
func cloudImage(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(cloudImageScript)
	path := filepath.Join(cache, "kbm", "test", "cloud-image-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	partial := path + ".partial"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	// What it mounts goes with it, also if it is killed.
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-s", partial)
	cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin") // not a Python of one's own
	cmd.Stdin = strings.NewReader(string(cloudImageScript))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make a cloud image: %v\n%s", err, out)
	}
	if err := os.Rename(partial, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// bootLimit is the processor time that QEMU may take to the first answer of
// sshd, with an emulated processor. By the clock it is a little more on a quiet
// computer, and anything beside the other tests. The image's kernel is told to
// leave out what guards real processors, which costs emulated ones a fifth, and
// IPv6, whose routers networkd waited for, fourteen seconds long.
const bootLimit = 120 * time.Second

// testVirtualMachine is a computer with kbm's ISO in its CD-ROM drive.
func testVirtualMachine(t *testing.T) {
	image := cloudImage(t)
	c := harness.New(t, nil, harness.Node{Name: "cp1", Role: "controller", Args: []string{"--os", "debian", "--interface", "eth0"}})
	before := written(t, image)
	r := c.Kbm(t, "lab", "up", "--driver", "qemu", "--image", image, "--memory", "1024")
	if r.Code != 0 {
		t.Fatalf("kbm lab up: %s", r.All())
	}
	took := processorTime(t, c)
	t.Logf("SSH after %s by the clock and %s of processor time", r.Took.Round(time.Second), took)
	if took > bootLimit {
		t.Errorf("SSH answered after %s of processor time, want at most %s", took, bootLimit)
	}
	// kbm ssh takes no host key but the one that kbm made and signed.
	if got := c.On(t, "cp1", "hostname; ip -br -4 address show eth0 | tr -s ' ' | sed 's, $,,'; cat /sys/class/block/sr0/device/type"); got != "cp1\neth0 UP "+c.Address(t, "cp1")+"/24\n5" {
		t.Errorf("the machine is %q", got)
	}
	made, err := os.ReadFile(filepath.Join(c.Dir, "build", "cp1", "user-data"))
	if err != nil {
		t.Fatal(err)
	}
	if key := c.On(t, "cp1", "cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub"); key == "" || !strings.Contains(string(made), key) {
		t.Errorf("its host key is %q, which is not on the ISO", key)
	}
	if status := c.Must(t, "lab", "status"); !strings.Contains(status, "answers") {
		t.Errorf("status: %s", status)
	}
	if r := c.Kbm(t, "lab", "up", "--driver", "nspawn"); r.Code != 2 || !strings.Contains(r.Stderr, "run with qemu") {
		t.Errorf("another driver: %s", r.All())
	}
	c.Must(t, "lab", "down")
	if after := written(t, image); after != before {
		t.Errorf("the image was written to: before %s, after %s", before, after)
	}
	if left := c.Must(t, "lab", "status"); !strings.Contains(left, "absent") {
		t.Errorf("after lab down: %s", left)
	}
}

// processorTime is what the one machine of the lab has used up so far.
func processorTime(t *testing.T, c *harness.Cluster) time.Duration {
	t.Helper()
	var machines []struct{ PID int }
	if err := json.Unmarshal([]byte(c.Must(t, "lab", "status", "-o", "json")), &machines); err != nil || len(machines) != 1 {
		t.Fatalf("kbm lab status: %v, %v", machines, err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", machines[0].PID))
	if err != nil {
		t.Fatal(err)
	}
	// After the name: utime and stime, in hundredths of a second; proc_pid_stat(5).
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields, ticks := strings.Fields(rest), 0
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// written tells when a file was written to, and how long it is.
func written(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(info.ModTime(), ", bytes: ", info.Size())
}
