package activities

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"countersign/domain/baseline"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/lab"
	"countersign/domain/ledger"
	"countersign/domain/member"
	"countersign/domain/money"
	"countersign/domain/owed"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/domain/refusal"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tax"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
	"countersign/internal/iso20022"

	"github.com/goccy/go-yaml"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Programme lays in what a programme starts with. Everything in it is instant and idempotent.
type Programme struct{ DB *sqlx.DB }

// ProgrammeFile is a programme as its operator writes it down. Loading it again changes nothing but what differs.
type ProgrammeFile struct {
	Calendar      []CalendarYear      `yaml:"calendar"`
	Partners      []PartnerRecord     `yaml:"partners"`
	Customers     []CustomerRecord    `yaml:"customers"`
	People        []PersonRecord      `yaml:"people"`
	Business      []BusinessRecord    `yaml:"business"`
	Policy        *withdrawal.Policy  `yaml:"withdrawal_policy"`          // a new version when it differs from the newest
	Requisition   *requisition.Policy `yaml:"requisition_policy"`         // the same for requisitions
	StaffPolicy   *staff.Policy       `yaml:"dedicated_staff_policy"`     // likewise
	QuarterPolicy *quarter.Policy     `yaml:"payment_application_policy"` // likewise
	Lots          []LotRecord         `yaml:"lots"`
	Memos         []MemoRecord        `yaml:"memos"`
	Offsets       []OffsetRecord      `yaml:"offsets"`

	Companies  []CompanyRecord `yaml:"companies"`
	Paths      []PathRecord    `yaml:"paths"`               // the development paths that partner accounts are on
	Tiers      []TierRecord    `yaml:"tiers"`               // tiers that memberships have already
	Labels     []LabelRecord   `yaml:"capability_labels"`   // that accounts obtained
	TierPolicy *tier.Policy    `yaml:"tier_upgrade_policy"` // a new version when it differs from the newest

	InvitationPolicy *member.Policy          `yaml:"invitation_policy"` // likewise
	PersonalAccounts []PersonalAccountRecord `yaml:"personal_accounts"`

	LabPolicy *lab.Policy `yaml:"lab_policy"` // likewise

	Addresses      []AddressRecord       `yaml:"vendor_addresses"`
	PayingAccounts []PayingAccountRecord `yaml:"paying_accounts"`

	Accounts []AccountRecord `yaml:"billing_accounts"` // of billing exports
	Bindings []BindingRecord `yaml:"bindings"`         // whose customers consume

	IdentityUsers    []IdentityUserRecord `yaml:"identity_users"`
	SpecialistPolicy *specialist.Policy   `yaml:"project_specialist_policy"` // likewise

	SolutionPolicy *solution.Policy `yaml:"solution_policy"`          // likewise
	Solutions      []SolutionRecord `yaml:"solutions"`                // certified before
	BaselinePolicy *baseline.Policy `yaml:"baseline_solution_policy"` // likewise
}

// PayingAccountRecord is the bank account from which an entity of the vendor pays; another one than before takes its place.
type PayingAccountRecord struct {
	Entity    string `yaml:"entity"     db:"entity"`
	Name      string `yaml:"name"       db:"name"`       // whose account it is
	AccountNo string `yaml:"account_no" db:"account_no"` // an IBAN, or the bank's own number
	BIC       string `yaml:"bic"        db:"bic"`        // may be left out
}

// CalendarYear is the holidays and make-up workdays of one year; it replaces what was known of it.
type CalendarYear struct {
	Year int           `yaml:"year"`
	Days []CalendarDay `yaml:"days"`
}

// CalendarDay is one exceptional day.
type CalendarDay struct {
	Date    calendar.Date `yaml:"date"`
	Working bool          `yaml:"working"`
	Name    string        `yaml:"name"`
}

// PartnerRecord is a partner account.
type PartnerRecord struct {
	ID           string `yaml:"id"`
	Name         string `yaml:"name"`
	Kind         string `yaml:"kind"`  // solution-provider, distributor or reseller
	State        string `yaml:"state"` // ACTIVE when left out
	VerifiedName string `yaml:"verified_name"`
	Entity       string `yaml:"entity"` // "cloud" is the cloud company

	EcosystemManager string `yaml:"ecosystem_manager"` // the vendor's person responsible for it; chains may ask for them

	Company string `yaml:"company"` // whose account it is (PGM-14)
	Master  string `yaml:"master"`  // the person who holds the account with which the network was joined
	Site    string `yaml:"site"`    // china or international; china when it was never said
}

// CustomerRecord binds a customer to a partner.
type CustomerRecord struct {
	ID      string `yaml:"id"`
	Partner string `yaml:"partner"`
	Name    string `yaml:"name"`
	Account string `yaml:"account"`         // its account name at the vendor
	Manager string `yaml:"account_manager"` // the partner's person who looks after it
}

// PersonRecord is a person; without a partner one of the vendor's.
type PersonRecord struct {
	ID       string        `yaml:"id"`
	Name     string        `yaml:"name"`
	Partner  string        `yaml:"partner"`
	Email    string        `yaml:"email"`
	Roles    []person.Role `yaml:"roles"`
	Superior string        `yaml:"superior"` // chains may ask for the submitter's
	Inactive bool          `yaml:"inactive"`
}

// LotRecord is money that came onto a partner's top-up account before Countersign kept it.
type LotRecord struct {
	Key          string            `yaml:"key"` // loaded once
	Partner      string            `yaml:"partner"`
	Source       withdrawal.Source `yaml:"source"`
	Payer        string            `yaml:"payer"`
	PayerAccount string            `yaml:"payer_account"`
	Entity       string            `yaml:"entity"` // that received it; the partner's when left out
	ArrivedAt    time.Time         `yaml:"arrived_at"`
	Amount       money.Amount      `yaml:"amount"`
	Designated   bool              `yaml:"designated"`
	TaxRate      *tax.Rate         `yaml:"tax_rate"` // of what is owed for it; 6 % when left out
}

// MemoRecord is a balance beside the cash: mostly one that reduces what can be withdrawn (WDL-07).
type MemoRecord struct {
	Key    string       `yaml:"key"`
	Kind   string       `yaml:"kind"` // see memos
	Owner  string       `yaml:"owner"`
	Amount money.Amount `yaml:"amount"` // negative: takes back

	Source  owed.Source `yaml:"source"`   // of kind owed; REFUND when left out
	TaxRate *tax.Rate   `yaml:"tax_rate"` // of kind owed; 6 % when left out
}

// OffsetRecord sets off a part of the owed invoice of one INCENTIVE_OWED lot (WDR-09).
type OffsetRecord struct {
	Key    string       `yaml:"key"`
	Lot    string       `yaml:"lot"` // the lot's key
	Amount money.Amount `yaml:"amount"`
}

// ParseProgramme reads a programme file; an unknown field is an error that shows its line.
func ParseProgramme(text []byte) (ProgrammeFile, error) {
	var f ProgrammeFile
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return f, fmt.Errorf("the programme file is not in order:\n%s", yaml.FormatError(err, false, true))
	}
	return f, nil
}

// LoadReport counts what a load changed.
type LoadReport struct {
	Records       int `json:"records"`        // partners, customers, people, calendar days laid in or brought up to date
	PolicyVersion int `json:"policy_version"` // the newest one now
	Entries       int `json:"entries"`        // posted now; a repeat posts none
}

// Load lays in a programme in one transaction: all of it or nothing. Tasks that nobody may decide after it, since a person is
// inactive now or holds a role no more, go to the process owner in transactions of their own.
func (p *Programme) Load(ctx context.Context, f ProgrammeFile, by string, at time.Time) (LoadReport, error) {
	l := loading{at: stored(at), by: by}
	err := inTx(ctx, p.DB, func(tx *sqlx.Tx) error {
		l.tx = tx
		l.report, l.cases = LoadReport{}, nil
		for _, part := range []func(context.Context, ProgrammeFile) error{
			l.calendar, l.companies, l.people, l.organisation, l.paths, l.members, l.business, l.addresses, l.consumption, l.tiers, l.policy, l.money, l.payingAccounts, l.solutions,
		} {
			if err := part(ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = handOverAll(ctx, p.DB, l.cases, LeaveInput{By: by, At: l.at}, &LeaveReport{})
	}
	return l.report, Final(err)
}

type loading struct {
	tx     *sqlx.Tx
	at     time.Time
	by     string
	report LoadReport
	cases  []string // that ask people who may decide less than before
}

func (l *loading) exec(ctx context.Context, what, query string, args ...any) error {
	res, err := l.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("load %s: %w", what, err)
	}
	n, err := res.RowsAffected()
	l.report.Records += int(n)
	return err
}

func (l *loading) calendar(ctx context.Context, f ProgrammeFile) error {
	for _, y := range f.Calendar {
		if err := l.exec(ctx, "calendar", `INSERT INTO calendar_years (year) VALUES ($1) ON CONFLICT DO NOTHING`, y.Year); err != nil {
			return err
		}
		listed := make([]string, len(y.Days))
		for i, d := range y.Days {
			listed[i] = d.Date.String()
			if err := l.exec(ctx, "calendar day "+listed[i], `
				INSERT INTO calendar_days (day, year, working, name) VALUES ($1, $2, $3, $4)
				ON CONFLICT (day) DO UPDATE SET working = excluded.working, name = excluded.name
				 WHERE (calendar_days.working, calendar_days.name) <> (excluded.working, excluded.name)`, d.Date, y.Year, d.Working, d.Name); err != nil {
				return err
			}
		}
		if err := l.exec(ctx, "calendar", `DELETE FROM calendar_days WHERE year = $1 AND day <> ALL ($2::date[])`, y.Year, pq.Array(listed)); err != nil {
			return err
		}
	}
	if len(f.Calendar) == 0 {
		return nil
	}
	_, err := readCalendar(ctx, l.tx) // it says everything that is wrong with the days
	return err
}

func (l *loading) people(ctx context.Context, f ProgrammeFile) error {
	for _, p := range f.Partners {
		if err := l.exec(ctx, "partner "+p.ID, upsertPartnerSQL, p.ID, p.Name, p.Kind, p.State, p.VerifiedName, p.Entity); err != nil {
			return err
		}
	}
	for _, c := range f.Customers {
		if err := l.exec(ctx, "customer "+c.ID, `
			INSERT INTO customers (customer_id, partner_id, name, account, account_manager) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (customer_id) DO UPDATE
			   SET partner_id = excluded.partner_id, name = excluded.name, account = excluded.account, account_manager = excluded.account_manager
			 WHERE (customers.partner_id, customers.name, customers.account, customers.account_manager)
			       <> (excluded.partner_id, excluded.name, excluded.account, excluded.account_manager)`, c.ID, c.Partner, c.Name, c.Account, c.Manager); err != nil {
			return err
		}
	}
	before, err := l.authorities(ctx, f.People)
	if err != nil {
		return err
	}
	for _, p := range f.People {
		if err := l.exec(ctx, "person "+p.ID, upsertPersonSQL, p.ID, p.Name, p.Partner, p.Email, !p.Inactive); err != nil {
			return err
		}
		roles := make([]string, len(p.Roles))
		for i, r := range p.Roles {
			roles[i] = string(r)
		}
		if err := l.exec(ctx, "roles of "+p.ID, `DELETE FROM person_roles WHERE person_id = $1 AND role <> ALL ($2)`, p.ID, pq.Array(roles)); err != nil {
			return err
		}
		if err := l.exec(ctx, "roles of "+p.ID, `INSERT INTO person_roles (person_id, role) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING`, p.ID, pq.Array(roles)); err != nil {
			return err
		}
	}
	if err := l.relations(ctx, f); err != nil {
		return err
	}
	return l.lessened(ctx, before, f.People)
}

// authorities reads what people of the file may decide by, before they are loaded, and locks them in the order of their IDs.
func (l *loading) authorities(ctx context.Context, people []PersonRecord) (map[string]authority, error) {
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	if _, err := l.tx.ExecContext(ctx, `SELECT 1 FROM people WHERE person_id = ANY ($1) ORDER BY person_id FOR NO KEY UPDATE`, pq.Array(ids)); err != nil {
		return nil, fmt.Errorf("lock people: %w", err)
	}
	var rows []authority
	if err := l.tx.SelectContext(ctx, &rows, `
		SELECT person_id, active, coalesce(partner_id, '') AS partner_id, ARRAY(SELECT role FROM person_roles r WHERE r.person_id = p.person_id) AS roles
		  FROM people p WHERE person_id = ANY ($1)`, pq.Array(ids)); err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	by := map[string]authority{}
	for _, a := range rows {
		by[a.Person] = a
	}
	return by, nil
}

// authority is what a person may decide by.
type authority struct {
	Person  string         `db:"person_id"`
	Active  bool           `db:"active"`
	Partner string         `db:"partner_id"`
	Roles   pq.StringArray `db:"roles"`
}

// exceeds tells whether anything of it is gone.
func (a authority) exceeds(now authority) bool {
	return a.Active && (!now.Active || a.Partner != now.Partner || slices.ContainsFunc(a.Roles, func(r string) bool { return !slices.Contains(now.Roles, r) }))
}

// lessened finds the cases of people who may decide less than before.
func (l *loading) lessened(ctx context.Context, before map[string]authority, people []PersonRecord) error {
	now, err := l.authorities(ctx, people)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if !before[id].exceeds(now[id]) {
			continue
		}
		cases, err := casesAsking(ctx, l.tx, id, before[id].Roles, l.at)
		if err != nil {
			return err
		}
		l.cases = append(l.cases, cases...)
	}
	slices.Sort(l.cases)
	l.cases = slices.Compact(l.cases)
	return nil
}

// relations come last: they name people, who name partners.
func (l *loading) relations(ctx context.Context, f ProgrammeFile) error {
	for _, p := range f.People {
		if err := l.exec(ctx, "superior of "+p.ID, `UPDATE people SET superior = nullif($2, '') WHERE person_id = $1 AND superior IS DISTINCT FROM nullif($2, '')`, p.ID, p.Superior); err != nil {
			return err
		}
	}
	for _, p := range f.Partners {
		if err := l.exec(ctx, "ecosystem manager of "+p.ID, `
			UPDATE partners SET ecosystem_manager = nullif($2, '') WHERE partner_id = $1 AND ecosystem_manager IS DISTINCT FROM nullif($2, '')`, p.ID, p.EcosystemManager); err != nil {
			return err
		}
	}
	return nil
}

const upsertPartnerSQL = `
	INSERT INTO partners (partner_id, name, kind, state, verified_name, entity) VALUES ($1, $2, $3, coalesce(nullif($4, ''), 'ACTIVE'), $5, $6)
	ON CONFLICT (partner_id) DO UPDATE
	   SET name = excluded.name, kind = excluded.kind, state = excluded.state, verified_name = excluded.verified_name, entity = excluded.entity
	 WHERE (partners.name, partners.kind, partners.state, partners.verified_name, partners.entity)
	       <> (excluded.name, excluded.kind, excluded.state, excluded.verified_name, excluded.entity)`

// Who left stays inactive, and whose account the partner disabled: yesterday's file does not know it.
const upsertPersonSQL = `
	INSERT INTO people (person_id, name, partner_id, email, active) VALUES ($1, $2, nullif($3, ''), $4, $5)
	ON CONFLICT (person_id) DO UPDATE
	   SET name = excluded.name, partner_id = excluded.partner_id, email = excluded.email, active = excluded.active AND may_be_active(people)
	 WHERE (people.name, people.partner_id, people.email, people.active)
	       IS DISTINCT FROM (excluded.name, excluded.partner_id, excluded.email, excluded.active AND may_be_active(people))`

func (l *loading) policy(ctx context.Context, f ProgrammeFile) error {
	for _, g := range f.policies() {
		version, err := setPolicy(ctx, l.tx, g.kind, g.policy, l.by, l.at)
		if err != nil {
			return err
		}
		if g.kind == withdrawal.Kind {
			l.report.PolicyVersion = version
		}
	}
	return nil
}

// givenPolicy is one kind's policy of a programme file.
type givenPolicy struct {
	kind   string
	policy interface{ Check() error }
}

func given[P interface{ Check() error }](kind string, p *P) []givenPolicy {
	if p == nil {
		return nil
	}
	return []givenPolicy{{kind, *p}}
}

// policies are those that the file says; each is a new version when it differs from the newest.
func (f ProgrammeFile) policies() []givenPolicy {
	return slices.Concat(
		given(withdrawal.Kind, f.Policy),
		given(requisition.Kind, f.Requisition),
		given(staff.Kind, f.StaffPolicy),
		given(quarter.Kind, f.QuarterPolicy),
		given(member.Kind, f.InvitationPolicy),
		given(specialist.Kind, f.SpecialistPolicy),
		given(tier.Kind, f.TierPolicy),
		given(lab.Kind, f.LabPolicy),
		given(solution.Kind, f.SolutionPolicy),
		given(baseline.Kind, f.BaselinePolicy),
	)
}

// policyTypes tells what the policy of each kind is.
var policyTypes = map[string]any{
	withdrawal.Kind:  withdrawal.Policy{},
	incentive.Kind:   incentive.Policy{},
	bill.Kind:        bill.Policy{},
	requisition.Kind: requisition.Policy{},
	staff.Kind:       staff.Policy{},
	quarter.Kind:     quarter.Policy{},
	member.Kind:      member.Policy{},
	specialist.Kind:  specialist.Policy{},
	lab.Kind:         lab.Policy{},
	tier.Kind:        tier.Policy{},
	solution.Kind:    solution.Policy{},
	baseline.Kind:    baseline.Policy{},
}

// PolicyKinds lists the kinds that have policies.
func PolicyKinds() []string { return slices.Sorted(maps.Keys(policyTypes)) }

// SetPolicy saves a new version of a kind's policy for one of the vendor's people and returns its number; the same content
// as the newest saves nothing.
// Cases in flight keep the version they were opened under.
func (p *Programme) SetPolicy(ctx context.Context, kind string, policy interface{ Check() error }, by string, at time.Time) (int, error) {
	var version int
	err := inTx(ctx, p.DB, func(tx *sqlx.Tx) (err error) {
		who, err := findPerson(ctx, tx, by)
		if err != nil {
			return err
		}
		if who == nil || !who.Active || !who.OfVendor() {
			return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+by, "Only people of the vendor set a policy; %q is none.", by)}
		}
		if reflect.TypeOf(policyTypes[kind]) != reflect.TypeOf(policy) {
			return unknown("policy for", kind)
		}
		if plan, ok := policy.(incentive.Policy); ok {
			if !who.Holds(person.VendorOperations, person.FinanceManager) { // what gives how much is money
				return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+by, "%q holds neither the role %s nor %s; somebody with one of them sets what gives how much incentive.",
					by, person.VendorOperations, person.FinanceManager)}
			}
			version, err = setIncentivePolicy(ctx, tx, plan, by, stored(at))
			return err
		}
		version, err = setPolicy(ctx, tx, kind, policy, by, stored(at))
		return err
	})
	return version, Final(err)
}

// setIncentivePolicy saves a new version of one plan; the same content as the plan's newest saves nothing, whatever other plans came since.
func setIncentivePolicy(ctx context.Context, tx *sqlx.Tx, policy incentive.Policy, by string, at time.Time) (int, error) {
	body, err := json.Marshal(policy)
	if err != nil {
		return 0, err
	}
	var newest struct {
		Version int  `db:"version"`
		Same    bool `db:"same"`
	}
	err = tx.GetContext(ctx, &newest, `
		SELECT version, body = $2::jsonb AS same FROM policies WHERE kind = $1 AND body ->> 'plan_name' = $3 ORDER BY version DESC LIMIT 1`,
		incentive.Kind, body, policy.PlanName)
	switch {
	case err == nil && newest.Same:
		return newest.Version, nil
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return 0, fmt.Errorf("look for policy: %w", err)
	}
	return setPolicy(ctx, tx, incentive.Kind, policy, by, at)
}

const lockPoliciesSQL = `SELECT pg_advisory_xact_lock(hashtext('policies/' || $1))`

// setPolicy saves a new version of a kind's policy, unless its content is that of the newest.
func setPolicy(ctx context.Context, tx *sqlx.Tx, kind string, policy interface{ Check() error }, by string, at time.Time) (int, error) {
	if err := policy.Check(); err != nil {
		return 0, fmt.Errorf("the policy of %s is not in order: %w", kind, err)
	}
	body, err := json.Marshal(policy)
	if err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, lockPoliciesSQL, kind); err != nil { // versions are drawn one by one
		return 0, fmt.Errorf("lock policies: %w", err)
	}
	var version int
	if err := tx.GetContext(ctx, &version, `
		WITH given AS (SELECT $2::jsonb || CASE WHEN $2::jsonb ? 'version' THEN '{"version": 0}' ELSE '{}' END::jsonb AS body), -- the column has it
		newest AS (SELECT version, body FROM policies WHERE kind = $1 ORDER BY version DESC LIMIT 1),
		added AS (
			INSERT INTO policies (kind, version, body, set_by, set_at)
			SELECT $1, coalesce((SELECT version FROM newest), 0) + 1, given.body, $3, $4 FROM given
			 WHERE NOT EXISTS (SELECT 1 FROM newest WHERE newest.body = given.body) RETURNING version)
		SELECT version FROM added UNION ALL SELECT version FROM newest ORDER BY version DESC LIMIT 1`, kind, body, by, at); err != nil {
		return 0, fmt.Errorf("save policy: %w", err)
	}
	return version, nil
}

func (l *loading) payingAccounts(ctx context.Context, f ProgrammeFile) error {
	for _, a := range f.PayingAccounts {
		if err := (iso20022.Account{Name: a.Name, Number: a.AccountNo, BIC: a.BIC}).Check(); err != nil || a.Entity == "" {
			return fmt.Errorf("paying account of entity %q: %w", a.Entity, cmp.Or(err, errors.New("the entity is missing")))
		}
		if err := l.exec(ctx, "paying account of "+a.Entity, `
			INSERT INTO paying_accounts (entity, name, account_no, bic, set_by, set_at)
			SELECT $1::text, $2::text, $3::text, $4::text, $5, $6::timestamptz
			 WHERE NOT EXISTS (SELECT 1 FROM (SELECT name, account_no, bic FROM paying_accounts WHERE entity = $1 ORDER BY account_id DESC LIMIT 1) a
			                    WHERE (a.name, a.account_no, a.bic) = ($2, $3, $4))`,
			a.Entity, a.Name, a.AccountNo, a.BIC, l.by, l.at); err != nil {
			return err
		}
	}
	return nil
}

func (l *loading) money(ctx context.Context, f ProgrammeFile) error {
	var accounts []ledger.Account // all of the file in name order first, so that no application waits for us while we wait for it
	for _, lot := range f.Lots {
		accounts = append(accounts, ledger.Cash(lot.Partner), ledger.Owed(lot.Partner), ledger.Incentive(lot.Partner))
	}
	for _, m := range f.Memos {
		move, ok := memos[m.Kind]
		if !ok {
			return fmt.Errorf("memo %s: there is no kind %q; write one of %s", m.Key, m.Kind, strings.Join(slices.Sorted(maps.Keys(memos)), ", "))
		}
		debit, credit := move(m.Owner)
		accounts = append(accounts, debit, credit)
	}
	if _, err := lockBalances(ctx, l.tx, accounts...); err != nil {
		return err
	}
	for _, lot := range f.Lots {
		if err := l.lot(ctx, lot); err != nil {
			return err
		}
	}
	for _, m := range f.Memos {
		debit, credit := memos[m.Kind](m.Owner)
		before := l.report.Entries
		if err := l.post(ctx, ledger.Entry{Key: "load/memo/" + m.Key, Memo: "loaded: " + m.Kind, Postings: ledger.Move(m.Amount, debit, credit)}); err != nil {
			return err
		}
		if m.Kind == "owed" && l.report.Entries > before {
			if err := l.owed(ctx, m); err != nil {
				return err
			}
		}
	}
	for _, o := range f.Offsets {
		if err := l.offset(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// memos are the kinds of MemoRecord: what an owner's amount is debited and credited to.
var memos = map[string]func(owner string) (debit, credit ledger.Account){
	"owed":      func(p string) (ledger.Account, ledger.Account) { return ledger.OwedContra, ledger.Owed(p) },          // a partner's owed invoices
	"unposted":  func(p string) (ledger.Account, ledger.Account) { return ledger.UnpostedContra, ledger.Unposted(p) },  // its charges not posted
	"credit":    func(p string) (ledger.Account, ledger.Account) { return ledger.CreditLine, ledger.Credit(p) },        // its granted credit
	"incentive": func(p string) (ledger.Account, ledger.Account) { return ledger.IncentiveCost, ledger.Incentive(p) },  // an incentive payable to it
	"payout":    func(p string) (ledger.Account, ledger.Account) { return ledger.Incentive(p), ledger.Bank },           // one paid by bank transfer (WDR-12)
	"debt":      func(customer string) (ledger.Account, ledger.Account) { return ledger.Debt(customer), ledger.Sales }, // a customer's unpaid charges
}

// lot posts money of a channel onto the top-up account. Money with an owed invoice raises the owed memo as well (WDL-24).
func (l *loading) lot(ctx context.Context, lot LotRecord) error {
	contra, ok := contras[lot.Source]
	if !ok {
		return fmt.Errorf("lot %s: there is no source %q", lot.Key, lot.Source)
	}
	if contra == "" {
		contra = ledger.Incentive(lot.Partner)
	}
	e := ledger.Entry{Key: "load/lot/" + lot.Key, Memo: "loaded: " + string(lot.Source), Postings: ledger.Move(lot.Amount, contra, ledger.Cash(lot.Partner))}
	if lot.Source == withdrawal.IncentiveOwed {
		e.Postings = append(e.Postings, ledger.Move(lot.Amount, ledger.OwedContra, ledger.Owed(lot.Partner))...)
	}
	if err := l.post(ctx, e); err != nil {
		return err
	}
	_, err := l.tx.ExecContext(ctx, `
		INSERT INTO lots (key, partner_id, source, payer, payer_account, entity, arrived_at, amount, remaining, designated)
		SELECT $1, $2, $3, $4, $5, coalesce(nullif($6, ''), entity), $7, $8, $8, $9 FROM partners WHERE partner_id = $2
		ON CONFLICT (key) DO NOTHING`,
		"load/"+lot.Key, lot.Partner, lot.Source, lot.Payer, lot.PayerAccount, lot.Entity, stored(lot.ArrivedAt), lot.Amount, lot.Designated)
	if err != nil {
		return fmt.Errorf("load lot %s: %w", lot.Key, err)
	}
	if lot.Source != withdrawal.IncentiveOwed {
		return nil
	}
	o := owedAmount{Key: e.Key, Partner: lot.Partner, Source: owed.Incentive, Rate: rateOr6(lot.TaxRate), Amount: lot.Amount, At: lot.ArrivedAt}
	if err := l.tx.GetContext(ctx, &o.Lot, `SELECT lot_no FROM lots WHERE key = $1`, "load/"+lot.Key); err != nil {
		return fmt.Errorf("load lot %s: %w", lot.Key, err)
	}
	return insertOwed(ctx, l.tx, o)
}

// contras are the accounts that money of a source came from; the empty one is the partner's incentive payable.
var contras = map[withdrawal.Source]ledger.Account{
	withdrawal.Alipay: ledger.ChanAlipay, withdrawal.Wechat: ledger.ChanWechat, withdrawal.Unionpay: ledger.ChanUnionpay,
	withdrawal.EbankPersonal: ledger.ChanEbankPers, withdrawal.EbankCorporate: ledger.ChanEbankCorp,
	withdrawal.RemitDedicated: ledger.Bank, withdrawal.RemitGeneral: ledger.Bank,
	withdrawal.IncentivePaid: "", withdrawal.IncentiveOwed: "",
	withdrawal.TradeMode: ledger.Sales, withdrawal.Grant: ledger.Sales, withdrawal.Reclaim: ledger.Sales, withdrawal.Refund: ledger.Sales,
}

func (l *loading) offset(ctx context.Context, o OffsetRecord) error {
	var lot struct {
		Entry   string `db:"entry_id"`
		Partner string `db:"partner_id"`
	}
	err := l.tx.GetContext(ctx, &lot, `SELECT entry_id, partner_id FROM owed_entries WHERE key = $1`, "load/lot/"+o.Lot)
	if errors.Is(err, sql.ErrNoRows) {
		return unknown("lot", o.Lot)
	}
	if err != nil {
		return fmt.Errorf("load offset %s: %w", o.Key, err)
	}
	before := l.report.Entries
	if err := l.post(ctx, ledger.Entry{
		Key: "load/offset/" + o.Key, Memo: "loaded: owed invoice set off",
		Postings: ledger.Move(o.Amount, ledger.Owed(lot.Partner), ledger.OwedContra),
	}); err != nil || l.report.Entries == before {
		return err
	}
	return insertOffsets(ctx, l.tx, "load/offset/"+o.Key, "", []owed.Offset{{Entry: lot.Entry, Amount: o.Amount}}, l.at)
}

// post books an entry of the file once; the same key with another content is an error that names it.
func (l *loading) post(ctx context.Context, e ledger.Entry) error {
	e.At = l.at
	var known bool
	if err := l.tx.GetContext(ctx, &known, `SELECT EXISTS (SELECT 1 FROM entries WHERE key = $1)`, e.Key); err != nil {
		return fmt.Errorf("look for %s: %w", e.Key, err)
	}
	if err := post(ctx, l.tx, e); err != nil {
		if errors.Is(err, ledger.ErrOtherContent) {
			return refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "record "+e.Key,
				"The record %q was loaded before with other content; give the changed record a key of its own.", e.Key)}
		}
		return err
	}
	if !known {
		l.report.Entries++
	}
	return nil
}
