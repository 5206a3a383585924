package addons

import (
	"fmt"
	"sync"
)

// Progress hears what the engine waits for; of an addon's states the last one
// counts. It is called from one goroutine at a time.
type Progress func(addon, state string)

func (p Progress) say(addon, state string) {
	if p != nil {
		p(addon, state)
	}
}

// serial lets several goroutines speak.
func (p Progress) serial() Progress {
	var mu sync.Mutex
	return func(addon, state string) {
		mu.Lock()
		defer mu.Unlock()
		p.say(addon, state)
	}
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
