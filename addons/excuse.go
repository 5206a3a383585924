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
var unanswered = regexp.MustCompile(`(failed calling webhook "[^"]+"|conversion webhook for .+? failed): (.+)`)

// excuse tells whether an error goes away by itself, and what it waits for: a
// webhook whose pods are starting, or whose certificate nobody has told the API
// server yet; or the API server itself. A webhook that answers no is not one.
func excuse(err error) (why string, wait bool) {
	if err == nil || denied(err) {
		return "", false
	}
	if m := unanswered.FindStringSubmatch(err.Error()); m != nil {
		what := strings.NewReplacer("failed calling ", "", " failed", "").Replace(m[1])
		return what + " does not answer: " + strings.TrimPrefix(m[2], "failed to call webhook: "), true
	}
	if apierrors.IsServiceUnavailable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsHTTP2ConnectionLost(err) || utilnet.IsProbableEOF(err) {
		return "the API server does not answer: " + err.Error(), true
	}
	return "", false
}

// untyped is how the API server words that an object does not fit its schema;
// for custom resources it gives no code but 500.
var untyped = regexp.MustCompile(`failed to create typed patch object`)

// refused tells whether the API server understood a request, and said no.
func refused(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code < 500 || denied(err) || untyped.MatchString(err.Error())
}

// denied tells whether a webhook answered, and said no.
func denied(err error) bool { return strings.Contains(err.Error(), "denied the request") }
