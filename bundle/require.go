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
type required struct {
	Program string // found in PATH, or
	Header  string // found by the C compiler
	Package string // Debian's and Ubuntu's package with it
	Note    string
}

var (
	goCompiler = required{Program: "go", Package: "golang-go", Note: "1.26 or newer; https://go.dev/dl has it"}
	cCompiler  = required{Header: "stdio.h", Package: "gcc libc6-dev"}
	pkgConfig  = required{Program: "pkg-config", Package: "pkg-config"}
	libseccomp = required{Header: "seccomp.h", Package: "libseccomp-dev"}
	libblkid   = required{Header: "blkid/blkid.h", Package: "libblkid-dev"}
	apt        = required{Program: "apt-get", Package: "apt", Note: "kube-proxy, flannel and agnhost hold Debian packages"}
	dpkg       = required{Program: "dpkg-deb", Package: "dpkg"}
)

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
			if need.there(ctx) {
				continue
			}
			missing = append(missing, need.String())
			packages = append(packages, need.Package)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("this machine lacks what the bundle is built with: %s: run `apt-get install %s`",
		strings.Join(missing, ", "), strings.Join(packages, " "))
}

func (r required) there(ctx context.Context) bool {
	if r.Program != "" {
		_, err := exec.LookPath(r.Program)
		return err == nil
	}
	// The compiler knows where its headers are; a fixed path would not.
	c := exec.CommandContext(ctx, "gcc", "-E", "-x", "c", "-")
	c.Stdin = strings.NewReader("#include <" + r.Header + ">\n")
	return c.Run() == nil
}

func (r required) String() string {
	what := r.Program + r.Header
	if r.Note != "" {
		what += " (" + r.Note + ")"
	}
	return what
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
