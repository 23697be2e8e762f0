package activities

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// CompanyRecord is a legal entity; it may own several partner accounts (PGM-14).
type CompanyRecord struct {
	ID      string `yaml:"id"` // its unified social credit code, or another country's own number
	Name    string `yaml:"name"`
	Address string `yaml:"address"`
	Country string `yaml:"country"` // ISO 3166 code; CN when left out
}

// PathRecord is a stage of a partner account on a development path.
type PathRecord struct {
	Partner string     `yaml:"partner"`
	Path    string     `yaml:"path"`  // SW, SVC, SI, LRN, DST or OTH
	Stage   string     `yaml:"stage"` // SELECTED, ROLE_CERTIFIED or DIFFERENTIATED
	From    time.Time  `yaml:"from"`
	Until   *time.Time `yaml:"until"` // this instant out; when left out until the next stage begins
}

// companies come before the partners that they own.
func (l *loading) companies(ctx context.Context, f ProgrammeFile) error {
	for _, c := range f.Companies {
		if err := l.exec(ctx, "company "+c.ID, `
			INSERT INTO companies (company_id, name, address, country) VALUES ($1, $2, $3, $4)
			ON CONFLICT (company_id) DO UPDATE SET name = excluded.name, address = excluded.address, country = excluded.country
			 WHERE (companies.name, companies.address, companies.country) <> (excluded.name, excluded.address, excluded.country)`,
			c.ID, c.Name, c.Address, cmp.Or(c.Country, "CN")); err != nil {
			return err
		}
	}
	return nil
}

// paths come after partners and people: whose account it is, who holds it, and which paths it is on. What a file leaves out of an
// account stays as it is.
func (l *loading) paths(ctx context.Context, f ProgrammeFile) error {
	for _, p := range f.Partners {
		if err := l.exec(ctx, "company of "+p.ID, `
			UPDATE partners SET company_id = coalesce(nullif($2, ''), company_id), master = coalesce(nullif($3, ''), master), site = coalesce(nullif($4, ''), site)
			 WHERE partner_id = $1 AND (company_id, master, site)
			       IS DISTINCT FROM (coalesce(nullif($2, ''), company_id), coalesce(nullif($3, ''), master), coalesce(nullif($4, ''), site))`,
			p.ID, p.Company, p.Master, p.Site); err != nil {
			return err
		}
	}
	stages := slices.SortedStableFunc(slices.Values(f.Paths), func(a, b PathRecord) int { return a.From.Compare(b.From) }) // a stage ends before the next begins
	for _, s := range stages {
		from := stored(s.From)
		if err := l.exec(ctx, "path of "+s.Partner, `
			UPDATE partner_paths SET until_at = $3 WHERE partner_id = $1 AND path = $2 AND from_at < $3 AND until_at IS NULL`, s.Partner, s.Path, from); err != nil {
			return err
		}
		if err := l.exec(ctx, "path of "+s.Partner, `
			INSERT INTO partner_paths (partner_id, path, stage, from_at, until_at)
			SELECT $1, $2, $3, $4::timestamptz, coalesce($5::timestamptz, (SELECT min(from_at) FROM partner_paths WHERE partner_id = $1 AND path = $2 AND from_at > $4))
			ON CONFLICT (partner_id, path, from_at) DO UPDATE SET stage = excluded.stage, until_at = excluded.until_at
			 WHERE (partner_paths.stage, partner_paths.until_at) IS DISTINCT FROM (excluded.stage, excluded.until_at)`,
			s.Partner, s.Path, s.Stage, from, s.Until); err != nil {
			return err
		}
	}
	return nil
}
