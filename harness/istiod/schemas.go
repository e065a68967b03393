package main

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"

	crdvalidation "istio.io/istio/pkg/config/crd"
)

//go:embed schemas/*.yaml
var files embed.FS

// readSchemas reads the schemas that were beside the source when this was built.
func readSchemas() (*crdvalidation.Validator, error) {
	folder, err := os.MkdirTemp("", "meshproof-istiod-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	names, err := fs.Glob(files, "schemas/*.yaml")
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(folder, filepath.Base(name))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return crdvalidation.NewValidatorFromFilesWithOptions(paths, crdvalidation.WithoutCRDValidation())
}
