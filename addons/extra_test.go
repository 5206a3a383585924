package addons

import (
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {raw: '{{ not a template }}'}\n"

// withExtra is a small cluster with local files.
func withExtra(t *testing.T, extra cluster.Extra, files map[string]string) *cluster.Cluster {
	t.Helper()
	c := *clusters()["home"]
	c.Dir = t.TempDir()
	for name, content := range files {
		path := filepath.Join(c.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.Addons.Extra = &extra
	return c.WithDefaults()
}

func renderExtra(t *testing.T, c *cluster.Cluster) (Addon, error) {
	t.Helper()
	return renderExtraFrom(t, c, Review{Dir: c.Dir})
}

func renderExtraFrom(t *testing.T, c *cluster.Cluster, sources Sources) (Addon, error) {
	t.Helper()
	all, err := Render(c, sources)
	if err != nil {
		return Addon{}, err
	}
	last := all[len(all)-1]
	if last.Name != "extra" {
		t.Fatalf("the last addon is %s, want extra", last.Name)
	}
	return last, nil
}

func TestExtraTakesInFilesAndFoldersAsTheyAre(t *testing.T) {
	list := `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"web"}},{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r","namespace":"web"}}]}`
	named := func(name string) string { return strings.ReplaceAll(configMap, "NAME", name) }
	c := withExtra(t, cluster.Extra{Manifests: []string{"one.yml", "manifests"}}, map[string]string{
		"one.yml":                named("one"),
		"manifests/b.yaml":       "# nothing yet\n---\n" + named("b") + "---\n" + named("c"),
		"manifests/a/list.json":  list,
		"manifests/README.md":    "no manifest",
		"manifests/.git/x.yaml":  named("hidden"),
		"manifests/.#b.yaml":     named("hidden"),
		"elsewhere/ignored.yaml": named("ignored"),
	})
	a, err := renderExtra(t, c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range a.Objects {
		got = append(got, describe(o))
		if o.GetLabels()[partOfLabel] != "extra" {
			t.Errorf("%s has the labels %v", describe(o), o.GetLabels())
		}
	}
	want := "ConfigMap default/one, Namespace web, Role web/r, ConfigMap default/b, ConfigMap default/c"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	if raw := text(a.Objects[0], "data", "raw"); raw != "{{ not a template }}" {
		t.Errorf("a manifest was taken for a template: %q", raw)
	}
}

func TestExtraMakesSecretsOfFiles(t *testing.T) {
	pair, other := certificate(t, "app"), certificate(t, "other")
	const auth = "# the two of us\nanna:$2y$05$wEUQ1DFz9GJzZfTzTfOjpu6Rk1vHYT8yEYYxWBzvqzLBK3RWLTqAe\n\nben:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00\ncarl:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"
	files := map[string]string{
		"app.crt": string(pair.Cert), "app.key": string(pair.Key), "other.key": string(other.Key),
		"sealed.key.age": "sealed", "auth": auth, "plain": "anna:geheim\n", "nobody": "# nobody yet\n", "text": "geheim\n",
	}
	tls := func(cert, key string) cluster.Extra {
		return cluster.Extra{TLS: []cluster.TLSSecret{{Name: "app-tls", Cert: cert, Key: key}}}
	}
	htpasswd := func(file string) cluster.Extra {
		return cluster.Extra{HTPasswd: []cluster.HTPasswdSecret{{Name: "basic-auth", Namespace: "web", File: file}}}
	}
	for name, tc := range map[string]struct {
		extra cluster.Extra
		want  map[string]string // data, or
		err   []string
	}{
		"tls":                {tls("app.crt", "app.key"), map[string]string{"tls.crt": files["app.crt"], "tls.key": "(from app.key)"}, nil},
		"an encrypted key":   {tls("app.crt", "sealed.key.age"), map[string]string{"tls.crt": files["app.crt"], "tls.key": "(from sealed.key.age)"}, nil},
		"another's key":      {tls("app.crt", "other.key"), nil, []string{"app.crt", "other.key", "does not match"}},
		"no key":             {tls("app.crt", "auth"), nil, []string{"key auth"}},
		"htpasswd":           {htpasswd("auth"), map[string]string{"auth": "(from auth)"}, nil},
		"a password":         {htpasswd("plain"), nil, []string{"plain, line 1", "htpasswd -B"}},
		"no user":            {htpasswd("nobody"), nil, []string{"nobody", "no user"}},
		"not user:hash":      {htpasswd("text"), nil, []string{"text, line 1", "user:hash"}},
		"a file not there":   {htpasswd("gone"), nil, []string{"gone"}},
		"manifest not there": {cluster.Extra{Manifests: []string{"gone"}}, nil, []string{"gone does not exist"}},
		"no manifest":        {cluster.Extra{Manifests: []string{"auth"}}, nil, []string{"auth is no manifest"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := renderExtra(t, withExtra(t, tc.extra, files))
			if tc.err != nil {
				for _, want := range append(tc.err, "addon extra") {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("got %v, want an error that says %q", err, want)
					}
				}
				if err != nil && (strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "template:")) {
					t.Errorf("the error tells what it must not: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantData(t, a.Objects[0], tc.want)
		})
	}
}

// Who reads manifests over is not shown what the cluster gets.
func TestFilesOfSecretsAreForTheClusterOnly(t *testing.T) {
	pair := certificate(t, "app")
	const auth = "carl:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"
	c := withExtra(t, cluster.Extra{
		TLS:      []cluster.TLSSecret{{Name: "app-tls", Cert: "app.crt", Key: "app.key"}},
		HTPasswd: []cluster.HTPasswdSecret{{Name: "basic-auth", File: "auth"}},
	}, map[string]string{"app.crt": string(pair.Cert), "app.key": string(pair.Key), "auth": auth})
	reviewed, err := renderExtra(t, c)
	if err != nil {
		t.Fatal(err)
	}
	wantData(t, reviewed.Objects[0], map[string]string{"tls.crt": string(pair.Cert), "tls.key": "(from app.key)"})
	wantData(t, reviewed.Objects[1], map[string]string{"auth": "(from auth)"})
	toApply, err := renderExtraFrom(t, c, struct{ Review }{Review{Dir: c.Dir}})
	if err != nil {
		t.Fatal(err)
	}
	wantData(t, toApply.Objects[0], map[string]string{"tls.crt": string(pair.Cert), "tls.key": string(pair.Key)})
	wantData(t, toApply.Objects[1], map[string]string{"auth": auth})
}

func wantData(t *testing.T, secret *unstructured.Unstructured, want map[string]string) {
	t.Helper()
	for key, want := range want {
		got, err := base64.StdEncoding.DecodeString(text(secret, "data", key))
		if err != nil || string(got) != want {
			t.Errorf("%s is %q, %v; want %q", key, got, err, want)
		}
	}
}

func TestCheckExpiry(t *testing.T) {
	pair := certificate(t, "app")
	if err := CheckExpiry(pair.Cert, time.Now()); err != nil {
		t.Error(err)
	}
	if err := CheckExpiry(pair.Cert, time.Now().AddDate(50, 0, 0)); err == nil || !strings.Contains(err.Error(), "run out") {
		t.Errorf("got %v, want that it has run out", err)
	}
}

func TestAnObjectStandsInOnePlaceOnly(t *testing.T) {
	twice := strings.ReplaceAll(configMap, "{name: NAME}", "{name: coredns, namespace: kube-system}")
	_, err := renderExtra(t, withExtra(t, cluster.Extra{Manifests: []string{"a.yaml"}}, map[string]string{"a.yaml": twice}))
	for _, want := range []string{"ConfigMap kube-system/coredns", "addon coredns (coredns.yaml, object", "addon extra (a.yaml, object 1)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
}

func TestUserManifestsThatAreNone(t *testing.T) {
	for content, want := range map[string]string{
		strings.ReplaceAll(configMap, "NAME", "x") + "---\nkind: ConfigMap\n": "manifests/a.yaml: document 2: an object needs",
		"a: [\n": "manifests/a.yaml: document 1",
	} {
		_, err := renderExtra(t, withExtra(t, cluster.Extra{Manifests: []string{"manifests"}}, map[string]string{"manifests/a.yaml": content}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func certificate(t *testing.T, name string) pki.Pair {
	t.Helper()
	store, err := pki.NewFiles(&cluster.Cluster{Name: name, Dir: t.TempDir()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := clusters()["home"]
	set, err := pki.Ensure(store, c, time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return set.Get(pki.CA)
}
