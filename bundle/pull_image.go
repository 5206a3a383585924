package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// publishedImage is an image as a registry has it, without its layers.
type publishedImage struct {
	via      http.RoundTripper // with the registry's token
	raw      []byte            // the manifest
	digest   v1.Hash           // of the manifest
	media    types.MediaType   // of the manifest
	manifest *v1.Manifest
	config   []byte
}

// image fetches an image for the bundle's architecture and writes it down as
// upstream has it, so that its digest stays what upstream says.
func (p *puller) image(ctx context.Context, j job, t *tally) error {
	row := j.rows[0]
	ref, err := p.reference(row.Image.Ref)
	if err != nil {
		return err
	}
	var found publishedImage
	err = patience{pause: p.pause, tell: t.waits}.try(ctx, func(ctx context.Context) (int64, error) {
		ctx, _, stop := watch(ctx, ref.Context().RegistryStr(), p.Timeout, t.waits)
		defer stop()
		var err error
		found, err = p.resolve(ctx, ref)
		return 0, because(ctx, err)
	})
	if err != nil {
		return fmt.Errorf("image %s: %w", ref, err)
	}
	pin := Pin{URL: row.Image.Ref, Digest: found.digest.String()}
	if err := p.agree(j.rows, pin); err != nil {
		return err
	}
	entries, err := p.blobs(ctx, ref, found, t)
	if err != nil {
		return fmt.Errorf("image %s: %w", ref, err)
	}
	head, err := layoutOf(found, append([]string{row.Image.Ref}, row.Image.Also...))
	if err != nil {
		return fmt.Errorf("image %s: %w", ref, err)
	}
	file := filepath.Join(p.down.dir, row.Name+".tar")
	if err := tarFile(file, append(head, entries...)); err != nil {
		return errors.Join(localError{err}, os.Remove(file))
	}
	if pin.File, err = hashFile(ctx, file); err != nil {
		return localError{err}
	}
	return p.keep(ctx, row, file, pin)
}

func (p *puller) reference(image string) (name.Reference, error) {
	mirrored := p.Mirrors.of(image)
	var options []name.Option
	if p.Mirrors.plain()[hostOf(mirrored)] {
		options = append(options, name.Insecure)
	}
	return name.ParseReference(mirrored, options...)
}

// resolve asks the registry for the image's manifest and configuration. People's
// credentials are those of `docker login`.
func (p *puller) resolve(ctx context.Context, ref name.Reference) (publishedImage, error) {
	var found publishedImage
	registry := ref.Context().Registry
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, registry)
	if err != nil {
		return found, finalError{fmt.Errorf("credentials of %s: %w", registry, err)}
	}
	found.via, err = transport.NewWithContext(ctx, registry, auth, p.via, []string{ref.Scope(transport.PullScope)})
	if err != nil {
		return found, err
	}
	img, err := remote.Image(ref, remote.WithTransport(found.via), remote.WithContext(ctx),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: p.Arch}))
	if err != nil {
		return found, err
	}
	for _, read := range []func() error{
		func() (err error) { found.raw, err = img.RawManifest(); return err },
		func() (err error) { found.digest, err = img.Digest(); return err },
		func() (err error) { found.media, err = img.MediaType(); return err },
		func() (err error) { found.manifest, err = img.Manifest(); return err },
		func() (err error) { found.config, err = img.RawConfigFile(); return err },
	} {
		if err := read(); err != nil {
			return found, err
		}
	}
	config, err := img.ConfigFile()
	if err == nil && (config.OS != "linux" || config.Architecture != p.Arch) {
		err = finalError{fmt.Errorf("it is for %s/%s, and this bundle is for linux/%s", config.OS, config.Architecture, p.Arch)}
	}
	return found, err
}

// blobs fetches the layers.
func (p *puller) blobs(ctx context.Context, ref name.Reference, found publishedImage, t *tally) ([]entry, error) {
	for _, layer := range found.manifest.Layers {
		t.total += layer.Size
	}
	var entries []entry
	for _, layer := range found.manifest.Layers {
		address := fmt.Sprintf("%s://%s/v2/%s/blobs/%s", ref.Context().Scheme(), ref.Context().RegistryStr(), ref.Context().RepositoryStr(), layer.Digest)
		file, err := p.down.fetch(ctx, found.via, remoteFile{url: address, sha256: layer.Digest.Hex, size: layer.Size, said: "the image's manifest"}, t)
		if err != nil {
			return nil, err
		}
		t.done += layer.Size
		entries = append(entries, entry{Name: blobName(layer.Digest), Mode: 0o644, File: file})
	}
	return entries, nil
}

// layoutOf is an OCI image layout without its layers, with the names in the
// annotation that containerd reads.
func layoutOf(found publishedImage, refs []string) ([]entry, error) {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, ref := range refs {
		_, tag, _ := strings.Cut(path.Base(ref), ":")
		index.Manifests = append(index.Manifests, v1.Descriptor{
			MediaType: found.media, Size: int64(len(found.raw)), Digest: found.digest,
			Annotations: map[string]string{"io.containerd.image.name": ref, "org.opencontainers.image.ref.name": tag},
		})
	}
	data, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	return []entry{
		{Name: "index.json", Mode: 0o644, Data: data},
		{Name: "oci-layout", Mode: 0o644, Data: []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{Name: blobName(found.digest), Mode: 0o644, Data: found.raw},
		{Name: blobName(found.manifest.Config.Digest), Mode: 0o644, Data: found.config},
	}, nil
}

func blobName(h v1.Hash) string { return path.Join("blobs", h.Algorithm, h.Hex) }
