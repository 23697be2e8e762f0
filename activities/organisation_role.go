package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// CreateRoleInput is a role of a partner's own making.
type CreateRoleInput struct {
	Partner     string
	Name        string
	Permissions []organisation.Permission // beside the default ones; may be none (ORG-12)
	Asked
}

// CreateRole makes a custom role and answers its ID.
func (o *Organisation) CreateRole(ctx context.Context, in CreateRoleInput) (string, error) {
	c := organisationCommand{Asked: in.Asked, Action: "create role", Partner: in.Partner, Content: in}
	err := o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		var taken bool
		if err := tx.GetContext(ctx, &taken, `SELECT EXISTS (SELECT 1 FROM custom_roles WHERE partner_id = $1 AND name = $2 AND deleted_at IS NULL)`, in.Partner, in.Name); err != nil {
			return nil, fmt.Errorf("look for role: %w", err)
		}
		if list := organisation.JudgeCustomRole(by, in.By, in.Partner, in.Name, in.Permissions, taken); len(list) > 0 {
			return list, nil
		}
		permissions := make([]string, len(in.Permissions))
		for i, p := range in.Permissions {
			permissions[i] = string(p)
		}
		return nil, tx.GetContext(ctx, &c.Object, `
			INSERT INTO custom_roles (role_id, partner_id, name, permissions, created_by, created_at)
			VALUES (numbered('R', nextval('organisation_numbers')), $1, $2, $3, $4, $5) RETURNING role_id`, in.Partner, in.Name, pq.Array(permissions), in.By, c.At)
	})
	return c.Object, err
}

// DeleteRoleInput gives up a role.
type DeleteRoleInput struct {
	Partner string
	Role    person.Role
	Asked
}

// DeleteRole gives up a custom role that nobody has (ORG-13).
func (o *Organisation) DeleteRole(ctx context.Context, in DeleteRoleInput) error {
	c := organisationCommand{Asked: in.Asked, Action: "delete role", Partner: in.Partner, Object: string(in.Role), Content: in}
	return o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		var now struct {
			Known   bool `db:"known"`
			Persons int  `db:"persons"`
			Locked  bool `db:"locked"`
		}
		if err := tx.GetContext(ctx, &now, `
			SELECT EXISTS (SELECT 1 FROM custom_roles WHERE role_id = $2 AND partner_id = $1 AND deleted_at IS NULL) AS known,
			       (SELECT count(*) FROM person_roles JOIN people USING (person_id) WHERE role = $2 AND partner_id = $1) AS persons,
			       EXISTS (SELECT 1 FROM qualification_reviews q JOIN people USING (person_id) WHERE q.role = $2 AND partner_id = $1 AND decided_at IS NULL) AS locked`,
			in.Partner, in.Role); err != nil {
			return nil, fmt.Errorf("look for role: %w", err)
		}
		if !now.Known && !organisation.IsSystem(in.Role) {
			return nil, unknown("role", string(in.Role))
		}
		if list := organisation.JudgeRoleDeletion(by, in.By, in.Partner, in.Role, now.Persons, now.Locked); len(list) > 0 {
			return list, nil
		}
		_, err := tx.ExecContext(ctx, `UPDATE custom_roles SET deleted_at = $2 WHERE role_id = $1`, in.Role, c.At)
		return nil, err
	})
}

// AssignInput puts a person or a customer under somebody.
type AssignInput struct {
	What string // the account manager, or the customer
	To   string // the director, or the account manager
	Asked
}

// AssignDirector puts an account manager under a director (ORG-10).
func (o *Organisation) AssignDirector(ctx context.Context, in AssignInput) error {
	c := organisationCommand{Asked: in.Asked, Action: "assign director", Content: in}
	return o.about(ctx, &c, in.What, func(tx *sqlx.Tx, by *organisation.Person, p organisation.Person) (refusal.List, error) {
		director, err := readOrganisationPerson(ctx, tx, in.To)
		if err != nil {
			return nil, err
		}
		if list := organisation.JudgeDirector(by, in.By, p, director, in.To); len(list) > 0 {
			return list, nil
		}
		_, err = tx.ExecContext(ctx, `UPDATE organisation_people SET director = $2 WHERE person_id = $1`, p.ID, in.To)
		return nil, err
	})
}

// AssignCustomer puts a customer into the care of an account manager (ORG-09).
func (o *Organisation) AssignCustomer(ctx context.Context, in AssignInput) error {
	c := organisationCommand{Asked: in.Asked, Action: "assign customer", Content: in}
	return o.about(ctx, &c, in.To, func(tx *sqlx.Tx, by *organisation.Person, p organisation.Person) (refusal.List, error) {
		var partner string
		err := tx.GetContext(ctx, &partner, `SELECT partner_id FROM customers WHERE customer_id = $1 FOR NO KEY UPDATE`, in.What)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("read customer %s: %w", in.What, err)
		}
		if list := organisation.JudgeAssignment(by, in.By, p, in.What, partner); len(list) > 0 {
			return list, nil
		}
		_, err = tx.ExecContext(ctx, `UPDATE customers SET account_manager = $2 WHERE customer_id = $1`, in.What, p.ID)
		return nil, err
	})
}

// SubmitQualificationInput submits a person's qualification for a role.
type SubmitQualificationInput struct {
	Person string
	Role   person.Role
	Asked
}

// SubmitQualification puts a qualification under review: until the result the role is locked (ORG-08).
func (o *Organisation) SubmitQualification(ctx context.Context, in SubmitQualificationInput) error {
	c := organisationCommand{Asked: in.Asked, Action: "submit qualification", Content: in}
	return o.about(ctx, &c, in.Person, func(tx *sqlx.Tx, by *organisation.Person, p organisation.Person) (refusal.List, error) {
		if list := organisation.JudgeQualification(by, in.By, p, in.Role); len(list) > 0 {
			return list, nil
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO qualification_reviews (person_id, role, submitted_by, submitted_at) VALUES ($1, $2, $3, $4)`, p.ID, in.Role, in.By, c.At)
		return nil, err
	})
}

// DecideQualificationInput is the result of a review, decided by the vendor's operations.
type DecideQualificationInput struct {
	Person string
	Role   person.Role
	Passed bool
	Asked
}

// DecideQualification ends a review, and with it the lock.
func (o *Organisation) DecideQualification(ctx context.Context, in DecideQualificationInput) error {
	c := organisationCommand{Asked: in.Asked, Action: "decide qualification", Content: in}
	return o.about(ctx, &c, in.Person, func(tx *sqlx.Tx, _ *organisation.Person, p organisation.Person) (refusal.List, error) {
		by, err := findPerson(ctx, tx, in.By)
		if err != nil {
			return nil, err
		}
		if by == nil || !by.OfVendor() || !by.Holds(person.VendorOperations) {
			return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+in.By, "A qualification is decided by somebody of the vendor with the role %s; %q is none.", person.VendorOperations, in.By)}, nil
		}
		res, err := tx.ExecContext(ctx, `UPDATE qualification_reviews SET decided_by = $3, decided_at = $4, passed = $5 WHERE person_id = $1 AND role = $2 AND decided_at IS NULL`,
			p.ID, in.Role, in.By, c.At, in.Passed)
		if err != nil {
			return nil, fmt.Errorf("decide qualification: %w", err)
		}
		return nil, one(res, refusal.List{refusal.New("ENG-03", "ENG_STATE", "person "+p.ID, "No qualification of %s for the role %s is under review.", p.Name, in.Role)})
	})
}

// DeleteIdentityUserInput deletes a user of the identity service, which frees the email (ORG-07).
type DeleteIdentityUserInput struct {
	User string
	Asked
}

// DeleteIdentityUser deletes a user that was made in the identity service only.
func (o *Organisation) DeleteIdentityUser(ctx context.Context, in DeleteIdentityUserInput) error {
	var partner string
	err := o.DB.GetContext(ctx, &partner, `SELECT partner_id FROM identity_users WHERE user_id = $1`, in.User)
	if errors.Is(err, sql.ErrNoRows) {
		err = unknown("identity user", in.User)
	}
	if err != nil {
		return Final(err)
	}
	c := organisationCommand{Asked: in.Asked, Action: "delete identity user", Partner: partner, Object: in.User, Content: in}
	return o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		if list := organisation.JudgeAdministrator(by, in.By, partner); len(list) > 0 {
			return list, nil
		}
		_, err := tx.ExecContext(ctx, `UPDATE identity_users SET deleted_at = coalesce(deleted_at, $2::timestamptz) WHERE user_id = $1`, in.User, c.At)
		return nil, err
	})
}

// UncoverInput asks to see masked columns of a list in full.
type UncoverInput struct {
	Partner string // whose list; empty: of who asks
	List    organisation.List
	Columns []string
	Person  string
	At      time.Time
}

// Uncover writes down who sees which columns of a list in full, and answers those that may be shown now (PGM-05, PGM-06). The same
// instant twice is one row each.
func (o *Organisation) Uncover(ctx context.Context, in UncoverInput) ([]string, error) {
	in.At = stored(in.At)
	var partner string
	err := judged(ctx, o.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		p, err := readOrganisationPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		if partner = in.Partner; partner == "" && p != nil {
			partner = p.Partner
		}
		if list := organisation.JudgeUncover(p, in.Person, partner, in.List, in.Columns); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO audit_log (person_id, column_name, list, at) SELECT $1, unnest($2::text[]), $3, $4 ON CONFLICT DO NOTHING`,
			in.Person, pq.Array(in.Columns), in.List, in.At); err != nil {
			return nil, fmt.Errorf("write audit log: %w", err)
		}
		return nil, nil
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("organisation/uncover/%s/%s/%s", in.Person, in.List, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: "organisation", Action: "uncover",
			Person: in.Person, Partner: partner,
		}, list)
		return err
	})
	if err != nil {
		return nil, Final(err)
	}
	return in.Columns, nil
}
