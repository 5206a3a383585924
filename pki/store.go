package pki

import "path"

// Store keeps files by slash-separated paths such as etcd/ca.key.
type Store interface {
	// Read returns a file's content; nil, and no error, where there is none.
	Read(path string) ([]byte, error)
	// Write keeps all files or, on an error, none that was not whole before.
	// It makes them visible in the order given.
	Write(files ...File) error
	// Seal brings what is stored into the form that the spec asks for
	// (encrypted, and to whom), and returns what it changed.
	Seal() ([]Change, error)
}

// File is one file of a Store.
type File struct {
	Path    string
	Content []byte
}

// ReadOnly is a Store that keeps nothing: with it, Ensure plans. What is
// returned is what a real run would issue, up to keys and serial numbers.
type ReadOnly struct{ Store }

var _ Store = ReadOnly{}

// Write drops the files.
func (ReadOnly) Write(...File) error { return nil }

// Seal changes nothing.
func (ReadOnly) Seal() ([]Change, error) { return nil, nil }

// Below pki/, everything lies where its name says; a node's files are in a
// folder of its own.
const (
	saKey         = "sa.key"
	saPub         = "sa.pub"
	encryptionKey = "encryption.key"
	cookieSecret  = "cookie-secret.key"
	memberlistKey = "memberlist.key"
	sshHostCA     = "ssh/host-ca"
	sshUserCA     = "ssh/user-ca"
	sshHostKey    = "ssh_host_ed25519_key"
)

// Dir is the folder of the file store in a cluster's folder.
const Dir = "pki"

// NodeDir is the folder of a node's files in a cluster's folder.
func NodeDir(node string) string { return path.Join(Dir, "nodes", node) }

// base is the path of a pair below pki/, without .crt or .key.
func base(name Name, node string) string {
	if node == "" {
		return string(name)
	}
	return path.Join("nodes", node, string(name))
}

// shown is how messages name a stored file.
func shown(name string) string { return path.Join(Dir, name) }

func readPair(s Store, base string) (Pair, error) {
	cert, err := s.Read(base + ".crt")
	if err != nil {
		return Pair{}, err
	}
	key, err := s.Read(base + ".key")
	return Pair{Cert: cert, Key: key}, err
}
