package bundle

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// leastRate is what a server has to bring, in bytes a second: with less, an
// image of 30 MB takes more than eight hours.
const leastRate = 1000

// watch cuts a request off when it brings too little for as long as limit, and
// tells before. The context that it returns ends then, with the reason as its
// cause; stop ends the watch.
func watch(ctx context.Context, host string, limit time.Duration, tell func(detail string)) (watched context.Context, got *atomic.Int64, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	got = new(atomic.Int64)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		const looks = 6 // in the time of limit
		ticker := time.NewTicker(limit / looks)
		defer ticker.Stop()
		var last int64
		for idle := 0; ; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			now := got.Load()
			if now-last >= int64(leastRate*limit.Seconds()) {
				last, idle = now, 0
				continue
			}
			if idle++; idle == looks {
				cancel(slowError{host, limit})
				return
			}
			tell(fmt.Sprintf("%s sent %d bytes in %s; given up at %s", host, now-last, limit/looks*time.Duration(idle), limit))
		}
	}()
	return ctx, got, func() { cancel(nil); <-ended }
}
