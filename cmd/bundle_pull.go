package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/internal/ui"
)

func newBundlePullCommand(a *app, f *bundleFlags) *cobra.Command {
	var o bundle.PullOptions
	mirrors := map[string]string{}
	c := &cobra.Command{
		Use:   "pull [NAME|GROUP]...",
		Short: "Fetch what the bundle lacks from upstream's releases",
		Long: `Fetch upstream's own binaries and images instead of building them: dl.k8s.io, the
releases on GitHub, and registries. Each is compared with the checksum that its
project publishes, and pinned in bundle.lock beside the manifest: what upstream
changes later is refused. It may be interrupted, and goes on where it was.

Without names it fetches the groups node, controller and addons. What was pulled
or built before stays, unless its version differs or it was built and is named.
What only kbm's own tests run is not pulled: kbm bundle build makes it.

HTTPS_PROXY and NO_PROXY are heeded, and SSL_CERT_FILE for a CA of your own.
Registries get the credentials of docker login. A mirror has under its path what
the host has under /; bundle.mirrors in cluster.yaml says the same for good.`,
		Example: `  kbm bundle pull
  kbm bundle pull node controller ingress --arch arm64
  kbm bundle pull --mirror registry.k8s.io=https://mirror.example.com/k8s`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := f.complete(a.dir); err != nil {
				return err
			}
			o.Dir, o.Kubernetes, o.Arch, o.Only = f.folder, f.kubernetes, f.arch, names
			o.Mirrors = bundle.Mirrors{}
			// The others are the nodes' matter.
			maps.Copy(o.Mirrors, f.mirrors.Of(bundle.Hosts(f.kubernetes)))
			maps.Copy(o.Mirrors, mirrors)
			return a.pullBundle(cmd.Context(), o)
		},
	}
	c.Flags().StringToStringVar(&mirrors, "mirror", nil, "ask a mirror instead of a host: HOST=URL")
	c.Flags().IntVar(&o.Parallel, "parallel", 4, "how many to fetch at once")
	c.Flags().DurationVar(&o.Timeout, "timeout", time.Minute, "how long a server may send nothing, or less than 1 kB/s")
	return c
}

func (a *app) pullBundle(ctx context.Context, o bundle.PullOptions) error {
	if err := o.Validate(); err != nil {
		return usageError(err)
	}
	start, pulled := time.Now(), 0
	progress := a.bundleProgress()
	o.Progress = func(e bundle.PullEvent) {
		if e.State == bundle.Pulled {
			pulled++
		}
		if event, ok := shownPull(e); ok {
			progress.Update(event)
		}
	}
	b, err := bundle.Pull(ctx, o)
	if err := errors.Join(err, progress.Close()); err != nil {
		return err
	}
	if a.output == outputJSON {
		return json.NewEncoder(a.out).Encode(b.Manifest())
	}
	if a.quiet {
		return nil
	}
	_, err = fmt.Fprintf(a.out, "The bundle of Kubernetes %s for %s is in %s: %s, artefacts: %d (%d pulled in %s).\n",
		b.Manifest().Kubernetes, b.Manifest().Arch, b.Dir(), megabytes(bundleSize(b)), len(b.Manifest().Artefacts),
		pulled, time.Since(start).Round(time.Second/10))
	return err
}

func shownPull(e bundle.PullEvent) (ui.Event, bool) {
	shown := ui.Event{Subject: e.Artefact, Step: "pull", State: ui.Working, Detail: e.Detail, Done: e.Bytes, Total: max(e.Total, 0)}
	switch e.State {
	case bundle.Working:
	case bundle.Waiting:
		shown.State = ui.Waiting
		if e.Artefact == "" {
			shown.Subject, shown.Detail = "bundle", "another kbm works in the same folder"
		}
	case bundle.Pulled:
		shown.State = ui.Done
	case bundle.LeftOut:
		shown.Subject, shown.State = "bundle", ui.Warned
	default:
		return ui.Event{}, false
	}
	return shown, true
}
