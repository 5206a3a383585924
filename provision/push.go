package provision

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/kbm-dev/kbm/ignition"
)

// consignment is an artefact and how many bytes of it the machine has already.
type consignment struct {
	ignition.Artefact
	offset int64
}

func (c consignment) rest() int64 { return c.Size - c.offset }

// share parts what is to be sent into at most n streams of about the same
// length. No stream is empty.
func share(all []consignment, n int) [][]consignment {
	slices.SortStableFunc(all, func(a, b consignment) int { return cmp.Compare(b.rest(), a.rest()) })
	streams, lengths := make([][]consignment, min(n, len(all))), make([]int64, min(n, len(all)))
	for _, c := range all {
		i := slices.Index(lengths, slices.Min(lengths))
		streams[i] = append(streams[i], c)
		lengths[i] += c.rest() + 1 // what is only to be verified is work, too
	}
	return streams
}

// pusher sends artefacts to one machine.
type pusher struct {
	host   Host
	node   string
	source ArtefactSource
	count  *counter
}

// push sends artefacts one after the other in one session, and where the
// machine finds fault with one, goes on in another with that one made good.
func (p *pusher) push(ctx context.Context, all []consignment) error {
	for asked := (*ignition.Artefact)(nil); ; {
		arrived, err := p.send(ctx, all)
		if err == nil || arrived >= len(all) {
			return err
		}
		all = all[arrived:]
		c := &all[0]
		have, another := answer(err, sizeDiffers)
		sum, wrong := answer(err, sumDiffers)
		switch {
		case another && asked != &c.Artefact:
			// What a session that was cut had received may have been on its way to
			// the disk when the machine was asked.
			asked = &c.Artefact
			if c.offset, err = strconv.ParseInt(have, 10, 64); err != nil {
				return err
			}
			if c.offset > c.Size {
				c.offset = 0
			}
		case wrong && c.offset > 0:
			// A machine that lost its power may have lost the end of what it had
			// received, and filled it with zeros: then all of it is sent once more.
			c.offset = 0
		case wrong:
			return fmt.Errorf("send %s: %s received it with the SHA256 %s, not %s: what came was thrown away; run again, and if it stays so, `kbm bundle build`", c.Name, p.node, sum, c.SHA256)
		default:
			return fmt.Errorf("send %s: %w", c.Name, diskError(p.node, err))
		}
	}
}

// send returns how many of the artefacts have arrived whole.
func (p *pusher) send(ctx context.Context, all []consignment) (arrived int, err error) {
	var args []string
	var rests []io.Reader
	for _, c := range all {
		file, err := p.source.Open(c.Artefact)
		if err != nil {
			return 0, err
		}
		defer func() { _ = file.Close() }() // it was only read
		if _, err := file.Seek(c.offset, io.SeekStart); err != nil {
			return 0, err
		}
		args = append(args, c.SHA256, strconv.FormatInt(c.Size, 10), strconv.FormatInt(c.offset, 10))
		rests = append(rests, io.LimitReader(file, c.rest()))
	}
	text, err := script("push.sh", args...)
	if err != nil {
		return 0, err
	}
	said, err := p.host.Run(ctx, Command{Script: text, Stdin: io.TeeReader(io.MultiReader(rests...), p.count)})
	return bytes.Count(said.Stdout, []byte("\n")), err
}
