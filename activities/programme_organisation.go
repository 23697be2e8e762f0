package activities

import (
	"context"
	"fmt"
)

// IdentityUserRecord is a user of a partner's cloud account that was made in the identity service only (ORG-16).
type IdentityUserRecord struct {
	ID      string `yaml:"id"`
	Partner string `yaml:"partner"`
	Name    string `yaml:"name"`
	Email   string `yaml:"email"`
}

// organisation gives each person of a partner an account under their ID, unless they have one, and lays in identity users. Who was
// deleted in the identity service stays so.
func (l *loading) organisation(ctx context.Context, f ProgrammeFile) error {
	for _, p := range f.People {
		if p.Partner == "" {
			continue
		}
		if _, err := l.tx.ExecContext(ctx, `INSERT INTO organisation_people (person_id, account_name) VALUES ($1, $1) ON CONFLICT (person_id) DO NOTHING`, p.ID); err != nil {
			return fmt.Errorf("load account of %s: %w", p.ID, err) // no record of its own: it belongs to the person
		}
	}
	for _, u := range f.IdentityUsers {
		if err := l.exec(ctx, "identity user "+u.ID, `
			INSERT INTO identity_users (user_id, partner_id, name, email) VALUES ($1, $2, $3, $4)
			ON CONFLICT (user_id) DO UPDATE SET partner_id = excluded.partner_id, name = excluded.name, email = excluded.email
			 WHERE (identity_users.partner_id, identity_users.name, identity_users.email) <> (excluded.partner_id, excluded.name, excluded.email)`,
			u.ID, u.Partner, u.Name, u.Email); err != nil {
			return err
		}
	}
	return nil
}
