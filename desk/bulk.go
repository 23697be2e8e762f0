package desk

import (
	"context"
	"errors"
	"sync"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/refusal"
)

// AtOnce is how many of many decisions are under way side by side.
const AtOnce = 4

// What became of one of many tasks.
const (
	Done     = "done"
	Refused  = "refused"
	Failed   = "failed"
	NotTried = "not tried" // nobody waits for it any more, or nobody answers
)

// ErrSilent is why a task was not tried: as many as are under way at once had no answer.
var ErrSilent = errors.New("the answers before it did not come")

// Item is how one of many tasks fared.
type Item struct {
	Task    string
	Result  string              // done, refused, failed or not tried
	Now     activities.Standing // of a done one: where the case stands
	Refused refusal.List
	Err     error // of a failed one, or of one that was not tried
}

// bulk is many decisions under way.
type bulk struct {
	d      approval.Decision // but for the task
	decide func(context.Context, approval.Decision) (activities.Standing, error)
	items  []Item

	mu       sync.Mutex
	finished int64
	silent   int // answers in a row that did not come
}

// DecideAll gives many tasks the same answer. Each is judged by itself, under the decision's key, a slash and the task; those of
// one case in the order given, since one may open the next. After each one, told hears how many are through.
func DecideAll(ctx context.Context, d approval.Decision, tasks []string,
	decide func(context.Context, approval.Decision) (activities.Standing, error), told func(done, all int64),
) []Item {
	b := &bulk{d: d, decide: decide, items: make([]Item, len(tasks))}
	cases := map[string][]int{}
	var order []string
	for i, task := range tasks {
		b.items[i].Task = task
		number := approval.CaseOf(task)
		if cases[number] == nil {
			order = append(order, number)
		}
		cases[number] = append(cases[number], i)
	}
	queue := make(chan []int)
	var workers sync.WaitGroup
	for range min(AtOnce, len(order)) {
		workers.Go(func() {
			for items := range queue {
				for _, i := range items {
					b.one(ctx, &b.items[i])
					b.count(told)
				}
			}
		})
	}
	for _, number := range order {
		queue <- cases[number]
	}
	close(queue)
	workers.Wait()
	return b.items
}

// one judges one task, unless nobody waits for it any more or nobody answers.
func (b *bulk) one(ctx context.Context, item *Item) {
	b.mu.Lock()
	silent := b.silent
	b.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		item.Result, item.Err = NotTried, ctx.Err()
		return
	case silent >= AtOnce:
		item.Result, item.Err = NotTried, ErrSilent
		return
	}
	d := b.d
	d.Task, d.Key = item.Task, b.d.Key+"/"+item.Task
	now, err := b.decide(ctx, d)
	switch list := activities.RefusalOf(err); {
	case err == nil:
		item.Result, item.Now = Done, now
	case list != nil:
		item.Result, item.Refused = Refused, list
	default:
		item.Result, item.Err = Failed, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.silent++
	if !errors.Is(err, ErrLate) {
		b.silent = 0
	}
}

func (b *bulk) count(told func(done, all int64)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finished++
	if told != nil {
		told(b.finished, int64(len(b.items)))
	}
}
