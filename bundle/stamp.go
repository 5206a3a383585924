package bundle

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/kbm-dev/kbm/internal/atomicfile"
)

// stampFile remembers, beside the manifest, which files were found sound. It
// may be deleted at any time: Check then hashes everything once.
const stampFile = "verified.json"

// stamp is what a file looked like when its sha256 was last seen to be right.
type stamp struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Mtime  int64  `json:"mtime"` // nanoseconds since 1970
	Ctime  int64  `json:"ctime"` // nanoseconds since 1970
	Inode  uint64 `json:"inode"`
}

// stamps are keyed by the artefact's path in the bundle.
type stamps map[string]stamp

func stampOf(file string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return stamp{}, err
	}
	return stamp{Size: st.Size, Mtime: st.Mtim.Nano(), Ctime: st.Ctim.Nano(), Inode: st.Ino}, nil
}

// readStamps gives no stamps where they are missing or unreadable: the cost is
// a hash, never a wrong answer.
func readStamps(dir string) stamps {
	data, err := os.ReadFile(filepath.Join(dir, stampFile))
	if err != nil {
		return stamps{}
	}
	s := stamps{}
	if err := json.Unmarshal(data, &s); err != nil {
		return stamps{}
	}
	return s
}

// remember adds the stamps to those on disk.
func (s stamps) remember(dir string) error {
	all := readStamps(dir)
	before := maps.Clone(all)
	maps.Copy(all, s)
	if maps.Equal(before, all) {
		return nil
	}
	data, err := encode(all)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, stampFile), data, 0o644)
}
