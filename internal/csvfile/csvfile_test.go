package csvfile_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"countersign/internal/csvfile"

	"github.com/stretchr/testify/require"
)

// all reads a file to its end: the records as they are, a bad one as its column and reason.
func all(t *testing.T, text string) (lines []int, records []string, end error) {
	t.Helper()
	r, err := csvfile.NewReader(strings.NewReader(text))
	require.NoError(t, err)
	for {
		fields, line, err := r.Read()
		var bad *csvfile.BadRecord
		switch {
		case errors.As(err, &bad):
			fields = []string{"!" + bad.Column, bad.Reason}
		case errors.Is(err, io.EOF):
			return lines, records, nil
		case err != nil:
			return lines, records, err
		}
		lines, records = append(lines, line), append(records, strings.Join(fields, "|"))
	}
}

func TestGivenFilesAsProgramsWriteThem_WhenTheyAreRead_ThenEachRecordHasItsLine(t *testing.T) {
	for name, text := range map[string]string{
		"plain":               "a,b\n1,2\n3,4\n",
		"no end of line":      "a,b\n1,2\n3,4",
		"CRLF":                "a,b\r\n1,2\r\n3,4\r\n",
		"byte order mark":     "\ufeffa,b\n1,2\n3,4\n",
		"mark, quoted header": "\ufeff\"a\",\"b\"\n1,2\n3,4\n",
		"spaces in the names": "a , b\n1,2\n3,4\n",
	} {
		r, err := csvfile.NewReader(strings.NewReader(text))
		require.NoError(t, err, name)
		require.Equal(t, []string{"a", "b"}, r.Header, name)
		lines, records, err := all(t, text)
		require.NoError(t, err, name)
		require.Equal(t, []int{2, 3}, lines, name)
		require.Equal(t, []string{"1|2", "3|4"}, records, name)
	}
	lines, records, err := all(t, "a,b\n\"x\ny\",\"say \"\"no\"\", thrice\"\n\n3,4\n")
	require.NoError(t, err)
	require.Equal(t, []int{2, 5}, lines)
	require.Equal(t, []string{"x\ny|say \"no\", thrice", "3|4"}, records)
}

func TestGivenRecordsThatCannotBeRead_WhenTheFileIsRead_ThenTheOthersAre(t *testing.T) {
	lines, records, err := all(t, "a,b\n1\n1,2,3\n\xff,2\n1,\x00\n\"x\"y,2\n3,4\n")
	require.NoError(t, err)
	require.Equal(t, []int{2, 3, 4, 5, 6, 7}, lines)
	require.Equal(t, []string{
		"!|the row has 1 fields, the first line names 2", "!|the row has 3 fields, the first line names 2",
		"!a|the field is not valid UTF-8", "!b|the field has a NUL octet", "!|a quotation mark is missing, or one too many", "3|4",
	}, records)

	_, records, err = all(t, "a,b\n1,\"2\n3,\"4\"\n5,6\n")
	require.NoError(t, err)
	require.Equal(t, []string{"!|a quotation mark is missing, or one too many; the row was read as far as line 3", "5|6"}, records)
}

func TestGivenARecordOfManyMegabytes_WhenTheFileIsRead_ThenItEndsThereWithTheLine(t *testing.T) {
	endless := strings.Repeat("x\n", csvfile.Longest)
	_, records, err := all(t, "a,b\n1,2\n3,\""+endless)
	require.EqualError(t, err, "a row after line 2 has more than 1048576 octets; a quotation mark may be missing there")
	require.Equal(t, []string{"1|2"}, records)
	_, records, err = all(t, "a,b\n1,2\n3,"+strings.Repeat("x", csvfile.Longest-8192)+"\n5,6\n")
	require.NoError(t, err)
	require.Len(t, records, 3)
}

func TestGivenAFirstLineThatNamesNoColumns_WhenTheFileIsOpened_ThenASentenceSaysWhy(t *testing.T) {
	for text, sentence := range map[string]string{
		"":                                     "the file is empty; its first line names the columns",
		"\n\n":                                 "the file is empty; its first line names the columns",
		"a,,b\n":                               "column 2 has no name in the first line",
		"a,b,a\n":                              "the first line names the column a twice",
		"\xff\xfea\x00,b\n":                    "the name of column 1 is not valid UTF-8: write the file as CSV in UTF-8",
		"a\x00,b\n":                            "the name of column 1 has a NUL octet: write the file as CSV in UTF-8",
		"\"a,b\n":                              "the first line is not CSV: extraneous or missing \" in quoted-field",
		strings.Repeat("x", 2*csvfile.Longest): "the first line has more than 1048576 octets: this is no CSV file",
	} {
		_, err := csvfile.NewReader(strings.NewReader(text))
		require.EqualError(t, err, sentence)
	}
}
