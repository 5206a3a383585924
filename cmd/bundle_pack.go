package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/bundle"
	"github.com/kbm-dev/kbm/internal/ui"
)

// oneFile is for commands that read or write one packed bundle.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError(fmt.Errorf("%s takes one file, NAME%s", cmd.CommandPath(), bundle.PackSuffix))
	}
	return nil
}

func newBundlePackCommand(a *app, f *bundleFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "pack FILE.tar.zst",
		Short: "Make one file of the bundle",
		Long: `Make one file of the bundle: all that a site without Internet needs of it. Every
artefact is compared with the manifest on the way. The same bundle gives the
same bytes.`,
		Example: `  kbm bundle pack /media/stick/kbm.tar.zst`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !strings.HasSuffix(args[0], bundle.PackSuffix) {
				return usageError(fmt.Errorf("%s: the name of a packed bundle ends in %s", args[0], bundle.PackSuffix))
			}
			b, err := f.open(a.dir)
			if err != nil {
				return err
			}
			err = a.withBytes("pack", func(tell func(done, total int64)) error {
				return b.Pack(cmd.Context(), args[0], tell)
			})
			if err != nil {
				return err
			}
			info, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			if a.output == outputJSON {
				return json.NewEncoder(a.out).Encode(map[string]any{"file": args[0], "bytes": info.Size(), "artefacts": len(b.Manifest().Artefacts)})
			}
			if a.quiet {
				return nil
			}
			_, err = fmt.Fprintf(a.out, "Packed into %s: %s, artefacts: %d. Take it out with `kbm bundle unpack`.\n",
				args[0], megabytes(info.Size()), len(b.Manifest().Artefacts))
			return err
		},
	}
}

func newBundleUnpackCommand(a *app, f *bundleFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "unpack FILE.tar.zst",
		Short: "Take a bundle out of the file that pack made",
		Long: `Take a bundle out of the file that pack made, into the folder where kbm looks for
it: --folder, or bundle.dir of cluster.yaml, or kbm's cache. Nothing is put in
place before all of it has come out, and is what its manifest and lock say.`,
		Example: `  kbm bundle unpack /media/stick/kbm.tar.zst`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, flag := range []string{"kubernetes", "arch"} {
				if cmd.Flags().Changed(flag) {
					return usageError(fmt.Errorf("--%s: leave it out: a packed bundle says what it is of", flag))
				}
			}
			if info, err := os.Stat(args[0]); err != nil || info.IsDir() {
				return usageError(fmt.Errorf("%s is not a file: name one that `kbm bundle pack` wrote", args[0]))
			}
			folder, err := f.unpackInto(a.dir)
			if err != nil {
				return err
			}
			return a.unpackBundle(cmd.Context(), args[0], folder)
		},
	}
}

// unpackInto is the folder that was named, or nothing: then it follows from
// what is in the file.
func (f *bundleFlags) unpackInto(clusterDir string) (string, error) {
	named := *f
	if err := named.complete(clusterDir); err != nil {
		return "", err
	}
	usual, err := bundle.DefaultDir(named.kubernetes, named.arch)
	if err != nil || named.folder == usual {
		return "", err
	}
	return named.folder, nil
}

func (a *app) unpackBundle(ctx context.Context, file, folder string) error {
	var b *bundle.Bundle
	err := a.withBytes("unpack", func(tell func(done, total int64)) (err error) {
		b, err = bundle.Unpack(ctx, file, folder, tell)
		return err
	})
	if errors.Is(err, bundle.ErrNotPacked) {
		return usageError(err)
	}
	if err != nil {
		return err
	}
	if a.output == outputJSON {
		return json.NewEncoder(a.out).Encode(b.Manifest())
	}
	if a.quiet {
		return nil
	}
	m := b.Manifest()
	_, err = fmt.Fprintf(a.out, "The bundle of Kubernetes %s for %s is in %s: %s, artefacts: %d.\n",
		m.Kubernetes, m.Arch, b.Dir(), megabytes(bundleSize(b)), len(m.Artefacts))
	return err
}

// withBytes shows the bytes of one long step.
func (a *app) withBytes(step string, do func(tell func(done, total int64)) error) error {
	progress := a.bundleProgress()
	event := ui.Event{Subject: "bundle", Step: step, State: ui.Working}
	err := do(func(done, total int64) {
		event.Done, event.Total = done, total
		progress.Update(event)
	})
	if err == nil {
		event.State = ui.Done
		progress.Update(event)
	}
	return errors.Join(err, progress.Close())
}
