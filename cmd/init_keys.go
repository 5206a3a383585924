package cmd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// authorizedKeys reads public keys from the named files or, where none is
// named, from the user's own ~/.ssh/id_*.pub; one empty name means no keys. It
// returns the keys and the files that they came from.
func authorizedKeys(named []string) (keys, files []string, err error) {
	switch {
	case len(named) == 0:
		files, err = ownKeyFiles()
	case len(named) == 1 && named[0] == "":
	default:
		files = named
	}
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(home(file))
		if err != nil {
			return nil, nil, fmt.Errorf("--ssh-key: %w", err)
		}
		some, err := publicKeys(file, text)
		if err != nil {
			return nil, nil, err
		}
		keys = append(keys, some...)
	}
	return keys, files, nil
}

func ownKeyFiles() ([]string, error) {
	dir, err := os.UserHomeDir()
	if err != nil {
		// A build server may have no home: then there are no keys there.
		return nil, nil
	}
	all, err := filepath.Glob(filepath.Join(dir, ".ssh", "id_*.pub"))
	if err != nil {
		return nil, fmt.Errorf("look for SSH keys: %w", err)
	}
	keys := []string{}
	for _, file := range all {
		// ssh-keygen -s puts certificates beside the keys.
		if !strings.HasSuffix(file, "-cert.pub") {
			keys = append(keys, file)
		}
	}
	return keys, nil
}

// publicKeys reads the lines of a .pub or authorized_keys file.
func publicKeys(file string, text []byte) ([]string, error) {
	const right = "name a .pub file, or one like authorized_keys"
	if bytes.Contains(text, []byte("PRIVATE KEY")) {
		return nil, fmt.Errorf("--ssh-key %s holds a private key; %s", file, right)
	}
	keys := []string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err != nil {
			return nil, fmt.Errorf("--ssh-key %s holds a line that is no SSH public key; %s", file, right)
		}
		keys = append(keys, line)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("--ssh-key %s holds no key; %s", file, right)
	}
	return keys, nil
}

// home replaces ~/ at the start of a path: a shell leaves it alone behind an
// equals sign.
func home(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	dir, err := os.UserHomeDir()
	if !ok || err != nil {
		return path
	}
	return filepath.Join(dir, rest)
}
