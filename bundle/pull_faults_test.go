package bundle

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	kubeletPath = "/dl/release/" + DefaultKubernetes + "/bin/linux/amd64/kubelet"
	cutAt       = 300 << 10
)

// cutFirst answers the first request for a path with only its first bytes, and
// breaks the connection.
func (w *world) cutFirst(path string) {
	w.answer(func(out http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		w.answer(nil)
		w.Config.Handler.ServeHTTP(&short{ResponseWriter: out, left: cutAt}, r)
		return true
	})
}

// short passes so many bytes on and then breaks the connection.
type short struct {
	http.ResponseWriter
	left int
}

func (s *short) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p[:min(len(p), s.left)])
	if s.left -= n; s.left == 0 {
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// pullOf pulls into a new folder and returns what it was told.
func (w *world) pullOf(t *testing.T, only ...string) (*Bundle, []PullEvent, error) {
	t.Helper()
	var told []PullEvent
	o := w.options(t.TempDir(), only...)
	o.Timeout = 400 * time.Millisecond
	o.Progress = func(e PullEvent) { told = append(told, e) }
	b, err := Pull(context.Background(), o)
	if err != nil {
		b = &Bundle{dir: o.Dir}
	}
	return b, told, err
}

// A line that breaks costs what was on it, and no byte is sent twice: neither
// of a file nor of an image's layer.
func TestPullGoesOnWhereItWasCut(t *testing.T) {
	w := newWorld(t)
	w.publish(t, "amd64", "registry.k8s.io/pause:3.10.1")
	layers, err := imageFor(t, "registry.k8s.io/pause:3.10.1", "amd64").Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[1].Digest()
	if err != nil {
		t.Fatal(err)
	}
	for artefact, path := range map[string]string{"kubelet": kubeletPath, "pause": "/v2/registry.k8s.io/pause/blobs/" + digest.String()} {
		first := len(w.requests())
		w.cutFirst(path)
		b, told, err := w.pullOf(t, artefact)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Verify(context.Background()); err != nil {
			t.Error(err)
		}
		ranged := fmt.Sprintf("bytes=%d-", cutAt)
		asked := slices.DeleteFunc(w.requests()[first:], func(r string) bool { return !strings.Contains(r, ranged) })
		if len(asked) != 1 {
			t.Errorf("%s: no request went on at byte %d: %v", artefact, cutAt, w.requests()[first:])
		}
		if !slices.ContainsFunc(told, func(e PullEvent) bool { return e.State == Waiting && strings.Contains(e.Detail, "again in") }) {
			t.Errorf("%s: nobody was told: %+v", artefact, told)
		}
	}
}

// Whoever interrupts kbm, or loses power, goes on with the next command.
func TestPullGoesOnAfterAnInterrupt(t *testing.T) {
	w := newWorld(t)
	w.publish(t, "amd64")
	ctx, cancel := context.WithCancel(context.Background())
	stuck := make(chan struct{})
	w.answer(func(out http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != kubeletPath {
			return false
		}
		w.answer(nil)
		_, _ = out.Write(w.files[kubeletPath][:cutAt])
		_ = http.NewResponseController(out).Flush()
		<-stuck
		return true
	})
	o := w.options(t.TempDir(), "kubelet")
	o.Progress = func(e PullEvent) {
		if e.Bytes == cutAt {
			cancel()
		}
	}
	_, err := Pull(ctx, o)
	close(stuck)
	if err == nil || ctx.Err() == nil {
		t.Fatalf("it was not interrupted: %v", err)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, manifestFile)); err == nil {
		t.Error("there is a manifest of nothing")
	}
	o.Progress = nil
	if _, err := Pull(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if asked := w.requests(); asked[len(asked)-1] != "GET "+kubeletPath+fmt.Sprintf(" bytes=%d-", cutAt) {
		t.Errorf("it began anew: %v", asked)
	}
}

// Some proxies drop ranges, and some parts are not what they seem.
func TestPullBeginsAnewWhereItHasTo(t *testing.T) {
	for name, answer := range map[string]func(w *world, out http.ResponseWriter, r *http.Request) bool{
		"no ranges": func(_ *world, _ http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			return false
		},
		"spoilt part": func(*world, http.ResponseWriter, *http.Request) bool { return false },
		"range that does not fit": func(_ *world, out http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			http.Error(out, "", http.StatusRequestedRangeNotSatisfiable)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.publish(t, "amd64")
			w.answer(func(out http.ResponseWriter, r *http.Request) bool { return answer(w, out, r) })
			o := w.options(t.TempDir(), "kubelet")
			part := filepath.Join(o.Dir, "build", "pull", "kubelet-"+hexOf(w.files[kubeletPath])+".part")
			if err := os.MkdirAll(filepath.Dir(part), 0o755); err != nil {
				t.Fatal(err)
			}
			overwrite(t, part, strings.Repeat("x", 1000))
			if _, err := Pull(context.Background(), o); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is wrong is named with its URL, is not asked for again and again, and
// leaves nothing: neither in the bundle nor beside it.
func TestPullFaults(t *testing.T) {
	other := strings.Repeat("1", 64)
	for _, test := range []struct {
		name   string
		answer func(w *world, out http.ResponseWriter, r *http.Request) bool
		want   string
		most   int // requests
	}{
		{"wrong checksum", serve(kubeletPath+".sha256", 200, other), "/bin/linux/amd64/kubelet has sha256 ", 2},
		{"wrong checksum names both", serve(kubeletPath+".sha256", 200, other), "kubelet.sha256 says " + other + ": nothing of it was kept", 2},
		{"no checksum", serve(kubeletPath+".sha256", 200, "hello"), "kubelet.sha256: no sha256 of kubelet is in it", 1},
		{"missing file", serve(kubeletPath, 404, ""), "/kubelet: the server says 404 Not Found: that version is not published there", 2},
		{"missing checksum", serve(kubeletPath+".sha256", 404, ""), "kubelet.sha256: the server says 404", 1},
		{"unauthorized", serve(kubeletPath, 401, ""), "401 Unauthorized: it wants other credentials", 2},
		{"broken server", serve(kubeletPath, 503, ""), "503 Service Unavailable (given up after 5 attempts)", 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.publish(t, "amd64")
			w.answer(func(out http.ResponseWriter, r *http.Request) bool { return test.answer(w, out, r) })
			b, _, err := w.pullOf(t, "kubelet")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("want %q, got %v", test.want, err)
			}
			if asked := w.requests(); len(asked) > test.most {
				t.Errorf("%d requests: %v", len(asked), asked)
			}
			leavesNothing(t, b.dir)
		})
	}
}

func serve(path string, status int, text string) func(*world, http.ResponseWriter, *http.Request) bool {
	return func(_ *world, out http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		out.WriteHeader(status)
		_, _ = fmt.Fprint(out, text)
		return true
	}
}

// leavesNothing checks that no byte of what was fetched is in the folder.
func leavesNothing(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, _ := d.Info(); info.Size() > 0 {
				t.Errorf("%s was left", name)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// One that is missing does not hold up the others, and all faults are told.
func TestPullTellsAllFaults(t *testing.T) {
	w := newWorld(t)
	w.publish(t, "amd64", "registry.k8s.io/pause:3.10.1")
	delete(w.files, kubeletPath)
	b, _, err := w.pullOf(t, "kubelet", "kubectl", "pause", "coredns", "etcd")
	for _, want := range []string{"kubelet: https://", "coredns: image ", "/registry.k8s.io/coredns/coredns:v"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	b, err = Open(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range b.manifest.Artefacts {
		names = append(names, a.Name)
	}
	if !slices.Equal(names, []string{"kubectl", "etcd", "pause"}) {
		t.Errorf("the others were not kept: %v", names)
	}
}

// A server that says nothing is told of while it is waited for, and cut off.
func TestPullCutsOffASlowServer(t *testing.T) {
	w := newWorld(t)
	w.publish(t, "amd64", "registry.k8s.io/pause:3.10.1")
	for artefact, path := range map[string]string{"kubelet": kubeletPath, "pause": "/v2/registry.k8s.io/pause/manifests/3.10.1"} {
		release := make(chan struct{})
		w.answer(func(out http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path {
				return false
			}
			_ = http.NewResponseController(out).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
			return true
		})
		start := time.Now()
		_, told, err := w.pullOf(t, artefact)
		close(release)
		if err == nil || !strings.Contains(err.Error(), "sent nothing, or less than a kilobyte a second, for 400ms (given up after 5 attempts)") {
			t.Errorf("%s: got %v", artefact, err)
		}
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("%s: it took %s", artefact, took)
		}
		if !slices.ContainsFunc(told, func(e PullEvent) bool {
			return e.State == Waiting && strings.Contains(e.Detail, "sent 0 bytes in ") && strings.Contains(e.Detail, "; given up at 400ms")
		}) {
			t.Errorf("%s: nobody was told: %+v", artefact, told)
		}
	}
}

// A full disk ends everything with one message, and is not left full.
func TestPullOntoAFullDisk(t *testing.T) {
	w := newWorld(t)
	w.publish(t, "amd64")
	o := w.options(t.TempDir(), "kubelet", "kubectl", "runc", "etcd")
	o.Parallel = 1
	part := filepath.Join(o.Dir, "build", "pull", "kubelet-"+hexOf(w.files[kubeletPath])+".part")
	if err := os.MkdirAll(filepath.Dir(part), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", part); err != nil {
		t.Fatal(err)
	}
	_, err := Pull(context.Background(), o)
	if err == nil || strings.Count(err.Error(), "no space left on device") != 1 || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(part); err == nil {
		t.Error("the part was left")
	}
	if n := len(w.requests()); n != 2 {
		t.Errorf("it went on: %v", w.requests())
	}
	file := filepath.Join(t.TempDir(), "file")
	overwrite(t, file, "")
	o.Dir = filepath.Join(file, "bundle")
	if _, err := Pull(context.Background(), o); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}

// A tag that means one image for one machine must not put it on another.
func TestPullRefusesAnImageOfAnotherArchitecture(t *testing.T) {
	w := newWorld(t)
	w.publish(t, "amd64", "registry.k8s.io/pause:3.10.1")
	o := w.options(t.TempDir(), "pause")
	o.Arch = "arm64"
	_, err := Pull(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "linux/arm64") {
		t.Errorf("got %v", err)
	}
	leavesNothing(t, o.Dir)
}

// A host that is down is one fault, and is not waited for.
func TestPullFromAHostThatIsDown(t *testing.T) {
	w := newWorld(t)
	w.publish(t, "amd64")
	o := w.options(t.TempDir(), "kubelet", "kubectl", "coredns", "runc")
	o.Mirrors["dl.k8s.io"], o.Mirrors["registry.k8s.io"] = "https://127.0.0.1:1", "https://127.0.0.1:1/images"
	_, err := Pull(context.Background(), o)
	if err == nil || !strings.HasSuffix(err.Error(), ": kubelet, kubectl, coredns: dial tcp 127.0.0.1:1: connect: connection refused") {
		t.Errorf("got %v", err)
	}
	if b, err := Open(o.Dir); err != nil || len(b.manifest.Artefacts) != 1 {
		t.Errorf("the others were not kept: %v", err)
	}
}
