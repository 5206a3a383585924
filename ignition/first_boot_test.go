package ignition

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// taker is a machine whose medium is mounted: the folders of what it runs are
// below a temporary one, and systemctl only tells what it was asked for.
type taker struct {
	root string
	m    Machine
}

func newTaker(t *testing.T) (taker, map[string][]byte) {
	t.Helper()
	root := t.TempDir()
	m, contents := carrying(t)
	for i := range m.Files {
		if m.Files[i].Artefact != nil {
			m.Files[i].Path = root + m.Files[i].Path
		}
	}
	m, err := takeFrom(m, "cidata")
	if err != nil {
		t.Fatal(err)
	}
	k := taker{root, m}
	for _, f := range m.Files {
		switch {
		case f.Artefact != nil:
			k.write(t, "/var/lib/kbm-medium/kbm/"+carriedName(f.Artefact.SHA256), string(contents[f.Artefact.Name]))
		case strings.HasPrefix(f.Path, firstBootDir):
			k.write(t, f.Path, strings.ReplaceAll(string(f.Content), "=/var/lib/", "="+root+"/var/lib/"))
		}
	}
	for _, stub := range []string{"mountpoint", "mount", "umount", "systemctl"} {
		k.write(t, "/bin/"+stub, "#!/bin/sh\necho "+stub+" \"$@\" >>"+root+"/calls\ncase $1 in show) echo containerd.service etcd.service; esac\n")
	}
	return k, contents
}

func (k taker) write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(k.root+path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(k.root+path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (k taker) take(t *testing.T) (said string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", k.root+firstBootDir+"/take")
	cmd.Env = []string{"PATH=" + k.root + "/bin:" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A machine takes what its medium carries, and nothing is left of how.
func TestTake(t *testing.T) {
	k, contents := newTaker(t)
	if said, err := k.take(t); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for _, f := range k.m.Files {
		if f.Artefact == nil {
			continue
		}
		got, err := os.ReadFile(f.Path)
		if err != nil || string(got) != string(contents[f.Artefact.Name]) {
			t.Errorf("%s: %d bytes, %v", f.Path, len(got), err)
		}
		if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", f.Path, info.Mode(), err)
		}
	}
	if left, err := filepath.Glob(k.root + "/*/*/kbm/first-boot"); len(left) > 0 || err != nil {
		t.Errorf("left: %q, %v", left, err)
	}
	calls, err := os.ReadFile(k.root + "/calls")
	for _, want := range []string{"systemctl disable --quiet kbm-medium.service\n", "systemctl start --no-block containerd.service\n", "systemctl start --no-block etcd.service\n"} {
		if err != nil || !strings.Contains(string(calls), want) {
			t.Errorf("no %q in %q, %v", want, calls, err)
		}
	}
}

// A damaged file is told and not put in place, and another attempt, with the
// file mended, goes on.
func TestTakeRefusesDamage(t *testing.T) {
	k, contents := newTaker(t)
	last := k.m.Files[len(k.m.Files)-3] // before the list and the script
	medium := "/var/lib/kbm-medium/kbm/" + carriedName(last.Artefact.SHA256)
	k.write(t, medium, "damaged")
	said, err := k.take(t)
	if err == nil || !strings.Contains(said, last.Path+": kbm/"+filepath.Base(medium)+" on the medium is damaged: its SHA-256 is not "+last.Artefact.SHA256) {
		t.Errorf("%v: %s", err, said)
	}
	if there, _ := os.ReadDir(filepath.Dir(last.Path)); len(there) != len(contents)-1 {
		t.Errorf("there are %v", there)
	}
	k.write(t, medium, string(contents[last.Artefact.Name]))
	if said, err := k.take(t); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}
