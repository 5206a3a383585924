package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kbm-dev/kbm/bench/internal/machines"
)

// kubeletUnit is what kubeadm's packages bring: the kubelet with the files that
// kubeadm writes. The drop-in folder is the lab's, as for kbm. kubeadm starts
// it: without its files it would only come and go.
const kubeletUnit = `[Service]
Environment=PATH=/opt/bin:/usr/sbin:/usr/bin:/sbin:/bin
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/opt/bin/kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml --config-dir=/etc/kubernetes/kubelet.conf.d $KUBELET_KUBEADM_ARGS
Restart=always
RestartSec=10
[Install]
WantedBy=multi-user.target
`

const initConfig = `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: %[1]s}
nodeRegistration:
  name: cp1
  criSocket: unix:///run/containerd/containerd.sock
  kubeletExtraArgs: [{name: node-ip, value: %[1]s}]
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: %[2]s
networking: {podSubnet: 10.244.0.0/16}
etcd: {local: {imageTag: %[3]s}}
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
conntrack: {maxPerCore: 0}
`

// network is there before the clock starts, and is kubeadm's advantage: kbm's
// nodes are Ready only when the controller manager has given each its pod range.
const network = `{"cniVersion": "1.0.0", "name": "bench", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.%d.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}
]}
`

// ignored are kubeadm's checks of the computer that a lab machine cannot pass:
// they are of the kernel, which is the lab's.
const ignored = "--ignore-preflight-errors=all"

// measureKubeadm takes the time of `kubeadm init`, and of `kubeadm join` on all
// other machines at once, to the moment when the API says that they are Ready.
func measureKubeadm(ctx context.Context, kbm string, size int) (r result, err error) {
	m, err := boot(ctx, kbm, size)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close(ctx)) }()
	if err := m.installKubeadm(ctx); err != nil {
		return r, err
	}
	// The machine's clock is this computer's: the way there costs kubeadm nothing.
	out, err := m.On(ctx, "cp1", "export PATH=/opt/bin:$PATH; date +%s%N; kubeadm init --config /root/init.yaml "+ignored)
	if err != nil {
		return r, err
	}
	start, err := moment(out)
	if err != nil {
		return r, err
	}
	join := joinCommand(out)
	// Nobody who joins machines waits for the first one to be Ready.
	var g errgroup.Group
	g.Go(func() error {
		ready, err := m.waitReady(ctx, 1)
		r.first = ready.Sub(start)
		return err
	})
	for _, name := range m.Names[1:] {
		g.Go(func() error {
			_, err := m.On(ctx, name, fmt.Sprintf("export PATH=/opt/bin:$PATH; %s --node-name %s --cri-socket unix:///run/containerd/containerd.sock %s >/root/join.log || { journalctl --no-pager -o cat -n 30 -u kubelet >&2; exit 1; }", join, name, ignored))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return r, err
	}
	ready, err := m.waitReady(ctx, size)
	r.all = ready.Sub(start)
	return r, err
}

// moment reads the nanoseconds that `date` printed first.
func moment(out string) (time.Time, error) {
	line, _, _ := strings.Cut(out, "\n")
	n, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("what time it is there: %w", err)
	}
	return time.Unix(0, n), nil
}

func (m *rig) installKubeadm(ctx context.Context) error {
	dir, err := m.Output(ctx, nil, "bundle", "path")
	if err != nil {
		return err
	}
	kubeadm := filepath.Join(strings.TrimSpace(dir), "bin", "kubeadm")
	for i, name := range m.Names {
		if err := m.Put(ctx, name, "/run/cni/net.d/10-bench.conflist", strings.NewReader(fmt.Sprintf(network, i))); err != nil {
			return err
		}
		program, err := os.Open(kubeadm)
		if err != nil {
			return err
		}
		err = errors.Join(m.Put(ctx, name, "/opt/bin/kubeadm", program), program.Close())
		if err != nil {
			return err
		}
		if err := m.Put(ctx, name, "/etc/systemd/system/kubelet.service", strings.NewReader(kubeletUnit)); err != nil {
			return err
		}
		if _, err := m.On(ctx, name, "mkdir -p /etc/kubernetes/kubelet.conf.d; systemctl daemon-reload; systemctl enable --now containerd; systemctl enable kubelet"); err != nil {
			return err
		}
	}
	image, err := os.Open(filepath.Join(strings.TrimSpace(dir), "images", "etcd-image.tar"))
	if err != nil {
		return err
	}
	defer func() { _ = image.Close() }()
	if err := m.Put(ctx, "cp1", "/root/etcd.tar", image); err != nil {
		return err
	}
	version, err := m.On(ctx, "cp1", "/opt/bin/kubelet --version")
	if err != nil {
		return err
	}
	tag, err := m.On(ctx, "cp1", "/opt/bin/ctr -n k8s.io images import /root/etcd.tar >/dev/null; /opt/bin/ctr -n k8s.io images ls -q | sed -n 's,^registry.k8s.io/etcd:,,p'")
	if err != nil {
		return err
	}
	config := fmt.Sprintf(initConfig, machines.Address(0), strings.TrimPrefix(strings.TrimSpace(version), "Kubernetes "), strings.TrimSpace(tag))
	return m.Put(ctx, "cp1", "/root/init.yaml", strings.NewReader(config))
}

// joinCommand finds the command that `kubeadm init` prints.
func joinCommand(out string) string {
	_, join, _ := strings.Cut(out, "kubeadm join ")
	join = strings.ReplaceAll(join, "\\\n", " ")
	join, _, _ = strings.Cut(join, "\n")
	return "kubeadm join " + strings.TrimSpace(join)
}

// waitReady watches on the controller itself, in one process, and tells when
// the nodes were Ready: neither the way there nor a loop of programs is to cost
// kubeadm anything.
func (m *rig) waitReady(ctx context.Context, nodes int) (time.Time, error) {
	out, err := m.On(ctx, "cp1", fmt.Sprintf(`export KUBECONFIG=/etc/kubernetes/admin.conf
for i in $(seq 300); do
	/opt/bin/kubectl wait --for=condition=Ready --timeout=60s node %s >/root/wait.log 2>&1 && exec date +%%s%%N
	sleep 0.1
done
cat /root/wait.log >&2
exit 1`, strings.Join(m.Names[:nodes], " ")))
	if err != nil {
		return time.Time{}, err
	}
	return moment(out)
}
