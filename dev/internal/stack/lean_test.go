package stack

import (
	"database/sql"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// The searches that the documentation names answer on the lean set, and those by one of our attributes have an index.
func TestGivenTheLeanIndexesOnPostgres_WhenOperatorsSearch_ThenEachSearchAnswersAndOursHaveAnIndex(t *testing.T) {
	binary, err := filepath.Abs("../../../bin/temporal")
	require.NoError(t, err)
	require.FileExists(t, binary, "make build makes it")
	dir, err := os.MkdirTemp("", "countersign-lean-")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755)) // Postgres' account has to enter it
	s, err := Start(t.Context(), Options{Dir: dir, TemporalBinary: binary, Throwaway: true, InPostgres: true, Say: t.Logf})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Stop()) })

	c, err := client.Dial(client.Options{HostPort: s.TemporalAddress, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	keyword := enums.INDEXED_VALUE_TYPE_KEYWORD
	_, err = c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
		Namespace: "default",
		SearchAttributes: map[string]enums.IndexedValueType{
			"CaseKind": keyword, "CasePartner": keyword, "CaseNumber": keyword, "CaseState": keyword, "CaseDue": enums.INDEXED_VALUE_TYPE_DATETIME,
		},
	})
	require.NoError(t, err)
	for _, query := range []string{
		``,
		`CaseKind = "solution" AND CaseDue < "2027-01-01T00:00:00+08:00" AND ExecutionStatus = "Running"`,
		`CaseState = "EXPIRING"`,
		`CasePartner = "P1001"`,
		`CaseNumber = "W000001"`,
		`WorkflowId = "withdrawal/P1001/k1"`,
		`WorkflowType = "Withdrawal" AND ExecutionStatus = "Running"`,
		`TemporalReportedProblems IN ('category=WorkflowTaskFailed', 'category=WorkflowTaskTimedOut')`,
		`TemporalChangeVersion = "x-1"`,
		`HistoryLength > 1000`, // by a scan
	} {
		_, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", Query: query})
		assert.NoError(t, err, query)
	}

	u, err := url.Parse(s.DatabaseURL)
	require.NoError(t, err)
	u.Path = "/temporal_visibility"
	db, err := sql.Open("postgres", u.String())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	for _, statement := range []string{ // as many as make the right index the cheapest
		`INSERT INTO executions_visibility (namespace_id, run_id, start_time, execution_time, workflow_id, workflow_type_name, status, encoding, task_queue, search_attributes)
		 SELECT 'n', n, now(), now(), n, 'Withdrawal', 1, '', 'q', jsonb_build_object('Keyword01', n::text, 'Keyword02', n::text, 'Keyword03', n::text, 'Keyword04', n::text,
		        'Datetime01', to_char(timestamp '2026-12-31 00:00' + n * interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
		   FROM generate_series(1, 3000) n`,
		`ANALYZE executions_visibility`,
	} {
		_, err = db.Exec(statement)
		require.NoError(t, err)
	}
	for _, column := range []string{"Keyword01", "Keyword02", "Keyword03", "Keyword04"} {
		assert.Contains(t, plan(t, db, `SELECT run_id FROM executions_visibility WHERE namespace_id = 'n' AND `+column+` = 'x'`), "by_"+strings.ToLower(column[:7])+"_"+column[7:])
	}
	assert.Contains(t, plan(t, db, `SELECT run_id FROM executions_visibility WHERE namespace_id = 'n' AND Datetime01 < '2027-01-01'`), "by_datetime_01")
	var indexes int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM pg_indexes WHERE tablename = 'executions_visibility'`).Scan(&indexes))
	t.Logf("%d indexes are left", indexes)
	assert.Less(t, indexes, 25)
}

func plan(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.Query("EXPLAIN " + query)
	require.NoError(t, err, query)
	defer rows.Close()
	var text strings.Builder
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		text.WriteString(line + "\n")
	}
	require.NoError(t, rows.Err())
	return text.String()
}
