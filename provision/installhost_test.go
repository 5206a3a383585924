package provision

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/internal/ssh"
	"github.com/kbm-dev/kbm/internal/ssh/sshtest"
)

// livingRoom is a machine with a live system, on loopback. SSH, the shell, the
// scripts, signals and the tmpfs are real; lsblk, the installers and the end of
// systemctl are stand-ins, for no disk of this computer can be written and no
// computer started anew.
type livingRoom struct {
	t         *testing.T
	dir       string // bin/, boot, disks and what the stand-ins leave
	namespace string // the process that keeps /run and the boot ID
	address   string
	authority gossh.Signer
	live      gossh.Signer // the live system's host key
	own       gossh.Signer // the node's, with its certificate
	user      []byte
	boots     []nextBoot
	heard     *heard

	mu       sync.Mutex
	listener net.Listener
}

// nextBoot is how the machine comes up once more.
type nextBoot struct {
	after string // it goes down once this was said
	key   gossh.Signer
	root  string // the disk that has /, sda or sdb; none in a live system
}

const installerStandIn = `#!/bin/sh
printf '%s\n' "$0" "$@" >DIR/args
config=/run/kbm-install/config.ign
cat $config >DIR/config
stat -c %a:%u $config >DIR/mode
stat -f -c %T $config >>DIR/mode
echo "Downloading the image"
printf '10%%\r50%%\r'
[ -e DIR/fail ] && { echo "gzip: the disk is gone" >&2; exit 7; }
[ -e DIR/slow ] && { echo $$ >DIR/pid; sleep 600; }
printf 'Success'
`

func newLivingRoom(t *testing.T) *livingRoom {
	t.Helper()
	r := &livingRoom{t: t, dir: t.TempDir(), heard: &heard{}}
	r.live, _ = hostKey(t)
	r.authority, _ = hostKey(t)
	var user gossh.Signer
	user, r.user = hostKey(t)
	plain, _ := hostKey(t)
	cert := &gossh.Certificate{Key: plain.PublicKey(), CertType: gossh.HostCert, ValidPrincipals: []string{"w1"}, ValidBefore: gossh.CertTimeInfinity}
	err := cert.SignCert(rand.Reader, r.authority)
	if err == nil {
		r.own, err = gossh.NewCertSigner(cert, plain)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"bin/flatcar-install": installerStandIn, "bin/coreos-installer": installerStandIn,
		"bin/lsblk":     "#!/bin/sh\ncat DIR/disks\n",
		"bin/systemctl": "#!/bin/sh\necho \"$@\" >DIR/rebooted\n",
		"boot":          "boot-0\n", "disks": disksWith(""),
	} {
		path := filepath.Join(r.dir, name)
		_ = os.Mkdir(filepath.Dir(path), 0o755) // it may be there
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", r.dir)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.enter()
	// An address of its own: the port has to be free again after each boot, and
	// 127.0.0.1 is where everybody else takes theirs.
	r.address = r.listen(fmt.Sprintf("127.%d.%d.%d:0", 1+mathrand.N(254), mathrand.N(256), 1+mathrand.N(254)), r.live, user.PublicKey())
	stopped := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(stopped)
		r.rebootWhenAsked(ctx, user.PublicKey())
	}()
	t.Cleanup(func() {
		cancel()
		<-stopped
		r.hangUp()
	})
	return r
}

func hostKey(t *testing.T) (gossh.Signer, []byte) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

// disksWith are an SSD and a smaller disk, one of which has the running system.
func disksWith(root string) string {
	mounts := map[string]string{root: "/"}
	other := strings.NewReplacer("sda", "sdb", "S5Y2", "XYZ", "0x5002538f", "0x1", "Samsung SSD 870 EVO 500GB", "Old").
		Replace(sda("80000000000", part("sda1", "part", "ext4", mounts["sdb"], "")))
	return `{"blockdevices": [` + sda("500107862016", part("sda9", "part", "ext4", mounts["sda"], "")) + "," + other + "]}"
}

// enter makes the mount namespace in which the machine's scripts run.
func (r *livingRoom) enter() {
	r.t.Helper()
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c",
		`mount -t tmpfs tmpfs /run && mount --bind "$1/boot" /proc/sys/kernel/random/boot_id && echo ready && exec cat`, "sh", r.dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = in.Close() // it is what ends cat
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		r.t.Fatalf("no namespace: %q, %v", line, err)
	}
	r.namespace = strconv.Itoa(cmd.Process.Pid)
}

// shell runs a line of the login shell in the machine.
func (r *livingRoom) shell(_, line string, stdin io.Reader, stdout io.Writer) int {
	cmd := exec.Command("nsenter", "-t", r.namespace, "-m", "--", "sh", "-c", line)
	cmd.Env = append(os.Environ(), "PATH="+r.dir+"/bin:"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = stdout, stdout
	// Not cmd.Stdin: the script may end before its input does.
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return 126
	}
	go func() {
		_, _ = io.Copy(in, stdin)
		_ = in.Close()
	}()
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

func (r *livingRoom) listen(address string, key gossh.Signer, user gossh.PublicKey) string {
	l, err := sshtest.Listen(address)
	if err != nil {
		r.t.Error(err)
		return address
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listener = l
	server := &sshtest.Server{Handler: r.shell, Login: func(_ gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
		if gossh.FingerprintSHA256(key) != gossh.FingerprintSHA256(user) {
			return nil, errors.New("unknown key")
		}
		return &gossh.Permissions{}, nil
	}}
	go server.Serve("w1", l, key)
	return l.Addr().String()
}

func (r *livingRoom) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.listener.Close() // a second time does no harm
}

// rebootWhenAsked plays the machine's next boots once systemctl was called.
func (r *livingRoom) rebootWhenAsked(ctx context.Context, user gossh.PublicKey) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	until := func(done func() bool) {
		for ctx.Err() == nil && !done() {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}
	until(func() bool { return r.has("rebooted") })
	for n, boot := range r.boots {
		until(func() bool { return strings.Contains(r.heard.details(stepAwait), boot.after) })
		if ctx.Err() != nil {
			return
		}
		r.hangUp()
		r.put("boot", fmt.Sprintf("boot-%d\n", n+1))
		r.put("disks.new", disksWith(boot.root))
		if err := os.Rename(filepath.Join(r.dir, "disks.new"), filepath.Join(r.dir, "disks")); err != nil {
			r.t.Error(err)
		}
		r.listen(r.address, boot.key, user)
	}
}

func (r *livingRoom) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (r *livingRoom) has(name string) bool {
	_, err := os.Stat(filepath.Join(r.dir, name))
	return err == nil
}

func (r *livingRoom) put(name, text string) {
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644); err != nil {
		r.t.Error(err)
	}
}

func (r *livingRoom) read(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Error(err)
	}
	return string(text)
}

// visit connects with the node's own key as all that is trusted, or with the
// live system's.
func (r *livingRoom) visit(keys ssh.HostKeys) func(context.Context) (Visit, error) {
	return func(ctx context.Context) (Visit, error) {
		client, err := ssh.Connect(ctx, ssh.Options{Name: "w1", Address: r.address, User: "root", Auth: ssh.Auth{Key: r.user}, HostKeys: keys})
		if err != nil {
			return nil, err
		}
		return client, nil
	}
}
