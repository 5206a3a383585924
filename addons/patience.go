package addons

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
)

// pollInterval is how often an object is asked whether it is there yet, and a
// webhook whether it answers.
const pollInterval = 100 * time.Millisecond

// settleRounds is for how many requests an object may still be refused whose
// obstacle has just been removed: API servers and webhooks hear of a new
// definition, or of a deletion, a moment later.
const settleRounds = 100

// heardAfter is how long API servers may take to hear of a new webhook. Until
// then they accept custom resources without it, and nothing tells.
const heardAfter = time.Second

// heard gives API servers the time to hear of webhooks that were just applied,
// where custom resources come after them.
func (r *run) heard(ctx context.Context) error {
	hooked := r.due(hooks, func(c *Change) bool { return c.Action.applies() })
	after := r.due(customs, func(c *Change) bool { return c.Action.Changes() })
	if len(hooked) == 0 || len(after) == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(heardAfter):
		return nil
	}
}

// patiently repeats a request until the API server carries it out or refuses
// it for good. A request that a webhook has to agree to is itself the test
// whether the webhook answers: as long as it does not, nothing is written.
func (r *run) patiently(ctx context.Context, c *Change, request func() error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	reason := ""
	for round := 0; ; round++ {
		err := request()
		if ctx.Err() != nil && reason != "" && !errors.Is(ctx.Err(), context.Canceled) {
			return fmt.Errorf("%s: %w", reason, ctx.Err())
		}
		why, wait := r.excuse(c, err)
		if c.refusal != nil && err != nil && refused(err) && round < settleRounds {
			why, wait = "not accepted yet: "+err.Error(), true
		}
		switch {
		case !wait && meta.IsNoMatchError(err):
			return errors.New(noKind)
		case !wait:
			return err
		}
		if round%podRounds == 0 {
			if f := r.faultBehind(ctx, why); f.reason != "" {
				why += "; " + f.String()
				if f.hopeless() && round > 0 { // the first answer may be of a webhook that has just been changed
					return fmt.Errorf("%s: %w", why, errHopeless)
				}
			}
			if why != reason || round%sayAgain == 0 {
				reason = why
				r.progress.say(c.Addon, c.Object+": "+why)
			}
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// excuse knows one excuse more than the function: a kind that this very run has
// defined, and that is not served yet.
func (r *run) excuse(c *Change, err error) (why string, wait bool) {
	_, ours := r.defined[c.target.GroupVersionKind().GroupKind()]
	missing := meta.IsNoMatchError(err) || apierrors.IsNotFound(err) && unserved.MatchString(err.Error())
	if ours && missing {
		return "its kind is not served yet", true
	}
	return excuse(err)
}

// unserved is the answer where an API server does not know a path.
var unserved = regexp.MustCompile(`could not find the requested resource`)

// behind finds the namespace of the Service that the API server asked.
var behind = regexp.MustCompile(`https://[a-z0-9-]+\.([a-z0-9-]+)\.svc[:/]`)

// faultBehind finds what the pods wait for that do not answer, as far as they
// are of the addons.
func (r *run) faultBehind(ctx context.Context, why string) podFault {
	m := behind.FindStringSubmatch(why)
	if m == nil {
		return podFault{}
	}
	for _, a := range r.chosen {
		for _, o := range a.Objects {
			if waveOf(o) != workloads || o.GetNamespace() != m[1] {
				continue
			}
			if f := r.podFault(ctx, o); f.reason != "" {
				return f
			}
		}
	}
	return podFault{}
}
