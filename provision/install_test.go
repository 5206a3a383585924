package provision

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/kbm-dev/kbm/internal/ssh"
)

// heard keeps what was reported.
type heard struct {
	mu     sync.Mutex
	events []Event
}

func (h *heard) Report(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

// details are those of one step, each once.
func (h *heard) details(step string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, e := range h.events {
		if e.Step == step && e.Detail != "" && !slices.Contains(out, e.Detail) {
			out = append(out, e.Detail)
		}
	}
	return strings.Join(out, "\n")
}

func (r *livingRoom) installation(system string) Installation {
	installer, err := FindInstaller("auto", system)
	if err != nil {
		r.t.Fatal(err)
	}
	return Installation{
		Node: "w1", Device: "/dev/sda", Arch: "amd64", Installer: installer, Config: []byte(`{"ignition":{}}`),
		Live:      r.visit(ssh.HostKeys{Fingerprint: gossh.FingerprintSHA256(r.live.PublicKey()), Authority: gossh.MarshalAuthorizedKey(r.authority.PublicKey())}),
		Installed: r.visit(ssh.HostKeys{Authority: gossh.MarshalAuthorizedKey(r.authority.PublicKey())}),
		Report:    r.heard, Timeout: 20 * time.Second, Interval: 20 * time.Millisecond,
	}
}

// install does all of it, as kbm install --yes.
func install(ctx context.Context, i Installation) error {
	host, err := i.Live(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	site, err := i.Look(ctx, host)
	if err != nil {
		return err
	}
	if err := i.Write(ctx, host, site); err != nil {
		return err
	}
	return i.Await(ctx, site)
}

// nothingLeft checks that the configuration is gone from the live system.
func (r *livingRoom) nothingLeft() {
	r.t.Helper()
	if out, err := exec.Command("nsenter", "-t", r.namespace, "-m", "ls", "/run/kbm-install").CombinedOutput(); err == nil {
		r.t.Errorf("the live system still has %s", out)
	}
}

func TestInstall(t *testing.T) {
	for system, c := range map[string]struct {
		kernel []string
		args   string
	}{
		"flatcar": {nil, "/bin/flatcar-install\n-d\n/dev/sda\n-i\n/run/kbm-install/config.ign\n"},
		"fcos": {
			[]string{"console=ttyS0", "quiet"},
			"/bin/coreos-installer\ninstall\n/dev/sda\n--ignition-file\n/run/kbm-install/config.ign\n--append-karg\nconsole=ttyS0\n--append-karg\nquiet\n",
		},
	} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			r := newLivingRoom(t)
			stranger, _ := hostKey(t)
			r.boots = []nextBoot{
				{after: "the live system has not gone down yet", key: stranger},                            // a live system with new keys
				{after: "host key not trusted", key: r.own},                                                // one started from the node's own medium
				{after: "the live system has started again: take its medium out", key: r.own, root: "sdb"}, // an older installation
				{after: "it has started from /dev/sdb (Old, 80.0 GB): ", key: r.own, root: "sda"},          // the new one
			}
			i := r.installation(system)
			i.KernelArgs = c.kernel
			if err := install(t.Context(), i); err != nil {
				t.Fatalf("%v\n%v", err, r.heard.events)
			}
			if got := strings.ReplaceAll(r.read("args"), r.dir, ""); got != c.args {
				t.Errorf("ran %q", got)
			}
			if got := r.read("config") + "\n" + r.read("mode"); got != string(i.Config)+"\n600:0\ntmpfs\n" {
				t.Errorf("the installer got %q", got)
			}
			if got := r.heard.details(stepInstall); got != "Downloading the image\n10%\n50%\nSuccess" {
				t.Errorf("progress was %q", got)
			}
			if got := r.heard.details(stepAwait); !strings.HasSuffix(got, "\nit answers with its own host key") {
				t.Errorf("it waited for:\n%s", got)
			}
			r.nothingLeft()
		})
	}
}

func TestInstallerThatFails(t *testing.T) {
	r := newLivingRoom(t)
	r.put("fail", "")
	err := install(t.Context(), r.installation("flatcar"))
	if err == nil || !strings.Contains(err.Error(), "w1: flatcar-install ended with code 7, and the machine was not started anew: what is on /dev/sda is not complete; its last lines:\n  Downloading the image\n  10%\n  50%\n  gzip: the disk is gone") {
		t.Errorf("got %v", err)
	}
	r.nothingLeft()
	if r.has("rebooted") {
		t.Error("it was started anew")
	}
}

func TestInstalledSystemThatDoesNotCome(t *testing.T) {
	r := newLivingRoom(t)
	r.boots = []nextBoot{{key: r.live}} // its medium is still in
	i := r.installation("flatcar")
	i.Timeout = 3 * time.Second
	err := install(t.Context(), i)
	if err == nil || !strings.Contains(err.Error(), "w1 was installed on /dev/sda, and does not answer as the installed system: not done after 3s: the live system has started again") {
		t.Errorf("got %v", err)
	}
}

// Nothing goes on writing to a disk when nobody waits for it any more.
func TestInstallInterrupted(t *testing.T) {
	r := newLivingRoom(t)
	r.put("slow", "")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil && !r.has("pid") {
			r.wait(ctx, 10*time.Millisecond)
		}
		cancel()
	}()
	err := install(ctx, r.installation("flatcar"))
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "flatcar-install was ended, and what is on /dev/sda is not complete: run again") {
		t.Errorf("got %v", err)
	}
	pid := strings.TrimSpace(r.read("pid"))
	gone := poll(t.Context(), 10*time.Second, 10*time.Millisecond, func(context.Context) error {
		if exec.Command("kill", "-0", "--", "-"+pid).Run() == nil {
			return errors.New("the installer is still there")
		}
		if exec.Command("nsenter", "-t", r.namespace, "-m", "ls", "/run/kbm-install").Run() == nil {
			return errors.New("the configuration is still there")
		}
		return nil
	})
	if gone != nil {
		t.Error(gone)
		_ = exec.Command("kill", "-KILL", "--", "-"+pid).Run() // or it outlives the test
	}
	if r.has("rebooted") {
		t.Error("it was started anew")
	}
}

// At a cut, sshd closes the script's output and its input: what sh has to say
// on the installer's end then ends sh by a signal.
func TestInstallCutOnBothSides(t *testing.T) {
	r := newLivingRoom(t)
	r.put("slow", "")
	text, err := script("install-run.sh", "2", "flatcar-install")
	if err != nil {
		t.Fatal(err)
	}
	out, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("nsenter", "-t", r.namespace, "-m", "--", "sh", "-c", text)
	cmd.Env = append(os.Environ(), "PATH="+r.dir+"/bin:"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = theirs, theirs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, err = in.Write([]byte("{}"))
	for deadline := time.Now().Add(10 * time.Second); err == nil && !r.has("pid") && time.Now().Before(deadline); {
		r.wait(t.Context(), 10*time.Millisecond)
	}
	if err := errors.Join(err, theirs.Close(), out.Close(), in.Close()); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it ended well")
	}
	r.nothingLeft()
}

// While a person thinks, the disk may be taken for something else.
func TestDiskThatChangesBeforeItIsWritten(t *testing.T) {
	for name, disks := range map[string]string{
		"is no longer the disk that was shown": strings.Replace(disksWith(""), "0x5002538f", "0x7", 1),
		"is what the running system is on":     disksWith("sda"),
	} {
		t.Run(name, func(t *testing.T) {
			r := newLivingRoom(t)
			i := r.installation("flatcar")
			host, err := i.Live(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = host.Close() }()
			site, err := i.Look(t.Context(), host)
			if err != nil {
				t.Fatal(err)
			}
			r.put("disks", disks)
			err = i.Write(t.Context(), host, site)
			var refused *RefusedError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v", err)
			}
			if r.has("args") {
				t.Error("the installer ran")
			}
		})
	}
}
