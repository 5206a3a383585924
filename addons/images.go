package addons

import "slices"

// Images lists the references of every container's image, sorted.
func (a Addon) Images() []string {
	images := []string{}
	for _, o := range a.Objects {
		images = append(images, imagesIn(o.Object)...)
	}
	slices.Sort(images)
	return slices.Compact(images)
}

// imagesIn looks at any depth, since each kind keeps its pod elsewhere.
func imagesIn(value any) []string {
	var images []string
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			list, _ := child.([]any)
			if key == "containers" || key == "initContainers" {
				images = append(images, imagesOf(list)...)
				continue
			}
			images = append(images, imagesIn(child)...)
		}
	case []any:
		for _, child := range v {
			images = append(images, imagesIn(child)...)
		}
	}
	return images
}

func imagesOf(containers []any) []string {
	var images []string
	for _, c := range containers {
		container, _ := c.(map[string]any)
		if image, ok := container["image"].(string); ok {
			images = append(images, image)
		}
	}
	return images
}
