package provision

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// published serves files, and remembers what it was asked for.
type published struct {
	*httptest.Server
	files map[string][]byte
	mu    sync.Mutex
	asked []string
}

func publish(t *testing.T) *published {
	t.Helper()
	p := &published{files: map[string][]byte{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Range")))
		p.mu.Unlock()
		data, ok := p.files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(p.Close)
	return p
}

// A machine gets by itself what is published, each archive once, and goes on
// where it was cut; not a byte of it comes from here.
func TestMachinesFetchByThemselves(t *testing.T) {
	p := publish(t)
	host := newMachine(t, "")
	m, source := bundled(t, 1<<20, "/usr/local/bin/kubelet", "/usr/local/bin/etcd", "/opt/cni/bin/bridge", "/opt/cni/bin/portmap")
	p.files["/kubelet"] = source["/usr/local/bin/kubelet"]
	p.files["/etcd.tar.gz"] = archive(t, map[string][]byte{"etcd-v3/etcd": source["/usr/local/bin/etcd"]})
	p.files["/cni.tgz"] = archive(t, map[string][]byte{"./bridge": source["/opt/cni/bin/bridge"], "./portmap": source["/opt/cni/bin/portmap"]})
	for i, from := range [][2]string{{"/kubelet", ""}, {"/etcd.tar.gz", "etcd-v3/etcd"}, {"/cni.tgz", "bridge"}, {"/cni.tgz", "portmap"}} {
		m.Files[i].Artefact.URL, m.Files[i].Artefact.Member = p.URL+from[0], from[1]
	}
	incoming := "/var/lib/kbm/incoming/"
	if _, err := host.Run(t.Context(), Command{
		Script: "mkdir -p " + incoming + "; cat >" + incoming + m.Files[0].Artefact.SHA256 + ".part",
		Stdin:  bytes.NewReader(p.files["/kubelet"][:1000]),
	}); err != nil {
		t.Fatal(err)
	}
	plan := look(t, host, m)
	var done int64
	if err := PushArtefacts(t.Context(), host, plan, nil, func(d, _ int64) { done = d }); err != nil {
		t.Fatal(err)
	}
	if done != plan.ArtefactBytes() {
		t.Errorf("told of %d of %d bytes", done, plan.ArtefactBytes())
	}
	slices.Sort(p.asked)
	expect(t, "what was asked", strings.Join(p.asked, "\n"), "/cni.tgz\n/etcd.tar.gz\n/kubelet bytes=1000-")
	plan = look(t, host, m)
	if err := ApplyFiles(t.Context(), host, &plan); err != nil {
		t.Fatal(err)
	}
	expect(t, "the next plan", summary(look(t, host, m)), "")
	expect(t, "left over", host.sh(t, "ls -A "+incoming+" 2>/dev/null; :"), "")
}

// What is not what the bundle holds is thrown away, and the fault names where
// it came from.
func TestMachinesRefuseWhatIsNotTheBundles(t *testing.T) {
	p := publish(t)
	host := newMachine(t, "")
	m, source := bundled(t, 1<<10, "/usr/local/bin/kubelet")
	a := m.Files[0].Artefact
	p.files["/other"] = []byte("another kubelet")
	p.files["/other.tar.gz"] = archive(t, map[string][]byte{"kubelet": []byte("another kubelet")})
	p.files["/lacking.tar.gz"] = archive(t, map[string][]byte{"README": source["/usr/local/bin/kubelet"]})
	for _, test := range [][3]string{
		{"/other", "", "cp1 fetched it from " + p.URL + "/other with the SHA256 "},
		{"/other.tar.gz", "kubelet", "what came was thrown away"},
		{"/lacking.tar.gz", "kubelet", "Not found in archive"},
		{"/missing", "", "404"},
	} {
		a.URL, a.Member = p.URL+test[0], test[1]
		plan := look(t, host, m)
		err := PushArtefacts(t.Context(), host, plan, nil, nil)
		if err == nil || !strings.Contains(err.Error(), test[2]) || !strings.Contains(err.Error(), p.URL+test[0]) {
			t.Errorf("%s: got %v", test[0], err)
		}
		expect(t, "what is left of "+test[0], host.sh(t, "find /var/lib/kbm/incoming -type f -size +0"), "")
	}
}

func archive(t *testing.T, members map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for name, data := range members {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
