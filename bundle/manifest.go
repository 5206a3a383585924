package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
)

// manifestFile is the manifest's name in the bundle's folder.
const manifestFile = "manifest.json"

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Manifest says what a bundle holds, in the order in which it is built.
type Manifest struct {
	Kubernetes string     `json:"kubernetes"` // v1.37.1
	OS         string     `json:"os"`
	Arch       string     `json:"arch"` // in Go's spelling: amd64
	Artefacts  []Artefact `json:"artefacts"`
}

func readManifest(dir string) (Manifest, error) {
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return Manifest{}, err
	}
	return decodeManifest(data)
}

func decodeManifest(data []byte) (Manifest, error) {
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("read %s: %w", manifestFile, err)
	}
	return m, m.check()
}

// check refuses what would lead outside the folder or could not be verified: a
// bundle may have been copied from another machine.
func (m Manifest) check() error {
	seen := map[string]bool{}
	for _, a := range m.Artefacts {
		switch {
		case a.Name == "" || seen[a.Name]:
			return fmt.Errorf("%s: the name %q is empty or there twice", manifestFile, a.Name)
		case !filepath.IsLocal(filepath.FromSlash(a.Path)) || path.Clean(a.Path) != a.Path:
			return fmt.Errorf("%s: %s: the path %q leads out of the bundle", manifestFile, a.Name, a.Path)
		case !sha256Hex.MatchString(a.SHA256):
			return fmt.Errorf("%s: %s: %q is not a sha256 in lower-case hex", manifestFile, a.Name, a.SHA256)
		case (a.Kind == Image) != (a.Image != ""):
			return fmt.Errorf("%s: %s: kind %s and image %q do not fit", manifestFile, a.Name, a.Kind, a.Image)
		}
		seen[a.Name] = true
	}
	return nil
}

// encode gives the JSON form: indented, one trailing newline.
func encode(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}
