package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// State of a machine.
type State string

// A stopped machine has a disk; an absent one has nothing at all.
const (
	Running State = "running"
	Stopped State = "stopped"
	Absent  State = "absent"
)

// MachineStatus is what can be seen of a machine from outside.
type MachineStatus struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// PID is the process on this computer that keeps the machine running.
	PID     int    `json:"pid,omitempty"`
	Address string `json:"address"`
	// SSH says whether sshd answers.
	SSH bool `json:"ssh"`
	// Console is the file with what the machine printed while booting.
	Console string `json:"console,omitempty"`
}

// Status looks at every machine of the lab.
func (l Lab) Status(ctx context.Context) ([]MachineStatus, error) {
	names, err := l.Names()
	if err != nil {
		return nil, err
	}
	d := rack{l}
	statuses := make([]MachineStatus, len(names))
	faults := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { statuses[i], faults[i] = l.statusOf(ctx, d, name) })
	}
	all.Wait()
	return statuses, errors.Join(faults...)
}

func (l Lab) statusOf(ctx context.Context, d rack, name string) (MachineStatus, error) {
	content, err := os.ReadFile(l.machinePath(name))
	if errors.Is(err, fs.ErrNotExist) { // an interrupted Up or Down
		return MachineStatus{Name: name, State: Absent}, nil
	}
	if err != nil {
		return MachineStatus{}, fmt.Errorf("lab %s: %w", l.ID, err)
	}
	var m Machine
	if err := json.Unmarshal(content, &m); err != nil {
		return MachineStatus{}, fmt.Errorf("lab %s: %s: %w", l.ID, l.machinePath(name), err)
	}
	s := MachineStatus{Name: name, State: Stopped, Address: m.Address.Addr().String(), Console: l.consolePath(name)}
	if s.PID = d.Running(name); s.PID != 0 {
		s.State = Running
		s.SSH = l.sshAnswers(ctx, m)
	}
	return s, nil
}
