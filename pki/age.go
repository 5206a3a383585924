package pki

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/sync/errgroup"
)

// sealedExt marks an encrypted file, as the age tool has it.
const sealedExt = ".age"

// parseRecipient reads an age public key (age1…) or an SSH one (ssh-ed25519,
// ssh-rsa).
func parseRecipient(text string) (age.Recipient, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "ssh-") {
		return agessh.ParseRecipient(text)
	}
	list, err := age.ParseRecipients(strings.NewReader(text))
	switch {
	case err != nil:
		return nil, errors.New("not an age (age1…) or SSH (ssh-ed25519 …, ssh-rsa …) public key")
	case len(list) != 1:
		return nil, errors.New("not one public key")
	}
	return list[0], nil
}

func onceIdentities(get Identities) Identities {
	return sync.OnceValues(func() ([]age.Identity, error) {
		if get == nil {
			return nil, nil
		}
		return get()
	})
}

func (f *Files) decrypt(name string, sealed []byte) ([]byte, error) {
	at := f.path(name + sealedExt)
	content, err := f.Decrypted(sealed)
	switch {
	case errors.Is(err, errNotForUs):
		return nil, fmt.Errorf("%s: %w: use that of one of the recipients in %s", at, err, f.path(recipientsFile))
	case errors.Is(err, errDamaged):
		return nil, fmt.Errorf("%s: %w: %s", at, err, restore)
	case err != nil:
		return nil, fmt.Errorf("decrypt %s: %w", at, err)
	}
	return content, nil
}

// encryptAll replaces every private file by its encrypted form, on all
// processors: a thousand nodes have three thousand keys.
func (f *Files) encryptAll(files []File) ([]File, error) {
	if len(f.encryptTo) == 0 {
		return files, nil
	}
	out := make([]File, len(files))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range files {
		if !private(file.Path) {
			out[i] = file
			continue
		}
		group.Go(func() error {
			sealed, err := f.encrypt(file.Content)
			if err != nil {
				return fmt.Errorf("encrypt %s: %w", f.path(file.Path), err)
			}
			out[i] = File{Path: file.Path + sealedExt, Content: sealed}
			return nil
		})
	}
	return out, group.Wait()
}

func (f *Files) encrypt(content []byte) ([]byte, error) {
	var buf bytes.Buffer
	w, err := age.Encrypt(&buf, f.encryptTo...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
