package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/bundle"
)

// build is what there is to tell of this program.
type build struct {
	// Version is what the Go tool has written into it: the module's version, or
	// the commit that it was built from.
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Kubernetes is the version that a new cluster gets.
	Kubernetes string `json:"kubernetes"`
}

func thisBuild() build {
	b := build{Version: "(unknown)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Kubernetes: bundle.DefaultKubernetes}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	return b
}

func (b build) String() string { return fmt.Sprintf("%s, %s, %s", b.Version, b.Go, b.Platform) }

func newVersionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of kbm, and of the Kubernetes that a new cluster gets",
		Example: `  kbm version
  kbm version -o json`,
		Args: exactly(0, "kbm version takes no argument"),
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			a.say("kbm %s", b)
			a.say("Kubernetes %s for new clusters", b.Kubernetes)
			return a.answer(b)
		},
	}
}
