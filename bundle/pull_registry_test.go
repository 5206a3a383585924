package bundle

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// ghcr.io, quay.io and Docker's registry give everybody a token and ask for it;
// registry.k8s.io and others have the layers in a storage elsewhere, which must
// not see the token.
func TestPullFromARegistryWithTokensAndStorage(t *testing.T) {
	w := newWorld(t)
	w.publish(t, "amd64", "ghcr.io/flannel-io/flannel:v0.28.9")
	var tokens, stored atomic.Int32
	storage := httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		stored.Add(1)
		if r.Header.Get("Authorization") != "" {
			t.Errorf("the storage was shown a token for %s", r.URL.Path)
		}
		w.images.ServeHTTP(out, r)
	}))
	storage.TLS = &tls.Config{Certificates: w.TLS.Certificates}
	storage.StartTLS()
	t.Cleanup(storage.Close)
	w.answer(func(out http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/token":
			tokens.Add(1)
			if scope := r.URL.Query().Get("scope"); scope != "repository:ghcr.io/flannel-io/flannel:pull" {
				t.Errorf("a token for %q was asked for", scope)
			}
			_, _ = fmt.Fprint(out, `{"token": "for-everybody"}`)
		case r.Header.Get("Authorization") != "Bearer for-everybody":
			out.Header().Set("WWW-Authenticate", `Bearer realm="`+w.URL+`/token",service="test"`)
			out.WriteHeader(http.StatusUnauthorized)
		case strings.Contains(r.URL.Path, "/blobs/"):
			http.Redirect(out, r, storage.URL+r.URL.Path, http.StatusTemporaryRedirect)
		default:
			return false
		}
		return true
	})
	b, err := Pull(context.Background(), w.options(t.TempDir(), "flannel"))
	if err != nil {
		t.Fatal(err)
	}
	checkImageFile(t, b, "flannel", "amd64")
	if tokens.Load() == 0 || stored.Load() < 3 {
		t.Errorf("%d tokens, %d blobs of the storage", tokens.Load(), stored.Load())
	}
}
