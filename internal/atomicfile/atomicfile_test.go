package atomicfile

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// tree lists every entry below a folder, temporary files included.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	found := []string{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, path); rel != "." {
			found = append(found, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func expect(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

func content(t *testing.T, path, want string, mode fs.FileMode) os.FileInfo {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s: got %q, %v, want %q", path, got, err, want)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != mode {
		t.Errorf("%s: got mode %v, %v, want %v", path, info.Mode(), err, mode)
	}
	return info
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b", "secret")
	if err := Write(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := content(t, path, "one", 0o600)
	if info, err := os.Stat(filepath.Join(dir, "a", "b")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of a secret has mode %v, %v", info.Mode(), err)
	}

	// The same again must not touch the file: git and rsync look at times.
	if err := Write(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if after := content(t, path, "one", 0o600); !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Error("an unchanged file was written again")
	}

	// Another mode is another file, though the content is the same.
	if err := Write(path, []byte("one"), 0o640); err != nil {
		t.Fatal(err)
	}
	content(t, path, "one", 0o640)
	if err := Write(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	content(t, path, "two", 0o600)
	expect(t, dir, "a", "a/b", "a/b/secret")
}

// A reader that holds the old file keeps reading the old content: the file is
// replaced, not overwritten.
func TestReadersKeepTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := Write(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := Write(path, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8)
	if n, err := f.Read(b); err != nil || string(b[:n]) != "old" {
		t.Errorf("got %q, %v", b[:n], err)
	}
}

// A symbolic link is replaced and what it points to is left alone.
func TestLinksAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("same"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, []byte("same"), 0o600); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || !info.Mode().IsRegular() {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	content(t, target, "same", 0o600)
}

func TestBatchAppearsInCommit(t *testing.T) {
	dir := t.TempDir()
	if err := Write(filepath.Join(dir, "kept"), []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	var b Batch
	b.Add(filepath.Join(dir, "kept"), []byte("kept"), 0o644)
	// More than are synced one by one.
	for i := range few + 8 {
		b.Add(filepath.Join(dir, fmt.Sprintf("new%d", i)), []byte("new"), 0o644)
	}
	if err := b.Stage(); err != nil {
		t.Fatal(err)
	}
	if n := len(b.Changed()); n != few+8 {
		t.Errorf("%d files change, want %d", n, few+8)
	}
	if _, err := os.Stat(filepath.Join(dir, "new0")); err == nil {
		t.Error("a file is there before the commit")
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	content(t, filepath.Join(dir, "new39"), "new", 0o644)
	if n := len(tree(t, dir)); n != few+9 {
		t.Errorf("%d files are there, want %d", n, few+9)
	}
}

func TestDropLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	var b Batch
	b.Add(filepath.Join(dir, "a", "b", "one"), []byte("1"), 0o600)
	b.Add(filepath.Join(dir, "two"), []byte("2"), 0o600)
	if err := b.Stage(); err != nil {
		t.Fatal(err)
	}
	if err := b.Drop(); err != nil {
		t.Fatal(err)
	}
	expect(t, dir)
}

// One file that cannot be written takes the whole batch with it.
func TestFaultLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	var b Batch
	b.Add(filepath.Join(dir, "a", "one"), []byte("1"), 0o600)
	b.Add(filepath.Join(dir, "file"), []byte("new"), 0o600)
	b.Add(filepath.Join(dir, "file", "below"), []byte("2"), 0o600)
	if err := b.Commit(); err == nil {
		t.Fatal("a file cannot be a folder")
	}
	expect(t, dir, "file")
	content(t, filepath.Join(dir, "file"), "old", 0o600)
}

// Where a folder is in the way, the rename fails: no temporary file stays.
func TestFolderInTheWay(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "name", "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(dir, "name"), []byte("1"), 0o600); err == nil {
		t.Fatal("a folder was replaced")
	}
	expect(t, dir, "name", "name/below")
}

// A killed process leaves temporary files, perhaps with keys in them: the next
// one that writes there removes them, and nothing else.
func TestLeftoversAreSwept(t *testing.T) {
	dir := t.TempDir()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		fmt.Sprintf(".kbm.ca.key.%d", dead.Process.Pid),
		".kbm.ca.key.1", // somebody who is at work
		fmt.Sprintf(".kbm.file.%d", os.Getpid()),
		".mine.4194305", ".kbm", "4194305",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(filepath.Join(dir, "file"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, ".kbm", ".kbm.ca.key.1", ".mine.4194305", "4194305", "file")
}
