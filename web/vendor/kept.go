package vendor

import (
	"context"
	"slices"
	"sync"
	"time"

	"countersign/views"
)

// Where many cases are open, everybody sees the same figures for a while: they take a look at each of the cases, and change little.
const (
	keptFor = time.Minute
	many    = 2000
)

// keptFigures are what was counted last. Who asks while somebody counts waits for that.
type keptFigures struct {
	mu    sync.Mutex
	found views.WorkFigures
}

// read answers figures that are a minute old at most, and new ones where that is quick; an empty kind means all.
func (k *keptFigures) read(ctx context.Context, r views.Reader, kind string, at time.Time) (views.WorkFigures, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	open := int64(0)
	for _, s := range k.found.States {
		open += s.Open
	}
	if open < many || at.Sub(k.found.At) >= keptFor {
		found, err := r.WorkFigures(ctx, at)
		if err != nil {
			return found, err
		}
		k.found = found
	}
	own := k.found // the caller sorts them
	own.States = slices.DeleteFunc(slices.Clone(own.States), func(s views.StateFigure) bool { return kind != "" && s.Kind != kind })
	own.Money, own.Took = slices.Clone(own.Money), slices.Clone(own.Took)
	return own, nil
}
