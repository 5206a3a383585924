package cmd

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// embedFlags say what a medium has beyond what a machine needs to be reached.
type embedFlags struct{ secrets, bundle bool }

func (e *embedFlags) add(c *cobra.Command) {
	e.addSecrets(c)
	c.Flags().BoolVar(&e.bundle, "embed-bundle", false, "put binaries and images on the medium too, for a node that gets them neither by SSH nor from the network")
}

func (e *embedFlags) addSecrets(c *cobra.Command) {
	c.Flags().BoolVar(&e.secrets, "embed-secrets", false, "put keys, certificates and units of the cluster on the medium too, for a node that comes up without SSH")
}

// apply makes a renderer embed. What a machine begins with is written down
// here: so all controllers must be known, and the bundle that they will run.
func (e *embedFlags) apply(a *app, r *renderer) error {
	if !e.secrets && !e.bundle {
		return nil
	}
	if err := r.cluster.ReadyForUp(); e.secrets && err != nil {
		return usageError(fmt.Errorf("--embed-secrets writes down who the controllers are: %w", err))
	}
	b, err := (&session{app: a, cluster: r.cluster}).openBundle(nodeArch)
	if err != nil {
		return err
	}
	if e.bundle {
		if err := b.Require(slices.Concat(r.cluster.Addons.Enabled(), r.cluster.Bundle.Images)...); err != nil {
			return usageError(err)
		}
		r.open = opener(bundleSource{b})
	}
	manifest := b.Manifest()
	r.bundle, r.embed, r.shown = &manifest, *e, e.progress(a)
	return nil
}

// sealable refuses what would have to be encrypted in one piece.
func (e *embedFlags) sealable(c *cluster.Cluster) error {
	if !e.bundle || len(c.Secrets.Recipients) == 0 {
		return nil
	}
	return usageError(errors.New("--embed-bundle makes media of hundreds of megabytes, and secrets.recipients has those in the folder encrypted; write plain ones elsewhere, with kbm render NODE --embed-bundle --out FILE"))
}

// opener gives the content of artefacts.
func opener(s bundleSource) func(ignition.Artefact) (io.ReadCloser, error) {
	return func(a ignition.Artefact) (io.ReadCloser, error) { return s.Open(a) }
}

// warn says what was embedded, where nobody can miss it.
func (e *embedFlags) warn(a *app, c *cluster.Cluster, nodes []rendered) {
	var media, controllers []string
	for _, n := range nodes {
		if n.Medium == "" {
			continue
		}
		media = append(media, n.Name)
		if n.Role == cluster.Controller {
			controllers = append(controllers, n.Name)
		}
	}
	if !e.secrets || len(media) == 0 {
		return
	}
	a.warning("the media of %s hold SECRETS of cluster %s", strings.Join(media, ", "), c.Name)
	if len(controllers) > 0 {
		a.warning("who reads that of %s has the cluster's CA and every Secret in it: THE WHOLE CLUSTER", strings.Join(controllers, " or "))
	}
	a.warning("keep them as you keep pki/, and erase them once the machines are up; kbm %srender makes media without secrets", a.dirFlag())
	if !e.bundle {
		a.note("binaries and images are on no medium: kbm %spush brings them, or --embed-bundle puts them there", a.dirFlag())
	}
}
