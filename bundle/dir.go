package bundle

import (
	"fmt"
	"os"
	"path/filepath"
)

// DefaultDir is where the bundle of a Kubernetes version lives unless the user
// says otherwise: $KBM_CACHE, or kbm in the user's cache folder, and in it
// bundle/<version>-linux-<arch>. It is outside any checkout, so that what took
// minutes to build outlives a `git clean`.
func DefaultDir(kubernetesVersion, arch string) (string, error) {
	cache := os.Getenv("KBM_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache folder: %w: set KBM_CACHE", err)
		}
		cache = filepath.Join(user, "kbm")
	}
	abs, err := filepath.Abs(cache)
	if err != nil {
		return "", fmt.Errorf("find the cache folder %s: %w", cache, err)
	}
	return filepath.Join(abs, "bundle", kubernetesVersion+"-linux-"+arch), nil
}
