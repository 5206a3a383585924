package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/internal/ui"
)

func newBundleBuildCommand(a *app, f *bundleFlags) *cobra.Command {
	var o bundle.BuildOptions
	c := &cobra.Command{
		Use:   "build [NAME|GROUP]...",
		Short: "Build what the bundle lacks, from pinned Go modules",
		Long: `Build what the bundle lacks, or what was built from other sources. The first time
takes 10 to 20 minutes on two cores for a cluster, ten more for all addons, and
15 GB for all of it; after that only what changed is built again. It may be
interrupted: what was finished is kept.

Without names everything is built. Groups: node, controller; the name of an
addon, and addons for all of them; lab (demo images and the lab's tools), bench
(kubeadm), traffic (servers that addons are tested against).`,
		Example: `  kbm bundle build
  kbm bundle build node controller ingress certs
  kbm bundle build --kubernetes v1.36.4 kubelet`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := f.complete(a.dir); err != nil {
				return err
			}
			o.Dir, o.Kubernetes, o.Arch, o.Only = f.folder, f.kubernetes, f.arch, names
			return a.buildBundle(cmd.Context(), o)
		},
	}
	c.Flags().IntVar(&o.Parallel, "parallel", 0, "how many packages to compile at once (0: one a core)")
	return c
}

func (a *app) buildBundle(ctx context.Context, o bundle.BuildOptions) error {
	if err := o.Validate(); err != nil {
		return usageError(err)
	}
	start, built := time.Now(), 0
	progress := a.bundleProgress()
	o.Progress = func(e bundle.Event) {
		if e.State == bundle.Built {
			built++
		}
		if event, ok := shownEvent(e); ok {
			progress.Update(event)
		}
	}
	b, err := bundle.Build(ctx, o)
	if err := errors.Join(err, progress.Close()); err != nil {
		return err
	}
	if a.output == "json" {
		return json.NewEncoder(a.out).Encode(b.Manifest())
	}
	if a.quiet {
		return nil
	}
	_, err = fmt.Fprintf(a.out, "The bundle of Kubernetes %s is in %s: %s, artefacts: %d (%d built in %s).\n",
		b.Manifest().Kubernetes, b.Dir(), megabytes(bundleSize(b)), len(b.Manifest().Artefacts), built, time.Since(start).Round(time.Second/10))
	return err
}

// bundleProgress shows progress on stderr, also with -o json: the answer on
// stdout is one document.
func (a *app) bundleProgress() *ui.Progress {
	terminal := ui.Detect(a.err, os.Getenv)
	return ui.NewProgress(ui.Options{Out: a.err, Mode: a.bundleMode(terminal), Terminal: terminal, Now: time.Now, Redraw: redraw})
}

func (a *app) bundleMode(t ui.Terminal) ui.Mode {
	switch {
	case a.quiet:
		return ui.Quiet
	case a.output == "json":
		return ui.JSON
	case t.Interactive:
		return ui.Live
	}
	return ui.Plain
}

// shownEvent turns a component's event into a line. What is in place already is
// not worth one.
func shownEvent(e bundle.Event) (ui.Event, bool) {
	shown := ui.Event{Subject: e.Artefact, Step: fmt.Sprintf("build, %d of %d", e.Index, e.Total)}
	switch e.State {
	case bundle.Waiting:
		return ui.Event{Subject: "bundle", Step: "build", State: ui.Waiting, Detail: "another kbm builds in the same folder"}, true
	case bundle.Started:
		// Waiting, because a log should show it at once: kubelet takes minutes.
		shown.State, shown.Detail = ui.Waiting, "compiling"
	case bundle.Built:
		shown.State = ui.Done
	default:
		return ui.Event{}, false
	}
	return shown, true
}

func bundleSize(b *bundle.Bundle) (bytes int64) {
	for _, x := range b.Manifest().Artefacts {
		bytes += x.Size
	}
	return bytes
}
