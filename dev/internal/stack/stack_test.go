package stack

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMask(t *testing.T) {
	for given, want := range map[string]string{
		"":                              "",
		"postgres://ann@db/countersign": "postgres://ann@db/countersign",
		"postgres://ann:s3cret@db:5432/countersign?sslmode=x":    "postgres://ann:xxxxx@db:5432/countersign?sslmode=x",
		"postgres://db/countersign?password=s3cret&user=ann":     "postgres://db/countersign?password=xxxxx&user=ann",
		"host=db user=ann password=s3cret":                       "set",
		"postgres://ann:s3%zzcret@db/countersign":                "set",
		"postgresql://ann:p%40ss@db/countersign?password=s3cret": "postgresql://ann:xxxxx@db/countersign?password=xxxxx",
	} {
		assert.Equal(t, want, Mask(given), given)
	}
}
