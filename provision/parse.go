package provision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// parseFacts reads what gather.sh prints: sections that begin with "= name".
func parseFacts(out []byte, dirs []string) (Facts, error) {
	f := Facts{
		OS: map[string]string{}, MACs: map[string]string{}, Disks: map[string]Disk{},
		Incoming: map[string]int64{}, Arrived: map[string]bool{}, Paths: map[string]Entry{}, Units: map[string]UnitState{},
	}
	sections, complete := splitSections(out)
	if !complete {
		return f, errors.New("the answer is cut short")
	}
	var errs []error
	errs = append(errs,
		f.parseClock(sections["clock"]),
		f.parseHost(sections["host"]),
		f.parseDisks(sections["disks"], dirs),
		f.parseInventory(sections["inventory"]),
		f.parseFiles(sections["files"], sections["hashes"], sections["links"]),
	)
	f.parseOS(sections["os"])
	f.parseAddresses(sections["addresses"])
	f.parseIncoming(sections["incoming"])
	f.parseUnits(sections["units"])
	return f, errors.Join(errs...)
}

func splitSections(out []byte) (sections map[string][]string, complete bool) {
	sections = map[string][]string{}
	name := ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "= "); ok {
			name = rest
			continue
		}
		sections[name] = append(sections[name], line)
	}
	return sections, name == "end"
}

// parseClock keeps the machine's time in ClockOffset until measureClock.
func (f *Facts) parseClock(lines []string) error {
	if len(lines) == 0 {
		return errors.New("no clock in the answer")
	}
	sec, frac, _ := strings.Cut(lines[0], ".")
	ns, err := strconv.ParseInt(sec+(frac + "000000000")[:9], 10, 64)
	if err != nil {
		return fmt.Errorf("clock %q: %w", lines[0], err)
	}
	f.ClockOffset = time.Duration(ns)
	return nil
}

func (f *Facts) parseOS(lines []string) {
	for _, line := range lines {
		if key, value, ok := strings.Cut(line, "="); ok {
			f.OS[key] = strings.Trim(value, `"'`)
		}
	}
}

func (f *Facts) parseDisks(lines, dirs []string) error {
	if len(lines) == 0 {
		return nil
	}
	if lines = lines[1:]; len(lines) != len(dirs) {
		return fmt.Errorf("df answered for %d of %d folders", len(lines), len(dirs))
	}
	for i, line := range lines {
		// The device may contain spaces; the last five columns do not, but for
		// the mount point, which nothing follows.
		at := strings.Index(line, "% ")
		fields := strings.Fields(line[:max(at, 0)])
		if len(fields) < 5 {
			return fmt.Errorf("df answered %q", line)
		}
		kib, err := strconv.ParseInt(fields[len(fields)-2], 10, 64)
		if err != nil {
			return fmt.Errorf("df answered %q: %w", line, err)
		}
		f.Disks[dirs[i]] = Disk{Mount: strings.TrimSpace(line[at+1:]), Free: kib << 10}
	}
	return nil
}

func (f *Facts) parseInventory(lines []string) error {
	text := []byte(strings.Join(lines, "\n"))
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, &f.Inventory); err != nil {
		return fmt.Errorf("%s: %w", inventoryPath, err)
	}
	return nil
}

func (f *Facts) parseIncoming(lines []string) {
	for _, line := range lines {
		size, name, _ := strings.Cut(line, " ")
		n, err := strconv.ParseInt(size, 10, 64)
		sum, partial := strings.CutSuffix(path.Base(name), ".part")
		switch {
		case err != nil:
		case partial:
			f.Incoming[sum] = n
		default:
			f.Arrived[sum] = true
		}
	}
}

func (f *Facts) parseUnits(lines []string) {
	block := map[string]string{}
	for _, line := range append(lines, "") {
		if key, value, ok := strings.Cut(line, "="); ok {
			block[key] = value
			continue
		}
		for _, name := range strings.Fields(block["Names"]) {
			f.Units[name] = UnitState{
				Load: block["LoadState"], Active: block["ActiveState"], Sub: block["SubState"],
				Enabled: block["UnitFileState"], NeedReload: block["NeedDaemonReload"] == "yes",
			}
		}
		block = map[string]string{}
	}
}
