package addons

import (
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestExcuses goes through what API servers have been seen to answer.
func TestExcuses(t *testing.T) {
	internal := func(text string) error { return apierrors.NewInternalError(errors.New(text)) }
	for text, tc := range map[string]struct {
		err  error
		want string // empty: no waiting helps
	}{
		"no pod":             {internal(`failed calling webhook "w.example.com": failed to call webhook: Post "https://w.ns.svc:443/": no endpoints available for service "w"`), `webhook "w.example.com" does not answer: Post "https://w.ns.svc:443/": no endpoints`},
		"not listening":      {internal(`failed calling webhook "w.example.com": failed to call webhook: Post "https://w.ns.svc:443/": dial tcp 10.0.0.1:443: connect: connection refused`), "connection refused"},
		"not trusted":        {internal(`failed calling webhook "w.example.com": failed to call webhook: Post "https://w.ns.svc:443/": tls: failed to verify certificate: x509: certificate signed by unknown authority`), "x509"},
		"conversion":         {internal(`conversion webhook for metallb.io/v1beta1, Kind=BGPPeer failed: Post "https://w.ns.svc:443/": EOF`), "conversion webhook for metallb.io/v1beta1, Kind=BGPPeer does not answer"},
		"API server stops":   {syscall.ECONNREFUSED, "the API server does not answer"},
		"API server is busy": {apierrors.NewTooManyRequests("later", 1), "the API server does not answer"},
		"API server waits":   {apierrors.NewTimeoutError("request did not complete within requested timeout", 0), "the API server does not answer"},
		"denied":             {internal(`admission webhook "w.example.com" denied the request: failed calling webhook "other": no`), ""},
		"forbidden":          {apierrors.NewForbidden(schema.GroupResource{}, "x", nil), ""},
		"does not fit":       {&apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusInternalServerError, Message: "failed to create typed patch object (default/x): .spec.y: field not declared in schema"}}, ""},
	} {
		why, wait := excuse(tc.err)
		if wait != (tc.want != "") || !strings.Contains(why, tc.want) {
			t.Errorf("%s: got %q, %v; want %q", text, why, wait, tc.want)
		}
		if refused(tc.err) == wait && text != "API server is busy" {
			t.Errorf("%s: both to wait for and refused, or neither", text)
		}
	}
}
