package bundle

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// A file that was changed together with the manifest verifies; the lock, which
// can be kept apart, is what tells.
func TestVerifyPins(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.publish(t, "amd64", "registry.k8s.io/pause:3.10.1")
	b, err := Pull(ctx, w.options(t.TempDir(), "kubelet", "ctr", "pause"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := b.VerifyPins(); err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	old, _ := b.Find("pause")
	s, err := openShelf(b.dir, releases()[0], "amd64")
	if err != nil {
		t.Fatal(err)
	}
	// What pulling ends with, but of other bytes.
	file := filepath.Join(t.TempDir(), "pause.tar")
	if err := tarFile(file, []entry{{Name: "index.json", Data: []byte(`{"manifests":[]}`)}}); err != nil {
		t.Fatal(err)
	}
	if err := s.put(ctx, old, file); err != nil {
		t.Fatal(err)
	}
	ctr, _ := b.Find("ctr")
	overwrite(t, file, "another ctr")
	if err := s.put(ctx, ctr, file); err != nil {
		t.Fatal(err)
	}
	if b, err = Open(b.dir); err != nil {
		t.Fatal(err)
	}
	if err := b.Verify(ctx); err != nil {
		t.Errorf("the manifest was changed along: %v", err)
	}
	_, err = b.VerifyPins()
	for _, want := range []string{
		"images/pause.tar has sha256 ", "bin/ctr has sha256 " + hexOf([]byte("another ctr")) + ", and bundle.lock pinned ",
		"fetch it again with `kbm bundle pull ctr`",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	// Pulling again brings upstream's back, though the manifest fits the file.
	if b, err = Pull(ctx, w.options(b.dir, "ctr", "pause")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.VerifyPins("ctr", "pause"); err != nil {
		t.Error(err)
	}
	if err := b.Require("coredns"); err == nil || !strings.Contains(err.Error(), "run `kbm bundle pull coredns`") {
		t.Errorf("got %v", err)
	}
}
