package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
)

// sumsLimit is far above the size of any file of checksums, in bytes.
const sumsLimit = 1 << 20

// file fetches a program, or an archive and the programs in it.
func (p *puller) file(ctx context.Context, j job, t *tally) error {
	sum, err := p.published(ctx, j.from, t)
	if err != nil {
		return err
	}
	pin := Pin{URL: j.from.URL, SHA256: sum}
	if err := p.agree(j.rows, pin); err != nil {
		return err
	}
	file, err := p.down.fetch(ctx, p.via, remoteFile{
		url: p.Mirrors.of(j.from.URL), sha256: sum, said: p.Mirrors.of(j.from.Sums), owner: j.rows[0].Name,
	}, t)
	if err != nil {
		return err
	}
	if j.from.Member == "" {
		return p.keep(ctx, j.rows[0], file, pin)
	}
	if err := p.unpack(ctx, j, file, pin); err != nil {
		return err
	}
	return asLocal(os.Remove(file))
}

// published is the sha256 that upstream publishes beside a file.
func (p *puller) published(ctx context.Context, from upstream, t *tally) (sum string, err error) {
	address := p.Mirrors.of(from.Sums)
	var text []byte
	err = patience{pause: p.pause, tell: t.waits}.try(ctx, func(ctx context.Context) (int64, error) {
		ctx, _, stop := watch(ctx, hostIn(address), p.Timeout, t.waits)
		defer stop()
		resp, err := ask(ctx, p.via, remoteFile{url: address}, 0)
		if err != nil {
			return 0, because(ctx, err)
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			_, _, err := begins(resp, address, 0)
			return 0, err
		}
		text, err = io.ReadAll(io.LimitReader(resp.Body, sumsLimit))
		return 0, because(ctx, err)
	})
	if err != nil {
		return "", err
	}
	if sum, err = sumOf(path.Base(from.URL), string(text)); err != nil {
		return "", fmt.Errorf("%s: %w", address, err)
	}
	return sum, nil
}

// unpack takes the rows' programs out of their archive.
func (p *puller) unpack(ctx context.Context, j job, archive string, pin Pin) (err error) {
	aside, err := os.MkdirTemp(p.down.dir, "members-")
	if err != nil {
		return localError{err}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	to := map[string]string{}
	for _, row := range j.rows {
		from, err := row.upstream(p.Arch)
		if err != nil {
			return err
		}
		to[from.Member] = filepath.Join(aside, row.Name)
	}
	if err := extract(ctx, archive, to); err != nil {
		return fmt.Errorf("unpack %s: %w", j.from.URL, err)
	}
	for _, row := range j.rows {
		file := filepath.Join(aside, row.Name)
		if pin.File, err = hashFile(ctx, file); err != nil {
			return localError{err}
		}
		if err := p.keep(ctx, row, file, pin); err != nil {
			return err
		}
	}
	return nil
}
