package ignition

import (
	"fmt"
	"io/fs"

	"github.com/kbm-dev/kbm/cluster"
)

// Rendered is what belongs in build/<name>/.
type Rendered struct {
	Target Target
	// Main is the name of the file that a person hands to the machine.
	Main  string
	Files []RenderedFile
}

// RenderedFile is one file of it. Its name has no directory.
type RenderedFile struct {
	Name    string
	Content []byte
	// Carried follow the content: see Write.
	Carried []Artefact
	Mode    fs.FileMode
}

// Options say how a machine shall get its configuration.
type Options struct {
	OS     cluster.OS
	Target string // a name of Targets; the system's own unless set
	// Stage is Base, or Joined to embed everything but binaries and images.
	Stage Stage
	// Bundle has the medium carry these too.
	Bundle bool
}

// Renderer renders many machines, also at the same time. The zero value is ready.
type Renderer struct {
	iso isoWriter
}

// Render gives what a machine's target asks for, the configuration as a plain
// file, and a listing of the whole Machine that shows no secret. All but the
// last hold the machine's private keys.
func (r *Renderer) Render(m Machine, o Options) (Rendered, error) {
	if o.Target == "" {
		o.Target = o.OS.Media
	}
	t, err := FindTarget(o.Target)
	if err != nil {
		return Rendered{}, err
	}
	if wrong, right := t.refusal(o.OS); wrong != "" {
		return Rendered{}, fmt.Errorf("target %s for %s: it %s; %s", t.Name, m.Name, wrong, right)
	}
	var carried []Artefact
	if o.Bundle {
		if t.Output != ISO {
			return Rendered{}, fmt.Errorf("target %s for %s: it is a configuration by itself, which carries no binaries and images; leave them to kbm up, or choose a target with a volume (kbm media targets)", t.Name, m.Name)
		}
		carried = carriedBy(m)
		if m, err = takeFrom(m, t.Label); err != nil {
			return Rendered{}, fmt.Errorf("target %s for %s: %w", t.Name, m.Name, err)
		}
	}
	encoded, err := t.config(m, o)
	if err != nil {
		return Rendered{}, err
	}
	out := Rendered{Target: t, Main: t.MainFile(m.Name), Files: []RenderedFile{
		{Name: t.plainName(), Content: encoded, Mode: 0o600},
		{Name: "contents.txt", Content: m.Contents(t, o), Mode: 0o644},
	}}
	switch {
	case t.Output == ISO:
		image, err := r.image(m, t, encoded, carried)
		if err != nil {
			return Rendered{}, err
		}
		out.Files = append([]RenderedFile{{Name: out.Main, Content: image, Carried: carried, Mode: 0o600}}, out.Files...)
	case t.encode != nil:
		file, err := t.encode(encoded)
		if err != nil {
			return Rendered{}, fmt.Errorf("target %s for %s: %w", t.Name, m.Name, err)
		}
		out.Files = append([]RenderedFile{{Name: out.Main, Content: file, Mode: 0o600}}, out.Files...)
	}
	return out, t.checkSize(m.Name, out.Files[0].Content)
}

// config is the configuration in the target's format. Binaries and images are
// no part of it: they are larger than what a reader takes.
func (t Target) config(m Machine, o Options) ([]byte, error) {
	system := o.OS
	system.Format = t.Format
	m.Files = keep(m.Files, func(f File) bool { return f.Artefact == nil })
	return m.Encode(system, o.Stage)
}

func (r *Renderer) image(m Machine, t Target, encoded []byte, carried []Artefact) ([]byte, error) {
	files := map[string][]byte{}
	if t.beside != nil {
		var err error
		if files, err = t.beside(m); err != nil {
			return nil, fmt.Errorf("target %s for %s: %w", t.Name, m.Name, err)
		}
	}
	files[t.Paths[0]] = encoded
	return r.iso.begin(t.Label, files, carried)
}

// checkSize refuses what the reader would cut or not read at all.
func (t Target) checkSize(name string, content []byte) error {
	if t.Output == LiveISO {
		var err error
		if content, err = liveArchive(content); err != nil {
			return err
		}
	}
	if t.MaxSize == 0 || len(content) <= t.MaxSize || t.Output == ISO {
		return nil
	}
	return fmt.Errorf("target %s for %s: the configuration has %d bytes and at most %d are read; take files out of it, or choose a target without a limit (kbm media targets)",
		t.Name, name, len(content), t.MaxSize)
}

// plainName is the configuration as a file beside the medium, for installers
// that take one and for whoever wants to read it.
func (t Target) plainName() string {
	if t.Format == cluster.Ignition {
		return configName
	}
	return "user-data"
}

// Render renders one machine.
func Render(m Machine, o Options) (Rendered, error) { return new(Renderer).Render(m, o) }
