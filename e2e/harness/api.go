package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Get reads what the API server has at a path, such as /api/v1/nodes: for
// questions that are asked again and again, where kubectl would take a tenth of
// a second of the processor each time.
func (c *Cluster) Get(t *testing.T, path string, into any) {
	t.Helper()
	if err := c.get(t, path, into); err != nil {
		t.Fatalf("get %s: %v", path, err)
	}
}

func (c *Cluster) get(t *testing.T, path string, into any) error {
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(c.Dir, "kubeconfig"))
	if err != nil {
		return err
	}
	config.Dial, config.Timeout = c.Dial, 30*time.Second
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, content)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(content, into)
}
