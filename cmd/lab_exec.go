package cmd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kbm-dev/kbm/lab"
)

func newLabExecCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "exec -- COMMAND [ARG...]",
		Short: "Run a command in the lab's network",
		Long: `Run a command of this computer in the lab's network, as the machine that all the
others have for a gateway. KUBECONFIG is the cluster's, and the bundle's programs
are found first. The command takes kbm's place: terminal, signals and exit code
are its own.`,
		Example: `  kbm lab exec -- kubectl get nodes
  kbm lab exec -- curl -sS http://10.88.0.13`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError(fmt.Errorf("no command: write one after --, such as kbm %slab exec -- kubectl get nodes", a.dirFlag()))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			l, up := lab.Find(a.dir)
			if !up {
				return usageError(fmt.Errorf("the lab of this cluster is not up: kbm %slab up", a.dirFlag()))
			}
			env, programs, err := a.labEnv()
			if err != nil {
				return err
			}
			path, err := findProgram(args[0], programs)
			if err != nil {
				return withCode(exitNotFound, err)
			}
			return l.Exec(path, args, env)
		},
	}
}

// exitNotFound is what shells answer when there is no such command.
const exitNotFound = 127

// labEnv is this process's environment with the cluster's own in front, and
// the folder of the bundle's programs, empty if there is none.
func (a *app) labEnv() (env []string, programs string, err error) {
	kubeconfig, err := filepath.Abs(filepath.Join(a.dir, "kubeconfig"))
	if err != nil {
		return nil, "", err
	}
	path := os.Getenv("PATH")
	if c, err := a.spec(); err == nil {
		if b, err := (&session{app: a, cluster: c}).openBundle(nodeArch); err == nil {
			programs = filepath.Join(b.Dir(), "bin")
			path = programs + string(filepath.ListSeparator) + path
		}
	}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "KUBECONFIG=") && !strings.HasPrefix(variable, "PATH=") {
			env = append(env, variable)
		}
	}
	return append(env, "KUBECONFIG="+kubeconfig, "PATH="+path), programs, nil
}

func findProgram(name, first string) (string, error) {
	if first != "" && !strings.ContainsRune(name, filepath.Separator) {
		if path, err := exec.LookPath(filepath.Join(first, name)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}
