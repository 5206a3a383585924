package ignition

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// Found is what a machine would see of a medium. It holds no secret.
type Found struct {
	// Kind is iso, live-iso or file.
	Kind  Output `json:"kind"`
	Label string `json:"label,omitempty"`
	// Files are the paths on a volume.
	Files  []string       `json:"files,omitempty"`
	Format cluster.Format `json:"format,omitempty"`
	// Targets are those whose reader would take it, of a file as it is or on
	// their volume. Ignored says why none does.
	Targets []string `json:"targets"`
	Ignored string   `json:"ignored,omitempty"`
	// Machines are one, or those among which a stick chooses.
	Machines []FoundMachine `json:"machines"`
	// Bundle is set where binaries and images are on the volume.
	Bundle *FoundBundle `json:"bundle,omitempty"`

	anyDialect bool // of cloud-config
}

// plainMax bounds what is read of a file that is no image, in bytes.
const plainMax = 64 << 20

// Inspect reads a medium back: an image, or a configuration by itself.
func Inspect(r io.ReaderAt, size int64) (Found, error) {
	magic := make([]byte, 6)
	if _, err := r.ReadAt(magic, isoDescriptor); err == nil && string(magic) == "\x01CD001" {
		live, err := OpenLive(r, size)
		if err == nil {
			return inspectLive(live)
		}
		// A stick is larger than what was written to it.
		space, err := readAt(r, isoDescriptor+isoVolumeSpace, 4)
		if err != nil {
			return Found{}, err
		}
		return inspectISO(io.NewSectionReader(r, 0, int64(binary.LittleEndian.Uint32(space))*isoSector))
	}
	switch {
	case size == 0:
		return Found{}, errors.New("it is empty")
	case size > plainMax:
		return Found{}, fmt.Errorf("it is neither an ISO 9660 image nor a configuration: it has %d bytes", size)
	}
	content, err := readAt(r, 0, size)
	if err != nil {
		return Found{}, err
	}
	return inspectFile(content)
}

func inspectLive(live *Live) (Found, error) {
	f := Found{Kind: LiveISO, Targets: []string{}, Machines: []FoundMachine{}}
	config, err := live.Config()
	if err != nil {
		return f, err
	}
	if config == nil {
		f.Ignored = "it is a live ISO with no configuration in it: kbm render NODE --live-iso makes a copy that has one"
		return f, nil
	}
	if err := f.read(config); err != nil {
		return f, err
	}
	f.match(func(t Target) bool { return t.Output == LiveISO && t.Format == f.Format })
	return f, nil
}

func inspectISO(r io.ReaderAt) (Found, error) {
	f := Found{Kind: ISO, Targets: []string{}, Machines: []FoundMachine{}}
	v, err := OpenISO(r)
	if err != nil {
		return f, err
	}
	f.Label = v.Label
	for _, file := range v.Files {
		f.Files = append(f.Files, file.Path)
	}
	slices.Sort(f.Files)
	var sought []string
	labelled := false
	for _, t := range Targets() {
		if t.Output != ISO {
			continue
		}
		sought = append(sought, t.Label)
		if !t.takesLabel(v.Label) {
			continue
		}
		labelled = true
		config, ok := v.Find(t.Paths[0])
		switch {
		case !ok:
			f.Ignored = fmt.Sprintf("it has no %s, where a machine that reads a volume labelled %s looks", t.Paths[0], v.Label)
			continue
		case f.Format == "":
			content, err := v.Read(config)
			if err == nil {
				err = f.read(content)
			}
			if err != nil {
				return f, fmt.Errorf("%s: %w", t.Paths[0], err)
			}
		}
		switch missing := t.missing(v); {
		case !f.readBy(t):
		case missing != "":
			f.Ignored = fmt.Sprintf("it has no %s, without which %s takes no volume", missing, t.Reader)
		default:
			f.Targets = append(f.Targets, t.Name)
		}
	}
	switch {
	case !labelled:
		slices.Sort(sought)
		f.Ignored = fmt.Sprintf("no machine looks for a volume labelled %q, only for %s", v.Label, strings.Join(slices.Compact(sought), ", "))
	case len(f.Targets) > 0:
		f.Ignored = ""
	case f.Ignored == "":
		f.Ignored = fmt.Sprintf("it holds %s, which nothing reads from a volume labelled %s", f.Format, v.Label)
	}
	return f, f.checkCarried(v)
}

func inspectFile(content []byte) (Found, error) {
	f := Found{Kind: Raw, Targets: []string{}, Machines: []FoundMachine{}}
	if bytes.HasPrefix(content, []byte("age-encryption.org/")) {
		return f, errors.New("it is encrypted: kbm render NODE --out FILE writes the plain medium")
	}
	packed := false
	if config, ok := unpackGuestinfo(content); ok {
		content, packed = config, true
	}
	if err := f.read(content); err != nil {
		return f, err
	}
	f.match(func(t Target) bool {
		return t.Output == Raw && f.readBy(t) && (t.encode != nil) == packed
	})
	if len(f.Targets) == 0 { // what lies beside an ISO, and is the same as on it
		f.match(func(t Target) bool { return t.Output == ISO && f.readBy(t) })
	}
	return f, nil
}

func (f *Found) match(takes func(Target) bool) {
	for _, t := range Targets() {
		if takes(t) {
			f.Targets = append(f.Targets, t.Name)
		}
	}
}

// takesLabel: blkid's users look for a label as it is, and some of them for it
// in upper case too.
func (t Target) takesLabel(label string) bool {
	return label == t.Label || t.anyCase && label == strings.ToUpper(t.Label)
}

// readBy tells whether the target's reader takes the format.
func (f *Found) readBy(t Target) bool {
	return t.Format == f.Format || f.anyDialect && t.Format == cluster.CoreOSCloudConfig
}

// missing is the first path that the reader insists on and that is not there.
func (t Target) missing(v *Volume) string {
	for _, name := range t.Paths[:max(t.required, 1)] {
		if _, ok := v.Find(name); !ok {
			return name
		}
	}
	return ""
}

func unpackGuestinfo(content []byte) ([]byte, bool) {
	packed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(content)))
	if err != nil {
		return nil, false
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, false
	}
	config, err := io.ReadAll(io.LimitReader(r, plainMax))
	return config, err == nil
}
