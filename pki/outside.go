package pki

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Encrypted returns content as a file outside of the store must hold it that
// lies in the cluster's folder all the same: encrypted to secrets.recipients,
// and true, or as it is where none are set.
func (f *Files) Encrypted(content []byte) ([]byte, bool, error) {
	if len(f.encryptTo) == 0 {
		return content, false, nil
	}
	sealed, err := f.encrypt(content)
	return sealed, true, err
}

var (
	errNotForUs = errors.New("it is not encrypted to the identity given")
	errDamaged  = errors.New("it is not a whole age file")
)

// Decrypted returns what a file holds that somebody has encrypted with age,
// armored or not, inside of the store or out of it. It asks for the identities
// as Read does; errors do not name the file.
func (f *Files) Decrypted(sealed []byte) ([]byte, error) {
	identities, err := f.identities()
	switch {
	case err != nil:
		return nil, err
	case len(identities) == 0:
		return nil, errors.New("no identity was given")
	}
	var in io.Reader = bytes.NewReader(sealed)
	if bytes.HasPrefix(bytes.TrimSpace(sealed), []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	r, err := age.Decrypt(in, identities...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, errNotForUs
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return content, nil
}
