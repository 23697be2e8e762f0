// Package sheet writes long tables row by row, as an Excel workbook or as CSV. A file appears under its name only when it is
// whole.
package sheet

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Number is a cell that is a number, as text: "1234.50". Everything else is text, whatever it looks like.
type Number string

// Writer takes the rows of one table.
type Writer interface {
	Row(cells ...any) error
	Close() error   // writes the file
	Abandon() error // leaves nothing behind; after Close it does nothing
}

// Create begins a table under these column names. The ending of the name says how it is written: .xlsx or .csv.
func Create(path string, columns ...string) (Writer, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".xlsx":
		return newWorkbook(path, columns)
	case ".csv":
		return newCSV(path, columns)
	default:
		return nil, fmt.Errorf("%s: name a file that ends in .xlsx or .csv", path)
	}
}

// MaxRows is how many rows one sheet of a workbook holds, its heading among them; more rows go on the next sheet.
const MaxRows = excelize.TotalRows

type workbook struct {
	path    string
	columns []any
	file    *excelize.File
	stream  *excelize.StreamWriter
	sheets  int
	row     int // of the present sheet
	limit   int
	amount  int // style of numbers
	bold    int
	closed  bool
}

func newWorkbook(path string, columns []string) (*workbook, error) {
	w := &workbook{path: path, file: excelize.NewFile(), limit: MaxRows}
	for _, c := range columns {
		w.columns = append(w.columns, c)
	}
	var err error
	if w.amount, err = w.file.NewStyle(&excelize.Style{NumFmt: 4}); err != nil { // #,##0.00
		return nil, err
	}
	if w.bold, err = w.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}}); err != nil {
		return nil, err
	}
	return w, w.nextSheet()
}

func (w *workbook) nextSheet() error {
	if w.stream != nil {
		if err := w.stream.Flush(); err != nil {
			return err
		}
	}
	w.sheets++
	name := "Sheet" + strconv.Itoa(w.sheets)
	if w.sheets > 1 {
		if _, err := w.file.NewSheet(name); err != nil {
			return err
		}
	}
	var err error
	if w.stream, err = w.file.NewStreamWriter(name); err != nil {
		return err
	}
	if err := w.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	w.row = 1
	return w.stream.SetRow("A1", w.columns, excelize.RowOpts{StyleID: w.bold})
}

// exact is the number of digits that a spreadsheet keeps; a longer number is written as text.
const exact = 15

func (w *workbook) Row(cells ...any) error {
	if w.row == w.limit {
		if err := w.nextSheet(); err != nil {
			return err
		}
	}
	w.row++
	values := make([]any, len(cells))
	for i, c := range cells {
		n, ok := c.(Number)
		if !ok {
			values[i] = fmt.Sprint(c) // inline text, never a formula
			continue
		}
		if digits := strings.Trim(string(n), "-."); len(digits) > exact+1 {
			values[i] = string(n)
			continue
		}
		f, err := strconv.ParseFloat(string(n), 64) // what a spreadsheet counts with; ours does not pass through it
		if err != nil {
			return fmt.Errorf("cell %d: %w", i+1, err)
		}
		values[i] = excelize.Cell{Value: f, StyleID: w.amount}
	}
	return w.stream.SetRow("A"+strconv.Itoa(w.row), values)
}

func (w *workbook) Close() error {
	if err := w.stream.Flush(); err != nil {
		return err
	}
	part := w.path + ".part"
	f, err := os.Create(part)
	if err != nil {
		return err
	}
	if err := errors.Join(w.file.Write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	w.closed = true
	return errors.Join(os.Rename(part, w.path), w.file.Close())
}

func (w *workbook) Abandon() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return w.file.Close()
}

type csvFile struct {
	path   string
	file   *os.File
	rows   *csv.Writer
	closed bool
}

func newCSV(path string, columns []string) (*csvFile, error) {
	f, err := os.Create(path + ".part")
	if err != nil {
		return nil, err
	}
	w := &csvFile{path: path, file: f, rows: csv.NewWriter(f)}
	if _, err := f.WriteString("\ufeff"); err != nil { // without the mark spreadsheets take Chinese for something else
		return nil, errors.Join(err, w.Abandon())
	}
	heading := make([]any, len(columns))
	for i, c := range columns {
		heading[i] = c
	}
	if err := w.Row(heading...); err != nil {
		return nil, errors.Join(err, w.Abandon())
	}
	return w, nil
}

func (w *csvFile) Row(cells ...any) error {
	record := make([]string, len(cells))
	for i, c := range cells {
		if n, ok := c.(Number); ok {
			record[i] = string(n)
			continue
		}
		record[i] = plain(fmt.Sprint(c))
	}
	return w.rows.Write(record)
}

// plain keeps a spreadsheet from taking text for a formula: what begins like one gets an apostrophe.
func plain(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (w *csvFile) Close() error {
	w.rows.Flush()
	if err := errors.Join(w.rows.Error(), w.file.Close()); err != nil {
		return err
	}
	w.closed = true
	return os.Rename(w.file.Name(), w.path)
}

func (w *csvFile) Abandon() error {
	if w.closed {
		return nil
	}
	w.closed = true
	return errors.Join(w.file.Close(), os.Remove(w.file.Name()))
}
