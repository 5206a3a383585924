package pki

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
)

// The encryption key's length: what secretbox takes.
const encryptionKeySize = 32

const restore = "restore it from a backup"

// ensureRoots ensures everything that is made once in a cluster's life.
func (e *ensurer) ensureRoots(set *Set, b *batch) error {
	e.authorities = map[Name]*authority{}
	begun, err := e.begun()
	if err != nil {
		return err
	}
	for _, p := range roots(e.cluster) {
		if set.pairs[p.name], err = e.authority(b, p, begun); err != nil {
			return err
		}
	}
	if err := e.serviceAccount(set, b, begun); err != nil {
		return err
	}
	if set.EncryptionKey, err = e.encryptionKey(b, begun); err != nil {
		return err
	}
	if err := e.addonSecrets(set, b); err != nil {
		return err
	}
	if set.SSHHostCA, err = e.sshCA(b, sshHostCA, "host", begun); err != nil {
		return err
	}
	if set.SSHUserCA, err = e.sshCA(b, sshUserCA, "user", begun); err != nil {
		return err
	}
	e.hostCA, err = parseSSHPrivate(set.SSHHostCA.Private)
	return err
}

// begun finds a certificate of the cluster, "" when there is none. Where there
// is one, machines may trust the roots already, and a root that is missing is
// lost and not yet to be made: roots are written first.
func (e *ensurer) begun() (string, error) {
	for _, p := range leaves(e.cluster, nil) {
		name := base(p.name, "") + ".crt"
		cert, err := e.store.Read(name)
		if err != nil {
			return "", err
		}
		if cert != nil {
			return shown(name), nil
		}
	}
	return "", nil
}

func lost(name, begun string) error {
	return fmt.Errorf("%s is missing, though %s exists: %s, or remove the folder %s to begin anew with a cluster that is not running yet",
		shown(name), begun, restore, Dir)
}

func (e *ensurer) authority(b *batch, p profile, begun string) (Pair, error) {
	at := base(p.name, "")
	pair, err := readPair(e.store, at)
	if err != nil {
		return Pair{}, err
	}
	switch {
	case pair.Cert != nil && pair.Key == nil:
		return Pair{}, fmt.Errorf("%s.key is missing, and without it kbm can issue nothing: %s", shown(at), restore)
	case pair.Cert == nil && begun != "" && p.when == nil:
		return Pair{}, lost(at+".crt", begun)
	case pair.Cert == nil: // a key alone is what a crash leaves
		if pair, err = issue(p.request(e.cluster, nil), nil, e.now, e.rand); err != nil {
			return Pair{}, fmt.Errorf("issue %s.crt: %w", shown(at), err)
		}
		b.addPair("new", at, pair)
	}
	e.authorities[p.name], err = checkCA(pair, e.now)
	if err != nil {
		return Pair{}, fmt.Errorf("%s.crt: %w: %s", shown(at), err, restore)
	}
	return pair, nil
}

func (e *ensurer) serviceAccount(set *Set, b *batch, begun string) error {
	pair, err := readServiceAccount(e.store)
	if err != nil {
		return err
	}
	switch {
	case pair.Key == nil && pair.Cert != nil:
		return fmt.Errorf("%s is missing, and without it no token is valid: %s", shown(saKey), restore)
	case pair.Key == nil && begun != "":
		return lost(saKey, begun)
	case pair.Key == nil:
		key, err := algorithm(e.cluster.PKI.Algorithm).generate(e.rand)
		if err != nil {
			return err
		}
		if pair.Key, err = marshalKey(key); err != nil {
			return err
		}
	}
	public, err := checkServiceAccount(pair)
	if err != nil {
		return fmt.Errorf("%w: %s", err, restore)
	}
	if pair.Cert == nil {
		b.add("new", File{saKey, pair.Key}, File{saPub, public})
	}
	set.ServiceAccount.Private, set.ServiceAccount.Public = pair.Key, public
	return nil
}

// readServiceAccount reads the service account's key pair, the public key in
// the certificate's place.
func readServiceAccount(s Store) (Pair, error) {
	public, err := s.Read(saPub)
	if err != nil {
		return Pair{}, err
	}
	key, err := s.Read(saKey)
	return Pair{Cert: public, Key: key}, err
}

// checkServiceAccount returns the public key as it was stored or, where it was
// not, as it follows from the private key.
func checkServiceAccount(pair Pair) ([]byte, error) {
	key, err := parseKey(pair.Key)
	if err != nil {
		return nil, fmt.Errorf("%s is %w", shown(saKey), err)
	}
	public, err := marshalPublic(key.Public())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(saKey), err)
	}
	if pair.Cert == nil {
		return public, nil
	}
	if stored, err := parsePublic(pair.Cert); err != nil {
		return nil, fmt.Errorf("%s is %w", shown(saPub), err)
	} else if !samePublic(key.Public(), stored) {
		return nil, fmt.Errorf("%s does not belong to %s", shown(saPub), shown(saKey))
	}
	return pair.Cert, nil
}

func (e *ensurer) encryptionKey(b *batch, begun string) ([]byte, error) {
	text, err := e.store.Read(encryptionKey)
	if err != nil {
		return nil, err
	}
	if text == nil {
		if begun != "" {
			return nil, lost(encryptionKey, begun)
		}
		key := make([]byte, encryptionKeySize)
		if _, err := io.ReadFull(e.rand, key); err != nil {
			return nil, fmt.Errorf("read a random key: %w", err)
		}
		b.add("new", File{encryptionKey, []byte(base64.StdEncoding.EncodeToString(key) + "\n")})
		return key, nil
	}
	// The decoder's error is dropped: it would tell about the key.
	key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != encryptionKeySize {
		return nil, fmt.Errorf("%s is not %d bytes in base64: %s", shown(encryptionKey), encryptionKeySize, restore)
	}
	return key, nil
}
