package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/kbm-dev/kbm/bundle"
)

// sumsFile is where kbm, on a machine, remembers the sums of large files, so as
// to read them once; provision/scripts/gather.sh tells the format. The copies of
// a stock have times of their own. A line that does not fit is passed over.
const sumsFile = "var/lib/kbm/stat-cache"

// keepOnly removes every file that is not, to the last byte, of the bundle: a
// person may have put others in the same folders. It remembers the sums of all
// others as the machines do.
func (s Stock) keepOnly(m bundle.Manifest) error {
	ofBundle := map[string]bool{}
	for _, a := range m.Artefacts {
		ofBundle[a.SHA256] = true
	}
	var sums strings.Builder
	err := filepath.WalkDir(s.root(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return os.Remove(path)
		}
		sum, err := sumOf(path)
		if err != nil {
			return err
		}
		if !ofBundle[sum] {
			return os.Remove(path)
		}
		st, err := statOf(info)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(&sums, "%s %d %d.%09d %d.%09d %d %s\n", sum, st.Size, st.Mtim.Sec, st.Mtim.Nsec, st.Ctim.Sec, st.Ctim.Nsec, st.Ino, strings.TrimPrefix(path, s.root()))
		return nil
	})
	if err != nil {
		return err
	}
	if sums.Len() == 0 {
		return errors.New("it holds nothing of this bundle: kbm push brings it")
	}
	return os.WriteFile(filepath.Join(s.root(), sumsFile), []byte(sums.String()), 0o644)
}

func sumOf(path string) (sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func statOf(info fs.FileInfo) (*syscall.Stat_t, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("%s: the system tells no numbers of it", info.Name())
	}
	return st, nil
}
