package provision

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/ignition"
)

// memorySource serves artefacts from memory, by name.
type memorySource map[string][]byte

func (s memorySource) Verify(context.Context, ...string) error { return nil }

func (s memorySource) Open(a ignition.Artefact) (io.ReadSeekCloser, error) {
	return struct {
		io.ReadSeeker
		io.Closer
	}{bytes.NewReader(s[a.Name]), io.NopCloser(nil)}, nil
}

// bundled makes a Machine of artefacts only, and their source.
func bundled(t *testing.T, size int, paths ...string) (ignition.Machine, memorySource) {
	t.Helper()
	m, source := ignition.Machine{Name: "cp1"}, memorySource{}
	for _, p := range paths {
		data := make([]byte, size)
		if _, err := rand.Read(data); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		source[p] = data
		m.Files = append(m.Files, ignition.File{Path: p, Mode: 0o755, Artefact: &ignition.Artefact{
			Name: p, SHA256: hex.EncodeToString(sum[:]), Size: int64(size),
		}})
	}
	return m, source
}

func TestArtefactsArriveOnce(t *testing.T) {
	host := newMachine(t, "64m")
	m, source := bundled(t, 3<<20, "/usr/local/bin/kubelet", "/var/lib/kbm/images/pause.tar")
	plan := look(t, host, m)
	var done, total int64
	if err := PushArtefacts(t.Context(), host, plan, source, func(d, n int64) { done, total = d, n }); err != nil {
		t.Fatal(err)
	}
	if done != 6<<20 || total != done {
		t.Errorf("reported %d of %d bytes", done, total)
	}
	expect(t, "what is in place before ApplyFiles", host.sh(t, "ls /usr/local/bin/kubelet /var/lib/kbm/images 2>/dev/null; :"), "")
	// kbm is killed here; the next one has nothing to send.
	plan = look(t, host, m)
	if n := plan.ArtefactBytes(); n != 0 {
		t.Errorf("%d bytes would be sent again", n)
	}
	if err := PushArtefacts(t.Context(), host, plan, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := ApplyFiles(t.Context(), host, &plan); err != nil {
		t.Fatal(err)
	}
	expect(t, "the next plan", summary(look(t, host, m)), "")
	expect(t, "modes", host.sh(t, "stat -c '%a %U %s' /usr/local/bin/kubelet /var/lib/kbm/images/pause.tar"), "755 root 3145728\n755 root 3145728")
	expect(t, "left over", host.sh(t, "ls -A /var/lib/kbm/incoming 2>/dev/null; ls -d /usr/local/bin/.kbm* 2>/dev/null; :"), "")
	// A wrong memory shows that a sum is remembered, and the file not read again.
	host.sh(t, `sed -i s/^.............../xxxxxxxxxxxxxxx/ /var/lib/kbm/stat-cache`)
	expect(t, "the plan with another memory", summary(look(t, host, m)), "update /usr/local/bin/kubelet\nupdate /var/lib/kbm/images/pause.tar")
}

func TestArtefactGoesOnWhereItWasCut(t *testing.T) {
	host := newMachine(t, "")
	m, source := bundled(t, 3<<20, "/usr/local/bin/kubelet")
	plan := look(t, host, m)
	if err := PushArtefacts(t.Context(), cuttingHost{host, 2 << 20}, plan, source, nil); err == nil {
		t.Fatal("the cut is not noticed")
	}
	plan = look(t, host, m)
	if n := plan.ArtefactBytes(); n != 1<<20 {
		t.Errorf("%d bytes would be sent", n)
	}
	if err := PushArtefacts(t.Context(), host, plan, source, nil); err != nil {
		t.Fatal(err)
	}
	if err := ApplyFiles(t.Context(), host, &plan); err != nil {
		t.Fatal(err)
	}
	expect(t, "the next plan", summary(look(t, host, m)), "")
}

func TestArtefactThatGrewMeanwhile(t *testing.T) {
	host := newMachine(t, "")
	m, source := bundled(t, 1<<20, "/usr/local/bin/kubelet")
	plan := look(t, host, m)
	late := source["/usr/local/bin/kubelet"][:1<<19]
	part := "/var/lib/kbm/incoming/" + m.Files[0].Artefact.SHA256 + ".part"
	if _, err := host.Run(t.Context(), Command{Script: "mkdir -p /var/lib/kbm/incoming; cat >" + part, Stdin: bytes.NewReader(late)}); err != nil {
		t.Fatal(err)
	}
	plan.incoming = map[string]int64{m.Files[0].Artefact.SHA256: 1 << 18}
	if err := PushArtefacts(t.Context(), host, plan, source, nil); err != nil {
		t.Error(err)
	}
}

// A machine that lost its power may find zeros where it had received something.
func TestArtefactIsSentAgainWhereItsBeginningWentBad(t *testing.T) {
	host := newMachine(t, "")
	m, source := bundled(t, 1<<20, "/usr/local/bin/kubelet")
	part := "/var/lib/kbm/incoming/" + m.Files[0].Artefact.SHA256 + ".part"
	host.sh(t, "mkdir -p /var/lib/kbm/incoming; head -c 500000 /dev/zero >"+part)
	plan := look(t, host, m)
	if n := plan.ArtefactBytes(); n != 1<<20-500000 {
		t.Errorf("%d bytes would be sent", n)
	}
	if err := PushArtefacts(t.Context(), host, plan, source, nil); err != nil {
		t.Error(err)
	}
	if plan = look(t, host, m); plan.ArtefactBytes() != 0 {
		t.Errorf("%d bytes are still missing", plan.ArtefactBytes())
	}
}

// A power cut after the last byte and before its check once left a machine that
// was thought to have everything, and lacked the file for good.
func TestArtefactThatWasNeverVerifiedIsFinished(t *testing.T) {
	host := newMachine(t, "")
	m, source := bundled(t, 1<<20, "/usr/local/bin/kubelet")
	part := "/var/lib/kbm/incoming/" + m.Files[0].Artefact.SHA256 + ".part"
	whole := bytes.NewReader(source["/usr/local/bin/kubelet"])
	if _, err := host.Run(t.Context(), Command{Script: "mkdir -p /var/lib/kbm/incoming; cat >" + part, Stdin: whole}); err != nil {
		t.Fatal(err)
	}
	plan := look(t, host, m)
	if n := len(plan.unarrived()); n != 1 {
		t.Errorf("%d artefacts are taken to be missing, want 1", n)
	}
	if err := PushArtefacts(t.Context(), host, plan, source, nil); err != nil {
		t.Error(err)
	}
	if plan = look(t, host, m); len(plan.unarrived()) != 0 {
		t.Error("the artefact is still not there")
	}
}

func TestWrongArtefactIsThrownAway(t *testing.T) {
	host := newMachine(t, "")
	m, source := bundled(t, 1<<20, "/usr/local/bin/kubelet")
	source["/usr/local/bin/kubelet"][77] ^= 1
	plan := look(t, host, m)
	err := PushArtefacts(t.Context(), host, plan, source, nil)
	if err == nil || !strings.Contains(err.Error(), "cp1") || !strings.Contains(err.Error(), "kbm bundle build") {
		t.Errorf("got %v", err)
	}
	if err := ApplyFiles(t.Context(), host, &plan); err == nil || !strings.Contains(err.Error(), "has not been received") {
		t.Errorf("got %v", err)
	}
	expect(t, "files", host.sh(t, "find /usr/local/bin /var/lib/kbm -name 'kubelet*' -o -name '*.part'"), "")
}

func TestArtefactOnAFullDisk(t *testing.T) {
	host := newMachine(t, "1m")
	m, source := bundled(t, 2<<20, "/usr/local/bin/kubelet")
	err := PushArtefacts(t.Context(), host, look(t, host, m), source, nil)
	var full *DiskFullError
	if !errors.As(err, &full) || full.Node != "cp1" {
		t.Errorf("got %v", err)
	}
}

func TestLockIsHeldByOne(t *testing.T) {
	host := newMachine(t, "")
	release, err := Acquire(t.Context(), "cp1", host, "ada on desk")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(t.Context(), "cp1", host, "bob on sofa")
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder != "ada on desk" || locked.Node != "cp1" {
		t.Errorf("got %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	// A holder that dies leaves nothing behind: its input ends, as sshd sees to.
	ctx, die := context.WithCancel(t.Context())
	if _, err := Acquire(t.Context(), "cp1", dyingHost{host, ctx}, "carl"); err != nil {
		t.Fatal(err)
	}
	die()
	for range 100 {
		if release, err = Acquire(t.Context(), "cp1", host, "dora"); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

// What a killed run had told the machine to write is still being written.
func TestLockWaitsForWrites(t *testing.T) {
	host := newMachine(t, "")
	// The lock is taken before the script ends, and is its background's to give back.
	host.sh(t, "exec 9>/run/kbm.writes; flock 9; (sleep 0.4; : >/run/written) >/dev/null 2>&1 &")
	release, err := Acquire(t.Context(), "cp1", host, "ada")
	if err != nil {
		t.Fatal(err)
	}
	host.sh(t, "test -e /run/written")
	if err := release(); err != nil {
		t.Error(err)
	}
}

// dyingHost loses its sessions when life ends, as when kbm is killed.
type dyingHost struct {
	Host
	life context.Context
}

func (h dyingHost) Run(_ context.Context, c Command) (Result, error) { return h.Host.Run(h.life, c) }

func TestDiffShowsTextAndNoSecret(t *testing.T) {
	host, m := newMachine(t, ""), testMachine()
	apply(t, host, m)
	host.sh(t, `sed -i s/Kubelet/Other/ /etc/kubernetes/kubelet.yaml; echo changed >>/etc/kubernetes/pki/*.key`)
	plan := look(t, host, m)
	if err := FetchDiffs(t.Context(), host, &plan); err != nil {
		t.Fatal(err)
	}
	for _, c := range plan.Changes {
		switch c.Object {
		case "/etc/kubernetes/kubelet.yaml":
			if !strings.HasSuffix(c.Diff, "@@ -1 +1 @@\n-kind: Other\n+kind: Kubelet\n") {
				t.Errorf("got %q", c.Diff)
			}
		default:
			if c.Diff != "" {
				t.Errorf("%s shows %q", c.Object, c.Diff)
			}
		}
	}
}
