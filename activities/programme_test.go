package activities

import (
	"context"
	"strings"
	"testing"
	"time"

	"countersign/internal/pgtest"

	"github.com/stretchr/testify/require"
)

const programme = `
calendar: [{year: 2027, days: [{date: 2027-01-01, name: New Year}]}]
withdrawal_policy: {review_role: r, payment_role: p, escalation_role: e, review_term: P2WD, arrival_term: P7WD, wallet_term: 90s,
  risk_amount: "50000.00", code_term: 5m, code_tries: 5}
partners: [{id: P1, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud}]
customers: [{id: C1, partner: P1}]
people: [{id: mei, name: Mei, partner: P1, roles: [partner-administrator]}, {id: op, name: Op}]
lots: [{key: l1, partner: P1, source: INCENTIVE_OWED, arrived_at: 2025-10-01T09:00:00+08:00, amount: "100.00"}]
memos: [{key: m1, kind: debt, owner: C1, amount: "5.00"}]
offsets: [{key: o1, lot: l1, amount: "40.00"}]
`

func TestLoadingAProgrammeTwiceChangesNothing(t *testing.T) {
	ctx, p := context.Background(), Programme{DB: pgtest.New(t)}
	file, err := ParseProgramme([]byte(programme))
	require.NoError(t, err)
	first, err := p.Load(ctx, file, "op", time.Now())
	require.NoError(t, err)
	require.Equal(t, LoadReport{Records: 7, PolicyVersion: 1, Entries: 3}, first)
	again, err := p.Load(ctx, file, "op", time.Now())
	require.NoError(t, err)
	require.Equal(t, LoadReport{PolicyVersion: 1}, again)

	changed := file
	changed.Lots = []LotRecord{file.Lots[0]}
	changed.Lots[0].Amount = changed.Lots[0].Amount.Add(changed.Lots[0].Amount)
	_, err = p.Load(ctx, changed, "op", time.Now())
	require.Equal(t, "COM-20", RefusalOf(err)[0].Rule)
	require.Contains(t, RefusalOf(err)[0].Message, "load/lot/l1")

	tightened := *file.Policy
	tightened.CodeTries = 3
	version, err := p.SetPolicy(ctx, "withdrawal", tightened, "op", time.Now())
	require.NoError(t, err)
	require.Equal(t, 2, version)
	_, err = p.SetPolicy(ctx, "withdrawal", *file.Policy, "mei", time.Now())
	require.Equal(t, "COM-16", RefusalOf(err)[0].Rule, "a partner's person sets no policy")
}

func TestAProgrammeThatIsNotInOrderSaysWhereAndLoadsNothing(t *testing.T) {
	_, err := ParseProgramme([]byte("partners:\n  - {id: P1, colour: red}\n"))
	require.ErrorContains(t, err, "colour")
	require.ErrorContains(t, err, "2 |", "the line is shown")
	_, err = ParseProgramme([]byte("lots:\n  - {key: l1, amount: \"1.005\"}\n"))
	require.ErrorContains(t, err, "1.005")

	ctx, p := context.Background(), Programme{DB: pgtest.New(t)}
	_, err = ParseProgramme([]byte(programme + "memos: []\n"))
	require.ErrorContains(t, err, "memos", "a key given twice")
	file, err := ParseProgramme([]byte(programme))
	require.NoError(t, err)
	file.Memos[0].Kind = "loan"
	_, err = p.Load(ctx, file, "op", time.Now())
	require.ErrorContains(t, err, `there is no kind "loan"`)
	file.Policy.CodeTries, file.Policy.ReviewRole = 0, ""
	_, err = p.Load(ctx, file, "op", time.Now())
	require.ErrorContains(t, err, "code_tries")
	require.ErrorContains(t, err, "review_role", "every fault at once")
	var partners int
	require.NoError(t, p.DB.Get(&partners, `SELECT count(*) FROM partners`))
	require.Zero(t, partners, "all or nothing")
}

func TestGivenNaturalPersonsInAProgrammeFile_WhenItIsLoadedAgain_ThenOnlyWhatDiffersChanges(t *testing.T) {
	p := &Programme{DB: pgtest.New(t)}
	load := func(records string) int {
		f, err := ParseProgramme([]byte("personal_accounts:\n" + records))
		require.NoError(t, err)
		report, err := p.Load(context.Background(), f, "test", time.Now())
		require.NoError(t, err)
		return report.Records
	}
	const li, han = `  - {id: A1, account_name: li.lei, name: Li Lei, mobile: "138 0013-8000", email: Li@home.example, real_name: personal}` + "\n", "  - {id: A2, account_name: han.mei, name: Han Mei, language: en}\n"
	require.Equal(t, 2, load(li+han))
	require.Zero(t, load(li+han))
	p.DB.MustExec(`UPDATE personal_accounts SET language = 'en', time_zone = 'UTC+7' WHERE account_id = 'A1'`)
	require.Zero(t, load(li), "the member's own choice stays")
	require.Equal(t, 1, load(strings.Replace(li, "personal}", "enterprise, language: zh}", 1)))
	var row string
	require.NoError(t, p.DB.Get(&row, `SELECT concat_ws(' ', mobile, email, real_name, language, time_zone) FROM personal_accounts WHERE account_id = 'A1'`))
	require.Equal(t, "13800138000 li@home.example enterprise zh UTC+7", row)
	f, err := ParseProgramme([]byte("personal_accounts:\n  - {id: A3, account_name: li.lei, name: X}\n"))
	require.NoError(t, err)
	_, err = p.Load(context.Background(), f, "test", time.Now())
	require.Equal(t, []string{"ENG_STATE"}, RefusalOf(err).Codes(), "an account name finds one account (ORG-29)")
}
