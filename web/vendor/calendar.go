package vendor

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/web/page"
)

// calendarPage is one year of working days.
type calendarPage struct {
	Year   int
	Years  []int
	Known  bool // whether the year's holidays are known
	Months []month
	Worked int // days of the year that are worked
	Days   []calendar.Day
	MaySet bool
	Text   string   // of the form: the year's days as a file has them
	Faults []string // what is wrong with them
}

// month is a month as a calendar on the wall shows it: weeks from Monday on; the zero day belongs to another month.
type month struct {
	First  calendar.Date
	Weeks  [][7]dayOf
	Worked int
}

// dayOf is one day of a month.
type dayOf struct {
	Date   calendar.Date
	Worked bool
	Name   string // of the holiday, also of the day that makes up for it; empty: an ordinary day
}

func (d *Desk) calendar(w http.ResponseWriter, req *http.Request, who person.Person) error {
	year, err := strconv.Atoi(req.URL.Query().Get("year"))
	if err != nil || year < 2000 || year > 2100 {
		year = now().In(calendar.Zone).Year()
	}
	p, err := d.readCalendar(req, year, who)
	if err != nil {
		return err
	}
	d.Pages.Render(w, req, http.StatusOK, "calendar", d.Pages.Text(req, "vendor.calendar.heading", fmt.Sprint(year)), p)
	return nil
}

func (d *Desk) readCalendar(req *http.Request, year int, who person.Person) (calendarPage, error) {
	p := calendarPage{Year: year, MaySet: setsCalendar(who)}
	var err error
	if p.Years, err = d.Reader.CalendarYears(req.Context()); err != nil {
		return p, err
	}
	if p.Days, err = d.Reader.CalendarDays(req.Context(), year); err != nil {
		return p, err
	}
	p.Known, p.Text = slices.Contains(p.Years, year), written(p.Days)
	if !p.Known {
		return p, nil
	}
	known, err := calendar.New([]int{year}, p.Days)
	if err != nil {
		return p, err
	}
	for m := time.January; m <= time.December; m++ {
		drawn, err := monthOf(known, p.Days, calendar.Date{Year: year, Month: m, Day: 1})
		if err != nil {
			return p, err
		}
		p.Worked += drawn.Worked
		p.Months = append(p.Months, drawn)
	}
	return p, nil
}

func monthOf(known *calendar.Calendar, days []calendar.Day, first calendar.Date) (month, error) {
	m := month{First: first}
	var week [7]dayOf
	for day := first; day.Month == first.Month; day = day.AddDays(1) {
		worked, err := known.IsWorkingDay(day)
		if err != nil {
			return m, err
		}
		shown := dayOf{Date: day, Worked: worked}
		if i := slices.IndexFunc(days, func(x calendar.Day) bool { return x.Date == day }); i >= 0 {
			shown.Name = days[i].Name
		}
		if worked {
			m.Worked++
		}
		at := (int(day.Weekday()) + 6) % 7 // Monday is the first
		week[at] = shown
		if at == 6 || day.AddDays(1).Month != first.Month {
			m.Weeks = append(m.Weeks, week)
			week = [7]dayOf{}
		}
	}
	return m, nil
}

const daysHeader = "date,kind,name"

// written is days as calendar.ParseDays reads them.
func written(days []calendar.Day) string {
	lines := []string{daysHeader}
	for _, d := range days {
		kind := "holiday"
		if d.Working {
			kind = "workday"
		}
		lines = append(lines, d.Date.String()+","+kind+","+`"`+strings.ReplaceAll(d.Name, `"`, `""`)+`"`)
	}
	return strings.Join(lines, "\n") + "\n"
}

// loadCalendar replaces what is known of a year, all of it or nothing.
func (d *Desk) loadCalendar(w http.ResponseWriter, req *http.Request, who person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	year, err := strconv.Atoi(form.Get("year"))
	if err != nil || year < 2000 || year > 2100 {
		return page.Error{Status: http.StatusBadRequest, Key: "error.400"}
	}
	text := strings.ReplaceAll(form.Get("days"), "\r\n", "\n")
	days, err := calendar.ParseDays(text)
	if err == nil {
		_, err = calendar.New([]int{year}, days)
	}
	if err != nil {
		p, readErr := d.readCalendar(req, year, who)
		if readErr != nil {
			return readErr
		}
		p.Text, p.Faults = text, strings.Split(err.Error(), "\n")
		d.Pages.Render(w, req, http.StatusUnprocessableEntity, "calendar", d.Pages.Text(req, "vendor.calendar.heading", fmt.Sprint(year)), p)
		return nil
	}
	file := activities.ProgrammeFile{Calendar: []activities.CalendarYear{{Year: year}}}
	for _, day := range days {
		file.Calendar[0].Days = append(file.Calendar[0].Days, activities.CalendarDay(day))
	}
	if _, err := d.Programme.Load(req.Context(), file, who.ID, now()); err != nil {
		return err
	}
	page.Flash(w, req, "vendor.calendar.loaded", fmt.Sprint(year), fmt.Sprint(len(days)))
	http.Redirect(w, req, fmt.Sprintf("/calendar?year=%d", year), http.StatusSeeOther)
	return nil
}
