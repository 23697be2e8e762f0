package activities

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
)

// office is an organisation: partner P1 with the master account of meng, the system administrator ada and the finance person fei;
// partner P2 with zed, who administers it; ops of the vendor.
type office struct {
	*Organisation
	t    *testing.T
	db   *sqlx.DB
	keys int
}

var day3 = time.Date(2025, 3, 3, 9, 0, 0, 0, calendar.Zone)

func newOffice(t *testing.T) *office {
	t.Helper()
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO companies (company_id, name, address) VALUES ('C', 'Alpha Ltd', '1 Old Road')`)
	db.MustExec(`INSERT INTO partners (partner_id, name, kind, verified_name, entity, company_id) VALUES
		('P1', 'Alpha', 'solution-provider', 'Alpha Ltd', 'cloud', 'C'), ('A2', 'Alpha two', 'reseller', 'Alpha Ltd', 'cloud', 'C'), ('P2', 'Beta', 'distributor', 'Beta Ltd', 'cloud', NULL)`)
	db.MustExec(`INSERT INTO people (person_id, name, partner_id, email) VALUES ('meng', 'Meng', 'P1', 'meng@alpha.example'), ('ada', 'Ada', 'P1', ''), ('fei', 'Fei', 'P1', ''),
		('zed', 'Zed', 'P2', ''), ('ops', 'Ops', NULL, '')`)
	db.MustExec(`UPDATE partners SET master = 'meng' WHERE partner_id = 'P1'`)
	db.MustExec(`INSERT INTO organisation_people (person_id, account_name, mobile) VALUES ('meng', 'meng', '13900139000'), ('ada', 'ada', ''), ('fei', 'fei', ''), ('zed', 'zed', '')`)
	db.MustExec(`INSERT INTO person_roles VALUES ('meng', 'partner-administrator'), ('ada', 'partner-administrator'), ('fei', 'partner-finance'), ('zed', 'partner-administrator'), ('ops', 'vendor-operations')`)
	policy := withdrawal.DefaultPolicy()
	_, err := (&Programme{DB: db}).SetPolicy(t.Context(), withdrawal.Kind, policy, "ops", day3)
	require.NoError(t, err)
	return &office{Organisation: &Organisation{DB: db}, t: t, db: db}
}

// asked is a request of somebody with a key of its own.
func (o *office) asked(by string, at time.Time) Asked {
	o.keys++
	return Asked{By: by, Key: "key-" + strconv.Itoa(o.keys), At: at}
}

func (o *office) entry(account string, roles ...person.Role) organisation.Entry {
	return organisation.Entry{Account: account, Name: "Name of " + account, Mobile: "13800138000", Email: account + "@alpha.example", Roles: roles}
}

// create makes a person of P1.
func (o *office) create(account string, roles ...person.Role) GivenPassword {
	o.t.Helper()
	p, err := o.CreatePerson(o.t.Context(), CreatePersonInput{Partner: "P1", Entry: o.entry(account, roles...), Asked: o.asked("ada", day3)})
	require.NoError(o.t, err)
	return p
}

// ready makes a person of P1 who has set a password of their own, and answers their ID.
func (o *office) ready(account string, roles ...person.Role) string {
	o.t.Helper()
	p := o.create(account, roles...)
	require.NoError(o.t, o.ChangePassword(o.t.Context(), ChangePasswordInput{Account: account, Old: p.Initial, New: "Spring 2025 rain", Key: account, At: day3}))
	return p.ID
}

func (o *office) signIn(account, password string, at time.Time) (SignedIn, error) {
	return o.SignIn(o.t.Context(), SignInInput{Account: account, Password: password, At: at})
}

func (o *office) roles(id string, roles ...person.Role) error {
	_, err := o.SetRoles(o.t.Context(), SetRolesInput{Person: id, Roles: roles, Asked: o.asked("ada", day3)})
	return err
}

func (o *office) read(id string) organisation.Person {
	o.t.Helper()
	p, err := readOrganisationPerson(o.t.Context(), o.db, id)
	require.NoError(o.t, err)
	require.NotNil(o.t, p)
	return *p
}

// refuses requires exactly these refusals, as "rule code", and that they were recorded.
func (o *office) refuses(err error, want ...string) {
	o.t.Helper()
	list := RefusalOf(err)
	require.NotNil(o.t, list, "%v", err)
	var got []string
	for _, r := range list {
		got = append(got, r.Rule+" "+r.Code)
	}
	require.Equal(o.t, want, got, list.Error())
	var codes pq.StringArray
	require.NoError(o.t, o.db.Get(&codes, `SELECT codes FROM refusals WHERE kind = 'organisation' ORDER BY refusal_id DESC LIMIT 1`))
	require.Equal(o.t, list.Codes(), []string(codes))
}

func TestGivenAnOrganisation_WhenAPersonIsCreated_ThenTheRulesHoldAndARepeatMakesNoSecond(t *testing.T) {
	o := newOffice(t)
	in := CreatePersonInput{Partner: "P1", Entry: o.entry("li.lei", person.PartnerFinance, person.PartnerWithdrawals, person.PartnerArchitect), Asked: o.asked("ada", day3)}
	first, err := o.CreatePerson(t.Context(), in) // Rule: ORG-04, three roles are accepted
	require.NoError(t, err)
	require.Equal(t, "U000001", first.ID)
	require.Len(t, first.Initial, 16)
	require.True(t, first.MustChange)
	require.Equal(t, "138****8000", first.Mobile, "an answer is masked like a list")
	require.Equal(t, []person.Role{person.PartnerArchitect, person.PartnerFinance, person.PartnerWithdrawals}, first.Roles)
	again, err := o.CreatePerson(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "U000001", again.ID)
	require.Empty(t, again.Initial, "it is told once")
	in.Entry.Name = "Another"
	_, err = o.CreatePerson(t.Context(), in)
	o.refuses(err, "COM-20 COM_REQUEST_KEY")
	require.Equal(t, 5, count(t, o.db, `SELECT count(*) FROM organisation_people`))

	for name, test := range map[string]struct { // Rules: ORG-04, ORG-05, ORG-06
		roles []person.Role
		want  []string
	}{
		"no role":                          {nil, []string{"ORG-04 ORG_ROLE_REQUIRED"}},
		"four roles":                       {[]person.Role{person.PartnerFinance, person.PartnerWithdrawals, person.PartnerIncentives, person.PartnerArchitect}, []string{"ORG-04 ORG_ROLE_LIMIT"}},
		"system administrator and finance": {[]person.Role{person.PartnerAdministrator, person.PartnerFinance}, []string{"ORG-05 ORG_ROLE_ADMIN_ALONE"}},
		"account manager and director":     {[]person.Role{person.PartnerAccountManager, person.PartnerAccountDirector}, []string{"ORG-06 ORG_ROLE_AM_DIRECTOR"}},
		"all of it at once": {
			[]person.Role{person.PartnerAdministrator, person.PartnerFinance, person.PartnerAccountManager, person.PartnerAccountDirector},
			[]string{"ORG-04 ORG_ROLE_LIMIT", "ORG-05 ORG_ROLE_ADMIN_ALONE", "ORG-06 ORG_ROLE_AM_DIRECTOR"},
		},
		"a role of the vendor": {[]person.Role{person.VendorFinance}, []string{"COM-08 CBC.0100"}},
	} {
		_, err := o.CreatePerson(t.Context(), CreatePersonInput{Partner: "P1", Entry: o.entry("x", test.roles...), Asked: o.asked("ada", day3)})
		t.Log(name)
		o.refuses(err, test.want...)
	}
	_, err = o.CreatePerson(t.Context(), CreatePersonInput{Partner: "P1", Entry: o.entry("li.lei", person.PartnerFinance), Asked: o.asked("zed", day3)})
	o.refuses(err, "COM-16 CBC.0151")
	_, err = o.CreatePerson(t.Context(), CreatePersonInput{Partner: "P1", Entry: o.entry("li.lei", person.PartnerFinance), Asked: o.asked("ada", day3)})
	o.refuses(err, "ORG-03 CBC.0100", "ORG-07 ORG_EMAIL_TAKEN")
	require.Equal(t, 5, count(t, o.db, `SELECT count(*) FROM organisation_people`), "nothing was written")
}

// Rules: COM-20, PGM-10
func TestGivenCommandsWhoseAnswersWereLost_WhenTheyAreRepeatedLater_ThenNothingHappensTwiceAndNothingIsRefused(t *testing.T) {
	o := newOffice(t)
	u, am, director := o.ready("li.lei", person.PartnerFinance), o.ready("am", person.PartnerAccountManager), o.ready("dong", person.PartnerAccountDirector)
	o.db.MustExec(`INSERT INTO customers (customer_id, partner_id) VALUES ('C1', 'P1')`)
	o.db.MustExec(`INSERT INTO identity_users (user_id, partner_id, name, email) VALUES ('iam-7', 'P1', 'Iam', 'iam@alpha.example')`)
	name := "Li"
	for what, do := range map[string]func(Asked) error{
		"change": func(a Asked) error {
			_, err := o.ChangePerson(t.Context(), ChangePersonInput{Person: u, Change: organisation.Change{Name: &name}, Asked: a})
			return err
		},
		"roles": func(a Asked) error {
			_, err := o.SetRoles(t.Context(), SetRolesInput{Person: u, Roles: []person.Role{person.PartnerFinance}, Asked: a})
			return err
		},
		"status": func(a Asked) error {
			_, err := o.SetStatus(t.Context(), SetStatusInput{Person: u, Status: organisation.Disabled, Asked: a})
			return err
		},
		"reset": func(a Asked) error {
			_, err := o.ResetPassword(t.Context(), ResetPasswordInput{Person: u, Asked: a})
			return err
		},
		"role": func(a Asked) error {
			_, err := o.CreateRole(t.Context(), CreateRoleInput{Partner: "P1", Name: "Interns", Asked: a})
			return err
		},
		"director": func(a Asked) error {
			return o.AssignDirector(t.Context(), AssignInput{What: am, To: director, Asked: a})
		},
		"customer": func(a Asked) error { return o.AssignCustomer(t.Context(), AssignInput{What: "C1", To: am, Asked: a}) },
		"review": func(a Asked) error {
			return o.SubmitQualification(t.Context(), SubmitQualificationInput{Person: am, Role: person.PartnerAccountManager, Asked: a})
		},
		"identity": func(a Asked) error {
			return o.DeleteIdentityUser(t.Context(), DeleteIdentityUserInput{User: "iam-7", Asked: a})
		},
		"company": func(a Asked) error {
			return o.ChangeCompany(t.Context(), ChangeCompanyInput{Partner: "P1", Address: "2 New Road", Asked: a})
		},
		"contact": func(a Asked) error {
			_, err := o.AddContact(t.Context(), AddContactInput{Partner: "P1", Contact: organisation.Contact{Name: "Desk", Mobile: "13800138000"}, Asked: a})
			return err
		},
		"draft": func(a Asked) error {
			_, err := o.SaveDraft(t.Context(), SaveDraftInput{Partner: "P1", Kind: withdrawal.Kind, Title: "May", Asked: a})
			return err
		},
	} {
		before := count(t, o.db, `SELECT count(*) FROM organisation_commands`)
		a := o.asked("ada", day3)
		require.NoError(t, do(a), what)
		a.At = a.At.Add(time.Minute)
		require.NoError(t, do(a), what)
		require.Equal(t, before+1, count(t, o.db, `SELECT count(*) FROM organisation_commands`), what)
		a.By = "meng"
		o.refuses(do(a), "COM-20 COM_REQUEST_KEY")
	}
	require.Equal(t, 1, count(t, o.db, `SELECT count(*) FROM customer_contacts`))
	require.Equal(t, 1, count(t, o.db, `SELECT count(*) FROM drafts`))
}

// The database refuses what the rules refuse, whoever writes.
func TestGivenPersonRoles_WhenTheyAreWrittenPastTheRules_ThenTheDatabaseRefuses(t *testing.T) {
	o := newOffice(t)
	insert := func(roles ...string) error {
		_, err := o.db.Exec(`INSERT INTO person_roles SELECT 'fei', unnest($1::text[])`, pq.Array(roles))
		return byConstraint(err)
	}
	for code, roles := range map[string][]string{
		"ORG_ROLE_LIMIT":       {"a", "b", "c"},
		"ORG_ROLE_ADMIN_ALONE": {"partner-administrator"},
		"ORG_ROLE_AM_DIRECTOR": {"partner-account-manager", "partner-account-director"},
	} {
		var list refusal.List
		require.ErrorAs(t, insert(roles...), &list, code)
		require.Equal(t, code, list[0].Code)
	}
	require.NoError(t, insert("a", "b"))
	role, err := o.CreateRole(t.Context(), CreateRoleInput{Partner: "P2", Name: "Cash", Permissions: []organisation.Permission{organisation.Withdrawals}, Asked: o.asked("zed", day3)})
	require.NoError(t, err)
	_, err = o.db.Exec(`INSERT INTO person_roles VALUES ('ada', $1)`, role) // more than the administrator's, whose ever
	require.Error(t, err)
	o.db.MustExec(`INSERT INTO people (person_id, name, partner_id) VALUES ('gu', 'Gu', 'P1')`)
	_, err = o.db.Exec(`INSERT INTO person_roles VALUES ('gu', $1)`, role) // Rule: ORG-12, another partner's role
	require.ErrorContains(t, err, "another partner's")
	_, err = o.SetStatus(t.Context(), SetStatusInput{Person: "fei", Status: organisation.Deleted, Asked: o.asked("ada", day3)})
	require.NoError(t, err)
	_, err = o.db.Exec(`UPDATE organisation_people SET status = 'ACTIVE' WHERE person_id = 'fei'`)
	require.Equal(t, "ENG_STATE", RefusalOf(byConstraint(err))[0].Code)
	owner := pgtest.Owner(t, o.db)
	for _, table := range []string{"organisation_commands", "audit_log"} {
		_, err := o.db.Exec(`DELETE FROM ` + table)
		require.ErrorContains(t, err, "permission denied", table)
		_, err = owner.Exec(`DELETE FROM ` + table)
		require.ErrorContains(t, err, "append-only", table)
	}
	_, err = o.db.Exec(`UPDATE organisation_people SET account_name = 'x' WHERE person_id = 'fei'`)
	require.ErrorContains(t, err, "permission denied")
}

// Rules: ORG-02, ORG-03, ORG-07, ORG-15
func TestGivenAPersonsData_WhenTheyOrTheAdministratorChangeIt_ThenTheNameStaysAndTheEmailIsTheirs(t *testing.T) {
	o := newOffice(t)
	o.db.MustExec(`INSERT INTO identity_users (user_id, partner_id, name, email) VALUES ('iam-7', 'P1', 'Iam', 'Iam@alpha.example')`)
	u3, u4 := o.ready("li.lei", person.PartnerFinance), o.ready("han.mei", person.PartnerFinance)
	text := func(s string) *string { return &s }
	change := func(by, id string, c organisation.Change) error {
		_, err := o.ChangePerson(t.Context(), ChangePersonInput{Person: id, Change: c, Asked: o.asked(by, day3)})
		return err
	}
	require.NoError(t, change(u3, u3, organisation.Change{Mobile: text("13700137000")})) // ORG-15
	require.Equal(t, "13700137000", o.read(u3).Mobile)
	o.refuses(change(u3, u4, organisation.Change{Mobile: text("13700137000")}), "ORG-15 CBC.0151")
	require.Equal(t, "13800138000", o.read(u4).Mobile)
	require.NoError(t, change("ada", u4, organisation.Change{Name: text("Han Meimei"), Email: text("han@alpha.example")})) // ORG-02
	require.Equal(t, "Han Meimei", o.read(u4).Name)
	o.refuses(change("ada", u3, organisation.Change{Account: text("li.lei2")}), "ORG-03 ORG_NAME_FIXED")
	require.Equal(t, "li.lei", o.read(u3).Account)
	all := organisation.Change{Account: text("x"), Mobile: text("12"), Email: text("iam@ALPHA.example")}
	o.refuses(change("ada", u3, all), "ENG-06 CBC.0100", "ORG-03 ORG_NAME_FIXED", "ORG-07 ORG_EMAIL_TAKEN")
	o.refuses(change("zed", u3, all), "ORG-15 CBC.0151", "ENG-06 CBC.0100", "ORG-03 ORG_NAME_FIXED")
	o.refuses(change("ada", "meng", organisation.Change{Email: text("ada@alpha.example")}), "ORG-18 CBC.0151")
	require.NoError(t, change("meng", "meng", organisation.Change{Mobile: text("13900139001")}), "its holder may")
	o.refuses(change("ada", u3, organisation.Change{Email: text("HAN@alpha.example")}), "ORG-07 ORG_EMAIL_TAKEN")

	entry := o.entry("iam", person.PartnerFinance) // ORG-07: iam@alpha.example
	create := func() error {
		_, err := o.CreatePerson(t.Context(), CreatePersonInput{Partner: "P1", Entry: entry, Asked: o.asked("ada", day3)})
		return err
	}
	o.refuses(create(), "ORG-07 ORG_EMAIL_TAKEN")
	_, err := o.db.Exec(`INSERT INTO people (person_id, name, partner_id, email) VALUES ('by-hand', 'X', 'P1', 'IAM@alpha.example')`)
	require.Equal(t, "ORG_EMAIL_TAKEN", RefusalOf(byConstraint(err))[0].Code, "the database says so too")
	require.NoError(t, o.DeleteIdentityUser(t.Context(), DeleteIdentityUserInput{User: "iam-7", Asked: o.asked("ada", day3)}))
	require.NoError(t, create(), "that user is deleted")
}

// Rules: ORG-08, PGM-09
func TestGivenAQualificationUnderReview_WhenItsRoleIsTakenAway_ThenItIsLockedUntilTheResult(t *testing.T) {
	o := newOffice(t)
	u := o.ready("li.lei", person.PartnerAccountManager, person.PartnerFinance)
	submit := func(role person.Role) error {
		return o.SubmitQualification(t.Context(), SubmitQualificationInput{Person: u, Role: role, Asked: o.asked(u, day3)})
	}
	o.refuses(submit(person.PartnerFinance), "ORG-08 CBC.0100")
	o.refuses(submit(person.PartnerArchitect), "ORG-08 CBC.0100")
	require.NoError(t, submit(person.PartnerAccountManager)) // 2025-03-03
	o.refuses(submit(person.PartnerAccountManager), "PGM-09 ENG_STATE")
	require.Equal(t, []person.Role{person.PartnerAccountManager}, o.read(u).Locked)

	day4 := day3.AddDate(0, 0, 1)
	_, err := o.SetRoles(t.Context(), SetRolesInput{Person: u, Roles: []person.Role{person.PartnerFinance}, Asked: o.asked("ada", day4)})
	o.refuses(err, "ORG-08 ORG_ROLE_LOCKED")
	_, err = o.SetStatus(t.Context(), SetStatusInput{Person: u, Status: organisation.Deleted, Asked: o.asked("ada", day4)})
	o.refuses(err, "ORG-08 ORG_ROLE_LOCKED")
	o.refuses(o.DeleteRole(t.Context(), DeleteRoleInput{Partner: "P1", Role: person.PartnerAccountManager, Asked: o.asked("ada", day4)}), "ORG-08 ORG_ROLE_LOCKED")
	_, err = o.db.Exec(`DELETE FROM person_roles WHERE person_id = $1`, u)
	require.Equal(t, "ORG_ROLE_LOCKED", RefusalOf(byConstraint(err))[0].Code, "the database says so too")
	require.NoError(t, o.roles(u, person.PartnerAccountManager), "another role may go")

	decide := func(by string) error {
		return o.DecideQualification(t.Context(), DecideQualificationInput{Person: u, Role: person.PartnerAccountManager, Passed: true, Asked: o.asked(by, day4)})
	}
	o.refuses(decide("ada"), "COM-16 CBC.0151")
	require.NoError(t, decide("ops"))
	o.refuses(decide("ops"), "ENG-03 ENG_STATE")
	require.NoError(t, o.roles(u, person.PartnerFinance))
	o.refuses(o.DeleteRole(t.Context(), DeleteRoleInput{Partner: "P1", Role: person.PartnerAccountManager, Asked: o.asked("ada", day4)}), "ORG-13 CBC.0100")
}

// Rule: ORG-10
func TestGivenADirectorWithThreeManagers_WhenTheRoleGoes_ThenTheThreeAreOpenUntilANewDirectorIsAssigned(t *testing.T) {
	o := newOffice(t)
	director, successor := o.create("dong", person.PartnerAccountDirector, person.PartnerFinance).ID, o.create("du", person.PartnerAccountDirector).ID
	assign := func(manager, to string) error {
		return o.AssignDirector(t.Context(), AssignInput{What: manager, To: to, Asked: o.asked("ada", day3)})
	}
	var managers []string
	for _, name := range []string{"am1", "am2", "am3"} {
		managers = append(managers, o.create(name, person.PartnerAccountManager).ID)
		require.NoError(t, assign(managers[len(managers)-1], director))
	}
	o.refuses(assign(director, successor), "ORG-10 CBC.0100")
	o.refuses(assign(managers[0], "fei"), "ORG-10 CBC.0100")
	open := func() int {
		return count(t, o.db, `SELECT count(*) FROM organisation_persons WHERE 'partner-account-manager' = ANY (roles) AND director IS NULL`)
	}
	require.Zero(t, open())
	require.NoError(t, o.roles(director, person.PartnerFinance))
	require.Equal(t, 3, open(), "3 managers without director")
	require.NoError(t, assign(managers[0], successor))
	require.Equal(t, 2, open())
	_, err := o.SetStatus(t.Context(), SetStatusInput{Person: successor, Status: organisation.Deleted, Asked: o.asked("ada", day3)})
	require.NoError(t, err)
	require.Equal(t, 3, open(), "a deleted director has the role no more")
}

// Rules: ORG-12, ORG-13, ORG-17
func TestGivenACustomRole_WhenPersonsHaveIt_ThenItOpensWhatItSaysAndCanOnlyBeDeletedWithoutThem(t *testing.T) {
	o := newOffice(t)
	role := func(name string, permissions ...organisation.Permission) (person.Role, error) {
		id, err := o.CreateRole(t.Context(), CreateRoleInput{Partner: "P1", Name: name, Permissions: permissions, Asked: o.asked("ada", day3)})
		return person.Role(id), err
	}
	bare, err := role("Interns")
	require.NoError(t, err)
	cash, err := role("Cash desk", organisation.Withdrawals)
	require.NoError(t, err)
	_, err = role("Interns", organisation.Opportunities, "rockets")
	o.refuses(err, "ORG-12 CBC.0100", "ORG-17 ORG_MASTER_ONLY_MENU", "COM-08 CBC.0100")

	one, two := o.ready("one", bare), o.ready("two", bare)
	require.Equal(t, []organisation.Permission{organisation.Console, organisation.Home, organisation.OwnData, organisation.Credentials, organisation.News}, o.read(one).Permissions())
	three := o.ready("three", cash)
	acting, err := findPerson(t.Context(), o.db, three)
	require.NoError(t, err)
	require.NoError(t, inTx(t.Context(), o.db, func(tx *sqlx.Tx) error { // and in who is told
		return notifyPartner(t.Context(), tx, caseRow{Partner: "P1", Submitter: "zed"}, []person.Role{person.PartnerWithdrawals}, "s", "b", "told", day3)
	}))
	require.Equal(t, 1, count(t, o.db, `SELECT count(*) FROM outbox WHERE key = 'told/' || $1`, three))
	require.True(t, withdrawal.MayAct(*acting, "P1"), "the permission counts in the process")
	require.False(t, withdrawal.MayAct(*acting, "P2"))

	remove := func(r person.Role) error {
		return o.DeleteRole(t.Context(), DeleteRoleInput{Partner: "P1", Role: r, Asked: o.asked("ada", day3)})
	}
	err = remove(bare)
	o.refuses(err, "ORG-13 ORG_ROLE_IN_USE")
	require.Contains(t, err.Error(), "2 persons")
	_, err = o.db.Exec(`UPDATE custom_roles SET deleted_at = now() WHERE role_id = $1`, bare)
	require.Equal(t, "ORG_ROLE_IN_USE", RefusalOf(byConstraint(err))[0].Code)
	require.NoError(t, o.roles(one, person.PartnerFinance))
	require.NoError(t, o.roles(two, person.PartnerFinance))
	require.NoError(t, remove(bare), "zero persons")
	o.refuses(o.roles(one, bare), "COM-08 CBC.0100")
	require.True(t, IsNotFound(remove(bare)))
	_, err = o.CreatePerson(t.Context(), CreatePersonInput{Partner: "P2", Entry: o.entry("four", cash), Asked: o.asked("zed", day3)})
	o.refuses(err, "COM-08 CBC.0100")
}

func TestGivenAccounts_WhenTheyAreDisabledEnabledAndDeleted_ThenTheMasterStaysAndADeletedRowToo(t *testing.T) {
	o := newOffice(t)
	id := o.ready("li.lei", person.PartnerWithdrawals)
	set := func(id string, to organisation.Status) error {
		_, err := o.SetStatus(t.Context(), SetStatusInput{Person: id, Status: to, Asked: o.asked("ada", day3)})
		return err
	}
	o.refuses(set("meng", organisation.Disabled), "ENG-03 ENG_STATE")
	require.NoError(t, set(id, organisation.Disabled))
	_, err := o.signIn("li.lei", "Spring 2025 rain", day3)
	o.refuses(err, "ORG-14 CBC.0151")
	file, err := ParseProgramme([]byte("people: [{id: " + id + ", name: Li Lei, partner: P1, roles: [partner-withdrawals]}]"))
	require.NoError(t, err)
	_, err = (&Programme{DB: o.db}).Load(t.Context(), file, "ops", day3)
	require.NoError(t, err)
	require.False(t, o.read(id).Active, "a file does not enable whom the partner disabled")
	require.NoError(t, set(id, organisation.Active))
	_, err = o.signIn("li.lei", "Spring 2025 rain", day3)
	require.NoError(t, err)
	require.NoError(t, set(id, organisation.Deleted))
	p := o.read(id)
	require.Equal(t, organisation.Deleted, p.Status)
	require.Empty(t, p.Roles)
	require.False(t, p.Active)
	o.refuses(set(id, organisation.Active), "ENG-03 ENG_STATE")
	_, err = o.CreatePerson(t.Context(), CreatePersonInput{Partner: "P1", Entry: o.entry("li.lei", person.PartnerFinance), Asked: o.asked("ada", day3)})
	o.refuses(err, "ORG-03 CBC.0100")
	require.Equal(t, 3, count(t, o.db, `SELECT count(*) FROM organisation_commands WHERE object = $1 AND action LIKE 'set status%'`, id))
}

// Rules: ORG-14, ORG-02
func TestGivenAnInitialPassword_WhenThePersonSignsIn_ThenNothingOpensBeforeTheyChangeIt(t *testing.T) {
	o := newOffice(t)
	given := o.create("li.lei", person.PartnerWithdrawals)
	came, err := o.signIn("li.lei", given.Initial, day3) // 2025-03-03T09:00
	require.NoError(t, err)
	require.Equal(t, SignedIn{Person: given.ID, MustChange: true, Pages: []organisation.Permission{}}, came)
	require.Equal(t, "ORG-14", organisation.JudgePage(&given.Person, false, given.ID, organisation.Home)[0].Rule)
	acting, err := findPerson(t.Context(), o.db, given.ID)
	require.NoError(t, err)
	require.False(t, withdrawal.MayAct(*acting, "P1"), "nor does anything else")

	change := func(old, fresh string) error {
		return o.ChangePassword(t.Context(), ChangePasswordInput{Account: "li.lei", Old: old, New: fresh, Key: fmt.Sprintf("%x", sha256.Sum256([]byte(old+fresh))), At: day3})
	}
	for _, weak := range []string{"Short 1", "all small letters", "li.lei 2025 Spring", given.Initial} {
		o.refuses(change(given.Initial, weak), "ORG-14 CBC.0100")
	}
	o.refuses(change("wrong", "Spring 2025 rain"), "ORG-14 CBC.0151")
	require.NoError(t, change(given.Initial, "Spring 2025 rain"))
	require.NoError(t, change(given.Initial, "Spring 2025 rain"), "a repeat with the same key")
	came, err = o.signIn("li.lei", "Spring 2025 rain", day3)
	require.NoError(t, err)
	require.False(t, came.MustChange)
	require.Contains(t, came.Pages, organisation.Withdrawals)
	require.Nil(t, organisation.JudgePage(new(o.read(given.ID)), false, given.ID, organisation.Home))
	_, err = o.signIn("li.lei", given.Initial, day3)
	o.refuses(err, "ORG-14 CBC.0151")

	reset, err := o.ResetPassword(t.Context(), ResetPasswordInput{Person: given.ID, Asked: o.asked("ada", day3)}) // ORG-02
	require.NoError(t, err)
	_, err = o.signIn("li.lei", "Spring 2025 rain", day3)
	o.refuses(err, "ORG-14 CBC.0151")
	came, err = o.signIn("li.lei", reset.Initial, day3)
	require.NoError(t, err)
	require.True(t, came.MustChange)
	var body string
	require.NoError(t, o.db.Get(&body, `SELECT body FROM outbox WHERE person_id = $1`, given.ID))
	require.Contains(t, body, "2025-03-03 09:00:00 (UTC+8)")
	require.NotContains(t, body, reset.Initial)
	_, err = o.ResetPassword(t.Context(), ResetPasswordInput{Person: given.ID, Asked: o.asked("fei", day3)})
	o.refuses(err, "COM-16 CBC.0151")
	_, err = o.ResetPassword(t.Context(), ResetPasswordInput{Person: "meng", Asked: o.asked("ada", day3)})
	o.refuses(err, "ORG-18 CBC.0151")

	for _, table := range []string{"organisation_people", "organisation_commands", "refusals", "outbox"} { // nowhere
		require.Zero(t, count(t, o.db, `SELECT count(*) FROM `+table+` x WHERE x::text LIKE '%Spring 2025%' OR x::text LIKE '%' || $1 || '%'`, reset.Initial), table)
	}
}

// Rules: ORG-14, PGM-02
func TestGivenWrongPasswords_WhenTheyAreFive_ThenTheAccountIsLockedForFifteenMinutesToTheSecond(t *testing.T) {
	o := newOffice(t)
	o.ready("li.lei", person.PartnerFinance)
	for i := range organisation.Tries {
		_, err := o.signIn("li.lei", "wrong", day3.Add(time.Duration(i)*time.Second))
		o.refuses(err, "ORG-14 CBC.0151")
	}
	locked := day3.Add(4 * time.Second)
	_, err := o.signIn("li.lei", "Spring 2025 rain", locked.Add(organisation.Lock-time.Second))
	o.refuses(err, "ORG-14 CBC.0151")
	require.Contains(t, err.Error(), "2025-03-03 09:15:04 (UTC+8)")
	_, err = o.signIn("li.lei", "Spring 2025 rain", locked.Add(organisation.Lock))
	require.NoError(t, err)
	require.Equal(t, 1, count(t, o.db, `SELECT count(*) FROM organisation_people WHERE account_name = 'li.lei' AND wrong_tries = 0 AND locked_until IS NULL`))
	_, err = o.signIn("nobody", "x", day3)
	o.refuses(err, "ORG-14 CBC.0151")
	_, err = o.signIn("ada", "", day3)
	o.refuses(err, "ORG-14 CBC.0151")
}

// Rule: ORG-16
func TestGivenAUserOfTheIdentityServiceOnly_WhenTheyComeToThePartnerCentre_ThenThereIsNoAccess(t *testing.T) {
	o := newOffice(t)
	file, err := ParseProgramme([]byte("identity_users: [{id: iam-7, partner: P1, name: Iam, email: iam@alpha.example}]"))
	require.NoError(t, err)
	_, err = (&Programme{DB: o.db}).Load(t.Context(), file, "ops", day3)
	require.NoError(t, err)
	_, stranger := o.signIn("nobody", "any password 1A", day3)
	for _, account := range []string{"iam-7", "iam@alpha.example"} { // nobody finds out whom the identity service knows
		_, err = o.signIn(account, "any password 1A", day3)
		o.refuses(err, "ORG-14 CBC.0151")
		require.Equal(t, stranger.Error(), err.Error())
		require.Contains(t, err.Error(), "identity service alone have no access")
	}
	report, err := (&Programme{DB: o.db}).Load(t.Context(), file, "ops", day3)
	require.NoError(t, err)
	require.Zero(t, report.Records)
}

// Rule: ORG-18
func TestGivenTheMasterAccount_WhenItsPasswordIsReset_ThenOnlyAVerifiedHolderGetsTheForm(t *testing.T) {
	o := newOffice(t)
	reset := func(by, code, fresh string, at time.Time) error {
		return o.ResetMaster(t.Context(), ResetMasterInput{Code: code, New: fresh, Asked: o.asked(by, at)})
	}
	o.refuses(reset("meng", "", "Autumn 2025 wind", day3), "ORG-18 CBC.0151")
	codes := &Codes{DB: o.db}
	_, err := codes.SendCode(t.Context(), SendCodeInput{Person: "ada", Scene: verification.Password, Target: "P1", At: day3})
	require.Equal(t, "ORG-18", RefusalOf(err)[0].Rule, "no master account")
	_, err = codes.SendCode(t.Context(), SendCodeInput{Person: "meng", Scene: verification.Password, Target: "P2", At: day3})
	require.Equal(t, "ORG-18", RefusalOf(err)[0].Rule, "of another partner")
	sent, err := codes.SendCode(t.Context(), SendCodeInput{Person: "meng", Scene: verification.Password, Target: "P1", At: day3})
	require.NoError(t, err)
	var body string
	require.NoError(t, o.db.Get(&body, `SELECT body FROM outbox WHERE person_id = 'meng' AND secret`))
	require.Contains(t, body, "a new password of the master account of partner P1")
	require.Contains(t, body, calendar.Shown(sent.ExpiresAt))
	_, code, _ := strings.Cut(body, "验证码 ")
	code = code[:6]

	o.refuses(reset("ada", code, "Autumn 2025 wind", day3), "ORG-18 CBC.0151")
	o.refuses(reset("meng", "nonsense", "Autumn 2025 wind", day3), "ORG-18 CBC.0151")
	require.Equal(t, 1, count(t, o.db, `SELECT count(*) FROM verification_codes WHERE used_at IS NULL AND tries_left = $1`, withdrawal.DefaultPolicy().CodeTries-1))
	o.refuses(reset("meng", code, "weak", day3), "ORG-14 CBC.0100")
	o.refuses(reset("meng", code, "Autumn 2025 wind", sent.ExpiresAt), "ORG-18 CBC.0151")
	require.NoError(t, reset("meng", code, "Autumn 2025 wind", sent.ExpiresAt.Add(-time.Second)))
	came, err := o.signIn("meng", "Autumn 2025 wind", day3)
	require.NoError(t, err, "valid at once")
	require.False(t, came.MustChange)
	require.Contains(t, came.Pages, organisation.Opportunities)
	o.refuses(reset("meng", code, "Winter 2025 snow", day3), "ORG-18 CBC.0151")
}

// Rule: ORG-20
func TestGivenFiveContacts_WhenASixthIsAdded_ThenItIsRefusedAndARemovedOneMakesRoom(t *testing.T) {
	o := newOffice(t)
	add := func(by string) (string, error) {
		return o.AddContact(t.Context(), AddContactInput{Partner: "P1", Contact: organisation.Contact{Name: "Hotline", Mobile: "13800138000"}, Asked: o.asked(by, day3)})
	}
	for i := range 5 {
		slot, err := add("ada")
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(i+1), slot)
	}
	_, err := add("fei")
	o.refuses(err, "COM-16 CBC.0151")
	_, err = add("ada")
	o.refuses(err, "ORG-20 ORG_CONTACT_LIMIT")
	_, err = o.db.Exec(`INSERT INTO customer_contacts (partner_id, slot, name, mobile) VALUES ('P1', 6, 'Hotline', '13800138000')`)
	require.Equal(t, "ORG_CONTACT_LIMIT", RefusalOf(byConstraint(err))[0].Code)
	in := RemoveContactInput{Partner: "P1", Slot: 2, Asked: o.asked("ada", day3)}
	require.NoError(t, o.RemoveContact(t.Context(), in))
	require.NoError(t, o.RemoveContact(t.Context(), in), "a repeat")
	slot, err := add("ada")
	require.NoError(t, err)
	require.Equal(t, "2", slot)
	_, err = o.AddContact(t.Context(), AddContactInput{Partner: "P2", Contact: organisation.Contact{Name: "X"}, Asked: o.asked("zed", day3)})
	o.refuses(err, "ORG-20 CBC.0100")
}

// Rules: COM-16, ORG-14
func TestGivenTheMasterAccountWithoutARole_WhenAdministratorsActOrAreTold_ThenItsHolderIsOneOfThem(t *testing.T) {
	o := newOffice(t)
	o.db.MustExec(`DELETE FROM person_roles WHERE person_id = 'meng'`)
	o.db.MustExec(`UPDATE partners SET master = 'fei' WHERE partner_id = 'P2'`) // of another partner: nothing
	holds := func(id string) bool {
		p, err := findPerson(t.Context(), o.db, id)
		require.NoError(t, err)
		return p.Holds(person.PartnerAdministrator)
	}
	require.True(t, holds("meng"))
	require.False(t, holds("fei"))
	require.NoError(t, inTx(t.Context(), o.db, func(tx *sqlx.Tx) error {
		return notifyPartner(t.Context(), tx, caseRow{Partner: "P1", Submitter: "ops"}, []person.Role{person.PartnerAdministrator}, "s", "b", "told", day3)
	}))
	require.Equal(t, 1, count(t, o.db, `SELECT count(*) FROM outbox WHERE key = 'told/meng'`))
	o.db.MustExec(`UPDATE organisation_people SET must_change = true WHERE person_id = 'meng'`)
	require.False(t, holds("meng"))
}

// Rule: PGM-14
func TestGivenACompanyWithTwoAccounts_WhenOneChangesTheAddress_ThenItIsTheOtherOnesToo(t *testing.T) {
	o := newOffice(t)
	change := func(by, partner string) error {
		return o.ChangeCompany(t.Context(), ChangeCompanyInput{Partner: partner, Address: "2 New Road", Asked: o.asked(by, day3)})
	}
	o.refuses(change("fei", "P1"), "COM-16 CBC.0151")
	require.NoError(t, change("ada", "P1"))
	var address string
	require.NoError(t, o.db.Get(&address, `SELECT address FROM partners JOIN companies USING (company_id) WHERE partner_id = 'A2'`))
	require.Equal(t, "2 New Road", address)
	require.True(t, IsNotFound(change("zed", "P2")), "no company is kept of it")
}

// Rule: ORG-11
func TestGivenADraftOfOnePerson_WhenAnotherWithTheSamePermissionComes_ThenItIsTheirsToo(t *testing.T) {
	o := newOffice(t)
	u1, u2, u3 := o.ready("u1", person.PartnerWithdrawals), o.ready("u2", person.PartnerWithdrawals), o.ready("u3", person.PartnerIncentives)
	save := func(by string, id int64, title string) (int64, error) {
		return o.SaveDraft(t.Context(), SaveDraftInput{ID: id, Partner: "P1", Kind: withdrawal.Kind, Title: title, Body: "amount: 1200.00", Asked: o.asked(by, day3)})
	}
	id, err := save(u1, 0, "May")
	require.NoError(t, err)
	same, err := save(u2, id, "May, checked")
	require.NoError(t, err)
	require.Equal(t, id, same)
	for _, stranger := range []string{u3, "zed", "fei"} {
		_, err = save(stranger, id, "x")
		o.refuses(err, "ORG-11 CBC.0151")
		o.refuses(o.DeleteDraft(t.Context(), DeleteDraftInput{ID: id, Asked: o.asked(stranger, day3)}), "ORG-11 CBC.0151")
	}
	thrown := DeleteDraftInput{ID: id, Asked: o.asked(u2, day3)}
	for range 2 {
		require.NoError(t, o.DeleteDraft(t.Context(), thrown), "a repeat finds it done")
	}
	require.True(t, IsNotFound(o.DeleteDraft(t.Context(), DeleteDraftInput{ID: id, Asked: o.asked(u2, day3)})))
}

// Rule: PGM-06
func TestGivenAMaskedColumn_WhenItIsUncovered_ThenOneRowSaysWhoWhichColumnWhichListAndWhen(t *testing.T) {
	o := newOffice(t)
	at := time.Date(2025, 5, 6, 9, 12, 0, 0, calendar.Zone)
	in := UncoverInput{List: organisation.PersonList, Columns: []string{"mobile"}, Person: "ada", At: at}
	for range 2 {
		columns, err := o.Uncover(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, []string{"mobile"}, columns)
	}
	var rows []struct {
		User   string    `db:"person_id"`
		Column string    `db:"column_name"`
		List   string    `db:"list"`
		At     time.Time `db:"at"`
	}
	require.NoError(t, o.db.Select(&rows, `SELECT person_id, column_name, list, at FROM audit_log`))
	require.Len(t, rows, 1)
	require.Equal(t, []string{"ada", "mobile", "persons", "2025-05-06T01:12:00Z"}, []string{rows[0].User, rows[0].Column, rows[0].List, rows[0].At.UTC().Format(time.RFC3339)})
	in.Partner = "P2"
	_, err := o.Uncover(t.Context(), in)
	o.refuses(err, "PGM-05 CBC.0151")
	in.Partner, in.Person, in.Columns = "P1", "fei", []string{"mobile", "shoe size"}
	_, err = o.Uncover(t.Context(), in)
	o.refuses(err, "PGM-05 CBC.0151", "COM-08 CBC.0100")
	require.Equal(t, 1, count(t, o.db, `SELECT count(*) FROM audit_log`))
}

// Rule: ORG-07
func TestGivenTwoAdministratorsOfTwoPartners_WhenTheyTakeTheSameEmailAtOnce_ThenOneGetsIt(t *testing.T) {
	o := newOffice(t)
	results := make(chan error, 2)
	for partner, by := range map[string]string{"P1": "ada", "P2": "zed"} {
		entry, asked := o.entry("same-"+by, person.PartnerFinance), o.asked(by, day3)
		entry.Email = "same@alpha.example"
		go func() {
			_, err := o.CreatePerson(t.Context(), CreatePersonInput{Partner: partner, Entry: entry, Asked: asked})
			results <- err
		}()
	}
	var refused []refusal.List
	for range 2 {
		if err := <-results; err != nil {
			refused = append(refused, RefusalOf(err))
		}
	}
	require.Len(t, refused, 1)
	require.Equal(t, []string{"ORG_EMAIL_TAKEN"}, refused[0].Codes())
	require.Equal(t, 1, count(t, o.db, `SELECT count(*) FROM people WHERE email = 'same@alpha.example'`))
}
