package lab

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const baseStep = "make the machines' base system"

//go:embed base cloud
var baseFiles embed.FS

// flavour is a kind of base system.
type flavour struct {
	name string
	// layers are folders of baseFiles, each with the packages that it adds, the
	// files below root, and customize, which has the last word.
	layers []string
}

// EnsureBase gives the root file system that machines start from: a Debian or
// Ubuntu of this computer's own release, from its own package sources, made
// once and kept in cacheDir. It takes a minute the first time, and the network.
func EnsureBase(ctx context.Context, cacheDir string, progress Progress) (path string, err error) {
	return flavour{name: "base", layers: []string{"base"}}.ensure(ctx, cacheDir, progress)
}

// EnsureCloudBase is EnsureBase for machines with cloud-init.
func EnsureCloudBase(ctx context.Context, cacheDir string, progress Progress) (path string, err error) {
	return flavour{name: "cloud", layers: []string{"base", "cloud"}}.ensure(ctx, cacheDir, progress)
}

func (f flavour) ensure(ctx context.Context, cacheDir string, progress Progress) (path string, err error) {
	release, err := hostRelease()
	if err != nil {
		return "", err
	}
	hash, err := f.hash(release)
	if err != nil {
		return "", err
	}
	base := filepath.Join(cacheDir, f.name+"-"+hash)
	if _, err := os.Stat(base); err == nil {
		return base, nil
	}
	if err := basePreflight(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(cacheDir, 0o700); err != nil {
		return "", fmt.Errorf("base system: %w", err)
	}
	lock, err := awaitLock(ctx, filepath.Join(cacheDir, "lock"), progress)
	if err != nil {
		return "", fmt.Errorf("base system: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if _, err := os.Stat(base); err == nil {
		return base, nil // somebody else made it meanwhile
	}
	progress(Event{Step: baseStep, Detail: "from the packages of " + release + ", once, about a minute"})
	if err := f.make(ctx, base, release, lock, progress); err != nil {
		return "", fmt.Errorf("base system: %w", err)
	}
	progress(Event{Step: baseStep, Detail: base, Done: true})
	return base, nil
}

// hash covers everything that shapes a base except the packages' own
// versions: a mirror's update alone is no reason to make a new one.
func (f flavour) hash(release string) (string, error) {
	sum := sha256.New()
	_, _ = fmt.Fprintln(sum, release, runtime.GOARCH, mmdebstrapOptions())
	for _, layer := range f.layers {
		err := fs.WalkDir(baseFiles, layer, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := fs.ReadFile(baseFiles, path)
			_, _ = fmt.Fprintf(sum, "%s %d\n%s", path, len(content), content)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:6]), nil
}

// mmdebstrapOptions: no syncs while unpacking, because an interrupted base is
// thrown away; and nothing that only people read.
func mmdebstrapOptions() []string {
	return []string{
		"--mode=root", "--format=directory", "--variant=minbase",
		"--dpkgopt=force-unsafe-io",
		"--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/info/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*",
		`--aptopt=Acquire::Languages "none"`,
	}
}

func basePreflight() error {
	if os.Geteuid() != 0 {
		return errNotRoot
	}
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		return errors.New("the lab needs the program mmdebstrap to make its base system: apt-get install mmdebstrap")
	}
	return nil
}

// make gives the result its name only when it is whole. Held stays open in
// mmdebstrap, so that the lock outlasts a kill of this process.
func (f flavour) make(ctx context.Context, base, release string, held *os.File, progress Progress) (err error) {
	partial := base + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	sources, err := aptSources(ctx)
	if err != nil {
		return err
	}
	packages, err := f.packages(ctx)
	if err != nil {
		return err
	}
	args := append(mmdebstrapOptions(),
		"--include="+strings.Join(packages, ","),
		release, partial, "-")
	log, err := os.Create(base + ".log")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if err := mmdebstrap(ctx, args, sources, log, held, progress); err != nil {
		return fmt.Errorf("mmdebstrap (log: %s): %w", log.Name(), err)
	}
	for _, layer := range f.layers {
		if err := customize(ctx, layer, partial); err != nil {
			return err
		}
	}
	return os.Rename(partial, base)
}

// customize is no hook of mmdebstrap, which empties some of the files that it
// writes when it cleans up.
func customize(ctx context.Context, layer, root string) error {
	files, err := fs.Sub(baseFiles, layer+"/root")
	if err != nil {
		return err
	}
	if err := os.CopyFS(root, files); err != nil {
		return err
	}
	script, err := baseFiles.Open(layer + "/customize")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-s", root)
	cmd.Stdin = script
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("customize %s: %w\n%s", layer, err, bytes.TrimSpace(out))
	}
	return nil
}

// mmdebstrap reports its steps as lines that start with "I: ".
func mmdebstrap(ctx context.Context, args []string, sources string, log io.Writer, held *os.File, progress Progress) error {
	cmd := exec.CommandContext(ctx, "mmdebstrap", args...)
	cmd.Stdin = strings.NewReader(sources)
	// It is written for the system's own Perl and Python, not for those that a
	// person may have before them.
	cmd.Env = append(os.Environ(), "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	cmd.ExtraFiles = []*os.File{held}
	// What it mounts below the new system (/proc, /sys, parts of /dev) is in a
	// namespace of its own, and so goes with it: left behind by one that was
	// killed, it would be in the way of the next, or be removed with the rest.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Unshareflags: syscall.CLONE_NEWNS}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var errorLines bytes.Buffer
	lines := bufio.NewScanner(io.TeeReader(out, log))
	for lines.Scan() {
		if step, ok := strings.CutPrefix(lines.Text(), "I: "); ok {
			progress(Event{Step: baseStep, Detail: step})
		}
		if strings.HasPrefix(lines.Text(), "E: ") {
			_, _ = fmt.Fprintln(&errorLines, lines.Text())
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s", err, strings.TrimSpace(errorLines.String()))
	}
	return nil
}

func awaitLock(ctx context.Context, path string, progress Progress) (lock *os.File, err error) {
	told := false
	err = poll(ctx, 200*time.Millisecond, func() (bool, error) {
		var err error
		lock, err = tryLock(path)
		if errors.Is(err, ErrLocked) {
			if !told {
				progress(Event{Step: baseStep, Detail: "waiting for another kbm that is making it"})
			}
			told = true
			return false, nil
		}
		return err == nil, err
	})
	return lock, err
}
