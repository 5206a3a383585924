package addons

import (
	"errors"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// unanswered is how the API server words that it could not ask a webhook; what
// it could not do stands behind. There is no reason code for it.
var unanswered = regexp.MustCompile(`(failed calling webhook "[^"]+"|conversion webhook for \S+ failed): (.+)`)

// excuse tells whether an error goes away by itself, and what it waits for: a
// webhook whose pods are starting, or whose certificate nobody has told the API
// server yet; or the API server itself. A webhook that answers no is not one.
func excuse(err error) (why string, wait bool) {
	if err == nil || strings.Contains(err.Error(), "denied the request") {
		return "", false
	}
	if m := unanswered.FindStringSubmatch(err.Error()); m != nil {
		what := strings.NewReplacer("failed calling ", "", " failed", "").Replace(m[1])
		return what + " does not answer: " + strings.TrimPrefix(m[2], "failed to call webhook: "), true
	}
	if apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) ||
		utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsHTTP2ConnectionLost(err) || utilnet.IsProbableEOF(err) {
		return "the API server does not answer: " + err.Error(), true
	}
	return "", false
}

// refused tells whether the API server understood a request, and said no.
func refused(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code < 500 || strings.Contains(err.Error(), "denied the request")
}
