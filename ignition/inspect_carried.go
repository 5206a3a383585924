package ignition

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// FoundBundle is what a volume carries of a bundle.
type FoundBundle struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Faults are files that the machine would refuse, with the reason.
	Faults []string `json:"faults,omitempty"`
}

// checkCarried compares what a volume carries as the machine will: what is
// damaged there is refused after the machine was started, where nobody looks.
func (f *Found) checkCarried(v *Volume) error {
	for _, m := range f.Machines {
		if m.carried == nil {
			continue
		}
		f.Bundle = &FoundBundle{}
		for line := range strings.Lines(string(m.carried)) {
			if err := f.Bundle.check(v, line); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *FoundBundle) check(v *Volume, line string) error {
	var sum, name, mode, path string
	if _, err := fmt.Sscanf(line, "%s %s %s %s\n", &sum, &name, &mode, &path); err != nil {
		return fmt.Errorf("%s: a line is damaged", carriedFile)
	}
	b.Files++
	file, ok := v.Find(BundleDir + "/" + name)
	if !ok {
		b.Faults = append(b.Faults, path+": the volume has no "+BundleDir+"/"+name)
		return nil
	}
	b.Bytes += file.Size
	got := sha256.New()
	if n, err := io.Copy(got, v.Open(file)); err != nil || n != file.Size {
		b.Faults = append(b.Faults, path+": the image is cut short")
	} else if hex.EncodeToString(got.Sum(nil)) != sum {
		b.Faults = append(b.Faults, path+": its content is damaged")
	}
	return nil
}
