package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// MayUnmask tells whether one of the vendor's people may see masked columns of partners in full: who looks after them.
func MayUnmask(p person.Person) bool {
	return p.OfVendor() && p.Holds(person.EcosystemManager, person.VendorOperations)
}

// UnmaskInput is one press of the eye: columns of a list of a partner's that one of the vendor's people wants to see.
type UnmaskInput struct {
	Person  string
	Partner string
	List    organisation.List
	Columns []string // as in organisation.List.Columns
	At      time.Time
}

// Unmask writes down who sees which columns of which partner's list, once for each press (COM-10). Nothing is remembered beyond that: who
// leaves the page and comes back finds it masked. Refused, and recorded as such: people without the role (COM-16), columns that the
// list does not mask (COM-08).
func (o *Organisation) Unmask(ctx context.Context, in UnmaskInput) error {
	in.At = stored(in.At)
	return Final(judged(ctx, o.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		who, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		var list refusal.List
		if who == nil || !MayUnmask(*who) {
			list = append(list, refusal.New("COM-16", "CBC.0151", "person "+in.Person, "%q holds neither the role %s nor %s, and sees these columns masked.",
				in.Person, person.EcosystemManager, person.VendorOperations))
		}
		for _, c := range in.Columns {
			if !slices.Contains(in.List.Columns(), c) {
				list = append(list, refusal.New("COM-08", "CBC.0100", "column "+c, "The list masks no column %q.", c))
			}
		}
		if len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO audit_log (person_id, column_name, list, at, of_partner) SELECT $1, unnest($2::text[]), $3, $4, $5 ON CONFLICT DO NOTHING`,
			in.Person, pq.Array(in.Columns), in.List, in.At, in.Partner); err != nil {
			return nil, fmt.Errorf("write audit log: %w", err)
		}
		return nil, nil
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("organisation/unmask/%s/%s/%s/%s", in.Person, in.Partner, in.List, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: "organisation", Action: "unmask",
			Person: in.Person, Partner: in.Partner,
		}, list)
		return err
	}))
}
