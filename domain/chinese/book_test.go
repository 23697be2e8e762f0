package chinese_test

import (
	"strings"
	"testing"

	"countersign/domain/chinese"

	"github.com/stretchr/testify/require"
)

func word(english string) (string, bool) {
	known := map[string]string{"bank": "银行", "cash": "现金"}
	if text, ok := known[english]; ok {
		return text, true
	}
	return english, false
}

func TestGivenAFormat_WhenItIsSaidOrAFinishedTextIsFound_ThenBothAreChinese(t *testing.T) {
	book := chinese.New(map[string]string{
		"%s of %d by %s":        "%[3]W，%[2]d 中的 %[1]s",
		"%s goes by %s":         "%s 以%K",
		"record %s":             "记录 %F",
		"100 %% of %q":          "%q 的全部",
		"it is over":            "已结束",
		"the task %s.%s":        "任务%s。%s",
		"%s goes by %s, by now": "%s 目前以%W",
	})
	require.Equal(t, "银行，3 中的 a", book.Say(word, "%s of %d by %s", "a", 3, "bank"))
	require.Empty(t, book.Say(word, "nobody says this"))
	for text, want := range map[string]struct {
		chinese    string
		found, all bool
	}{
		"a of 3 by bank":          {"银行，3 中的 a", true, true},
		"a of 3 by hand":          {"hand，3 中的 a", true, false},
		"a of b by bank":          {},
		"it goes by bank":         {"it 以银行", true, true},
		"time goes by quickly":    {},
		"it goes by hand, by now": {"it 目前以hand", true, false},
		"record 12":               {"记录 12", true, true},
		"record keeping":          {},
		`100 % of "a \" b"`:       {`"a \" b" 的全部`, true, true},
		"it is over":              {"已结束", true, true},
		"it is over?":             {},
		"the task is open.":       {"任务is open。", true, true},
		"a (b of 3 by bank)":      {},
		"%s of 1 by %d":           {"%d，1 中的 %s", true, false},
	} {
		out, found, all := book.Find(word, text)
		require.Equal(t, want.chinese, out, text)
		require.Equal(t, []bool{want.found, want.all}, []bool{found, all}, text)
		require.False(t, strings.Contains(out, "!"), "%q", out)
	}
}
