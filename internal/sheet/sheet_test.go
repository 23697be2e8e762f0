package sheet

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

func TestGivenTextThatLooksLikeAFormula_WhenItIsWrittenAsCSV_ThenItStaysTextAndNegativeNumbersStayNumbers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines.csv")
	w, err := Create(path, "customer", "amount")
	require.NoError(t, err)
	for _, c := range []string{`=HYPERLINK("x")`, "+1", "-1", "@x", "\tx", "华为, \"A\""} {
		require.NoError(t, w.Row(c, Number("-200.00")))
	}
	require.NoFileExists(t, path, "not before it is whole")
	require.NoError(t, w.Close())
	require.NoError(t, w.Abandon(), "after Close it does nothing")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "\ufeffcustomer,amount\n\"'=HYPERLINK(\"\"x\"\")\",-200.00\n'+1,-200.00\n'-1,-200.00\n'@x,-200.00\n'\tx,-200.00\n\"华为, \"\"A\"\"\",-200.00\n", string(text))
}

func TestGivenRows_WhenTheyAreWrittenAsAWorkbook_ThenTextIsTextAndNumbersCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines.xlsx")
	w, err := Create(path, "customer", "amount")
	require.NoError(t, err)
	w.(*file).Writer.(*workbook).limit = 3 // a heading and two rows a sheet
	require.NoError(t, w.Row("=1+1", Number("-200.00")))
	require.NoError(t, w.Row("华为", Number("1234.50")))
	require.NoError(t, w.Row("long", Number("123456789012345678.90")))
	require.NoFileExists(t, path)
	require.NoError(t, w.Close())

	f, err := excelize.OpenFile(path)
	require.NoError(t, err)
	defer f.Close()
	rows, err := f.GetRows("Sheet1")
	require.NoError(t, err)
	require.Equal(t, [][]string{{"customer", "amount"}, {"=1+1", "-200.00"}, {"华为", "1,234.50"}}, rows)
	formula, err := f.GetCellFormula("Sheet1", "A2")
	require.NoError(t, err)
	require.Empty(t, formula)
	rows, err = f.GetRows("Sheet2")
	require.NoError(t, err)
	require.Equal(t, [][]string{{"customer", "amount"}, {"long", "123456789012345678.90"}}, rows, "what a spreadsheet would round is text")
}

func TestGivenAnExportThatBreaksOff_WhenItIsAbandoned_ThenNothingIsLeft(t *testing.T) {
	for _, name := range []string{"a.csv", "a.xlsx"} {
		dir := t.TempDir()
		w, err := Create(filepath.Join(dir, name), "x")
		require.NoError(t, err)
		require.NoError(t, w.Row("1"))
		require.NoError(t, w.Abandon())
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left)
	}
	_, err := Create("a.pdf", "x")
	require.ErrorContains(t, err, ".xlsx or .csv")
	_, err = To(io.Discard, "pdf", "x")
	require.ErrorContains(t, err, "xlsx or csv")
}
