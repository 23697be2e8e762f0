package workflows

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"time"

	"countersign/activities"

	"go.temporal.io/sdk/workflow"
)

// Some processes allow one live case of a partner for a month or a quarter (PGM-09): the run is named after that, not after
// the request, and a second request meets the run of the first.

// oneLiveID names the one run of a partner's month or quarter.
func oneLiveID(kind, partner, what string) string {
	return fmt.Sprintf("%s/%s/%s", kind, url.PathEscape(clip(partner)), url.PathEscape(clip(what)))
}

// oneLive answers an application that met the run of its month or quarter: the run's own application gets its answer, every
// other one is judged in its turn, so that it learns every guard that fails (PGM-08, PGM-09).
func oneLive(ctx workflow.Context, r *caseRun[activities.Standing], digest []byte, requestKey string, open func(runID string, at time.Time) (activity, in any)) (activities.Standing, error) {
	info := workflow.GetInfo(ctx).WorkflowExecution
	at, update := workflow.Now(ctx), workflow.GetCurrentUpdateInfo(ctx).ID
	detached, _ := workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(detached, func() bool { return r.settled }); err != nil {
		return activities.Standing{}, err
	}
	if r.refused != nil || bytes.Equal(digest, r.digest) {
		return r.submitted(ctx, digest, requestKey)
	}
	return r.hand(ctx, at, func() (string, any, any, error) {
		activity, in := open(info.RunID+"/"+update, at)
		return "submit again", activity, in, nil
	})
}

// openRun asks the database to open the run's case, or to hand over one whose workflow is gone.
func openRun(ctx workflow.Context, r *caseRun[activities.Standing], resume string, activity any, in any) error {
	if resume == "" {
		now, err := answer[activities.Standing](ctx, "submit", activity, in)
		return r.opened(ctx, now, err)
	}
	taken, err := answer[activities.Resumed](ctx, "resume "+resume, cases.Resume, activities.ResumeInput{Case: resume, RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID})
	r.digest = taken.RequestDigest
	return r.opened(ctx, taken.Standing, err)
}

// contentID names a message by its key and content: the key alone would answer another body with the first result.
func contentID(key string, digest []byte) string {
	sum := sha256.Sum256(digest)
	return clip(key) + "/" + hex.EncodeToString(sum[:8])
}
