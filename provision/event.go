package provision

// State says how far a step is.
type State int

// The states of a step.
const (
	Started State = iota
	Working
	Waiting
	Done
	Warned
)

// Event is one thing that happened, for people and machines that watch.
type Event struct {
	Node   string // empty: the cluster as a whole
	Step   string
	State  State
	Detail string
	// Bytes done, of all, while something is transferred; 0 otherwise.
	Bytes, Total int64
}

// Reporter is told what happens. It is called from many goroutines.
type Reporter interface {
	Report(Event)
}
