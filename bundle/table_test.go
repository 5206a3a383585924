package bundle

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// Every row must be complete, and pinned: its module's go.mod requires the very
// version that the manifest will claim, and has checksums.
func TestEveryRow(t *testing.T) {
	for _, r := range releases() {
		names, paths := map[string]bool{}, map[string]bool{}
		for _, c := range components(r) {
			t.Run(r.version+"/"+c.Name, func(t *testing.T) {
				if names[c.Name] || paths[c.Path] {
					t.Error("the name or the path is there twice")
				}
				names[c.Name], paths[c.Path] = true, true
				if c.Group == "" || !strings.HasPrefix(c.Version, "v") {
					t.Errorf("group %q, version %q", c.Group, c.Version)
				}
				if _, err := sources(c); err != nil {
					t.Fatal(err)
				}
				checkImage(t, c)
				if c.C == "" {
					checkPinned(t, c)
				}
			})
		}
	}
}

func checkImage(t *testing.T, c component) {
	t.Helper()
	if c.Kind != Image {
		return
	}
	if _, tag, ok := strings.Cut(path.Base(c.Image.Ref), ":"); !ok || !strings.Contains("v"+strings.TrimPrefix(tag, "v"), c.Version) {
		t.Errorf("image %s does not carry version %s", c.Image.Ref, c.Version)
	}
	if !path.IsAbs(c.Image.Program) {
		t.Errorf("program %q", c.Image.Program)
	}
	if _, ok := layerNamed(c.Image.Layer); !ok && c.Image.Layer != "" {
		t.Errorf("layer %q is not in the table", c.Image.Layer)
	}
}

func checkPinned(t *testing.T, c component) {
	t.Helper()
	data, err := fs.ReadFile(modules, path.Join("modules", c.Go.Module, "module.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("module.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	own := strings.HasPrefix(c.Go.Package, mod.Module.Mod.Path+"/")
	tool := slices.ContainsFunc(mod.Tool, func(use *modfile.Tool) bool { return use.Path == c.Go.Package })
	if !own && !tool {
		t.Errorf("module %s has no tool line for %s, so its sums may be missing", c.Go.Module, c.Go.Package)
	}
	want := c.Version
	if c.Name == "dex" {
		want = "v0.0.0-20260303133905-11d2eeb52b42" // the commit of v2.45.1, which is no version of a Go module
	}
	if c.Go.Module == "kubernetes-1.37" || c.Go.Module == "kubernetes-1.36" {
		for _, r := range releases() {
			if r.module == c.Go.Module {
				want = r.version // the test image has a version of its own
			}
		}
	}
	for _, req := range mod.Require {
		if strings.HasPrefix(c.Go.Package+"/", req.Mod.Path+"/") && req.Mod.Version == want {
			return
		}
	}
	t.Errorf("module %s does not require %s of %s", c.Go.Module, want, c.Go.Package)
}

func TestSelectRows(t *testing.T) {
	r, err := releaseOf(DefaultKubernetes)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := selectRows(components(r), []string{"bench", "pause"})
	if err != nil || len(rows) != 3 || rows[0].Name != "pause" || rows[1].Name != "kubeadm" {
		t.Errorf("got %v, %v", rows, err)
	}
	addons, err := selectRows(components(r), []string{"addons"})
	if err != nil || len(addons) != 10 || addons[0].Name != "traefik" {
		t.Errorf("addons: %v, %v", addons, err)
	}
	if _, err := selectRows(components(r), []string{"pause", "kubelot"}); err == nil || !strings.Contains(err.Error(), `"kubelot"`) {
		t.Errorf("got %v", err)
	}
	if _, err := releaseOf("v1.20.0"); err == nil || !strings.Contains(err.Error(), "v1.37.1, v1.36.") {
		t.Errorf("got %v", err)
	}
}

// Every input of an artefact must change its digest, or a stale file stays.
func TestInputsDecideWhatIsBuiltAgain(t *testing.T) {
	proxy := rowNamed(t, "kube-proxy")
	digestOf := func(w workshop, c component) string {
		t.Helper()
		d, err := w.inputOf(c)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	w := workshop{arch: "amd64", toolchain: "go1.26.8", distribution: "debian 12"}
	before := digestOf(w, proxy)
	for name, change := range map[string]func(*workshop, *component){
		"arch":         func(w *workshop, _ *component) { w.arch = "arm64" },
		"toolchain":    func(w *workshop, _ *component) { w.toolchain = "go1.27" },
		"distribution": func(w *workshop, _ *component) { w.distribution = "debian 13" },
		"sources":      func(_ *workshop, c *component) { c.Go.Module = "kubernetes-1.36" },
		"flags":        func(_ *workshop, c *component) { c.Go.LDFlags += " -X a=b" },
		"user":         func(_ *workshop, c *component) { c.Image.User = nonRoot },
	} {
		w, c := w, proxy
		change(&w, &c)
		if digestOf(w, c) == before {
			t.Errorf("%s is no input", name)
		}
	}
	if digestOf(w, proxy) != before {
		t.Error("the digest is not stable")
	}
}

// Every program must say where it is published or why it is not pulled, for
// both architectures, with nothing left to fill in.
func TestEveryProgramHasAnUpstream(t *testing.T) {
	known := upstreams()
	for _, c := range components(releases()[0]) {
		u, there := known[c.Name]
		if there == (c.Kind == Image) {
			t.Errorf("%s: a row in table_pull.go: %v", c.Name, there)
		}
		delete(known, c.Name)
		if u.Why != "" {
			continue
		}
		for _, arch := range []string{"amd64", "arm64"} {
			u, err := c.upstream(arch)
			if err != nil {
				t.Error(err)
			}
			if c.Kind == Image {
				continue
			}
			text := u.URL + u.Sums + u.Member
			if !strings.HasPrefix(u.URL, "https://") || !strings.HasPrefix(u.Sums, "https://") ||
				!strings.Contains(text, arch) || !strings.Contains(text, c.Version) || strings.ContainsAny(text, "{}") {
				t.Errorf("%s for %s: %+v", c.Name, arch, u)
			}
		}
	}
	for name := range known {
		t.Errorf("table_pull.go has %s, and table.go has not", name)
	}
}
