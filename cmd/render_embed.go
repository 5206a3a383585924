package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/cluster"
)

// embedFlag is --embed-secrets.
type embedFlag struct{ on bool }

func (e *embedFlag) add(c *cobra.Command) {
	c.Flags().BoolVar(&e.on, "embed-secrets", false, "put keys, certificates and units of the cluster on the medium too, for a node that comes up without SSH")
}

// apply makes a renderer embed. What a machine begins with is written down
// here: so all controllers must be known, and the bundle that they will run.
func (e *embedFlag) apply(a *app, r *renderer) error {
	if !e.on {
		return nil
	}
	if err := r.cluster.ReadyForUp(); err != nil {
		return usageError(fmt.Errorf("--embed-secrets writes down who the controllers are: %w", err))
	}
	b, err := (&session{app: a, cluster: r.cluster}).openBundle(nodeArch)
	if err != nil {
		return err
	}
	manifest := b.Manifest()
	r.bundle = &manifest
	return nil
}

// warn says what was embedded, where nobody can miss it.
func (e *embedFlag) warn(a *app, c *cluster.Cluster, nodes []rendered) {
	if !e.on {
		return
	}
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
	if len(media) == 0 {
		return
	}
	a.warning("the media of %s hold SECRETS of cluster %s", strings.Join(media, ", "), c.Name)
	if len(controllers) > 0 {
		a.warning("who reads that of %s has the cluster's CA and every Secret in it: THE WHOLE CLUSTER", strings.Join(controllers, " or "))
	}
	a.warning("keep them as you keep pki/, and erase them once the machines are up; kbm %srender makes media without secrets", a.dirFlag())
	a.note("binaries and images are on no medium: kbm %spush brings them, or have them on the machines' own image", a.dirFlag())
}
