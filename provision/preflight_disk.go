package provision

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

const (
	imageFolder  = stateDir + "/images"
	spareDisk    = 64 << 20 // bytes that must be left
	imageUnpacks = 2        // containerd keeps an image packed and unpacked
)

// checkDisks adds up what the plan writes, a file system at a time.
func checkDisks(_ *cluster.Cluster, n PreflightNode) (found []Problem) {
	need, free := map[string]int64{}, map[string]int64{}
	take := func(folder string, bytes int64) {
		d, known := n.Facts.Disks[folder]
		if known && bytes > 0 {
			need[d.Mount] += bytes
			free[d.Mount] = d.Free
		}
	}
	for _, it := range n.Plan.write {
		take(path.Dir(it.path), int64(len(it.content)))
	}
	for _, it := range n.Plan.artefacts {
		folder, size := path.Dir(it.path), it.artefact.Size
		take(stateDir, n.Plan.missing(it.artefact))
		if n.Facts.Disks[folder].Mount != n.Facts.Disks[stateDir].Mount {
			take(folder, size)
		}
		if strings.HasPrefix(it.path, imageFolder+"/") {
			take("/var", imageUnpacks*size)
		}
	}
	for _, mount := range slices.Sorted(maps.Keys(need)) {
		if need[mount]+spareDisk > free[mount] {
			found = append(found, Problem{
				What: fmt.Sprintf("%d MiB are needed on %s, and %d MiB are free", (need[mount]+spareDisk)>>20, mount, free[mount]>>20),
				Cure: "make room there",
			})
		}
	}
	return found
}
