package provision

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kbm-dev/kbm/internal/remote"
)

// localMachine is a Host that really runs the scripts, with this computer's
// own tools, in a root folder and namespaces of its own. Only systemd is a
// stand-in.
type localMachine struct {
	root string
	pid  string       // of the process that keeps the namespaces
	net  bool         // it has a network of its own
	runs atomic.Int32 // round trips so far
}

var _ Host = (*localMachine)(nil)

const buildRoot = `set -e
cd "$1"
mkdir -p usr etc var/lib run/lock proc sys dev tmp local/bin
for d in bin sbin lib lib64; do [ -L /$d ] && ln -s usr/$d $d; done
cp -a /etc/alternatives /etc/ld.so.cache etc/
printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >etc/passwd
printf 'root:x:0:\nnogroup:x:65534:\n' >etc/group
printf 'ID=debian\nVERSION_ID="12"\n' >etc/os-release
printf '00000000000000000000000000000001\n' >etc/machine-id
mount --rbind /usr usr && mount --rbind /proc proc && mount --rbind /sys sys && mount --rbind /dev dev
mount --bind local usr/local
[ -z "$2" ] || mount -t tmpfs -o size=$2 tmpfs var
mkdir -p run/systemd/system
hostname machine
exec chroot . /bin/sh -c 'echo ready; exec cat'`

// newMachine makes a machine; varSize limits its /var, as in "1m".
func newMachine(t *testing.T, varSize string) *localMachine {
	t.Helper()
	m := &localMachine{root: t.TempDir()}
	m.start(t, varSize)
	return m
}

func (m *localMachine) start(t *testing.T, varSize string) {
	t.Helper()
	args := []string{"--mount", "--uts", "--propagation", "private", "sh", "-c", buildRoot, "sh", m.root, varSize}
	if m.net {
		args = append([]string{"--net"}, args...)
	}
	keeper := exec.Command("unshare", args...)
	keeper.Stderr = os.Stderr
	stdin, err := keeper.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := keeper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = keeper.Wait() })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the machine does not come up: %v", err)
	}
	m.pid = strconv.Itoa(keeper.Process.Pid)
	for _, tool := range []string{"systemctl", "systemd-run", "journalctl", "hostnamectl"} {
		body, err := os.ReadFile("testdata/" + tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(m.root, "local/bin", tool), body, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *localMachine) Run(ctx context.Context, c Command) (Result, error) {
	m.runs.Add(1)
	args := []string{"--target", m.pid, "--mount", "--uts", "--root", "sh", "-c", c.Script}
	if m.net {
		args = append([]string{"--net"}, args...)
	}
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/sbin:/usr/bin"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return Result{}, err
	}
	// As over SSH, the end of the context is the end of the script's input and
	// not of the script; and a script may end before its input.
	go func() {
		if c.Stdin != nil {
			_, _ = io.Copy(stdin, c.Stdin)
		}
		_ = stdin.Close()
	}()
	cmd.Cancel = stdin.Close
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = &RunError{Node: "machine", Script: remote.Summary(c.Script), ExitCode: exit.ExitCode(), Stderr: stderr.String()}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return Result{Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}, err
}

func (m *localMachine) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// sh runs a script for the test itself.
func (m *localMachine) sh(t *testing.T, text string) string {
	t.Helper()
	res, err := m.Run(t.Context(), Command{Script: text})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(res.Stdout))
}
