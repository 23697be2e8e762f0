package views

import "context"

// VendorRoles lists the roles that active people of the vendor hold, by name.
func (r Reader) VendorRoles(ctx context.Context) ([]string, error) {
	return rows[string](ctx, r.DB, "roles", `
		SELECT DISTINCT role FROM person_roles JOIN people USING (person_id) WHERE partner_id IS NULL AND active ORDER BY role`)
}

// VendorPerson is one of the vendor's people.
type VendorPerson struct {
	ID   string `db:"person_id" json:"person"`
	Name string `db:"name"      json:"name"`
}

// VendorPeople lists the vendor's active people, the first MostShown.
func (r Reader) VendorPeople(ctx context.Context) ([]VendorPerson, error) {
	return rows[VendorPerson](ctx, r.DB, "people", `
		SELECT person_id, name FROM people WHERE partner_id IS NULL AND active ORDER BY person_id LIMIT $1`, MostShown)
}
