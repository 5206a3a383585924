package ignition

import (
	"io/fs"

	"github.com/kbm-dev/kbm/cluster"
)

// Rendered is what belongs in build/<name>/.
type Rendered struct {
	Files []RenderedFile
}

// RenderedFile is one file of it. Its name has no directory.
type RenderedFile struct {
	Name    string
	Content []byte
	Mode    fs.FileMode
}

// Target says how a machine shall get its configuration.
type Target struct {
	OS     cluster.OS
	Medium string // a name of Media; the system's own unless set
	Stage  Stage  // Base, or Joined to embed all secrets
}

// Renderer renders many machines, also at the same time. The zero value is ready.
type Renderer struct {
	iso isoWriter
}

// Render gives a machine's medium, what is on it as a plain file (for
// installers that take one, such as flatcar-install and coreos-installer), and
// a listing of the whole Machine that shows no secret. The first two hold the
// machine's private keys.
func (r *Renderer) Render(m Machine, t Target) (Rendered, error) {
	if t.Medium == "" {
		t.Medium = defaultMedium(t.OS)
	}
	medium, err := findMedium(t.Medium)
	if err != nil {
		return Rendered{}, err
	}
	encoded, err := m.Encode(t.OS, t.Stage)
	if err != nil {
		return Rendered{}, err
	}
	files, err := medium.contents(m, t.OS, encoded)
	if err != nil {
		return Rendered{}, err
	}
	image, err := r.iso.write(medium.Label, files)
	if err != nil {
		return Rendered{}, err
	}
	plain := "config.ign"
	if t.OS.Format == cluster.CloudConfig {
		plain = "user-data"
	}
	return Rendered{Files: []RenderedFile{
		{Name: m.Name + ".iso", Content: image, Mode: 0o600},
		{Name: plain, Content: encoded, Mode: 0o600},
		{Name: "contents.txt", Content: m.Contents(medium, t), Mode: 0o644},
	}}, nil
}

// Render renders one machine.
func Render(m Machine, t Target) (Rendered, error) { return new(Renderer).Render(m, t) }
