// Package visibility holds the lean set of indexes of Temporal's visibility store.
package visibility

import _ "embed"

// Lean drops the indexes that Countersign does not use, in SQLite or in Postgres; done again it does nothing.
//
//go:embed lean.sql
var Lean string
