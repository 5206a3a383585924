package pki

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
)

// A cookie secret is 24 random bytes, which are 32 characters in base64.
// oauth2-proxy takes both lengths for a key of AES, so it does not matter
// whether it decodes what it reads.
const (
	cookieSecretBytes = 24
	cookieSecretSize  = 32
)

// cookieSecret ensures the secret of the addon auth; nil without it. A new one
// signs everybody out and does no other harm, so a lost one is made anew.
func (e *ensurer) cookieSecret(b *batch) ([]byte, error) {
	if e.cluster.Addons.Auth == nil {
		return nil, nil
	}
	text, err := e.store.Read(cookieSecret)
	if err != nil {
		return nil, err
	}
	if text == nil {
		key := make([]byte, cookieSecretBytes)
		if _, err := io.ReadFull(e.rand, key); err != nil {
			return nil, fmt.Errorf("read a random key: %w", err)
		}
		text = []byte(base64.URLEncoding.EncodeToString(key) + "\n")
		b.add("new", File{cookieSecret, text})
	}
	secret := bytes.TrimSpace(text)
	if len(secret) != cookieSecretSize {
		return nil, fmt.Errorf("%s is not %d characters: remove it, and kbm makes a new one", shown(cookieSecret), cookieSecretSize)
	}
	return secret, nil
}
