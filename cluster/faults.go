package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong in a cluster's folder.
type Fault struct {
	// File is relative to the cluster's folder, such as nodes/w1.yaml.
	File string `json:"file"`
	// Path is the YAML path, such as network.podCIDR or taints[0].effect;
	// "line 3" where the file is not YAML at all; empty for a whole file.
	Path string `json:"path,omitempty"`
	// Value is what was found; empty when something is missing, or must not be shown.
	Value string `json:"value,omitempty"`
	// Wrong says what is wrong, and Right what would be right.
	Wrong string `json:"wrong"`
	Right string `json:"right"`
}

// String puts the fault on one line: where, what is wrong, what would be right.
func (f Fault) String() string {
	var s strings.Builder
	s.WriteString(f.File)
	if f.Path != "" {
		s.WriteString(": " + f.Path)
	}
	s.WriteString(": ")
	if f.Value != "" {
		fmt.Fprintf(&s, "%q ", f.Value)
	}
	s.WriteString(f.Wrong)
	if f.Right != "" {
		s.WriteString("; " + f.Right)
	}
	return s.String()
}

// Faults is every fault of a folder, found in one pass. It is the error of a
// spec that cannot be used.
type Faults []Fault

// Error is one fault a line, in the order of Sort.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].String()
	}
	return strings.Join(lines, "\n")
}

// Sort orders faults by file, then by path.
func (f Faults) Sort() {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Path, b.Path))
	})
}

// Err is nil when there is no fault: a nil Faults in an error is not nil.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// checker collects the faults of one file, or of a section of it.
type checker struct {
	file   string
	faults *Faults
	// section is the path that all others are relative to; empty for the file.
	section string
}

func (k checker) add(path, value, wrong, right string) {
	*k.faults = append(*k.faults, Fault{File: k.file, Path: k.at(path), Value: showable(value), Wrong: wrong, Right: right})
}

// in checks a section, or an item of a list.
func (k checker) in(path string, index ...int) checker {
	k.section = k.at(path)
	for _, i := range index {
		k.section += fmt.Sprintf("[%d]", i)
	}
	return k
}

func (k checker) at(path string) string {
	if k.section == "" || path == "" {
		return k.section + path
	}
	return k.section + "." + path
}

func (k checker) missing(path, right string) {
	k.add(path, "", "is missing", right)
}

// showable cuts a value to what helps to find it, and never repeats a private
// key that was pasted into the wrong place.
func showable(value string) string {
	const enough = 64
	if strings.Contains(value, "PRIVATE KEY") || strings.Contains(value, "SECRET-KEY") {
		return ""
	}
	if len(value) > enough {
		return strings.ToValidUTF8(value[:enough], "") + "…"
	}
	return value
}
