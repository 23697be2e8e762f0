package calendar

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strings"
	"sync"
)

//go:embed china.csv
var chinaCSV string

// China is the calendar the programme starts with: the People's Republic of
// China for the years the State Council has announced (china.csv). The operator
// goes on from there in the database (PGM-04).
func China() *Calendar { return china() }

// china panics on bad data: china.csv is part of the program.
var china = sync.OnceValue(func() *Calendar {
	days, err := ParseDays(chinaCSV)
	if err != nil {
		panic(err)
	}
	var years []int
	for _, day := range days {
		years = append(years, day.Date.Year)
	}
	c, err := New(years, days)
	if err != nil {
		panic(err)
	}
	return c
})

// ParseDays reads exceptional days as CSV: the header date,kind,name, then rows
// such as 2025-10-01,holiday,National Day, where kind is holiday or workday.
// Lines that begin with # are comments.
func ParseDays(text string) ([]Day, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comment, r.FieldsPerRecord = '#', 3
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("days of the calendar: %w", err)
	}
	if len(rows) == 0 || strings.Join(rows[0], ",") != "date,kind,name" {
		return nil, fmt.Errorf("days of the calendar: the first line must be date,kind,name")
	}
	days := make([]Day, 0, len(rows)-1)
	for _, row := range rows[1:] {
		date, err := ParseDate(row[0])
		if err != nil {
			return nil, fmt.Errorf("days of the calendar: %w", err)
		}
		if row[1] != "holiday" && row[1] != "workday" {
			return nil, fmt.Errorf("days of the calendar: %s is %q: write holiday or workday", date, row[1])
		}
		days = append(days, Day{Date: date, Working: row[1] == "workday", Name: row[2]})
	}
	return days, nil
}
