package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// pinsFile is the lock: what upstream had when an artefact was first pulled.
// It stays when artefacts are removed or built instead, so that what is pulled
// later is the same again.
const pinsFile = "bundle.lock"

// Pin is what upstream had.
type Pin struct {
	// URL is upstream's own, also where a mirror was asked; for an image it is
	// the reference.
	URL string `json:"url"`
	// SHA256 is that of the file at URL, in hex.
	SHA256 string `json:"sha256,omitempty"`
	// File is the sha256 of what became of it in the bundle, where that is
	// another file: what was taken out of an archive, or an image's archive.
	File string `json:"file,omitempty"`
	// Digest is that of an image's manifest for the bundle's architecture. A tag
	// may gain other architectures without changing it.
	Digest string `json:"digest,omitempty"`
}

// pins are keyed by the artefact's name.
type pins map[string]Pin

// pinned is the form of the file.
type pinned struct {
	Kubernetes string `json:"kubernetes"`
	Arch       string `json:"arch"`
	Pins       pins   `json:"pins"`
}

// readPins gives no pins where there is no lock. A lock that cannot be read is
// an error: to go on without it would be to trust upstream anew.
func readPins(dir string, m Manifest) (pins, error) {
	data, err := os.ReadFile(filepath.Join(dir, pinsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return pins{}, nil
	}
	if err != nil {
		return nil, err
	}
	return decodePins(data, m)
}

func decodePins(data []byte, m Manifest) (pins, error) {
	var p pinned
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("read %s: %w", pinsFile, err)
	}
	if p.Kubernetes != m.Kubernetes || p.Arch != m.Arch {
		return nil, fmt.Errorf("%s is of kubernetes %s for %s, and the bundle of %s for %s", pinsFile, p.Kubernetes, p.Arch, m.Kubernetes, m.Arch)
	}
	if p.Pins == nil {
		p.Pins = pins{}
	}
	return p.Pins, nil
}

func (p pins) encode(m Manifest) ([]byte, error) {
	return encode(pinned{Kubernetes: m.Kubernetes, Arch: m.Arch, Pins: p})
}

// agree refuses what differs from what was pinned at the same place. What kbm
// makes of the same may change with kbm.
func (p pins) agree(name string, now Pin) error {
	was, ok := p[name]
	if !ok || was.URL != now.URL {
		return nil
	}
	for _, x := range [][2]string{{was.SHA256, now.SHA256}, {was.Digest, now.Digest}} {
		if x[0] != x[1] && x[0] != "" && x[1] != "" {
			return fmt.Errorf("%s: %s is now %s, and %s pinned %s: whoever publishes it has changed it, or a mirror is false; to accept it, remove %q from %s",
				name, now.URL, x[1], pinsFile, x[0], name, pinsFile)
		}
	}
	return nil
}

// holds tells whether an artefact that was pulled is what was pinned. The error
// goes on after its path.
func (p pins) holds(a Artefact) error {
	pin, ok := p[a.Name]
	switch {
	case a.Source == "":
		return nil // it was built
	case !ok:
		return fmt.Errorf("was pulled from %s, and %s does not have it", a.Source, pinsFile)
	case pin.URL != a.Source:
		return fmt.Errorf("was pulled from %s, and %s pinned %s", a.Source, pinsFile, pin.URL)
	}
	want := pin.File
	if want == "" {
		want = pin.SHA256
	}
	if a.SHA256 != want {
		return fmt.Errorf("has sha256 %s, and %s pinned %s", a.SHA256, pinsFile, want)
	}
	return nil
}
