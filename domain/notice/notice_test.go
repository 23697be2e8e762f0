package notice_test

import (
	"testing"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/notice"

	"github.com/stretchr/testify/require"
)

// Rule: PGM-15
func TestGivenATaskNotice_WhenItsReaderWantsEnglishAndAnotherZone_ThenBothAreObeyedAndTheNoticeItselfIsUnchanged(t *testing.T) {
	due := time.Date(2025, 9, 30, 0, 0, 0, 0, calendar.Zone)
	subject, body := approval.TaskOpened.Text(approval.NoticeData{Task: "W1/review", Case: "W1", Partner: "P1", DueAt: &due})

	s, b := notice.Reader{Language: "zh"}.Text(subject, body, calendar.Zone)
	require.Equal(t, []string{subject, body}, []string{s, b})
	s, b = notice.Reader{Language: "en"}.Text(subject, body, time.FixedZone("", 7*3600))
	require.Equal(t, "Task W1/review waits for you / 任务 W1/review 待您处理", s)
	require.Equal(t, s+"\n\n事项 case: W1\n伙伴 partner: P1\n到期 due: 2025-09-29 23:00 (UTC+7)\n\n请处理。 Please decide it.\n", b)
	_, b = notice.Reader{Language: "en"}.Text("a / b / c", "2025-09-30 00:00:00 (UTC+8)", calendar.Zone)
	require.Equal(t, "2025-09-30 00:00:00 (UTC+8)", b, "what is not in two languages stays")
}
