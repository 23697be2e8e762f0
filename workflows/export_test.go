package workflows

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/bill"
	"countersign/views"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// exporting is consumed, calculated (one line of 100.00 for each of P1 to P40), with people who may export.
func exporting(t *testing.T) (*sqlx.DB, *activities.Exports) {
	t.Helper()
	db := consumed(t)
	calculating(t, db, cst("2024-06-03 09:00"), CalculationInput{})
	for _, q := range []string{
		`INSERT INTO people (person_id, name, partner_id) VALUES ('ann', 'Ann', 'P1'), ('clerk', 'Clerk', 'P1'), ('bob', 'Bob', 'P2'), ('mia', 'Mia', NULL)`,
		`INSERT INTO person_roles (person_id, role) VALUES ('ann', 'partner-incentives'), ('bob', 'partner-administrator'), ('ops', 'vendor-operations')`,
	} {
		db.MustExec(q)
	}
	return db, &activities.Exports{DB: db, Lines: views.Reader{DB: db}.WriteLines}
}

// exported runs an export that was asked for.
func exported(t *testing.T, act *activities.Exports, at time.Time, x activities.Export, prepare func(*testsuite.TestWorkflowEnvironment)) (ended activities.Export, err error) {
	t.Helper()
	env := environment(at)
	env.RegisterWorkflowWithOptions(LinesExport, workflow.RegisterOptions{Name: LinesExportType})
	env.RegisterActivity(act)
	if prepare != nil {
		prepare(env)
	}
	env.ExecuteWorkflow(LinesExportType, LinesExportInput{Key: x.Key})
	require.True(t, env.IsWorkflowCompleted())
	if err := env.GetWorkflowError(); err != nil {
		return ended, err
	}
	return ended, env.GetWorkflowResult(&ended)
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return content
}

// Rules: INC-11, COM-20
func TestGivenAPartnersPerson_WhenTheyExportInTheBackground_ThenTheyAreToldOnceAndTheFileIsThatOfTheDirectExport(t *testing.T) {
	db, act := exporting(t)
	ctx, at := t.Context(), cst("2024-06-04 10:00")
	ask := activities.AskExportInput{Key: "k1", Person: "ann", Filter: bill.LineFilter{Product: "ECS"}, Format: bill.CSV, At: at}
	x, err := act.AskExport(ctx, ask)
	require.NoError(t, err)
	require.Equal(t, bill.Running, x.State)
	again, err := act.AskExport(ctx, ask)
	require.NoError(t, err)
	require.Equal(t, x, again, "the same request is the same export")
	_, err = act.FetchExport(ctx, activities.FetchExportInput{ID: x.ID, Person: "ann", At: at})
	require.Equal(t, []string{"ENG_STATE"}, activities.RefusalOf(err).Codes(), "it is still being written")

	ended, err := exported(t, act, at, x, nil)
	require.NoError(t, err)
	require.Equal(t, "DONE 1 100.00", fmt.Sprintf("%s %d %s", ended.State, ended.Lines, ended.Amount))
	direct := filepath.Join(t.TempDir(), "direct.csv")
	total, err := views.Reader{DB: db}.WriteLines(ctx, bill.LineFilter{Partner: "P1", Product: "ECS"}, direct, func(int64) error { return nil })
	require.NoError(t, err)
	require.Equal(t, int64(1), total.Lines)
	fetched, err := act.FetchExport(ctx, activities.FetchExportInput{ID: x.ID, Person: "ann", At: at})
	require.NoError(t, err)
	require.Equal(t, string(read(t, direct)), string(fetched.Content))

	// A second run, as after a repeat of the command, and steps that run twice, find what is there.
	act.Lines = nil
	repeated, err := exported(t, act, at.Add(time.Hour), x, nil)
	require.NoError(t, err)
	require.Equal(t, ended, repeated)
	problem, err := act.WriteExport(ctx, "k1")
	require.NoError(t, err)
	require.Empty(t, problem)
	var told []string
	require.NoError(t, db.Select(&told, `SELECT person_id || ' ' || subject FROM outbox WHERE key LIKE 'export/%'`))
	require.Equal(t, []string{"ann 导出 1 已完成 / Export 1 is done"}, told)
}

// Rule: INC-11
func TestGivenTheVendorsPerson_WhenTheyExportAWorkbook_ThenItHoldsEveryPartnersLines(t *testing.T) {
	_, act := exporting(t)
	ctx, at := t.Context(), cst("2024-06-04 10:00")
	x, err := act.AskExport(ctx, activities.AskExportInput{Key: "k", Person: "mia", Format: bill.Workbook, At: at})
	require.NoError(t, err)
	ended, err := exported(t, act, at, x, nil)
	require.NoError(t, err)
	require.Equal(t, int64(40), ended.Lines)
	require.Equal(t, "4000.00", ended.Amount.String())
	fetched, err := act.FetchExport(ctx, activities.FetchExportInput{ID: x.ID, Person: "ops", At: at})
	require.NoError(t, err, "vendor operations may have it, too")
	file := filepath.Join(t.TempDir(), "lines.xlsx")
	require.NoError(t, os.WriteFile(file, fetched.Content, 0o600))
	book, err := excelize.OpenFile(file)
	require.NoError(t, err)
	defer book.Close()
	rows, err := book.GetRows("Sheet1")
	require.NoError(t, err)
	require.Len(t, rows, 41)
}

// Rules: INC-11, COM-16, COM-20, COM-03
func TestGivenStrangers_WhenTheyAskForOrFetchAnExport_ThenItIsRefusedAndKept(t *testing.T) {
	db, act := exporting(t)
	ctx, at := t.Context(), cst("2024-06-04 10:00")
	ask := activities.AskExportInput{Key: "k", Person: "ann", Format: bill.CSV, At: at}
	x, err := act.AskExport(ctx, ask)
	require.NoError(t, err)
	_, err = exported(t, act, at, x, nil)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(*activities.AskExportInput)
		want   []string // rules
	}{
		"another partner's lines": {func(in *activities.AskExportInput) { in.Key, in.Filter.Partner = "n", "P2" }, []string{"INC-11"}},
		"no permission":           {func(in *activities.AskExportInput) { in.Key, in.Person = "n", "clerk" }, []string{"COM-16"}},
		"nobody, nothing":         {func(in *activities.AskExportInput) { in.Key, in.Person, in.Format = "", "eve", "pdf" }, []string{"COM-16", "INC-11", "COM-03"}},
		"a key that is taken":     {func(in *activities.AskExportInput) { in.Filter.Product = "OBS" }, []string{"COM-20"}},
		"somebody else's key":     {func(in *activities.AskExportInput) { in.Person = "bob" }, []string{"COM-20"}},
	} {
		changed := ask
		c.change(&changed)
		_, err := act.AskExport(ctx, changed)
		var rules []string
		for _, r := range activities.RefusalOf(err) {
			rules = append(rules, r.Rule)
		}
		require.Equal(t, c.want, rules, name)
	}
	for _, who := range []string{"bob", "clerk", "mia", "eve"} {
		fetched, err := act.FetchExport(ctx, activities.FetchExportInput{ID: x.ID, Person: who, At: at})
		require.Equal(t, []string{"CBC.0151"}, activities.RefusalOf(err).Codes(), who)
		require.Nil(t, fetched.Content)
	}
	_, err = act.FetchExport(ctx, activities.FetchExportInput{ID: 99, Person: "ops", At: at})
	require.True(t, activities.IsNotFound(err))
	var exports, refused int
	require.NoError(t, db.QueryRow(`SELECT (SELECT count(*) FROM exports), (SELECT count(*) FROM refusals WHERE kind = 'export')`).Scan(&exports, &refused))
	require.Equal(t, []int{1, 9}, []int{exports, refused})

	r := views.Reader{DB: db}
	for who, want := range map[string]int{"": 1, "ann": 1, "ops": 1, "bob": 0, "mia": 0} {
		found, err := r.Exports(ctx, who)
		require.NoError(t, err)
		require.Len(t, found, want, who)
	}
}

// Rule: INC-11
func TestGivenAFileThatGrowsTooLarge_WhenItIsExported_ThenItFailsWithAdviceAndNothingIsKept(t *testing.T) {
	db, act := exporting(t)
	act.Limit = 1 << 10
	at := cst("2024-06-04 10:00")
	x, err := act.AskExport(t.Context(), activities.AskExportInput{Key: "k", Person: "mia", Format: bill.CSV, At: at})
	require.NoError(t, err)
	ended, err := exported(t, act, at, x, nil)
	require.NoError(t, err)
	require.Equal(t, bill.Failed, ended.State)
	require.Equal(t, "The file is larger than 1 KB; narrow the search, by month or partner for example, and export it in parts.", ended.Error)
	_, err = act.FetchExport(t.Context(), activities.FetchExportInput{ID: x.ID, Person: "mia", At: at})
	require.Contains(t, activities.RefusalOf(err).Error(), "narrow the search")
	var body string
	require.NoError(t, db.Get(&body, `SELECT body FROM outbox WHERE person_id = 'mia'`))
	require.Contains(t, body, "narrow the search")
}

// Rule: INC-11
func TestGivenAnExportThatIsWritten_WhenItsRunIsCancelled_ThenItFailsAndALateFileIsNotKept(t *testing.T) {
	db, act := exporting(t)
	at := cst("2024-06-04 10:00")
	x, err := act.AskExport(t.Context(), activities.AskExportInput{Key: "k", Person: "mia", Format: bill.CSV, At: at})
	require.NoError(t, err)
	_, err = exported(t, act, at, x, func(env *testsuite.TestWorkflowEnvironment) {
		lines := act.Lines
		act.Lines = func(ctx context.Context, f bill.LineFilter, file string, written func(int64) error) (bill.LineTotal, error) {
			env.CancelWorkflow()
			<-ctx.Done()
			return lines(context.WithoutCancel(ctx), f, file, written)
		}
	})
	require.Error(t, err)
	var state, note string
	require.NoError(t, db.QueryRow(`SELECT state, error FROM exports WHERE content IS NULL`).Scan(&state, &note))
	require.Equal(t, "FAILED It was stopped before the file was there; ask for it again.", state+" "+note)
}
