package document

import (
	"strings"
	"testing"
	"unicode/utf8"

	"countersign/domain/person"

	"github.com/stretchr/testify/require"
)

// Rule: COM-16 COM-08
func TestCOM16WhoHasPartInACaseMayAddAndAllFailedGuardsAreTold(t *testing.T) {
	partner := &person.Person{ID: "wang", Name: "Wang Wei", PartnerID: "P1001", Active: true, Roles: []person.Role{person.PartnerAdministrator}}
	vendor := &person.Person{ID: "li", Name: "Li Na", Active: true, Roles: []person.Role{person.VendorFinance}}
	require.Empty(t, MayAdd(partner, "wang", "R000001", "P1001", Invoice))
	require.Empty(t, MayAdd(vendor, "li", "R000001", "P1001", BankLetter))

	for name, p := range map[string]*person.Person{
		"nobody":            nil,
		"of another":        {ID: "chen", Name: "Chen Jie", PartnerID: "P1002", Active: true, Roles: []person.Role{person.PartnerAdministrator}},
		"gone":              {ID: "wang", Name: "Wang Wei", PartnerID: "P1001", Roles: []person.Role{person.PartnerAdministrator}},
		"without any role":  {ID: "wu", Name: "Wu", PartnerID: "P1001", Active: true},
		"vendor's, no role": {ID: "wu", Name: "Wu", Active: true},
	} {
		require.Equal(t, []string{"CBC.0151"}, MayAdd(p, "x", "R000001", "P1001", Invoice).Codes(), name)
		require.Equal(t, []string{"CBC.0151", "CBC.0100"}, MayAdd(p, "x", "R000001", "P1001", "holiday photo").Codes(), name)
	}
}

func TestCleanName(t *testing.T) {
	for given, want := range map[string]string{
		"scan.pdf":                        "scan.pdf",
		"发票 A1.pdf":                       "发票 A1.pdf",
		"../../etc/passwd":                "passwd",
		`C:\Users\wang\发票.pdf`:            "发票.pdf",
		"a\x00b\r\nc\t.pdf":               "a b c .pdf",
		"invoice\u202efdp.exe":            "invoicefdp.exe", // it showed as invoiceexe.pdf
		"zero\u200bwidth\ufeff.pdf":       "zerowidth.pdf",
		"  two   spaces  .pdf ":           "two spaces .pdf",
		"bad\xffutf8.pdf":                 "badutf8.pdf",
		"":                                "unnamed",
		"..":                              "unnamed",
		"folder/":                         "unnamed",
		strings.Repeat("长", 200) + ".pdf": strings.Repeat("长", 111) + "…" + strings.Repeat("长", 12) + ".pdf",
	} {
		require.Equal(t, want, CleanName(given), "%q", given)
	}
}

func FuzzCleanName(f *testing.F) {
	f.Add("a/b\x00.pdf")
	f.Fuzz(func(t *testing.T, given string) {
		name := CleanName(given)
		if n := utf8.RuneCountInString(name); n < 1 || n > maxName || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\\n\x00") {
			t.Fatalf("%q became %q", given, name)
		}
		if again := CleanName(name); again != name {
			t.Fatalf("%q became %q, then %q", given, name, again)
		}
	})
}
