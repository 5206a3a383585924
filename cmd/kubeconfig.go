package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/kbm-dev/kbm/internal/atomicfile"
	"github.com/kbm-dev/kbm/provision"
)

func newKubeconfigCommand(a *app) *cobra.Command {
	var merge bool
	c := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print the administrator's access to the cluster, or merge it into your own",
		Long: `Print a kubeconfig with the administrator's certificate and the cluster's endpoint.

With --merge it is added to the first file of $KUBECONFIG, or to ~/.kube/config.
What is there already stays: entries of the same name that lead to another
cluster are never replaced, and the current context is set only if there is none.`,
		Example: `  kbm kubeconfig >admin.conf
  kbm kubeconfig --merge`,
		Args: exactly(0, "kbm kubeconfig takes no argument; --merge adds it to your own"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.peek(cmd.Context())
			if err != nil {
				return err
			}
			config := provision.Kubeconfig(s.cluster, s.pki)
			if merge {
				return a.mergeKubeconfig(config)
			}
			text, err := clientcmd.Write(*config)
			if err != nil {
				return fmt.Errorf("kubeconfig: %w", err)
			}
			_, err = a.out.Write(text)
			return err
		},
	}
	c.Flags().BoolVar(&merge, "merge", false, "add it to $KUBECONFIG or ~/.kube/config")
	return c
}

// mergeKubeconfig adds the entries of config to the user's own file.
func (a *app) mergeKubeconfig(config *api.Config) error {
	file := userKubeconfig()
	own, err := clientcmd.LoadFromFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		own = api.NewConfig()
	case err != nil:
		return usageError(fmt.Errorf("%s is not a kubeconfig: %w", file, err))
	}
	name := config.CurrentContext
	if old, ok := own.Clusters[name]; ok && !bytes.Equal(old.CertificateAuthorityData, config.Clusters[name].CertificateAuthorityData) {
		return usageError(fmt.Errorf("%s has another cluster named %s, at %s: rename or delete it first (kubectl config delete-cluster %s)", file, name, old.Server, name))
	}
	for key, value := range config.Clusters {
		own.Clusters[key] = value
	}
	for key, value := range config.AuthInfos {
		own.AuthInfos[key] = value
	}
	for key, value := range config.Contexts {
		own.Contexts[key] = value
	}
	if own.CurrentContext == "" {
		own.CurrentContext = name
	}
	text, err := clientcmd.Write(*own)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	if err := atomicfile.Write(file, text, 0o600); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s: context %s is there; use it with kubectl --context %s\n", file, name, name)
	return err
}

func userKubeconfig() string {
	paths := filepath.SplitList(os.Getenv("KUBECONFIG"))
	if i := slices.IndexFunc(paths, func(p string) bool { return p != "" }); i >= 0 {
		return paths[i]
	}
	return clientcmd.RecommendedHomeFile
}
