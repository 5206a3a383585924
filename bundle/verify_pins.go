package bundle

import (
	"errors"
	"fmt"
)

// VerifyPins compares the manifest's sums of what was pulled, or of what of it
// is named, with the lock. It reads no artefact: that is Verify's work. It
// reports all faults at once, and how many it compared.
func (b *Bundle) VerifyPins(names ...string) (int, error) {
	artefacts, err := b.named(names)
	if err != nil {
		return 0, err
	}
	lock, err := readPins(b.dir, b.manifest)
	if err != nil {
		return 0, fmt.Errorf("bundle %s: %w", b.dir, err)
	}
	compared := 0
	var faults []error
	for _, a := range artefacts {
		if a.Source == "" {
			continue
		}
		compared++
		if err := lock.holds(a); err != nil {
			faults = append(faults, b.fault(a, err.Error()))
		}
	}
	return compared, errors.Join(faults...)
}
