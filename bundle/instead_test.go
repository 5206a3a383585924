package bundle

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// A program is compiled with the tool module's own files in place of those of a
// module that go has verified, which stays as it is.
func TestFilesInsteadOfUpstreams(t *testing.T) {
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}\n{{.Dir}}", "golang.org/x/sync").Output()
	if err != nil {
		t.Fatal(err)
	}
	version, upstream, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	sources := t.TempDir()
	var files atomicfile.Batch
	for name, content := range map[string]string{
		"go.mod":  "module example.com/tool\n\ngo 1.26.0\n\nrequire golang.org/x/sync " + version + "\n",
		"go.sum":  string(sums),
		"main.go": "package main\n\nimport \"golang.org/x/sync/semaphore\"\n\nfunc main() { println(semaphore.Own) }\n",
		"_instead/golang.org/x/sync/semaphore/own.go":       "package semaphore\n\nconst Own = \"of our own\"\n",
		"_instead/golang.org/x/sync/semaphore/semaphore.go": "",
	} {
		files.Add(filepath.Join(sources, name), []byte(content), 0o644)
	}
	if err := files.Commit(); err != nil {
		t.Fatal(err)
	}
	env := []string{"GOFLAGS=-mod=readonly", "GOWORK=off"}
	for range 2 { // over what an earlier build has left
		mod, err := change(context.Background(), io.Discard, sources, env)
		if err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(t.TempDir(), "program")
		if err := run(context.Background(), io.Discard, sources, env, "go", "build", "-modfile", mod, "-o", program, "."); err != nil {
			t.Fatal(err)
		}
		if got, err := exec.CommandContext(t.Context(), program).CombinedOutput(); err != nil || string(got) != "of our own\n" {
			t.Errorf("the program says %q, %v", got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(upstream, "semaphore", "semaphore.go")); err != nil {
		t.Error(err)
	}

	lost := filepath.Join(sources, "_instead/golang.org/x/sync/lost")
	if err := os.MkdirAll(lost, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(lost, "lost.go"), []byte("package lost\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := change(context.Background(), io.Discard, sources, env); err == nil || !strings.Contains(err.Error(), "no pinned module has package golang.org/x/sync/lost") {
		t.Errorf("a package that is not there: %v", err)
	}
}

// A tool module that has no files of its own is compiled as it is.
func TestNothingInsteadOfUpstreams(t *testing.T) {
	if mod, err := change(context.Background(), io.Discard, t.TempDir(), nil); err != nil || mod != "" {
		t.Errorf("got %q, %v", mod, err)
	}
}
