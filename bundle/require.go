package bundle

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// required is something that the building machine must have.
type required string

const (
	goCompiler required = "Go"
	cCompiler  required = "a C compiler"
	pkgConfig  required = "pkg-config"
	libseccomp required = "libseccomp"
	libblkid   required = "libblkid"
	apt        required = "apt"
	dpkg       required = "dpkg"
)

// evidence is how something required is found, and where it comes from.
type evidence struct {
	Program  string // found in PATH, or
	Header   string // found by the C compiler
	Packages string // Debian's and Ubuntu's packages with it
	Note     string
}

func (r required) evidence() evidence {
	return map[required]evidence{
		goCompiler: {Program: "go", Packages: "golang-go", Note: "1.26 or newer; https://go.dev/dl has it"},
		cCompiler:  {Header: "stdio.h", Packages: "gcc libc6-dev"},
		pkgConfig:  {Program: "pkg-config", Packages: "pkg-config"},
		libseccomp: {Header: "seccomp.h", Packages: "libseccomp-dev"},
		libblkid:   {Header: "blkid/blkid.h", Packages: "libblkid-dev"},
		apt:        {Program: "apt-get", Packages: "apt", Note: "kube-proxy, flannel and agnhost hold Debian packages"},
		dpkg:       {Program: "dpkg-deb", Packages: "dpkg"},
	}[r]
}

// checkRequired names everything that is missing in one error, with the
// command that installs it.
func checkRequired(ctx context.Context, rows []component) error {
	var seen []required
	var missing, packages []string
	for _, row := range rows {
		for _, need := range row.Needs {
			if slices.Contains(seen, need) {
				continue
			}
			seen = append(seen, need)
			e := need.evidence()
			if e.there(ctx) {
				continue
			}
			what := string(need)
			if e.Note != "" {
				what += " (" + e.Note + ")"
			}
			missing = append(missing, what)
			packages = append(packages, e.Packages)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("this machine lacks what the bundle is built with: %s: run `apt-get install %s`",
		strings.Join(missing, ", "), strings.Join(packages, " "))
}

func (e evidence) there(ctx context.Context) bool {
	if e.Program != "" {
		_, err := exec.LookPath(e.Program)
		return err == nil
	}
	// The compiler knows where its headers are; a fixed path would not.
	c := exec.CommandContext(ctx, "gcc", "-E", "-x", "c", "-")
	c.Stdin = strings.NewReader("#include <" + e.Header + ">\n")
	return c.Run() == nil
}

// checkCross refuses what needs a C compiler for another architecture.
func checkCross(rows []component, arch string) error {
	if arch == runtime.GOARCH {
		return nil
	}
	var names []string
	for _, row := range rows {
		if row.Go.Cgo || row.C != "" {
			names = append(names, row.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%s cannot be built for %s on %s: build on an %s machine, or name others", strings.Join(names, ", "), arch, runtime.GOARCH, arch)
}
