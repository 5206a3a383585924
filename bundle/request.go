package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// ask sends the request for what lies behind offset.
func ask(ctx context.Context, via http.RoundTripper, f remoteFile, offset int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		return nil, localError{err}
	}
	switch {
	case offset > 0 && f.size > offset:
		// Some registries know no range without an end.
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, f.size-1))
	case offset > 0 && f.size == 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := (&http.Client{Transport: via}).Do(req)
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// begins reads from an answer at which byte it starts, and how many the file
// has: -1 where the server does not say. Both are equal if nothing is missing.
func begins(resp *http.Response, address string, offset int64) (start, total int64, err error) {
	switch resp.StatusCode {
	case http.StatusOK:
		return 0, resp.ContentLength, nil
	case http.StatusPartialContent:
		_, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &start)
		if err != nil || start > offset {
			return 0, 0, fmt.Errorf("%s: asked for what follows byte %d, the server sends %q", address, offset, resp.Header.Get("Content-Range"))
		}
		return start, start + resp.ContentLength, nil
	case http.StatusRequestedRangeNotSatisfiable:
		_, size, _ := strings.Cut(resp.Header.Get("Content-Range"), "*/")
		if size == strconv.FormatInt(offset, 10) {
			return offset, offset, nil // it had come whole before it was cut
		}
	}
	after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return 0, 0, statusError{url: address, status: resp.StatusCode, after: time.Duration(after) * time.Second}
}

// because prefers the reason for which a request was cut off. It stands even
// without an error: a server may end its answer well when it is hung up on.
func because(ctx context.Context, err error) error {
	var slow slowError
	if errors.As(context.Cause(ctx), &slow) {
		return slow
	}
	return err
}

func hostIn(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host
}

func sizeOf(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// counted counts what is read.
type counted struct {
	r    io.Reader
	got  *atomic.Int64
	tell func(n int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if n > 0 {
		c.tell(c.got.Add(int64(n)))
	}
	return n, err
}

// localWriter tells the disk's faults from those of the network.
type localWriter struct{ w io.Writer }

func (l localWriter) Write(p []byte) (int, error) {
	n, err := l.w.Write(p)
	return n, asLocal(err)
}

func asLocal(err error) error {
	if err == nil {
		return nil
	}
	return localError{err}
}
