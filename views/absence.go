package views

import (
	"context"
	"time"
)

// Absence is a period in which somebody stands in for a person, half-open: From is in, To is out.
type Absence struct {
	Person     string    `db:"person_id"  json:"person"`
	Substitute string    `db:"substitute" json:"substitute"`
	From       time.Time `db:"from_at"    json:"from"`
	To         time.Time `db:"to_at"      json:"to"`
	State      string    `db:"state"      json:"state"` // now, later or over
	SetBy      string    `db:"set_by"     json:"set_by"`
	SetAt      time.Time `db:"set_at"     json:"set_at"`
}

// AbsenceFilter narrows a list of absences; what is empty does not.
type AbsenceFilter struct {
	Person string // absent or standing in
	All    bool   // past ones too
}

// Absences lists who stands in for whom as of an instant, the earliest first.
func (r Reader) Absences(ctx context.Context, f AbsenceFilter, at time.Time) ([]Absence, error) {
	if f.Person != "" {
		if err := r.mustExist(ctx, "person", f.Person, personExistsSQL); err != nil {
			return nil, err
		}
	}
	return rows[Absence](ctx, r.q(), "absences", absencesSQL, f.Person, f.All, at)
}

const absencesSQL = `
	SELECT person_id, substitute, from_at, to_at, set_by, set_at,
	       CASE WHEN to_at <= $3 THEN 'over' WHEN from_at <= $3 THEN 'now' ELSE 'later' END AS state
	  FROM absences
	 WHERE ($1 = '' OR $1 IN (person_id, substitute)) AND ($2 OR to_at > $3)
	 ORDER BY from_at, person_id, substitute`

// Roles lists every role that somebody holds or a task asks for.
func (r Reader) Roles(ctx context.Context) ([]string, error) {
	return rows[string](ctx, r.q(), "roles", `
		SELECT role FROM person_roles
		UNION
		SELECT substr(w, 6) FROM tasks, unnest(candidates) w WHERE w LIKE 'role:%' ORDER BY 1`)
}
