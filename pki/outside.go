package pki

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
