package provision

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/kbm-dev/kbm/ignition"
)

// fetch has the machine get an artefact by itself, of which so many bytes are
// missing there. It is what the bundle holds,
// or it is thrown away: the machine compares it as it does what is sent.
func fetch(ctx context.Context, host Host, node string, a ignition.Artefact, missing int64, count *counter) error {
	text, err := script("fetch.sh", a.SHA256, strconv.FormatInt(a.Size, 10), a.URL, a.Member)
	if err != nil {
		return err
	}
	_, err = host.Run(ctx, Command{Script: text})
	if sum, wrong := answer(err, sumDiffers); wrong {
		return fmt.Errorf("%s fetched it from %s with the SHA256 %s, and the bundle has %s: what came was thrown away", node, a.URL, sum, a.SHA256)
	}
	var run *RunError
	if errors.As(err, &run) {
		return fmt.Errorf("%s fetches it from %s: %w", node, a.URL, err)
	}
	if err == nil {
		count.add(missing)
	}
	return err
}
