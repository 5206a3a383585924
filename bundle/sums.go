package bundle

import (
	"fmt"
	"path"
	"strings"
)

// sumOf finds the sha256 of a file in what sha256sum prints, or in a file that
// holds nothing but the hash, as dl.k8s.io has it. Other lines, such as those
// of a signature around the list, are passed over.
func sumOf(file, sums string) (string, error) {
	if alone := strings.ToLower(strings.TrimSpace(sums)); sha256Hex.MatchString(alone) {
		return alone, nil
	}
	for line := range strings.Lines(sums) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			continue
		}
		// A star before the name stands for "read as binary".
		hash, name := strings.ToLower(fields[0]), path.Base(strings.TrimPrefix(fields[1], "*"))
		if name == file && sha256Hex.MatchString(hash) {
			return hash, nil
		}
	}
	return "", fmt.Errorf("no sha256 of %s is in it", file)
}
