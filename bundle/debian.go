package bundle

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// unwanted is what no container needs of a package: it would double the size.
var unwanted = regexp.MustCompile(`^(usr/share/(doc|man|info|locale|lintian|bug|bash-completion|zsh|fish|menu|initramfs-tools)/` +
	`|usr/lib/[^/]+/(gconv|audit)/|etc/(cron\.|init\.d|default|systemd))`)

// debianEntries fetches packages with what they depend on, from the machine's
// own package sources but apart from its installed packages, and returns their
// files. Nothing is installed and no package's script is run.
func debianEntries(ctx context.Context, dir, arch string, packages []string, log io.Writer) ([]entry, error) {
	debs, err := fetchPackages(ctx, dir, arch, packages, log)
	if err != nil {
		return nil, fmt.Errorf("fetch Debian packages %s: %w", strings.Join(packages, " "), err)
	}
	files := map[string]entry{}
	for _, deb := range debs {
		if err := unpackPackage(ctx, deb, files); err != nil {
			return nil, fmt.Errorf("unpack %s: %w", filepath.Base(deb), err)
		}
	}
	var entries []entry
	for _, e := range files {
		entries = append(entries, e)
	}
	// Older packages still have files in /bin and /lib, newer ones expect
	// links there: every release gets the layout of the newer ones.
	for _, name := range []string{"bin", "lib", "lib64", "sbin"} {
		entries = append(entries, entry{Name: name, Link: "usr/" + name}, entry{Name: "usr/" + name, Dir: true, Mode: 0o755})
	}
	return entries, nil
}

// fetchPackages has apt resolve and download into dir, as if nothing were
// installed, and returns the package files. Debian spells the architectures
// that kbm knows as Go does.
func fetchPackages(ctx context.Context, dir, arch string, packages []string, log io.Writer) ([]string, error) {
	for _, d := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	status := filepath.Join(dir, "status")
	if err := os.WriteFile(status, nil, 0o644); err != nil {
		return nil, err
	}
	options := []string{
		"-q", "-y",
		"-o", "Dir::State=" + filepath.Join(dir, "state"),
		"-o", "Dir::State::status=" + status,
		"-o", "Dir::Cache=" + filepath.Join(dir, "cache"),
		"-o", "APT::Architecture=" + arch, "-o", "APT::Architectures=" + arch,
		"-o", "APT::Install-Recommends=false", "-o", "APT::Sandbox::User=root",
		"-o", "Acquire::Languages=none", "-o", "Acquire::Retries=3",
	}
	if err := run(ctx, log, "", nil, "apt-get", append(options, "update")...); err != nil {
		return nil, err
	}
	if err := run(ctx, log, "", nil, "apt-get", append(append(options, "install", "--download-only"), packages...)...); err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(dir, "cache/archives/*.deb"))
}

func unpackPackage(ctx context.Context, deb string, into map[string]entry) (err error) {
	control, err := exec.CommandContext(ctx, "dpkg-deb", "--field", deb).Output()
	if err != nil {
		return err
	}
	// Where image scanners look for what an image without dpkg holds.
	name, _, _ := strings.Cut(filepath.Base(deb), "_")
	status := path.Join("var/lib/dpkg/status.d", name)
	into[status] = entry{Name: status, Mode: 0o644, Data: control}

	c := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	files, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	readErr := readPackage(tar.NewReader(files), into)
	_, drainErr := io.Copy(io.Discard, files)
	return errors.Join(readErr, drainErr, c.Wait())
}

func readPackage(in *tar.Reader, into map[string]entry) error {
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := merged(h.Name)
		if name == "" || unwanted.MatchString(name) {
			continue
		}
		e := entry{Name: name, Mode: h.Mode & 0o7777}
		switch h.Typeflag {
		case tar.TypeReg:
			if e.Data, err = io.ReadAll(in); err != nil {
				return err
			}
		case tar.TypeSymlink:
			e.Link = h.Linkname
		case tar.TypeLink:
			e.Hard = merged(h.Linkname)
		default:
			continue // folders are made as they are needed; a package has no others
		}
		into[name] = e
	}
}

// merged maps a package's path to the layout in which /bin, /lib and /sbin are
// links into /usr.
func merged(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	top, _, _ := strings.Cut(name, "/")
	switch top {
	case "bin", "lib", "lib64", "sbin":
		if name == top {
			return ""
		}
		return "usr/" + name
	}
	return name
}
