package bundle

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pause is the one component that builds in a second, so it stands for all:
// built once, left alone after, made again when the file or its input is gone.
func TestBuildIsIdempotentAndHeals(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	var states []State
	build := func() *Bundle {
		t.Helper()
		states = nil
		b, err := Build(ctx, BuildOptions{Dir: dir, Only: []string{"pause"}, Progress: func(e Event) { states = append(states, e.State) }})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := build()
	a, ok := b.Find("pause")
	if !ok || states[len(states)-1] != Built || a.Image != "registry.k8s.io/pause:3.10.1" {
		t.Fatalf("%+v, %v", a, states)
	}
	if build(); len(states) != 1 || states[0] != InPlace {
		t.Errorf("a second build did %v", states)
	}
	overwrite(t, b.File(a), strings.Repeat("x", int(a.Size)))
	if build(); states[len(states)-1] != Built {
		t.Errorf("a spoilt artefact was left: %v", states)
	}
	again, _ := b.Find("pause")
	if err := b.Verify(ctx); err != nil || again.SHA256 != a.SHA256 {
		t.Errorf("the second build gave other bytes: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "build", inputsFile)); err != nil {
		t.Fatal(err)
	}
	if build(); states[len(states)-1] != Built {
		t.Errorf("an artefact of unknown origin was kept: %v", states)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "build", "tmp")); err == nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestBuildRefusesWhatItCannotDo(t *testing.T) {
	ctx := context.Background()
	dir := sample(t).Dir()
	for want, o := range map[string]BuildOptions{
		"kubernetes v1.2.3 is not one of":          {Dir: dir, Kubernetes: "v1.2.3"},
		`architecture "mips"`:                      {Dir: dir, Arch: "mips"},
		"holds kubernetes " + DefaultKubernetes:    {Dir: dir, Kubernetes: "v1.36.4", Arch: "amd64"},
		`no artefact or group is called "kubelot"`: {Dir: dir, Only: []string{"kubelot"}},
		"runc, pause, ignition cannot be ":         {Dir: t.TempDir(), Arch: otherArch()},
	} {
		if _, err := Build(ctx, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func otherArch() string {
	if o, _, _ := (BuildOptions{}).complete(); o.Arch == "arm64" {
		return "amd64"
	}
	return "arm64"
}

func TestBuildFailureShowsTheCompilersWords(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", fakeTools(t, "gcc", "case \"$*\" in *-E*) exit 0;; esac; echo 'pause.c:1: no such thing' >&2; exit 1"))
	_, err := Build(context.Background(), BuildOptions{Dir: dir, Only: []string{"pause"}})
	for _, want := range []string{"pause v3.10.1: gcc: exit status 1", "pause.c:1: no such thing", filepath.Join(dir, "build", "logs", "pause.log")} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

func TestMissingToolsAreNamedAtOnce(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := checkRequired(context.Background(), []component{rowNamed(t, "runc"), rowNamed(t, "kube-proxy")})
	if err == nil || !strings.Contains(err.Error(), "apt-get install gcc libc6-dev pkg-config libseccomp-dev golang-go apt dpkg") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyOneBuildAtATime(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lock(context.Background(), dir, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	waited := false
	if _, err := lock(ctx, dir, func() { waited = true }); err == nil || !waited {
		t.Errorf("a second build got the lock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = lock(context.Background(), dir, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

// fakeTools makes a PATH with a shell script of that name, and the real go and
// shell.
func fakeTools(t *testing.T, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	overwrite(t, filepath.Join(dir, name), "#!/bin/sh\n"+script+"\n")
	return dir + string(filepath.ListSeparator) + os.Getenv("PATH")
}
