package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"countersign/domain/kinds"
	"countersign/domain/organisation"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// AddContactInput is one more contact for a partner's customers.
type AddContactInput struct {
	Partner string
	Contact organisation.Contact
	Asked
}

// AddContact keeps a contact and answers its number, 1 to organisation.ContactLimit (ORG-20).
func (o *Organisation) AddContact(ctx context.Context, in AddContactInput) (string, error) {
	c := organisationCommand{Asked: in.Asked, Action: "add contact", Partner: in.Partner, Content: in}
	err := o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		var kept []int
		if err := tx.SelectContext(ctx, &kept, `SELECT slot FROM customer_contacts WHERE partner_id = $1`, in.Partner); err != nil {
			return nil, fmt.Errorf("read contacts: %w", err)
		}
		if list := organisation.JudgeContact(by, in.By, in.Partner, in.Contact, len(kept)); len(list) > 0 {
			return list, nil
		}
		slot := 1
		for slices.Contains(kept, slot) {
			slot++
		}
		c.Object = strconv.Itoa(slot)
		_, err := tx.ExecContext(ctx, `INSERT INTO customer_contacts (partner_id, slot, name, mobile, email) VALUES ($1, $2, $3, $4, $5)`,
			in.Partner, slot, in.Contact.Name, in.Contact.Mobile, in.Contact.Email)
		return nil, err
	})
	return c.Object, err
}

// RemoveContactInput takes a contact away.
type RemoveContactInput struct {
	Partner string
	Slot    int
	Asked
}

// RemoveContact takes a contact away; without any the customers see the administrator.
func (o *Organisation) RemoveContact(ctx context.Context, in RemoveContactInput) error {
	c := organisationCommand{Asked: in.Asked, Action: "remove contact", Partner: in.Partner, Object: strconv.Itoa(in.Slot), Content: in}
	return o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		if list := organisation.JudgeAdministrator(by, in.By, in.Partner); len(list) > 0 {
			return list, nil
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM customer_contacts WHERE partner_id = $1 AND slot = $2`, in.Partner, in.Slot)
		if err != nil {
			return nil, fmt.Errorf("remove contact: %w", err)
		}
		return nil, one(res, unknown("contact", c.Object))
	})
}

// ChangeCompanyInput changes what is said of a partner's company.
type ChangeCompanyInput struct {
	Partner string // the account through which it is changed
	Name    string // empty: stays
	Address string // empty: stays
	Asked
}

// ChangeCompany changes the company of a partner account: every account of the company shows it at once (PGM-14).
func (o *Organisation) ChangeCompany(ctx context.Context, in ChangeCompanyInput) error {
	c := organisationCommand{Asked: in.Asked, Action: "change company", Partner: in.Partner, Content: in}
	return o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		if list := organisation.JudgeAdministrator(by, in.By, in.Partner); len(list) > 0 {
			return list, nil
		}
		err := tx.GetContext(ctx, &c.Object, `
			UPDATE companies SET name = coalesce(nullif($2, ''), name), address = coalesce(nullif($3, ''), address)
			 WHERE company_id = (SELECT company_id FROM partners WHERE partner_id = $1) RETURNING company_id`, in.Partner, in.Name, in.Address)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, unknown("company of partner", in.Partner)
		}
		return nil, err
	})
}

// SaveDraftInput writes an application that is not submitted yet.
type SaveDraftInput struct {
	ID      int64 // 0: a new one
	Partner string
	Kind    string // of the case that it is to become
	Title   string
	Body    string
	Asked
}

// SaveDraft writes a draft. It belongs to the organisation: whoever may act in cases of its kind sees and changes it (ORG-11).
func (o *Organisation) SaveDraft(ctx context.Context, in SaveDraftInput) (int64, error) {
	c := organisationCommand{Asked: in.Asked, Action: "save draft", Partner: in.Partner, Content: in}
	if err := o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		list, err := judgeDraft(ctx, tx, by, in)
		if err != nil || len(list) > 0 {
			return list, err
		}
		id := in.ID
		if id == 0 {
			err = tx.GetContext(ctx, &id, `
				INSERT INTO drafts (partner_id, kind, title, body, written_by, written_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING draft_id`,
				in.Partner, in.Kind, in.Title, in.Body, in.By, c.At)
		} else {
			err = tx.GetContext(ctx, &id, `
				UPDATE drafts SET title = $4, body = $5, written_by = $6, written_at = $7 WHERE draft_id = $3 AND partner_id = $1 AND kind = $2 RETURNING draft_id`,
				in.Partner, in.Kind, in.ID, in.Title, in.Body, in.By, c.At)
		}
		c.Object = strconv.FormatInt(id, 10)
		if errors.Is(err, sql.ErrNoRows) {
			err = unknown("draft", c.Object)
		}
		return nil, err
	}); err != nil {
		return 0, err
	}
	return strconv.ParseInt(c.Object, 10, 64)
}

// judgeDraft checks who writes what; the permissions are those of the processes.
func judgeDraft(ctx context.Context, tx *sqlx.Tx, by *organisation.Person, in SaveDraftInput) (refusal.List, error) {
	p, err := findPerson(ctx, tx, in.By)
	if err != nil {
		return nil, err
	}
	may := p != nil && slices.Contains(kinds.ActedIn(*p, in.Partner), in.Kind)
	return organisation.JudgeDraft(by, in.By, in.Partner, in.Kind, in.Title, in.Body, may), nil
}

// DeleteDraftInput throws a draft away.
type DeleteDraftInput struct {
	ID int64
	Asked
}

// DeleteDraft throws a draft away; whoever sees it may.
func (o *Organisation) DeleteDraft(ctx context.Context, in DeleteDraftInput) error {
	var d SaveDraftInput
	err := o.DB.QueryRowxContext(ctx, `SELECT partner_id, kind, title, body FROM drafts WHERE draft_id = $1`, in.ID).Scan(&d.Partner, &d.Kind, &d.Title, &d.Body)
	object := strconv.FormatInt(in.ID, 10)
	if errors.Is(err, sql.ErrNoRows) { // thrown away by this very request, perhaps
		err = o.DB.GetContext(ctx, &d.Partner, `SELECT partner_id FROM organisation_commands WHERE action = 'delete draft' AND object = $1 AND request_key = $2`, object, in.Key)
		if errors.Is(err, sql.ErrNoRows) {
			err = unknown("draft", object)
		}
	}
	if err != nil {
		return Final(err)
	}
	d.Asked = in.Asked
	c := organisationCommand{Asked: in.Asked, Action: "delete draft", Partner: d.Partner, Object: object, Content: in}
	return o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		list, err := judgeDraft(ctx, tx, by, d)
		if err != nil || len(list) > 0 {
			return list, err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM drafts WHERE draft_id = $1`, in.ID)
		return nil, err
	})
}
