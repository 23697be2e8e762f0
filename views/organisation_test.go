package views_test

import (
	"fmt"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

var morning = time.Date(2025, 3, 3, 9, 0, 0, 0, calendar.Zone)

// firm is partner P1 with the master account of meng and the system administrator ada, 40 customers, and partner P2 of zed.
type firm struct {
	views.Reader
	t    *testing.T
	acts *activities.Organisation
	keys int
}

func newFirm(t *testing.T) *firm {
	t.Helper()
	db := pgtest.New(t)
	db.MustExec(`INSERT INTO companies (company_id, name, address) VALUES ('C', 'Alpha Ltd', '1 Old Road')`)
	db.MustExec(`INSERT INTO partners (partner_id, name, kind, verified_name, entity, company_id) VALUES
		('P1', 'Alpha', 'solution-provider', 'Alpha Ltd', 'cloud', 'C'), ('A2', 'Alpha two', 'reseller', 'Alpha Ltd', 'cloud', 'C'), ('P2', 'Beta', 'distributor', 'Beta Ltd', 'cloud', NULL)`)
	db.MustExec(`INSERT INTO people (person_id, name, partner_id, email) VALUES ('meng', 'Meng', 'P1', 'meng@alpha.example'), ('ada', 'Ada', 'P1', 'ada@alpha.example'), ('zed', 'Zed', 'P2', ''), ('ops', 'Ops', NULL, '')`)
	db.MustExec(`UPDATE partners SET master = 'meng' WHERE partner_id = 'P1'`)
	db.MustExec(`INSERT INTO organisation_people (person_id, account_name, mobile) VALUES ('meng', 'meng', '13900139000'), ('ada', 'ada', '13800138000'), ('zed', 'zed', '')`)
	db.MustExec(`INSERT INTO person_roles VALUES ('meng', 'partner-administrator'), ('ada', 'partner-administrator'), ('zed', 'partner-administrator'), ('ops', 'vendor-operations')`)
	db.MustExec(`INSERT INTO customers (customer_id, partner_id, name, account) SELECT 'C' || lpad(n::text, 2, '0'), 'P1', 'Customer ' || n, 'account-' || n FROM generate_series(1, 40) n`)
	db.MustExec(`INSERT INTO customers (customer_id, partner_id) VALUES ('X1', 'P2')`)
	return &firm{Reader: views.Reader{DB: db}, t: t, acts: &activities.Organisation{DB: db}}
}

func (f *firm) asked(by string) activities.Asked {
	f.keys++
	return activities.Asked{By: by, Key: fmt.Sprint("key-", f.keys), At: morning}
}

// person makes one of P1 who has a password of their own.
func (f *firm) person(account, name string, roles ...person.Role) string {
	f.t.Helper()
	given, err := f.acts.CreatePerson(f.t.Context(), activities.CreatePersonInput{
		Partner: "P1", Asked: f.asked("ada"),
		Entry: organisation.Entry{Account: account, Name: name, Mobile: "13800138000", Email: account + "@alpha.example", Roles: roles},
	})
	require.NoError(f.t, err)
	require.NoError(f.t, f.acts.ChangePassword(f.t.Context(), activities.ChangePasswordInput{Account: account, Old: given.Initial, New: "Spring 2025 rain", Key: account, At: morning}))
	return given.ID
}

func refusedWith(t *testing.T, err error, rule, code string) {
	t.Helper()
	list := activities.RefusalOf(err)
	require.NotEmpty(t, list, "%v", err)
	require.Equal(t, []string{rule, code}, []string{list[0].Rule, list[0].Code}, list.Error())
}

// Rules: ORG-01, PGM-05
func TestGivenThePeopleOfAPartner_WhenTheAdministratorLists_ThenTheFiltersNarrowAndMobilesAreMaskedUntilUncovered(t *testing.T) {
	f := newFirm(t)
	manager := f.person("li.lei", "Li Lei", person.PartnerAccountManager)
	gone := f.person("han.mei", "Han Mei", person.PartnerAccountManager)
	f.person("fei", "Fei Li", person.PartnerFinance)
	_, err := f.acts.SetStatus(t.Context(), activities.SetStatusInput{Person: gone, Status: organisation.Disabled, Asked: f.asked("ada")})
	require.NoError(t, err)
	list := func(filter views.PersonFilter, uncovered ...string) []views.OrganisationPerson {
		t.Helper()
		found, err := f.Persons(t.Context(), "P1", "ada", filter, uncovered)
		require.NoError(t, err)
		return found
	}
	accounts := func(found []views.OrganisationPerson) (out []string) {
		for _, p := range found {
			out = append(out, p.Account)
		}
		return out
	}
	require.Equal(t, []string{"ada", "fei", "han.mei", "li.lei", "meng"}, accounts(list(views.PersonFilter{})))
	only := list(views.PersonFilter{Role: person.PartnerAccountManager, Status: organisation.Active})
	require.Equal(t, []string{"li.lei"}, accounts(only))
	require.Equal(t, []string{"fei", "li.lei"}, accounts(list(views.PersonFilter{Name: "li"})))
	require.Equal(t, []string{"han.mei"}, accounts(list(views.PersonFilter{Account: "HAN"})))
	require.Empty(t, list(views.PersonFilter{Account: "%"}))
	require.Equal(t, []string{"han.mei", "li.lei"}, accounts(list(views.PersonFilter{WithoutDirector: true})), "ORG-10: open")

	require.Equal(t, "138****8000", only[0].Mobile) // PGM-05
	require.Equal(t, "l***@alpha.example", only[0].Email)
	require.Equal(t, "13800138000", list(views.PersonFilter{Account: "li.lei"}, "mobile")[0].Mobile)
	require.Equal(t, "l***@alpha.example", list(views.PersonFilter{Account: "li.lei"}, "mobile")[0].Email, "each column by itself")
	require.Equal(t, "138****8000", list(views.PersonFilter{Account: "li.lei"})[0].Mobile, "masked again")

	d, err := f.Details(t.Context(), manager, "ada", nil)
	require.NoError(t, err)
	require.Equal(t, "138****8000", d.Mobile)
	require.Equal(t, []string{"create person", "change password"}, []string{d.History[0].Action, d.History[1].Action})
	for _, stranger := range []string{manager, "zed", "nobody"} {
		_, err := f.Persons(t.Context(), "P1", stranger, views.PersonFilter{}, nil)
		refusedWith(t, err, "COM-16", "CBC.0151")
	}
}

// Rules: ORG-15, ORG-19
func TestGivenAPerson_WhenTheyOpenTheirOwnData_ThenItIsThereWithTheLinkToManageIt_AndNobodyElses(t *testing.T) {
	f := newFirm(t)
	u3, u4 := f.person("u3", "U three", person.PartnerFinance), f.person("u4", "U four", person.PartnerFinance)
	own, err := f.Details(t.Context(), u3, u3, nil)
	require.NoError(t, err)
	require.Equal(t, "13800138000", own.Mobile)
	_, err = f.Details(t.Context(), u4, u3, nil)
	refusedWith(t, err, "ORG-15", "CBC.0151")

	info, err := f.AccountInformation(t.Context(), "meng", "https://account.example", morning)
	require.NoError(t, err)
	require.Equal(t, []string{"https://account.example", "https://account.example/help/change-password"}, []string{info.Manage, info.HowTo})
	info, err = f.AccountInformation(t.Context(), u3, "", morning.Add(organisation.Regularly-time.Second))
	require.NoError(t, err)
	require.Equal(t, "starter organisation change-password u3", info.Manage)
	require.False(t, info.ShouldChange)
	info, err = f.AccountInformation(t.Context(), u3, "", morning.Add(organisation.Regularly))
	require.NoError(t, err)
	require.True(t, info.ShouldChange, "passwords should be changed regularly")
	require.Equal(t, 90, info.PasswordOfDays)
}

// Rule: ORG-09
func TestGivenAnAccountManagerWithFiveOfFortyCustomers_WhenARoleIsAdded_ThenTheySeeForty(t *testing.T) {
	f := newFirm(t)
	manager := f.person("li.lei", "Li Lei", person.PartnerAccountManager)
	for _, c := range []string{"C01", "C02", "C03", "C04", "C05"} {
		require.NoError(t, f.acts.AssignCustomer(t.Context(), activities.AssignInput{What: c, To: manager, Asked: f.asked("ada")}))
	}
	refusedWith(t, f.acts.AssignCustomer(t.Context(), activities.AssignInput{What: "X1", To: manager, Asked: f.asked("ada")}), "ORG-09", "CBC.0100")
	refusedWith(t, f.acts.AssignCustomer(t.Context(), activities.AssignInput{What: "C06", To: "ada", Asked: f.asked("ada")}), "ORG-09", "CBC.0100")
	seen, err := f.ManagedCustomers(t.Context(), manager, views.CustomerFilter{}, nil)
	require.NoError(t, err)
	require.Len(t, seen, 5)
	require.Equal(t, views.ManagedCustomer{Customer: "C01", Name: "C***", Account: "a***", Manager: manager}, seen[0])
	_, err = f.acts.SetRoles(t.Context(), activities.SetRolesInput{Person: manager, Roles: []person.Role{person.PartnerAccountManager, person.PartnerFinance}, Asked: f.asked("ada")})
	require.NoError(t, err)
	seen, err = f.ManagedCustomers(t.Context(), manager, views.CustomerFilter{}, []string{"name"})
	require.NoError(t, err)
	require.Len(t, seen, 40)
	require.Equal(t, "Customer 1", seen[0].Name)
	_, err = f.ManagedCustomers(t.Context(), f.person("cash", "Cash", person.PartnerWithdrawals), views.CustomerFilter{}, nil)
	refusedWith(t, err, "COM-16", "CBC.0151")
}

// Rules: ORG-12, ORG-16, ORG-17
func TestGivenPages_WhenSomebodyOpensThem_ThenRolesMasterAndIdentityServiceDecide(t *testing.T) {
	f := newFirm(t)
	f.DB.MustExec(`INSERT INTO identity_users (user_id, partner_id, name, email) VALUES ('iam-7', 'P1', 'Iam', 'iam@alpha.example')`)
	role, err := f.acts.CreateRole(t.Context(), activities.CreateRoleInput{Partner: "P1", Name: "Interns", Asked: f.asked("ada")})
	require.NoError(t, err)
	intern := f.person("intern", "Intern", person.Role(role))
	open := func(who string, page organisation.Permission) error { return f.OpenPage(t.Context(), who, page) }
	require.NoError(t, open(intern, organisation.Home)) // ORG-12
	require.NoError(t, open(intern, organisation.OwnData))
	refusedWith(t, open(intern, organisation.Customers), "COM-16", "CBC.0151")
	require.NoError(t, open("iam-7", organisation.Console)) // ORG-16
	refusedWith(t, open("iam-7", organisation.Home), "ORG-16", "CBC.0151")
	refusedWith(t, open("nobody", organisation.Home), "COM-16", "CBC.0151")
	refusedWith(t, open("ada", organisation.Opportunities), "ORG-17", "ORG_MASTER_ONLY_MENU")
	require.NoError(t, open("meng", organisation.Opportunities))
	refusedWith(t, open("ada", "rockets"), "COM-08", "CBC.0100")

	roles, err := f.RolesOf(t.Context(), "P1", "ada")
	require.NoError(t, err)
	require.Equal(t, views.Role{
		ID: person.PartnerAdministrator, Name: "系统管理员 / System administrator", Kind: "SYSTEM", Persons: 2,
		Permissions: []string{"organisation", "customers", "members", "solutions", "bills", "withdrawals", "incentives"},
	}, roles[0])
	last := roles[len(roles)-1]
	require.Equal(t, []any{person.Role(role), "Interns", "CUSTOM", 1, 0}, []any{last.ID, last.Name, last.Kind, last.Persons, len(last.Permissions)})
}

// Rule: ORG-20
func TestGivenNoContacts_WhenACustomerLooks_ThenTheySeeTheAdministrator_AndTheContactsOnceThereAreSome(t *testing.T) {
	f := newFirm(t)
	seen := func() []views.Contact {
		t.Helper()
		found, err := f.ContactsFor(t.Context(), "C01")
		require.NoError(t, err)
		return found
	}
	require.Equal(t, []views.Contact{{Contact: organisation.Contact{Name: "Meng", Mobile: "13900139000", Email: "meng@alpha.example"}}}, seen())
	for i := range 5 {
		_, err := f.acts.AddContact(t.Context(), activities.AddContactInput{Partner: "P1", Contact: organisation.Contact{Name: fmt.Sprint("Desk ", i+1), Mobile: "13700137000"}, Asked: f.asked("ada")})
		require.NoError(t, err)
	}
	require.Len(t, seen(), 5)
	require.Equal(t, "Desk 1", seen()[0].Name)
	_, err := f.acts.AddContact(t.Context(), activities.AddContactInput{Partner: "P1", Contact: organisation.Contact{Name: "Desk 6", Mobile: "13700137000"}, Asked: f.asked("ada")})
	refusedWith(t, err, "ORG-20", "ORG_CONTACT_LIMIT")
	kept, err := f.Contacts(t.Context(), "P1", "ada", nil)
	require.NoError(t, err)
	require.Equal(t, "137****7000", kept[0].Mobile)
	f.DB.MustExec(`UPDATE people SET active = false WHERE person_id = 'zed'`)
	found, err := f.ContactsFor(t.Context(), "X1")
	require.NoError(t, err)
	require.Empty(t, found)
}

// Rule: PGM-14
func TestGivenACompanyWithTwoAccounts_WhenItsAddressIsChangedThroughOne_ThenTheOtherShowsItAtOnceAndKeepsItsOwnPlans(t *testing.T) {
	f := newFirm(t)
	f.DB.MustExec(`INSERT INTO plan_identities (partner_id, plan, from_at) VALUES ('P1', 'solution-provider', '2025-01-01Z'), ('A2', 'reseller', '2025-01-01Z'), ('A2', 'later', '2026-01-01Z')`)
	f.DB.MustExec(`INSERT INTO partner_paths (partner_id, path, stage, from_at) VALUES ('A2', 'SW', 'SELECTED', '2025-01-01Z')`)
	require.NoError(t, f.acts.ChangeCompany(t.Context(), activities.ChangeCompanyInput{Partner: "P1", Address: "2 New Road", Asked: f.asked("ada")}))
	c, err := f.CompanyOf(t.Context(), "A2", morning)
	require.NoError(t, err)
	require.Equal(t, "2 New Road", c.Address)
	require.Equal(t, "[{A2 Alpha two [reseller] [SW]} {P1 Alpha [solution-provider] []}]", fmt.Sprint(c.Accounts))
	_, err = f.CompanyOf(t.Context(), "P2", morning)
	require.True(t, activities.IsNotFound(err))
}

// Rule: ORG-11
func TestGivenADraft_WhenColleaguesLook_ThenThoseWithTheSamePermissionSeeItAndNobodyElse(t *testing.T) {
	f := newFirm(t)
	u1, u2, u3 := f.person("u1", "One", person.PartnerWithdrawals), f.person("u2", "Two", person.PartnerWithdrawals), f.person("u3", "Three", person.PartnerIncentives)
	_, err := f.acts.SaveDraft(t.Context(), activities.SaveDraftInput{Partner: "P1", Kind: withdrawal.Kind, Title: "May", Body: "amount: 1200.00", Asked: f.asked(u1)})
	require.NoError(t, err)
	for who, want := range map[string]int{u1: 1, u2: 1, "ada": 1, u3: 0, "zed": 0} {
		found, err := f.Drafts(t.Context(), who)
		require.NoError(t, err)
		require.Len(t, found, want, who)
	}
}

// Rule: PGM-06
func TestGivenUncoveredColumns_WhenTheAuditLogIsRead_ThenEachLookIsThereWithItsFourValues(t *testing.T) {
	f := newFirm(t)
	at := time.Date(2025, 5, 6, 9, 12, 0, 0, calendar.Zone)
	_, err := f.acts.Uncover(t.Context(), activities.UncoverInput{List: organisation.PersonList, Columns: []string{"mobile"}, Person: "ada", At: at})
	require.NoError(t, err)
	for _, reader := range []string{"meng", "ops"} {
		log, err := f.AuditLog(t.Context(), "P1", reader, 0)
		require.NoError(t, err)
		require.Len(t, log, 1)
		require.Equal(t, []string{"ada", "mobile", "persons", "2025-05-06T09:12:00+08:00"}, []string{log[0].Person, log[0].Column, log[0].List, log[0].At.In(calendar.Zone).Format(time.RFC3339)})
	}
	_, err = f.AuditLog(t.Context(), "P1", "zed", 0)
	refusedWith(t, err, "COM-16", "CBC.0151")
}

// Rules: ORG-04, ORG-05, ORG-08, ORG-10, ORG-13
func TestGivenAnOrganisationThatWasTamperedWith_WhenItIsVerified_ThenEachFaultIsFound(t *testing.T) {
	f := newFirm(t)
	manager, director := f.person("m", "M", person.PartnerAccountManager), f.person("d", "D", person.PartnerAccountDirector)
	require.NoError(t, f.acts.AssignDirector(t.Context(), activities.AssignInput{What: manager, To: director, Asked: f.asked("ada")}))
	require.NoError(t, f.acts.SubmitQualification(t.Context(), activities.SubmitQualificationInput{Person: manager, Role: person.PartnerAccountManager, Asked: f.asked("ada")}))
	v, err := f.Verify(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, v.Findings)

	tx := pgtest.Owner(t, f.DB).MustBegin()
	tx.MustExec(`SET LOCAL session_replication_role = replica`)
	tx.MustExec(`DELETE FROM person_roles WHERE person_id IN ($1, $2)`, manager, director)
	tx.MustExec(`INSERT INTO person_roles SELECT 'ada', unnest(ARRAY['a', 'b', 'c'])`)
	tx.MustExec(`UPDATE organisation_people SET status = 'DELETED' WHERE person_id = 'meng'`)
	require.NoError(t, tx.Commit())
	v, err = f.Verify(t.Context(), nil)
	require.NoError(t, err)
	var found []string
	for _, finding := range v.Findings {
		found = append(found, finding.Object+" "+finding.Message)
	}
	require.ElementsMatch(t, []string{
		"person " + manager + " is under somebody who is no director", "person " + manager + " lacks a role whose qualification is under review",
		"person ada has more than three roles", "person ada is system administrator and more", "person meng is deleted and has roles", "person meng may act and is DELETED",
	}, found)
}
