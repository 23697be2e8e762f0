package views

import (
	"context"
	"time"

	"countersign/domain/approval"
)

// Remark is what somebody asked or said about a case without deciding anything.
type Remark struct {
	Act  approval.Outcome `db:"act"    json:"act"` // ask, comment or urge
	At   time.Time        `db:"at"     json:"at"`
	By   string           `db:"name"   json:"by,omitempty"` // who; a partner's people are told this of their own only
	Text string           `db:"reason" json:"text"`
}

// Remarks lists what was asked and said about a case, in order.
func (r Reader) Remarks(ctx context.Context, number string) ([]Remark, error) {
	return rows[Remark](ctx, r.q(), "remarks", `
		SELECT d.act, d.at, coalesce(p.name, '') AS name, d.reason FROM `+r.remarks()+` d LEFT JOIN people p USING (person_id)
		 WHERE d.case_number = $1 AND d.act IN ('ask', 'comment', 'urge') ORDER BY d.seq`, number)
}
