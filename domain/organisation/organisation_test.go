package organisation

import (
	"slices"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func of(id string, roles ...person.Role) *Person {
	return &Person{ID: id, Name: id, Partner: "P1", Kind: "solution-provider", Active: true, Status: Active, Account: id, Roles: roles}
}

var (
	ada  = of("ada", person.PartnerAdministrator)
	meng = func() *Person { p := of("meng", person.PartnerAdministrator); p.Master = true; return p }()
	fei  = of("fei", person.PartnerFinance)
)

// codes are refusals as "rule code".
func codes(list refusal.List) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.Rule+" "+r.Code)
	}
	return out
}

// Rules: ORG-04, ORG-05, ORG-06, ORG-08
func TestGivenSetsOfRoles_WhenTheyAreJudged_ThenEachRuleSpeaksForItselfInTheTablesOrder(t *testing.T) {
	const (
		admin, manager, director, architect = person.PartnerAdministrator, person.PartnerAccountManager, person.PartnerAccountDirector, person.PartnerArchitect
		finance, cash, incentive            = person.PartnerFinance, person.PartnerWithdrawals, person.PartnerIncentives
	)
	for name, test := range map[string]struct {
		wanted, locked []person.Role
		want           []string
	}{
		"ORG-04: none":                         {nil, nil, []string{"ORG-04 ORG_ROLE_REQUIRED"}},
		"ORG-04: one":                          {[]person.Role{finance}, nil, nil},
		"ORG-04: three":                        {[]person.Role{finance, cash, incentive}, nil, nil},
		"ORG-04: three, one named twice":       {[]person.Role{finance, cash, incentive, cash}, nil, nil},
		"ORG-04: four":                         {[]person.Role{finance, cash, incentive, architect}, nil, []string{"ORG-04 ORG_ROLE_LIMIT"}},
		"ORG-05: administrator alone":          {[]person.Role{admin}, nil, nil},
		"ORG-05: administrator and finance":    {[]person.Role{admin, finance}, nil, []string{"ORG-05 ORG_ROLE_ADMIN_ALONE"}},
		"ORG-05: administrator and custom":     {[]person.Role{admin, "R000009"}, nil, []string{"ORG-05 ORG_ROLE_ADMIN_ALONE"}},
		"ORG-06: manager and director":         {[]person.Role{manager, director}, nil, []string{"ORG-06 ORG_ROLE_AM_DIRECTOR"}},
		"ORG-06: director and architect":       {[]person.Role{director, architect}, nil, nil},
		"ORG-08: locked, ticked":               {[]person.Role{manager, finance}, []person.Role{manager}, nil},
		"ORG-08: locked, taken away":           {[]person.Role{finance}, []person.Role{manager}, []string{"ORG-08 ORG_ROLE_LOCKED"}},
		"all of it at once (PGM-08)":           {[]person.Role{admin, finance, manager, director}, []person.Role{architect}, []string{"ORG-04 ORG_ROLE_LIMIT", "ORG-05 ORG_ROLE_ADMIN_ALONE", "ORG-06 ORG_ROLE_AM_DIRECTOR", "ORG-08 ORG_ROLE_LOCKED"}},
		"a role that the partner never made":   {[]person.Role{"R000010"}, nil, []string{"COM-08 CBC.0100"}},
		"a role of the vendor is no role here": {[]person.Role{person.VendorFinance}, nil, []string{"COM-08 CBC.0100"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := of("li")
			p.Locked = test.locked
			require.Equal(t, test.want, codes(JudgeRoles(ada, "ada", *p, test.wanted, Known{Custom: []person.Role{"R000009"}})))
		})
	}
}

// Whatever is accepted obeys the rules (ORG-04, ORG-05, ORG-06, ORG-08).
func TestAcceptedRolesAlwaysObeyTheRules(t *testing.T) {
	var all []person.Role
	for _, s := range SystemRoles {
		all = append(all, s.Role)
	}
	rapid.Check(t, func(t *rapid.T) {
		wanted := rapid.SliceOfN(rapid.SampledFrom(all), 0, 5).Draw(t, "wanted")
		locked := rapid.SliceOfN(rapid.SampledFrom([]person.Role{person.PartnerAccountManager, person.PartnerArchitect}), 0, 2).Draw(t, "locked")
		p := of("li")
		p.Locked = locked
		distinct := map[person.Role]bool{}
		for _, r := range wanted {
			distinct[r] = true
		}
		obeys := len(distinct) >= 1 && len(distinct) <= 3 && (!distinct[person.PartnerAdministrator] || len(distinct) == 1) &&
			(!distinct[person.PartnerAccountManager] || !distinct[person.PartnerAccountDirector])
		for _, r := range locked {
			obeys = obeys && distinct[r]
		}
		if got := JudgeRoles(ada, "ada", *p, wanted, Known{}); (len(got) == 0) != obeys {
			t.Fatalf("%v with %v locked: %v", wanted, locked, got)
		}
	})
}

// Rules: ORG-12, ORG-17
func TestGivenPeople_WhenTheirMenuIsDrawn_ThenDefaultsComeWithAnyRoleAndOpportunitiesWithTheMasterOnly(t *testing.T) {
	bare := of("li", "R000001") // a custom role without permissions
	require.Equal(t, []Permission{Console, Home, OwnData, Credentials, News}, bare.Permissions())
	for _, kind := range []string{"solution-provider", "distributor", "reseller"} {
		p := *bare
		p.Kind = kind
		require.True(t, p.May(Home) && p.May(OwnData), kind)
	}
	require.Empty(t, of("nobody").Permissions(), "no role, no page")
	require.False(t, ada.May(Opportunities))
	require.Equal(t, []string{"ORG-17 ORG_MASTER_ONLY_MENU"}, codes(JudgePage(ada, false, "ada", Opportunities)))
	require.True(t, meng.May(Opportunities))
	require.Nil(t, JudgePage(meng, false, "meng", Opportunities))
	gone := *meng
	gone.Status = Disabled
	require.Empty(t, gone.Permissions())
	for _, s := range SystemRoles {
		require.NotContains(t, s.Permissions, Opportunities, s.Role)
	}
	require.Equal(t, []string{"ORG-17 ORG_MASTER_ONLY_MENU"}, codes(JudgeCustomRole(ada, "ada", "P1", "Sales", []Permission{Opportunities}, false)))
}

// Rule: ORG-09
func TestGivenRoles_WhenTheCustomersAreAskedFor_ThenOnlyAnAccountManagerAloneIsHeldToTheirOwn(t *testing.T) {
	for want, all := range map[Scope][]*Person{
		AssignedCustomers: {of("a", person.PartnerAccountManager)},
		AllCustomers:      {of("b", person.PartnerAccountManager, person.PartnerFinance), of("c", person.PartnerAccountManager, "R000001"), of("d", person.PartnerAccountDirector), ada, meng, fei},
		NoCustomers:       {of("e", person.PartnerWithdrawals), of("f"), {Active: true, Status: Disabled, Roles: []person.Role{person.PartnerAccountManager}}},
	} {
		for _, p := range all {
			require.Equal(t, want, p.CustomerScope(), "%v", p.Roles)
		}
	}
}

// Rules: ORG-14, ORG-16
func TestGivenAPage_WhenThePasswordIsTheInitialOneOrTheUserTheIdentityServicesOnly_ThenItStaysShut(t *testing.T) {
	fresh := *fei
	fresh.MustChange = true
	for _, page := range slices.Concat(common, Grantable) { // ORG-14: before any page opens
		require.Equal(t, []string{"ORG-14 CBC.0151"}, codes(JudgePage(&fresh, false, "fei", page)), page)
		if page != Console {
			require.Equal(t, []string{"ORG-16 CBC.0151"}, codes(JudgePage(nil, true, "iam", page)), page)
		}
	}
	require.Nil(t, JudgePage(nil, true, "iam", Console)) // ORG-16
	require.Nil(t, JudgePage(fei, false, "fei", Bills))
	require.Equal(t, []string{"COM-16 CBC.0151"}, codes(JudgePage(fei, false, "fei", Withdrawals)))
}

// Rule: ORG-14
func TestGivenPasswords_WhenTheyAreJudged_ThenOnlyStrongAndNewOnesPass(t *testing.T) {
	p := Person{Account: "li.lei", Mobile: "13800138000", Email: "li@alpha.example"}
	for password, want := range map[string]bool{
		"Spring 2025 rain":    true,
		"Abcdefgh12":          true,  // ten signs
		"Abcdefgh1":           false, // nine
		"abcdefgh12":          false, // two kinds
		"abcdefgh1-":          true,
		"春天的雨下得很大 Rain 1":     true,
		"I am Li.Lei 2025":    false,
		"Call 13800138000 me": false,
		"Tab\tin it 2025":     false,
		"":                    false,
	} {
		require.Equal(t, want, len(JudgePassword(p, password, false)) == 0, password)
	}
	require.Len(t, JudgePassword(p, "Spring 2025 rain", true), 1, "the present one")
}

// Rules: ORG-14, PGM-02
func TestGivenALockedAccount_WhenTheLockEnds_ThenItsClosingInstantIsOut(t *testing.T) {
	until := time.Date(2025, 3, 3, 9, 15, 0, 0, calendar.Zone)
	for offset, want := range map[time.Duration]int{-time.Second: 1, 0: 0, time.Second: 0} {
		require.Len(t, JudgeSignIn(Attempt{Person: fei, Right: true, LockedUntil: &until, At: until.Add(offset)}), want, offset)
	}
}

// Rule: PGM-05
func TestGivenIdentifiers_WhenTheyAreMasked_ThenOnlyTheUncoveredColumnIsInFull(t *testing.T) {
	for _, test := range [][3]string{
		{"mobile", "13800138000", "138****8000"},
		{"mobile", "+8613800138000", "+86****8000"},
		{"mobile", "123456", "****56"},
		{"mobile", "12", "1***"},
		{"email", "li.lei@alpha.example", "l***@alpha.example"},
		{"email", "broken", "b***"},
		{"name", "李雷", "李***"},
		{"name", "李", "***"},
		{"account", "acme01", "a***"},
		{"mobile", "", ""},
	} {
		require.Equal(t, test[2], Masked(test[0], test[1], nil), test)
		require.Equal(t, test[2], Masked(test[0], test[1], []string{"another"}), test)
		require.Equal(t, test[1], Masked(test[0], test[1], []string{test[0]}), test)
	}
	require.Nil(t, JudgeUncover(ada, "ada", "P1", PersonList, []string{"mobile"}))
	require.Equal(t, []string{"PGM-05 CBC.0151", "COM-08 CBC.0100"}, codes(JudgeUncover(fei, "fei", "P1", PersonList, []string{"shoes"})))
	require.Nil(t, JudgeUncover(fei, "fei", "P1", CustomerList, []string{"name"}))
	require.Equal(t, []string{"PGM-05 CBC.0151"}, codes(JudgeUncover(ada, "ada", "P2", PersonList, []string{"mobile"})), "another partner's list")
	require.Equal(t, []string{"COM-08 CBC.0100"}, codes(JudgeUncover(ada, "ada", "P1", "rockets", nil)))
}

// Rules: ORG-13, ORG-08
func TestGivenARole_WhenItIsGivenUp_ThenNobodyHasItAndItIsThePartnersOwn(t *testing.T) {
	judge := func(role person.Role, persons int, locked bool) []string {
		return codes(JudgeRoleDeletion(ada, "ada", "P1", role, persons, locked))
	}
	require.Equal(t, []string{"ORG-13 ORG_ROLE_IN_USE"}, judge("R000001", 2, false))
	require.Nil(t, judge("R000001", 0, false))
	require.Equal(t, []string{"ORG-08 ORG_ROLE_LOCKED"}, judge(person.PartnerAccountManager, 1, true))
	require.Equal(t, []string{"ORG-13 CBC.0100"}, judge(person.PartnerAccountManager, 0, false))
}

// Rule: ORG-20
func TestGivenContacts_WhenOneMoreIsAdded_ThenTheFifthIsTakenAndTheSixthIsNot(t *testing.T) {
	c := Contact{Name: "Desk", Mobile: "13800138000"}
	require.Nil(t, JudgeContact(ada, "ada", "P1", c, 4))
	require.Equal(t, []string{"ORG-20 ORG_CONTACT_LIMIT"}, codes(JudgeContact(ada, "ada", "P1", c, 5)))
}

// Rules: ORG-01, ORG-15, COM-16
func TestGivenCallers_WhenTheyActOnAPerson_ThenOnlyTheirAdministratorsAndThemselvesMay(t *testing.T) {
	stranger := *ada
	stranger.Partner = "P2"
	fresh, off := *ada, *ada
	fresh.MustChange, off.Status = true, Disabled
	for name, test := range map[string]struct {
		by   *Person
		want []string
	}{
		"the administrator":     {ada, nil},
		"the master account":    {meng, nil},
		"the person":            {fei, nil},
		"a colleague":           {of("li", person.PartnerWithdrawals), []string{"ORG-15 CBC.0151"}},
		"another partner's":     {&stranger, []string{"ORG-15 CBC.0151"}},
		"nobody":                {nil, []string{"COM-16 CBC.0151"}},
		"with initial password": {&fresh, []string{"ORG-14 CBC.0151"}},
		"disabled":              {&off, []string{"COM-16 CBC.0151"}},
	} {
		require.Equal(t, test.want, codes(JudgeReader(test.by, "x", *fei)), name)
	}
	require.Equal(t, []string{"ORG-18 CBC.0151"}, codes(JudgeChange(ada, "ada", *meng, Change{Email: new("ada@alpha.example")}, Nobody)), "the reset's code goes to that email")
	require.Nil(t, JudgeChange(meng, "meng", *meng, Change{Email: new("meng@alpha.example")}, Nobody))
	zed, secret := &stranger, *fei
	secret.Name, secret.Master = "Secret", true
	for _, list := range []refusal.List{
		JudgeCreate(zed, "zed", "P1", Entry{Account: "x", Name: "X", Roles: []person.Role{person.PartnerFinance}}, Known{AccountTaken: true, EmailOf: OtherPerson}),
		JudgeChange(zed, "zed", secret, Change{}, OtherPerson), JudgeStatus(zed, "zed", secret, Deleted), JudgeReset(zed, "zed", secret),
		JudgeQualification(zed, "zed", secret, person.PartnerArchitect), JudgeDirector(zed, "zed", secret, nil, "x"), JudgeAssignment(zed, "zed", secret, "C1", "P1"),
		JudgeContact(zed, "zed", "P1", Contact{Name: "X", Mobile: "13800138000"}, 5), JudgeRoleDeletion(zed, "zed", "P1", "R000001", 2, false),
		JudgeCustomRole(zed, "zed", "P1", "Interns", nil, true), JudgeRoles(zed, "zed", secret, []person.Role{person.PartnerFinance}, Known{}),
	} {
		require.Len(t, list, 1, "%v: what is held is not told to a stranger", list)
		require.Equal(t, "CBC.0151", list[0].Code)
		require.NotContains(t, list.Error(), "Secret")
	}
	require.Nil(t, JudgeAdministrator(meng, "meng", "P1"))
	require.Equal(t, []string{"COM-16 CBC.0151"}, codes(JudgeAdministrator(fei, "fei", "P1")))
}

// Rule: ORG-14
func TestGivenLocks_WhenTheyFollowEachOther_ThenEachIsTwiceAsLongUntilFourHours(t *testing.T) {
	for locks, want := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 4 * time.Hour} {
		require.Equal(t, want, LockFor(locks))
	}
	require.Equal(t, 4*time.Hour, LockFor(1_000_000))
	require.Nil(t, JudgeNetwork(NetworkTries-1))
	require.Equal(t, []string{"ORG-14 CBC.0151"}, codes(JudgeNetwork(NetworkTries)))
}
