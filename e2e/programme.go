package e2e

import _ "embed"

// Programme is the vendor of the end-to-end tests: policies and people, in the programme file's format.
//
//go:embed testdata/programme.yaml
var Programme []byte
