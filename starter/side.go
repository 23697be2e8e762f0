package main

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// sideBySide does n things, several at a time, while a person watches a bar. The first error ends it; what is under way is finished.
func (h *house) sideBySide(ctx context.Context, n, side int, do func(ctx context.Context, i int) error) error {
	told, done := h.progress()
	defer done()
	var lock sync.Mutex // of the bar
	var finished int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(side)
	for i := 0; i < n && ctx.Err() == nil; i++ {
		g.Go(func() error {
			if err := do(ctx, i); err != nil {
				return err
			}
			lock.Lock()
			defer lock.Unlock()
			if finished++; told != nil {
				told(finished, int64(n))
			}
			return nil
		})
	}
	return g.Wait()
}
