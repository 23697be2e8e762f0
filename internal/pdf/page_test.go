package pdf

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func begun(t *testing.T) *Page {
	t.Helper()
	p, err := New(Sheet{Title: "清单", PrintedAt: time.Date(2024, 6, 7, 17, 0, 0, 0, time.UTC), Foot: func(n int) string { return fmt.Sprint(n) }})
	require.NoError(t, err)
	return p
}

func TestGivenALongText_WhenItIsBroken_ThenWordsStayWholeAndNoLineBeginsWithWhatClosesAClause(t *testing.T) {
	p := begun(t)
	p.Size(10) // a Chinese sign is 3.53 mm wide
	require.Equal(t, []string{"财务共享中心票", "据组"}, p.Wrap("财务共享中心票据组", 24.7))
	require.Equal(t, []string{"财务共享中心", "收），请注明"}, p.Wrap("财务共享中心收），请注明", 24.7))
	require.Equal(t, []string{"财务共享中心", "（收），请注明"}, p.Wrap("财务共享中心（收），请注明", 24.7))
	require.Equal(t, []string{"Wang", "Wei"}, p.Wrap("Wang Wei", 12))
	require.Equal(t, []string{"a", "b", ""}, p.Wrap("a\nb\n", 12))
	require.Equal(t, []string{"深", "圳"}, p.Wrap("深圳", 1), "at least one sign a line")
}

func TestGivenManyAtOnce_WhenTheyPrintTheSame_ThenTheFilesAreTheSameAndTheFontIsUntouched(t *testing.T) {
	before := sha256.Sum256(font)
	files := make([][]byte, 4)
	var all sync.WaitGroup
	for i := range files {
		p := begun(t)
		all.Go(func() {
			p.Line("上海云帆 Yunfan", 5, "L")
			files[i], _, _ = p.Bytes()
		})
	}
	all.Wait()
	require.NotEmpty(t, files[0])
	for _, f := range files {
		require.True(t, bytes.Equal(files[0], f))
	}
	require.Equal(t, before, sha256.Sum256(font))
}
