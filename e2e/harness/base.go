package harness

import (
	"context"
	"testing"

	"github.com/kbm-dev/kbm/lab"
)

// EnsureBases has the base systems of lab machines made, once on a computer:
// while clusters run beside it, that takes longer than any command may.
func EnsureBases(t *testing.T) {
	t.Helper()
	ctx, tell := interruptible(t), func(e lab.Event) { t.Logf("%s: %s", e.Step, e.Detail) }
	for _, ensure := range []func(context.Context, string, lab.Progress) (string, error){lab.EnsureBase, lab.EnsureCloudBase} {
		if _, err := ensure(ctx, lab.DefaultCacheDir, tell); err != nil {
			t.Fatal(err)
		}
	}
}
