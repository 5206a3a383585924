package pki

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
)

// An addon's secret is 24 random bytes, which are 32 characters in base64.
// oauth2-proxy, for its cookies, takes both lengths for a key of AES, so it does
// not matter whether it decodes what it reads; memberlist takes the first 32.
const (
	addonSecretBytes = 24
	addonSecretSize  = 32
)

// addonSecrets ensures what addons share among their own pods. A new one signs
// everybody out, or restarts the speakers, and does no other harm, so a lost one
// is made anew.
func (e *ensurer) addonSecrets(set *Set, b *batch) error {
	var err error
	if e.cluster.Addons.Auth != nil {
		if set.CookieSecret, err = e.addonSecret(b, cookieSecret); err != nil {
			return err
		}
	}
	if e.cluster.Addons.LoadBalancer != nil {
		set.MemberlistKey, err = e.addonSecret(b, memberlistKey)
	}
	return err
}

func (e *ensurer) addonSecret(b *batch, name string) ([]byte, error) {
	text, err := e.store.Read(name)
	if err != nil {
		return nil, err
	}
	if text == nil {
		key := make([]byte, addonSecretBytes)
		if _, err := io.ReadFull(e.rand, key); err != nil {
			return nil, fmt.Errorf("read a random key: %w", err)
		}
		text = []byte(base64.URLEncoding.EncodeToString(key) + "\n")
		b.add("new", File{name, text})
	}
	secret := bytes.TrimSpace(text)
	if len(secret) != addonSecretSize {
		return nil, fmt.Errorf("%s is not %d characters: remove it, and kbm makes a new one", shown(name), addonSecretSize)
	}
	return secret, nil
}
