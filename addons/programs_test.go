//go:build lab

package addons

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	nodeName    = "cp1"
	nodeAddress = "192.0.2.11"
	inNamespace = "KBM_TEST_IN_NAMESPACE"
)

// TestProgramsWorkAsTheirManifestsSay runs each addon's program from its image
// with the arguments, configuration, account, user, capabilities and file
// system of its manifest, and waits for the manifest's own probe. Then it holds
// what the programs asked the API server for against their roles.
func TestProgramsWorkAsTheirManifestsSay(t *testing.T) {
	if !alone(t) {
		return
	}
	tool(t, "ip", "link", "set", "lo", "up")
	tool(t, "ip", "link", "add", "node0", "type", "veth", "peer", "name", "lan0")
	tool(t, "ip", "link", "set", "lan0", "up")
	tool(t, "ip", "address", "add", nodeAddress+"/24", "dev", "node0")
	tool(t, "ip", "link", "set", "node0", "up")

	audit := filepath.Join(t.TempDir(), "audit.log")
	c := startControl(t, nodeAddress, "--audit-log-path", audit,
		"--audit-policy-file", keep(t, []byte(`{"apiVersion":"audit.k8s.io/v1","kind":"Policy","rules":[{"level":"Metadata"}]}`)))
	e := c.engine(t)
	makeNode(t, e)
	all, err := Render(c.cluster, Review{})
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, e, all)

	c.run(t, e, all, "flannel", find(t, all, "DaemonSet", "flannel"))
	c.run(t, e, all, "kube-proxy", find(t, all, "DaemonSet", "kube-proxy"))
	c.run(t, e, all, "coredns", find(t, all, "Deployment", "coredns"))

	node := &corev1.Node{}
	if err := e.client.Get(t.Context(), client.ObjectKey{Name: nodeName}, node); err != nil {
		t.Fatal(err)
	}
	if got := node.Annotations["flannel.alpha.coreos.com/public-ip"]; got != nodeAddress {
		t.Errorf("flannel announces %q, want the node's address %s", got, nodeAddress)
	}
	if out := tool(t, "ip", "-d", "link", "show", "flannel.1"); !strings.Contains(out, "vxlan") || !strings.Contains(out, "mtu 1450") {
		t.Errorf("flannel's link: %s", out)
	}
	rules := tool(t, "nft", "list", "ruleset")
	for _, want := range []string{"flannel-ipv4", "kube-proxy", c.cluster.DNSServiceIP().String()} {
		if !strings.Contains(rules, want) {
			t.Errorf("nftables have no %s:\n%s", want, rules)
		}
	}
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, nodeAddress+":1053")
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	// Its probe succeeds a moment before it listens.
	eventually(ctx, t, "coredns answers", func() error {
		got, err := resolver.LookupHost(ctx, "kube-dns.kube-system.svc.cluster.local.")
		if want := c.cluster.DNSServiceIP().String(); err == nil && !slices.Equal(got, []string{want}) {
			err = fmt.Errorf("got %v, want %s", got, want)
		}
		return err
	})
	checkRights(t, all, audit, "kube-system", "flannel")
	checkRights(t, all, audit, "kube-system", "coredns")
}

// alone tells whether the test has a network of its own: programs write to the
// one they run in. If not, it is run once more, in one.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		return true
	}
	again := exec.Command("unshare", "--net", "--mount", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=3m")
	again.Env = append(os.Environ(), inNamespace+"=1")
	out, err := again.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if testing.Verbose() {
		t.Logf("%s", out)
	}
	return false
}

func makeNode(t *testing.T, e *Engine) {
	t.Helper()
	node := &corev1.Node{
		// The annotation is a kubelet's; flannel panics on a node without any.
		ObjectMeta: metav1.ObjectMeta{Name: nodeName, Annotations: map[string]string{"volumes.kubernetes.io/controller-managed-attach-detach": "true"}},
		Spec:       corev1.NodeSpec{PodCIDR: "10.244.0.0/24", PodCIDRs: []string{"10.244.0.0/24"}},
	}
	if err := e.client.Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: nodeAddress}}
	if err := e.client.Status().Update(t.Context(), node); err != nil {
		t.Fatal(err)
	}
}

// run runs a workload in the test's own network.
func (c *control) run(t *testing.T, e *Engine, all []Addon, image string, workload *unstructured.Unstructured) {
	t.Helper()
	c.runAt(t, e, all, image, workload, place{address: nodeAddress})
}

// place is where a program runs.
type place struct {
	node    string // its name; cp1 unless set
	network string // name of its network namespace; empty is the test's own
	address string
	hosts   string // lines of its /etc/hosts
}

// runAt does with the first container of a workload what a kubelet and a runtime
// would: the same files, environment, user, capabilities and probe.
func (c *control) runAt(t *testing.T, e *Engine, all []Addon, image string, workload *unstructured.Unstructured, at place) {
	t.Helper()
	var template struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(workload.Object, &template); err != nil {
		t.Fatal(err)
	}
	pod := template.Spec.Template.Spec
	container := pod.Containers[0]
	files, root := c.image(t, image), t.TempDir()
	var script strings.Builder
	fmt.Fprintf(&script, "set -e\nmount --make-rprivate /\nmount -t tmpfs -o mode=755 none %[1]s\nmkdir %[1]s/up %[1]s/work %[1]s/root\n", root)
	fmt.Fprintf(&script, "mount -t overlay -o lowerdir=%[2]s,upperdir=%[1]s/up,workdir=%[1]s/work overlay %[1]s/root\n", root, files.root)
	root = filepath.Join(root, "root")
	fmt.Fprintf(&script, "mkdir -p %[1]s/proc %[1]s/dev\n", root)
	fmt.Fprintf(&script, "mount -t proc proc %[1]s/proc\nmount --bind %[1]s/proc/sys %[1]s/proc/sys\nmount -o remount,bind,ro %[1]s/proc/sys\nmount --rbind /dev %[1]s/dev\n", root)
	bind := func(dir, at string) {
		fmt.Fprintf(&script, "mkdir -p %[1]s%[3]s\nmount --bind %[2]s %[1]s%[3]s\n", root, dir, at)
	}
	for _, mount := range container.VolumeMounts {
		bind(volume(t, all, pod, workload.GetNamespace(), mount.Name), mount.MountPath)
	}
	bind(c.account(t, e, workload.GetNamespace(), pod.ServiceAccountName), "/run/secrets/kubernetes.io/serviceaccount")
	fmt.Fprintf(&script, "[ -e %[1]s/var/run ] || { mkdir -p %[1]s/var; ln -s /run %[1]s/var/run; }\n", root)
	// dnsPolicy Default, on a node without a resolver.
	fmt.Fprintf(&script, "mkdir -p %[1]s/etc\n: > %[1]s/etc/resolv.conf\nprintf '%%s' '%[2]s' > %[1]s/etc/hosts\n", root, at.hosts)
	security := container.SecurityContext
	if security.ReadOnlyRootFilesystem != nil && *security.ReadOnlyRootFilesystem {
		fmt.Fprintf(&script, "mount -o remount,bind,ro %s\n", root)
	}
	// These three are what chroot itself needs.
	caps := []string{"-all", "+sys_chroot", "+setuid", "+setgid"}
	for _, added := range security.Capabilities.Add {
		caps = append(caps, "+"+strings.ToLower(string(added)))
	}
	user := "0:0"
	if pod.SecurityContext.RunAsUser != nil {
		user = fmt.Sprintf("%d:%d", *pod.SecurityContext.RunAsUser, *pod.SecurityContext.RunAsGroup)
	}
	script.WriteString(`exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"`)

	known := map[string]string{}
	args := []string{"--mount", "sh", "-c", script.String(), "sh"}
	for _, env := range container.Env {
		known[env.Name] = env.Value
		if env.ValueFrom != nil {
			known[env.Name] = map[string]string{
				"spec.nodeName": cmp.Or(at.node, nodeName), "metadata.name": podName(workload, at),
				"status.hostIP": at.address, "status.podIP": at.address,
			}[env.ValueFrom.FieldRef.FieldPath]
		}
		args = append(args, env.Name+"="+known[env.Name])
	}
	for _, from := range container.EnvFrom {
		for name, value := range secretFiles(t, all, workload.GetNamespace(), from.SecretRef.Name) {
			args = append(args, name+"="+value)
		}
	}
	command := container.Command
	if len(command) == 0 {
		command = files.entrypoint
	}
	args = append(args, "setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set="+strings.Join(caps, ","),
		"chroot", "--userspec="+user, root)
	for _, arg := range slices.Concat(command, container.Args) {
		for name, value := range known {
			arg = strings.ReplaceAll(arg, "$("+name+")", value)
		}
		args = append(args, arg)
	}
	inside := []string{}
	if at.network != "" {
		inside = []string{"ip", "netns", "exec", at.network}
		for _, s := range pod.SecurityContext.Sysctls {
			tool(t, inside[0], append(inside[1:], "sysctl", "-qw", s.Name+"="+s.Value)...)
		}
	}
	program := slices.Concat(inside, []string{"unshare"}, args)
	c.start(t, program[0], program[1:]...)
	look := slices.Concat(inside, question(container, at.address))
	answers := func() error { return exec.Command(look[0], look[1:]...).Run() }
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	eventually(ctx, t, image+" is ready", answers)
}

func podName(workload *unstructured.Unstructured, at place) string {
	return workload.GetName() + "-" + cmp.Or(at.node, nodeName)
}

// question is the command that asks what the startup probe does.
func question(container corev1.Container, address string) []string {
	probe := container.StartupProbe
	port := func(p intstr.IntOrString) string {
		i := slices.IndexFunc(container.Ports, func(c corev1.ContainerPort) bool { return c.Name == p.StrVal })
		if p.Type == intstr.String {
			return strconv.Itoa(int(container.Ports[i].ContainerPort))
		}
		return p.String()
	}
	if probe.TCPSocket != nil {
		return []string{"bash", "-c", "exec 3<>/dev/tcp/" + address + "/" + port(probe.TCPSocket.Port)}
	}
	get := probe.HTTPGet
	host := net.JoinHostPort(cmp.Or(get.Host, address), port(get.Port))
	// As a kubelet, it does not look at the certificate.
	return []string{"curl", "-fsSk", strings.ToLower(string(cmp.Or(get.Scheme, "HTTP"))) + "://" + host + get.Path}
}

// volume is a folder with what a volume of the pod holds.
func volume(t *testing.T, all []Addon, pod corev1.PodSpec, namespace, name string) string {
	t.Helper()
	dir := t.TempDir()
	i := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == name })
	if secret := pod.Volumes[i].Secret; secret != nil {
		return folder(t, dir, secretFiles(t, all, namespace, secret.SecretName))
	}
	if pod.Volumes[i].ConfigMap == nil {
		if err := os.Chmod(dir, 0o777); err != nil { // as an emptyDir has it
			t.Fatal(err)
		}
		return dir
	}
	object := find(t, all, "ConfigMap", pod.Volumes[i].ConfigMap.Name)
	var config corev1.ConfigMap
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &config); err != nil || config.Namespace != namespace {
		t.Fatalf("%s for namespace %s: %v", describe(object), namespace, err)
	}
	files := maps.Clone(config.Data)
	for name, content := range config.BinaryData {
		if files == nil {
			files = map[string]string{}
		}
		files[name] = string(content)
	}
	return folder(t, dir, files)
}

// secretFiles are the values of a Secret by their keys.
func secretFiles(t *testing.T, all []Addon, namespace, name string) map[string]string {
	t.Helper()
	object := find(t, all, "Secret", name)
	var secret corev1.Secret
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &secret); err != nil || secret.Namespace != namespace {
		t.Fatalf("%s for namespace %s: %v", describe(object), namespace, err)
	}
	files := map[string]string{}
	for key, value := range secret.Data {
		files[key] = string(value)
	}
	return files
}

// account is the folder in which a pod finds its token.
func (c *control) account(t *testing.T, e *Engine, namespace, name string) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	request := &authenticationv1.TokenRequest{}
	if err := e.client.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	return folder(t, t.TempDir(), map[string]string{
		"token": request.Status.Token, "ca.crt": string(c.set.Get("ca").Cert), "namespace": namespace,
	})
}

// folder is readable for any user, as a kubelet makes it.
func folder(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
