// Package demo is the programme that the demo and a developer's stack begin with.
package demo

import _ "embed" // the file below

// Programme is programme.yaml, as `starter load` takes it.
//
//go:embed programme.yaml
var Programme []byte
