package bundle

// tally turns the bytes of the files of one artefact into its events.
type tally struct {
	*puller
	name        string
	done, total int64 // of the files before; of all, where it is known
}

var _ teller = (*tally)(nil)

func (t *tally) bytes(done, total int64) {
	if t.total > 0 {
		total = t.total
	}
	t.tell(PullEvent{Artefact: t.name, State: Working, Bytes: t.done + done, Total: total})
}

func (t *tally) waits(detail string) {
	t.tell(PullEvent{Artefact: t.name, State: Waiting, Detail: detail})
}
