package business

import (
	"strings"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
)

func cst(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

func day(s string) calendar.Date {
	d, err := calendar.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// sound is a partner with everything in order.
func sound() Facts {
	passed := &Information{Version: 1, Status: Passed, Company: "A Ltd", CodeType: "USCI", Code: "91A", AccountNo: "6222-1", Currency: "CNY"}
	return Facts{
		Partner: "P-100", VerifiedName: "A Ltd", RealName: RealName{Status: "valid"}, Qualifications: []Qualification{{From: day("2024-01-01")}},
		Certified: passed, Latest: passed, Entity: "cloud",
	}
}

func codes(list refusal.List) string { return strings.Join(list.Codes(), " ") }

// Rule: AUT-01, AUT-04, AUT-05, AUT-09
func TestCertification(t *testing.T) {
	changing := Information{Version: 2, Status: InReview}
	failed := Information{Version: 1, Status: Failed}
	for name, c := range map[string]struct {
		change func(*Facts)
		at     string
		want   string
	}{
		"AUT-01 everything complete":                                    {func(*Facts) {}, "2024-06-10 10:00", ""},
		"AUT-01 qualified, business information none":                   {func(f *Facts) { f.Certified, f.Latest = nil, nil }, "2024-06-10 10:00", "AUT_BUSINESS_INFO"},
		"AUT-01 business information passed, no qualification":          {func(f *Facts) { f.Qualifications = nil }, "2024-06-10 10:00", "AUT_QUALIFICATION"},
		"AUT-01 qualification ended the day before":                     {func(f *Facts) { f.Qualifications[0].Until = day("2024-06-09") }, "2024-06-10 00:00", "AUT_QUALIFICATION"},
		"AUT-01 last day of the qualification counts in full":           {func(f *Facts) { f.Qualifications[0].Until = day("2024-06-10") }, "2024-06-10 23:59", ""},
		"AUT-01 qualification begins tomorrow":                          {func(f *Facts) { f.Qualifications[0].From = day("2024-06-11") }, "2024-06-10 23:59", "AUT_QUALIFICATION"},
		"AUT-04 real name expired":                                      {func(f *Facts) { f.RealName.Status = "expired" }, "2024-06-10 10:00", "AUT_REAL_NAME"},
		"AUT-04 real name past its last day":                            {func(f *Facts) { f.RealName.Until = day("2024-06-09") }, "2024-06-10 00:00", "AUT_REAL_NAME"},
		"AUT-04 never authenticated":                                    {func(f *Facts) { f.VerifiedName, f.RealName = "", RealName{} }, "2024-06-10 10:00", "AUT_REAL_NAME"},
		"AUT-05 a change is in review":                                  {func(f *Facts) { f.Latest = &changing }, "2024-06-12 10:00", "AUT_IN_REVIEW"},
		"AUT-01 the first business information is in review":            {func(f *Facts) { f.Certified, f.Latest = nil, &changing }, "2024-06-12 10:00", "AUT_BUSINESS_INFO"},
		"AUT-01 the first business information failed":                  {func(f *Facts) { f.Certified, f.Latest = nil, &failed }, "2024-06-12 10:00", "AUT_BUSINESS_INFO"},
		"AUT-05 a change that failed leaves what passed before":         {func(f *Facts) { f.Latest = &Information{Version: 2, Status: Failed} }, "2024-06-12 10:00", ""},
		"AUT-09 nothing is there: every failed guard is listed at once": {func(f *Facts) { *f = Facts{Partner: "P-100"} }, "2024-06-10 10:00", "AUT_REAL_NAME AUT_QUALIFICATION AUT_BUSINESS_INFO"},
	} {
		t.Run(name, func(t *testing.T) {
			f := sound()
			c.change(&f)
			require.Equal(t, c.want, codes(Certified(f, cst(c.at))))
		})
	}
}

func entered() Submission {
	return Submission{
		RequestKey: "k1", Partner: "P-100", Submitter: "mei", Company: "A Ltd", CodeType: "USCI", Code: "91A", Taxpayer: SmallScale, TaxNumber: "91A",
		AccountName: "A Ltd", Bank: "ICBC", Branch: "Shenzhen", AccountNo: "6222-1", Currency: "CNY",
	}
}

var (
	mei = &person.Person{ID: "mei", Name: "Mei", PartnerID: "P-100", Active: true, Roles: []person.Role{person.PartnerAdministrator}}
	ops = &person.Person{ID: "ops", Name: "Ou", Active: true, Roles: []person.Role{person.VendorOperations}}
)

// Rule: AUT-03, AUT-06
func TestSubmission(t *testing.T) {
	known := &Supplier{AccountNo: "6222-1", Entity: "cloud", Currency: "CNY"}
	for name, c := range map[string]struct {
		change func(*Submission, *Facts)
		want   string
	}{
		"AUT-03 complete":                            {func(*Submission, *Facts) {}, ""},
		"AUT-03 without tax data":                    {func(s *Submission, _ *Facts) { s.TaxNumber, s.Taxpayer = "", "" }, "AUT_FIELD_MISSING"},
		"AUT-03 without an account":                  {func(s *Submission, _ *Facts) { s.AccountNo = " "; s.Letter = "d1" }, "AUT_FIELD_MISSING"},
		"AUT-06 new account, no letter":              {func(s *Submission, _ *Facts) { s.AccountNo = "6222-2" }, "AUT_BANK_LETTER"},
		"AUT-06 new account with letter":             {func(s *Submission, _ *Facts) { s.AccountNo, s.Letter = "6222-2", "d1" }, ""},
		"AUT-06 other currency, no letter":           {func(s *Submission, _ *Facts) { s.Currency = "USD" }, "AUT_BANK_LETTER"},
		"AUT-06 other signing entity, no letter":     {func(_ *Submission, f *Facts) { f.Entity = "software" }, "AUT_BANK_LETTER"},
		"AUT-04 another name than the real-name one": {func(s *Submission, _ *Facts) { s.Company = "B Ltd" }, "AUT_REAL_NAME"},
		"ENG-03 while one is in review":              {func(_ *Submission, f *Facts) { f.Latest = &Information{Status: InReview} }, "ENG_STATE"},
		"COM-16 somebody else's partner":             {func(s *Submission, _ *Facts) { s.Partner = "P-101" }, "CBC.0151"},
		"a text that is too long":                    {func(s *Submission, _ *Facts) { s.Branch = strings.Repeat("x", 201) }, "CBC.0100"},
		"ENG-06 several at once":                     {func(s *Submission, _ *Facts) { s.TaxNumber, s.AccountNo, s.Currency = "", "6222-2", "yuan" }, "AUT_FIELD_MISSING CBC.0100 AUT_BANK_LETTER"},
	} {
		t.Run(name, func(t *testing.T) {
			s, f := entered(), sound()
			c.change(&s, &f)
			info, list := JudgeSubmission(s, mei, f, known)
			require.Equal(t, c.want, codes(list))
			if c.want == "" {
				require.Equal(t, InReview, info.Status)
			}
		})
	}
	t.Run("AUT-06 nothing in the supplier file: no letter is needed", func(t *testing.T) {
		_, list := JudgeSubmission(entered(), mei, sound(), nil)
		require.Empty(t, list)
	})
}

// Rule: INV-18
func TestTheServiceFeeRateComesFromTheTaxpayerType(t *testing.T) {
	s := entered()
	for taxpayer, want := range map[Taxpayer]string{SmallScale: "3.00", General: "6.00"} {
		s.Taxpayer = taxpayer
		info, list := JudgeSubmission(s, mei, sound(), nil)
		require.Empty(t, list)
		require.Equal(t, want, info.ServiceFeeRate.String())
	}
	s.ServiceFeeRate = "1"
	info, list := JudgeSubmission(s, mei, sound(), nil)
	require.Empty(t, list)
	require.True(t, info.ServiceFeeRate.Equal(money.Must("1.00")))
	s.ServiceFeeRate = "six"
	_, list = JudgeSubmission(s, mei, sound(), nil)
	require.Equal(t, "CBC.0100", codes(list))
}

// Rule: AUT-07, ENG-02
func TestDecision(t *testing.T) {
	review := sound()
	review.Latest = &Information{Version: 2, Status: InReview, SubmittedBy: "mei"}
	require.Empty(t, JudgeDecision(ops, "ops", true, "", review))
	require.Empty(t, JudgeDecision(ops, "ops", false, "the account is closed", review))
	require.Equal(t, "CBC.0100", codes(JudgeDecision(ops, "ops", false, " ", review)), "AUT-07: a failure carries its reason")
	require.Equal(t, "CBC.0151", codes(JudgeDecision(mei, "mei", true, "", review)))
	require.Equal(t, "ENG_STATE", codes(JudgeDecision(ops, "ops", true, "", sound())))
	review.Latest.SubmittedBy = "ops"
	require.Equal(t, "ENG_SELF_APPROVAL", codes(JudgeDecision(ops, "ops", true, "", review)))
}

// Rule: AUT-07
func TestATicketOfThursday7NovemberIsDueOnThe12th(t *testing.T) {
	f := sound()
	f.Latest = &Information{Version: 2, Status: Failed}
	require.Empty(t, JudgeTicket(mei, "mei", "why?", f))
	require.Equal(t, "ENG_STATE", codes(JudgeTicket(mei, "mei", "why?", sound())))
	closes, err := TicketTerm.Closes(cst("2024-11-07 10:00"), calendar.China())
	require.NoError(t, err)
	require.Equal(t, "2024-11-13 00:00", closes.Format("2006-01-02 15:04"), "the 12th counts in full")
}

func TestTheStatusIsThatOfTheNewestVersionThatCounts(t *testing.T) {
	require.Equal(t, None, Facts{}.Status())
	require.Equal(t, Passed, sound().Status())
	f := sound()
	f.Latest = &Information{Status: Failed}
	require.Equal(t, Passed, f.Status(), "a refused change leaves the old data certified")
	f.Certified = nil
	require.Equal(t, Failed, f.Status())
}
