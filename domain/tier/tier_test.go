package tier_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tier"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func cst(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

var (
	mei  = person.Person{ID: "mei", Name: "Mei", PartnerID: "A1", Active: true, Roles: []person.Role{person.PartnerAdministrator}}
	wang = person.Person{ID: "wang", Name: "Wang", Active: true, Roles: []person.Role{person.EcosystemManager}}
	xu   = person.Person{ID: "xu", Name: "Xu", Active: true, Roles: []person.Role{person.EcosystemManager}}
)

func item(code string, source tier.Source, target string) tier.Item {
	i := tier.Item{Code: code, Chinese: "项", English: code, Source: source, Target: money.Must(target)}
	if source == tier.Performance {
		i.Months = 12
	}
	return i
}

// ready is A1, a Standard solution provider of 2025-03-06 to 2026-02-01 that holds what every tier asks for; its sister A2 is certified on SW.
func ready() tier.Facts {
	until := cst("2026-02-01 00:00:00")
	p := tier.DefaultPolicy()
	p.Requirements = map[tier.Tier][]tier.Item{
		tier.Preferred: {item("performance", tier.Performance, "500000.00")},
		tier.Leading:   {item("performance", tier.Performance, "2000000.00"), item("staff", tier.CertifiedStaff, "4.00")},
		tier.Core:      {item("performance", tier.Performance, "10000000.00"), item("plan", tier.Evidence, "1.00")},
	}
	have := map[tier.Tier]map[string]money.Amount{}
	for _, t := range tier.Tiers {
		have[t] = map[string]money.Amount{"performance": money.Must("10000000.00"), "staff": money.Must("4.00")}
	}
	return tier.Facts{
		At: cst("2025-06-20 10:00:00"), Policy: p, Submitter: &mei, Known: true, Manager: "wang", Membership: &tier.Membership{From: cst("2025-03-06 10:00:00"), Until: &until},
		Current: tier.Standard, Values: have,
		Accounts: []tier.Account{{ID: "A1"}, {ID: "A2", Paths: []tier.Path{{Path: "SW", Stage: "ROLE_CERTIFIED"}}}},
	}
}

func application(target tier.Tier) tier.Application {
	a := tier.Application{RequestKey: "k", PartnerID: "A1", Submitter: "mei", Target: target}
	if target == tier.Core {
		a.Submitter, a.Evidence = "wang", []tier.Attached{{Item: "plan", Document: strings.Repeat("ab", 32)}}
	}
	return a
}

func codes(f tier.Facts, target tier.Tier) []string {
	_, list := tier.Judge(application(target), f)
	return list.Codes()
}

// Rule: TIER-01
func TestTIER01GivenTheTiers_WhenTheyAreCompared_ThenTheyRiseAndEachAsksForItsOwn(t *testing.T) {
	require.Equal(t, []tier.Tier{"STANDARD", "PREFERRED", "LEADING", "CORE"}, tier.Tiers)
	require.True(t, tier.Leading.Above(tier.Preferred))
	require.False(t, tier.Preferred.Above(tier.Leading))
	require.False(t, tier.Core.Above(tier.Core))
	require.Zero(t, tier.Tier("GOLD").Rank())

	p := tier.DefaultPolicy()
	require.NoError(t, p.Check())
	require.NotEqual(t, p.Requirements[tier.Leading], p.Requirements[tier.Preferred])
	p.Requirements[tier.Leading] = p.Requirements[tier.Preferred]
	require.ErrorContains(t, p.Check(), "LEADING asks for the same as PREFERRED")
	p.Requirements[tier.Standard], p.Requirements[tier.Core] = nil, nil
	require.ErrorContains(t, p.Check(), `requirements names "STANDARD"`)
	require.ErrorContains(t, p.Check(), "requirements of CORE are 1 to 50 items")
}

func TestGivenAPolicyThatIsNotInOrder_WhenItIsChecked_ThenEveryFaultIsSaid(t *testing.T) {
	p := tier.DefaultPolicy()
	p.ReviewRole, p.ReviewTerm = "", calendar.Term{}
	p.Approval.Steps = nil
	p.Requirements[tier.Core] = []tier.Item{
		{Code: "X", Chinese: "项", English: "x", Source: "guess", Target: money.Must("1.00")},
		{Code: "a", Source: tier.CertifiedStaff, Target: money.Must("1.50"), Months: 2},
		{Code: "a", Chinese: "项", English: "x", Source: tier.CertifiedPath, Target: money.Must("-1.00"), Of: []string{"LRN"}},
		{Code: "b", Chinese: "项", English: "x", Source: tier.Evidence, Target: money.Must("2.00"), Of: []string{"z"}},
		{Code: "c", Chinese: "项", English: "x", Source: tier.Performance, Target: money.Must("2.00")},
	}
	err := p.Check()
	for _, fault := range []string{
		"review_role and escalation_role", "review_term", `the item "X" of CORE needs a code`, `"guess" is no source`, "zh and en say", "the target is a whole number", "months, at least 1",
		`the item "a" of CORE needs a code of its own`, "greater than 0", `"LRN" is no path that counts`, "the target of evidence is 1", "of names paths, labels or a level", "of names the one level",
	} {
		require.ErrorContains(t, err, fault)
	}
	q := tier.DefaultPolicy()
	q.Approval = approval.Chain{Owner: "o", Steps: []approval.Step{{Name: "s", Who: []approval.Candidate{{Role: "r"}}, Default: &approval.Default{After: calendar.MustTerm("P1D"), Outcome: approval.Approve}}}}
	require.ErrorContains(t, q.Check(), "a tier is decided by people")
}

// Rule: TIER-02
func TestTIER02GivenAStandardMember_WhenPreferredsItemsAreMet_ThenItMayApplyWhileTheMembershipHolds(t *testing.T) {
	f := ready()
	require.Empty(t, codes(f, tier.Preferred))
	for at, want := range map[string][]string{
		"2025-03-06 09:59:59": {"TIER_NO_MEMBERSHIP"}, "2025-03-06 10:00:00": nil, "2025-03-06 10:00:01": nil,
		"2026-01-31 23:59:59": nil, "2026-02-01 00:00:00": {"TIER_NO_MEMBERSHIP"}, "2026-02-01 00:00:01": {"TIER_NO_MEMBERSHIP"},
	} {
		f.At = cst(at)
		_, list := tier.Judge(application(tier.Preferred), f)
		require.ElementsMatch(t, want, list.Codes(), at)
	}
	f = ready()
	f.Membership, f.Current = nil, ""
	require.Equal(t, []string{"TIER_NO_MEMBERSHIP"}, codes(f, tier.Preferred), "a member no more")
}

// Rule: TIER-03, TIER-04, TIER-08
func TestTIER03GivenTheAccountsOfACompany_WhenOneIsCertifiedOnAPathThatCounts_ThenTheGuardPasses(t *testing.T) {
	for _, tc := range []struct {
		rule    string
		paths   []tier.Path
		advised tier.Way // empty: the guard passes
	}{
		{"TIER-03: A2 is certified on SW", []tier.Path{{Path: "SW", Stage: "ROLE_CERTIFIED"}}, ""},
		{"TIER-03: differentiated is more", []tier.Path{{Path: "SI", Stage: "DIFFERENTIATED"}}, ""},
		{"TIER-03: and SVC counts", []tier.Path{{Path: "LRN", Stage: "SELECTED"}, {Path: "SVC", Stage: "ROLE_CERTIFIED"}}, ""},
		{"TIER-03: A2 has only selected", []tier.Path{{Path: "SW", Stage: "SELECTED"}}, tier.SwitchAccount},
		{"TIER-03: on no path", nil, tier.RegisterAccount},
		{"TIER-04: only LRN", []tier.Path{{Path: "LRN", Stage: "ROLE_CERTIFIED"}}, tier.RegisterAccount},
		{"TIER-04: only DST", []tier.Path{{Path: "DST", Stage: "DIFFERENTIATED"}}, tier.RegisterAccount},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			f := ready()
			f.Accounts[1].Paths = tc.paths
			page := tier.Preview("A1", f)
			require.Equal(t, tc.advised, page.Advised)
			if tc.advised == "" {
				require.Empty(t, codes(f, tier.Preferred))
				require.Empty(t, page.Ways)
				return
			}
			_, list := tier.Judge(application(tier.Preferred), f)
			require.Equal(t, []string{"TIER_NO_CERTIFIED_PATH"}, list.Codes())
			require.Equal(t, tc.rule[:7], list[0].Rule)
			require.Equal(t, []tier.Way{"switch account", "register new account"}, page.Ways, "TIER-08: the reason and both ways")
			require.Equal(t, []string{"TIER_NO_CERTIFIED_PATH"}, page.Offers[0].Reasons.Codes())
			require.False(t, page.Offers[0].Possible)
		})
	}
}

// Rule: TIER-05
func TestTIER05GivenTenItems_WhenNineAreMet_ThenTheTenthIsNamed(t *testing.T) {
	f := ready()
	items, have := make([]tier.Item, 10), map[string]money.Amount{}
	for n := range items {
		items[n] = item(fmt.Sprintf("item-%d", n+1), tier.CapabilityLabels, "2.00")
		have[items[n].Code] = money.Must("2.00")
	}
	f.Policy.Requirements[tier.Preferred], f.Values[tier.Preferred] = items, have
	snapshot, list := tier.Judge(application(tier.Preferred), f)
	require.Empty(t, list)
	require.Len(t, snapshot, 10)

	have["item-10"] = money.Must("1.00")
	_, list = tier.Judge(application(tier.Preferred), f)
	require.Equal(t, []string{"TIER_ITEMS_OPEN"}, list.Codes())
	require.Equal(t, "These requirements are not met: 项 item-10 (1 of 2).", list[0].Message)
}

// Rule: TIER-06
func TestTIER06GivenThePartner_WhenItPicksCore_ThenItsOwnEcosystemManagerFiles(t *testing.T) {
	f := ready()
	a := application(tier.Core)
	a.Submitter = "mei"
	_, list := tier.Judge(a, f)
	require.Equal(t, []string{"TIER_CORE_BY_MANAGER"}, list.Codes())
	require.Contains(t, list[0].Message, "that is wang")

	f.Submitter = &xu
	require.Equal(t, []string{"TIER_CORE_BY_MANAGER"}, codes(f, tier.Core), "another manager is not the partner's")
	f.Submitter = &wang
	require.Empty(t, codes(f, tier.Core))
	require.Equal(t, []string{"CBC.0151"}, codes(f, tier.Leading), "below Core the partner applies")
	f.Manager = ""
	require.Equal(t, []string{"TIER_CORE_BY_MANAGER"}, codes(f, tier.Core))

	page := tier.Preview("A1", ready())
	require.Equal(t, tier.Core, page.Offers[2].Target)
	require.Equal(t, []string{"TIER_CORE_BY_MANAGER"}, page.Offers[2].Reasons.Codes())

	require.Empty(t, tier.JudgeFiler(&wang, "wang", "T1", "A1", "wang", tier.Core))
	require.Empty(t, tier.JudgeFiler(&mei, "mei", "T1", "A1", "wang", tier.Leading))
	for _, list := range [][]string{
		tier.JudgeFiler(nil, "nobody", "T1", "A1", "wang", tier.Core).Codes(), tier.JudgeFiler(&mei, "mei", "T1", "A1", "wang", tier.Core).Codes(),
		tier.JudgeFiler(&xu, "xu", "T1", "A1", "wang", tier.Core).Codes(), tier.JudgeFiler(&wang, "wang", "T1", "A1", "wang", tier.Leading).Codes(),
	} {
		require.Equal(t, []string{"CBC.0151"}, list)
	}
}

// Rule: TIER-10
func TestTIER10GivenACurrentTier_WhenATargetIsChosen_ThenItIsAboveAndMaySkipOne(t *testing.T) {
	f := ready()
	require.Empty(t, codes(f, tier.Leading), "Standard to Leading")
	f.Current = tier.Leading
	require.Equal(t, []string{"TIER_NOT_HIGHER"}, codes(f, tier.Preferred))
	require.Equal(t, []string{"TIER_NOT_HIGHER"}, codes(f, tier.Leading))
	require.Equal(t, []string{"TIER_NOT_HIGHER"}, codes(f, tier.Standard))
	require.Len(t, tier.Preview("A1", f).Offers, 1, "only Core is above")
	require.Equal(t, []string{"TIER_NO_MEMBERSHIP"}, tier.JudgeApproval("A1", tier.Core, f.Membership, tier.Leading, cst("2026-02-01 00:00:00")).Codes())
	require.Equal(t, []string{"TIER_NOT_HIGHER"}, tier.JudgeApproval("A1", tier.Leading, f.Membership, tier.Leading, f.At).Codes())
	require.Empty(t, tier.JudgeApproval("A1", tier.Core, f.Membership, tier.Leading, cst("2026-01-31 23:59:59")))
	require.Equal(t, []string{"TIER_NO_MEMBERSHIP"}, tier.JudgeApproval("A1", tier.Core, nil, tier.Standard, f.At).Codes(), "another membership holds by now")
}

// Rule: TIER-14
func TestTIER14GivenTheTargetIsReached_WhenAFenIsMissingAtSubmission_ThenItIsRefused(t *testing.T) {
	f := ready()
	f.Values[tier.Preferred]["performance"] = money.Must("500000.00")
	snapshot, list := tier.Judge(application(tier.Preferred), f)
	require.Empty(t, list)
	require.True(t, snapshot[0].Met())
	f.Values[tier.Preferred]["performance"] = money.Must("499999.99")
	_, list = tier.Judge(application(tier.Preferred), f)
	require.Equal(t, []string{"TIER_ITEMS_OPEN"}, list.Codes())
	require.Contains(t, list[0].Message, "499999.99 CNY of 500000.00 CNY")
}

// Rule: PGM-08, ENG-06
func TestPGM08GivenEveryGuardFails_WhenAnUpgradeIsJudged_ThenAllAreSaidInTheOrderOfTheTable(t *testing.T) {
	f := ready()
	f.At, f.Current, f.Pending, f.Accounts = cst("2026-02-01 00:00:00"), tier.Core, "T000001", nil
	f.Values[tier.Core]["performance"] = money.Zero
	a := tier.Application{PartnerID: "A1", Submitter: "mei", Target: tier.Core, Evidence: []tier.Attached{{Item: "other", Document: "x"}, {Item: "other", Document: strings.Repeat("ab", 32)}}}
	_, list := tier.Judge(a, f)
	require.Equal(t, []string{
		"CBC.0100", "CBC.0100", "CBC.0100", "CBC.0100", "TIER_NO_MEMBERSHIP", "TIER_NO_CERTIFIED_PATH", "TIER_ITEMS_OPEN", "TIER_NOT_HIGHER", "TIER_CORE_BY_MANAGER", "TIER_PENDING",
	}, list.Codes())
	require.Contains(t, list[6].Message, "plan (0 of 1)", "the evidence is missing too")

	f.Submitter, a.Target = nil, "GOLD"
	_, list = tier.Judge(a, f)
	require.Equal(t, []string{"CBC.0151", "CBC.0100", "CBC.0100", "CBC.0100", "CBC.0100", "TIER_NO_MEMBERSHIP", "TIER_NO_CERTIFIED_PATH", "TIER_PENDING"}, list.Codes())
	f.Known = false
	_, list = tier.Judge(a, f)
	require.Equal(t, "CBC.5001", list[len(list)-1].Code)

	a.Evidence = append(a.Evidence, tier.Attached{Item: "plan", Document: strings.Repeat("ab", 32)}, tier.Attached{Item: "plan", Document: strings.Repeat("cd", 32)})
	f.Known, a.Target = true, tier.Core
	_, list = tier.Judge(a, f)
	require.True(t, slices.ContainsFunc(list, func(r refusal.Refusal) bool { return strings.Contains(r.Message, `"plan" has two documents`) }))
}

// Whatever the facts: an upgrade is accepted exactly when no guard fails, and then its snapshot is whole and met, its target above the
// current tier, its membership active, and one path certified (TIER-02 to TIER-05, TIER-10).
func TestWhateverTheFacts_AnAcceptedUpgradeKeepsEveryRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := ready()
		f.At = f.Membership.From.Add(time.Duration(rapid.Int64Range(-1000, 10000).Draw(t, "hour")) * time.Hour)
		f.Current = rapid.SampledFrom(tier.Tiers).Draw(t, "current")
		f.Submitter = rapid.SampledFrom([]*person.Person{&mei, &wang, &xu, nil}).Draw(t, "by")
		f.Pending = rapid.SampledFrom([]string{"", "", "T000009"}).Draw(t, "pending")
		f.Accounts[1].Paths = []tier.Path{{
			Path:  rapid.SampledFrom([]string{"SW", "SVC", "SI", "LRN", "DST", "OTH"}).Draw(t, "path"),
			Stage: rapid.SampledFrom([]string{"SELECTED", "ROLE_CERTIFIED", "DIFFERENTIATED"}).Draw(t, "stage"),
		}}
		target := rapid.SampledFrom(append([]tier.Tier{"GOLD"}, tier.Tiers...)).Draw(t, "target")
		if target != "GOLD" {
			f.Values[target]["performance"] = money.Fen(rapid.Int64Range(0, 2_000_000_000).Draw(t, "performance"))
		}
		snapshot, list := tier.Judge(application(target), f)
		member, path, higher := f.Membership.Holds(f.At), f.Accounts[1].Paths[0], target.Above(f.Current)
		counts := slices.Contains(tier.Qualifying, path.Path) && path.Stage != "SELECTED"
		met := !slices.ContainsFunc(f.Snapshot(target, application(target).Evidence), func(v tier.Value) bool { return !v.Met() })
		filer := f.Submitter == &mei && target != tier.Core || f.Submitter == &wang && target == tier.Core
		require.Equal(t, member && counts && met && higher && filer && f.Pending == "", len(list) == 0, "%v", list)
		if len(list) == 0 {
			require.Len(t, snapshot, len(f.Policy.Requirements[target]))
		}
	})
}
