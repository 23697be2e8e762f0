package said

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A text is taken for a list before it is looked for among the parts: one that looks like a list stands among the texts.
func TestNoPartLooksLikeAList(t *testing.T) {
	for english := range catalogue.Parts {
		require.Len(t, split(english, "; "), 1, english)
	}
}
