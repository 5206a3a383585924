package bundle

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeGo writes down how it is called, and makes programs that say their names.
const fakeGo = `
case $1 in env) echo go1.26.8; exit;; esac
echo "$@" >>"$FAKE_GO_CALLS"
while [ $# -gt 0 ]; do
	case $1 in
	-o) out=$2; shift;;
	-ldflags=*) ;;
	go.etcd.io/*/v3) name=${1%/v3}; echo "program ${name##*/}" >"$out${name##*/}";;
	k8s.io/*) echo "program ${1##*/}" >"$out${1##*/}";;
	esac
	shift
done`

// One call of go makes all programs of a module, each with its own flags, and
// one that two artefacts want is there for both.
func TestModuleIsCompiledAtOnce(t *testing.T) {
	dir := t.TempDir()
	calls := filepath.Join(t.TempDir(), "calls")
	t.Setenv("PATH", fakeTools(t, "go", fakeGo))
	t.Setenv("FAKE_GO_CALLS", calls)
	var started, built []string
	b, err := Build(context.Background(), BuildOptions{
		Dir:  dir,
		Only: []string{"etcd", "kubectl", "kubeadm", "etcdctl", "etcd-image"},
		Progress: func(e Event) {
			switch e.State {
			case Started:
				started = append(started, e.Artefact)
			case Built:
				built = append(built, e.Artefact)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const order = "kubectl kubeadm etcd etcdctl etcd-image"
	if strings.Join(started, " ") != order || strings.Join(built, " ") != order {
		t.Errorf("started %v, built %v, want %s", started, built, order)
	}
	for name, want := range map[string]string{"etcd": "server", "etcdctl": "etcdctl", "kubectl": "kubectl", "kubeadm": "kubeadm"} {
		a, _ := b.Find(name)
		if got, err := os.ReadFile(b.File(a)); err != nil || string(got) != "program "+want+"\n" {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	image, _ := b.Find("etcd-image")
	if image.Size < 1000 {
		t.Errorf("the image has %d bytes", image.Size)
	}
	text, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if len(lines) != 2 || !bytes.Contains(lines[0], []byte("-ldflags=k8s.io/kubernetes/cmd/kubeadm=-s -w -X ")) ||
		!bytes.HasSuffix(lines[1], []byte(" go.etcd.io/etcd/server/v3 go.etcd.io/etcd/etcdctl/v3")) {
		t.Errorf("go was called so:\n%s", text)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "build", "tmp")); err == nil {
		t.Errorf("left behind: %v", left)
	}
}

// What was made before a fault stays, and the fault is the next batch's.
func TestFaultOfOneBatchKeepsTheOthers(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", fakeTools(t, "go", `case "$*" in *etcd*) echo 'server.go:1: no such thing' >&2; exit 1; esac`+fakeGo))
	t.Setenv("FAKE_GO_CALLS", filepath.Join(t.TempDir(), "calls"))
	_, err := Build(context.Background(), BuildOptions{Dir: dir, Only: []string{"etcd", "etcdctl", "kubectl"}})
	for _, want := range []string{"etcd, etcdctl v3.7.2: go: exit status 1", "server.go:1: no such thing", filepath.Join(dir, "build", "logs", "etcd.log")} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Verify(context.Background(), "kubectl"); err != nil {
		t.Error(err)
	}
	if _, there := b.Find("etcd"); there {
		t.Error("etcd is in the bundle")
	}
}

// In one folder each program needs a name of its own, and one that two rows
// want has one set of flags.
func TestBatchesHaveRoomForEveryProgram(t *testing.T) {
	for _, r := range releases() {
		var steps []step
		for _, c := range components(r) {
			steps = append(steps, step{component: c})
		}
		for _, b := range batches(steps) {
			packages, flags := map[string]string{}, map[string]string{}
			for _, s := range b.steps {
				if other, there := packages[s.program()]; there && other != s.Go.Package {
					t.Errorf("%s: %s and %s make programs of the same name", s.Name, other, s.Go.Package)
				}
				if other, there := flags[s.Go.Package]; there && other != s.Go.LDFlags {
					t.Errorf("%s: %s is linked with other flags for another row", s.Name, s.Go.Package)
				}
				packages[s.program()], flags[s.Go.Package] = s.Go.Package, s.Go.LDFlags
			}
		}
	}
}
