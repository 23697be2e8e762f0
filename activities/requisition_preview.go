package activities

import (
	"cmp"
	"context"
	"errors"
	"time"

	"countersign/domain/refusal"
	"countersign/domain/requisition"

	"github.com/jmoiron/sqlx"
)

// RequisitionPreview is what a partner can request, and what an application would come to.
type RequisitionPreview struct {
	Bills   []requisition.Bill              `json:"bills"`
	Methods map[string][]requisition.Method `json:"methods"` // by bill: what its row of the method table allows (PAY-02 to PAY-05)
	Plan    *requisition.Plan               `json:"plan,omitempty"`
	Refused refusal.List                    `json:"refused,omitempty"`
}

// PreviewRequisition judges an application and writes nothing. Without a method it only lists what can be requested; the form
// proposes all of it (PAY-06).
func (q *Requisitions) PreviewRequisition(ctx context.Context, app requisition.Application, at time.Time) (RequisitionPreview, error) {
	p := RequisitionPreview{Bills: []requisition.Bill{}, Methods: map[string][]requisition.Method{}}
	app.RequestKey = cmp.Or(app.RequestKey, "preview") // it is not asked for here
	done := errors.New("looked")
	err := inTx(ctx, q.DB, func(tx *sqlx.Tx) error {
		f := requisition.Facts{At: stored(at)}
		if err := readRequisitionFacts(ctx, tx, app.PartnerID, app.Submitter, false, &f); err != nil {
			return err
		}
		if f.Partner == nil {
			return unknown("partner", app.PartnerID)
		}
		p.Bills = append(p.Bills, f.Bills...)
		for _, b := range f.Bills {
			p.Methods[b.ID] = requisition.GroupOf(b.Association, b.GeneratedAt, f.Policy.CutOver).Allowed()
		}
		if len(app.Methods) > 0 {
			plan, list := requisition.Judge(app.Storable(), f)
			if p.Refused = list; len(list) == 0 {
				p.Plan = &plan
			}
		}
		return done // and nothing of it stays
	})
	if errors.Is(err, done) {
		return p, nil
	}
	return p, Final(err)
}
