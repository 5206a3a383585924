package provision

import (
	"fmt"
	"strconv"
	"strings"
)

// parseFiles joins the lines of stat, sha256sum and readlink by path.
func (f *Facts) parseFiles(stats, hashes, links []string) error {
	sums := map[string]string{}
	for _, line := range hashes {
		if sum, path, ok := strings.Cut(line, "  "); ok {
			sums[path] = sum
		}
	}
	for _, line := range stats {
		if line == "" {
			continue
		}
		e, path, err := parseStat(line)
		if err != nil {
			return fmt.Errorf("stat answered %q: %w", line, err)
		}
		e.SHA256 = sums[path]
		if e.Type == SymbolicLink && len(links) > 0 {
			e.Target, links = links[0], links[1:]
		}
		f.Paths[strings.TrimSuffix(path, "/")] = e
	}
	return nil
}

func parseStat(line string) (Entry, string, error) {
	fields := strings.SplitN(line, " ", 8)
	if len(fields) != 8 {
		return Entry{}, "", fmt.Errorf("%d columns, not 8", len(fields))
	}
	raw, err := strconv.ParseUint(fields[0], 16, 32)
	if err != nil {
		return Entry{}, "", err
	}
	size, err := strconv.ParseInt(fields[3], 10, 64)
	if err != nil {
		return Entry{}, "", err
	}
	e := Entry{Mode: uint32(raw & 0o7777), Owner: fields[1], Group: fields[2], Size: size}
	switch raw & 0o170000 { // S_IFMT, inode(7)
	case 0o100000:
		e.Type = RegularFile
	case 0o040000:
		e.Type = Directory
	case 0o120000:
		e.Type = SymbolicLink
	default:
		e.Type = Other
	}
	return e, fields[7], nil
}
