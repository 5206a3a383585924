package bundle

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestVerifyReportsEveryFaultAtOnce(t *testing.T) {
	ctx := context.Background()
	b := sample(t)
	kubelet, _ := b.Find("kubelet")
	loopback, _ := b.Find("loopback")
	overwrite(t, b.File(kubelet), "THE PROGRAM kubelet")
	if err := os.Remove(b.File(loopback)); err != nil {
		t.Fatal(err)
	}
	err := b.Verify(ctx)
	for _, want := range []string{"bin/kubelet has sha256 ", kubelet.SHA256, "cni/loopback is missing", "kbm bundle build"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if err := b.Verify(ctx, "loopback"); err == nil || strings.Contains(err.Error(), "kubelet") {
		t.Errorf("only loopback was asked for: %v", err)
	}
	overwrite(t, b.File(kubelet), "short")
	if err := b.Verify(ctx, "kubelet"); err == nil || !strings.Contains(err.Error(), "has 5 bytes, the manifest says 19") {
		t.Errorf("got %v", err)
	}
	if err := b.Verify(ctx, "kubelot"); err == nil || !strings.Contains(err.Error(), `no artefact "kubelot"`) {
		t.Errorf("got %v", err)
	}
}

// A second Check must not read the files again, and must notice whatever has
// been written since, even where size and modification time were put back.
func TestCheckReadsOnlyWhatChanged(t *testing.T) {
	ctx := context.Background()
	b := sample(t)
	if err := b.Check(ctx); err != nil {
		t.Fatal(err)
	}
	a, _ := b.Find("kubelet")
	forged := readStamps(b.Dir())
	s := forged[a.Path]
	if s.SHA256 != a.SHA256 {
		t.Fatalf("no stamp was written: %+v", s)
	}
	info, err := os.Stat(b.File(a))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // a file system's clock may be that coarse
	overwrite(t, b.File(a), "THE PROGRAM kubelet")
	if err := os.Chtimes(b.File(a), info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(ctx); err == nil || !strings.Contains(err.Error(), "bin/kubelet has sha256") {
		t.Errorf("the change went unseen: %v", err)
	}
	// With the stamp of the changed file Check trusts it, as nothing was read.
	now, err := stampOf(b.File(a))
	if err != nil {
		t.Fatal(err)
	}
	now.SHA256 = a.SHA256
	if err := (stamps{a.Path: now}).remember(b.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(ctx); err != nil {
		t.Errorf("a stamped file was read again: %v", err)
	}
	if err := b.Verify(ctx); err == nil {
		t.Error("Verify must not trust stamps")
	}
}

func TestCheckSurvivesABrokenStampFile(t *testing.T) {
	b := sample(t)
	overwrite(t, filepath.Join(b.Dir(), stampFile), "{half")
	if err := b.Check(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestVerifyStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := sample(t).Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func overwrite(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}
