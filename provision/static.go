package provision

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kbm-dev/kbm/ignition"
)

// waitPods waits until the control plane on this machine runs as its manifests
// say, and its API server is ready. The kubelet takes a moment to notice a new
// manifest, and until then an API server that is about to be restarted answers
// as if nothing were.
func (r *run) waitPods(ctx context.Context, m *machine) error {
	wanted, err := revisions(m.want)
	if err != nil {
		return err
	}
	err = poll(ctx, apiDeadline, 250*time.Millisecond, func(ctx context.Context) error {
		err := runsRevisions(ctx, m.host, wanted)
		if err != nil {
			r.report(m.node.Name, "wait for the control plane", Waiting, brief(err))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("control plane of %s: %w%s", m.node.Name, err, logTail(ctx, m.host))
	}
	return r.waitAPI(ctx, m)
}

// revision is one that a process of the control plane is started from.
type revision struct{ name, value string }

// runsRevisions asks the machine itself, for the API may be what is down. A new
// process starts when the old one has ended.
func runsRevisions(ctx context.Context, host Host, wanted []revision) error {
	ctx, cancel := shortly(ctx)
	defer cancel()
	script := "missing=\n"
	for _, w := range wanted {
		// -z: the variables end with a zero byte.
		script += fmt.Sprintf("grep -qsxz %s=%s /proc/[0-9]*/environ || missing=\"$missing %s\"\n", ignition.RevisionVariable, w.value, w.name)
	}
	out, err := host.Run(ctx, Command{Script: script + "echo $missing"})
	if err != nil {
		return err
	}
	if missing := strings.Fields(string(out.Stdout)); len(missing) > 0 {
		return errors.New("not started yet: " + strings.Join(missing, ", "))
	}
	return nil
}

// revisions are those of the static pods that the machine shall have.
func revisions(m ignition.Machine) ([]revision, error) {
	var wanted []revision
	for _, f := range m.Files {
		if path.Dir(f.Path) != ignition.ManifestDir {
			continue
		}
		var pod corev1.Pod
		if err := yaml.Unmarshal(f.Content, &pod); err != nil {
			return nil, fmt.Errorf("manifest %s: %w", f.Path, err)
		}
		for _, c := range pod.Spec.Containers {
			i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == ignition.RevisionVariable })
			if i < 0 {
				return nil, fmt.Errorf("manifest %s: %s has no %s", f.Path, c.Name, ignition.RevisionVariable)
			}
			wanted = append(wanted, revision{c.Name, c.Env[i].Value})
		}
	}
	return wanted, nil
}
