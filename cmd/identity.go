package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"

	"filippo.io/age"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/internal/ui"
	"github.com/kbm-dev/kbm/pki"
)

// identityEnv names the file of an age identity where --identity does not.
const identityEnv = "KBM_AGE_IDENTITY"

// openPKI opens the key store of a cluster. The identity is read, and its
// passphrase asked for, only once something encrypted has to be read.
func (a *app) openPKI(ctx context.Context, c *cluster.Cluster) (*pki.Files, error) {
	store, err := pki.NewFiles(c, func() ([]age.Identity, error) { return a.identities(ctx) })
	return store, usageError(err)
}

func (a *app) identities(ctx context.Context) ([]age.Identity, error) {
	file := a.identity
	if file == "" {
		file = os.Getenv(identityEnv)
	}
	if file == "" {
		return nil, usageError(fmt.Errorf("no identity to decrypt with: name the file of an age identity or SSH key in --identity or %s", identityEnv))
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError(fmt.Errorf("read the identity: %w", err))
	}
	ids, err := pki.ParseIdentities(file, content, func(file string) ([]byte, error) {
		return ui.Prompt{In: a.in, Out: a.err}.Password(ctx, ui.Question{
			Text:      "Passphrase of " + file + ":",
			Otherwise: "run kbm in a terminal, or use an identity without a passphrase",
		})
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, usageError(err)
	}
	return ids, err
}
