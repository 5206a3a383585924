package cmd

import (
	"context"
	"os"
	"sync"

	"github.com/kbm-dev/kbm/internal/ui"
)

// sudoEnv holds the password of sudo where nobody can be asked.
const sudoEnv = "KBM_SUDO_PASSWORD"

// asker asks a person, and remembers the answer for the rest of the run.
type asker struct {
	app      *app
	progress *ui.Progress

	mu   sync.Mutex
	sudo string
}

func (a *asker) ask(ctx context.Context, q ui.Question) (answer []byte, err error) {
	err = a.progress.Pause(func() error {
		answer, err = ui.Prompt{In: a.app.in, Out: a.app.err}.Password(ctx, q)
		return err
	})
	return answer, err
}

// passphrase asks for the passphrase of an identity file.
func (a *asker) passphrase(ctx context.Context, file string) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ask(ctx, ui.Question{Text: "Passphrase of " + file + ":", Otherwise: "add the key to an SSH agent"})
}

// password asks once for all machines; a machine that refuses it is asked for
// by name.
func (a *asker) password(ctx context.Context, node string, attempt int) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if attempt == 1 {
		if a.sudo == "" {
			a.sudo = os.Getenv(sudoEnv)
		}
		if a.sudo != "" {
			return a.sudo, nil
		}
	}
	answer, err := a.ask(ctx, ui.Question{Text: "Password for sudo on " + node + ":", Otherwise: "set " + sudoEnv})
	if err != nil {
		return "", err
	}
	a.sudo = string(answer)
	return a.sudo, nil
}
