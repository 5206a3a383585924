package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// hostRelease gives the code name of the Debian or Ubuntu release that this
// computer runs, or that its own distribution is made from.
func hostRelease() (string, error) {
	content, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", fmt.Errorf("release of this computer: %w", err)
	}
	return parseRelease(string(content))
}

func parseRelease(osRelease string) (string, error) {
	values := map[string]string{}
	for line := range strings.Lines(osRelease) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = strings.Trim(value, `"'`)
	}
	// Derivatives name their parent's release in these two.
	for _, key := range []string{"UBUNTU_CODENAME", "DEBIAN_CODENAME"} {
		if values[key] != "" {
			return values[key], nil
		}
	}
	if id := values["ID"]; (id == "debian" || id == "ubuntu") && values["VERSION_CODENAME"] != "" {
		return values["VERSION_CODENAME"], nil
	}
	return "", fmt.Errorf("the lab makes its machines from Debian or Ubuntu packages of this computer's release, and this is %q: run it on Debian 12 or later, or Ubuntu 22.04 or later", values["PRETTY_NAME"])
}

// keyrings holds the file in which each distribution keeps its archive keys.
func keyrings() map[string]string {
	return map[string]string{
		"Debian": "/usr/share/keyrings/debian-archive-keyring.gpg",
		"Ubuntu": "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
	}
}

// aptSources gives this computer's own package sources, those of the
// distribution only, as lines of a sources.list. apt itself is asked, which
// reads both of its formats.
func aptSources(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets",
		"--format", "$(CREATED_BY)|$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ARCHITECTURE)").Output()
	if err != nil {
		return "", fmt.Errorf("package sources of this computer: %w", err)
	}
	sources, err := sourceLines(string(out), func(origin string) string {
		keyring := keyrings()[origin]
		if _, err := os.Stat(keyring); err != nil {
			return ""
		}
		return keyring
	})
	if err != nil {
		return "", err
	}
	return strings.Join(sources, "\n") + "\n", nil
}

func sourceLines(targets string, keyring func(origin string) string) ([]string, error) {
	var lines []string
	for target := range strings.Lines(targets) {
		fields := strings.Split(strings.TrimSpace(target), "|")
		if len(fields) != 6 || fields[0] != "Packages" {
			continue
		}
		origin, uri, release, component := fields[1], fields[2], fields[3], fields[4]
		if _, known := keyrings()[origin]; !known || (component != "main" && component != "universe") {
			continue
		}
		options := ""
		if path := keyring(origin); path != "" {
			options = "[signed-by=" + path + "] "
		}
		if line := fmt.Sprintf("deb %s%s %s %s", options, uri, release, component); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, errors.New("package sources of this computer: apt knows no index of Debian or Ubuntu: run apt-get update")
	}
	return lines, nil
}

// packages adds what only some releases have as a package of its own.
func (f flavour) packages(ctx context.Context) ([]string, error) {
	var packages []string
	for _, layer := range f.layers {
		list, err := fs.ReadFile(baseFiles, layer+"/packages")
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(list)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				packages = append(packages, line)
			}
		}
	}
	const resolved = "systemd-resolved"
	if exec.CommandContext(ctx, "apt-cache", "show", resolved).Run() == nil {
		packages = append(packages, resolved)
	}
	return packages, nil
}
