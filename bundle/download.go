package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// remoteFile is a file to be downloaded, and what it has to be.
type remoteFile struct {
	url    string
	sha256 string
	size   int64  // bytes; 0 where it is not known
	said   string // who says what the sha256 is
	// owner is whose file it is alone, and will be moved; empty for one that
	// several share. It comes before the sha256 in the name.
	owner string
}

func (f remoteFile) name() string {
	if f.owner == "" {
		return f.sha256
	}
	return f.owner + "-" + f.sha256
}

// downloader fetches files into a folder.
type downloader struct {
	dir   string
	limit time.Duration // for a server that sends nothing
	pause time.Duration // after the first fault
	busy  *sync.Map     // of *sync.Mutex by name: two images may share a layer
}

// teller is told of one download.
type teller interface {
	bytes(done, total int64)
	waits(detail string)
}

// fetch returns the file, downloaded and verified. What an earlier attempt
// brought is gone on with, for the part is named by what it shall become. A
// file that is not what it should be is not kept.
func (d downloader) fetch(ctx context.Context, via http.RoundTripper, f remoteFile, tell teller) (string, error) {
	mutex, _ := d.busy.LoadOrStore(f.name(), new(sync.Mutex))
	one, _ := mutex.(*sync.Mutex)
	one.Lock()
	defer one.Unlock()
	file := filepath.Join(d.dir, f.name())
	if info, err := os.Stat(file); err == nil {
		tell.bytes(info.Size(), info.Size())
		return file, nil
	}
	part := file + ".part"
	resumed := sizeOf(part) > 0
	err := d.complete(ctx, via, f, part, tell)
	var wrong wrongSumError
	if status, ok := statusOf(err); resumed && (errors.As(err, &wrong) || ok && status == http.StatusRequestedRangeNotSatisfiable) {
		// The beginning may be at fault: the disk's, or an old kbm's.
		if err := os.RemoveAll(part); err != nil {
			return "", localError{err}
		}
		err = d.complete(ctx, via, f, part, tell)
	}
	if err != nil {
		return "", err
	}
	if err := os.Rename(part, file); err != nil {
		return "", localError{err}
	}
	return file, nil
}

// complete brings the rest of the part and verifies the whole. Only what may be
// gone on with stays on the disk.
func (d downloader) complete(ctx context.Context, via http.RoundTripper, f remoteFile, part string, tell teller) error {
	p := patience{pause: d.pause, tell: tell.waits}
	err := p.try(ctx, func(ctx context.Context) (int64, error) { return d.attempt(ctx, via, f, part, tell) })
	var local localError
	if errors.As(err, &local) {
		return errors.Join(err, os.RemoveAll(part))
	}
	if err != nil {
		return err
	}
	sum, err := hashFile(ctx, part)
	if err != nil {
		return localError{err}
	}
	if sum != f.sha256 {
		return errors.Join(wrongSumError{f, sum}, os.Remove(part))
	}
	return nil
}

// wrongSumError says that a file is not what it should be.
type wrongSumError struct {
	file remoteFile
	got  string
}

func (e wrongSumError) Error() string {
	return fmt.Sprintf("%s has sha256 %s, and %s says %s: nothing of it was kept", e.file.url, e.got, e.file.said, e.file.sha256)
}

// attempt is one request. It returns how many bytes it brought.
func (d downloader) attempt(ctx context.Context, via http.RoundTripper, f remoteFile, part string, tell teller) (int64, error) {
	out, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, localError{err}
	}
	got, err := d.goOn(ctx, via, f, out, tell)
	if err == nil {
		err = asLocal(out.Sync())
	}
	return got, errors.Join(err, asLocal(out.Close()))
}

func (d downloader) goOn(ctx context.Context, via http.RoundTripper, f remoteFile, out *os.File, tell teller) (int64, error) {
	offset, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, localError{err}
	}
	if f.size > 0 && offset == f.size {
		return 0, nil
	}
	ctx, got, stop := watch(ctx, hostIn(f.url), d.limit, tell.waits)
	defer stop()
	resp, err := ask(ctx, via, f, offset)
	if err != nil {
		return 0, because(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	start, total, err := begins(resp, f.url, offset)
	if err != nil || start == total {
		return 0, err
	}
	if start != offset {
		if _, err := out.Seek(start, io.SeekStart); err != nil {
			return 0, localError{err}
		}
		if err := out.Truncate(start); err != nil {
			return 0, localError{err}
		}
	}
	_, err = io.Copy(localWriter{out}, &counted{resp.Body, got, func(n int64) { tell.bytes(start+n, total) }})
	return got.Load(), because(ctx, err)
}
