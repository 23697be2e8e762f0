package partner_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign/internal/pgtest"
	"countersign/web/partner"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// numbers are what an address names, by where it stands in the pattern; of another partner none of them is there.
var numbers = map[string]string{
	"{case}": "case_number", "{bill}": "bill_id", "{number}": "certificate_no", "{person}": "person_id", "{account}": "account_id", "{document}": "document_id", "{solution}": "case_number", "{role}": "role_id", "{joint}": "case_number", "{customer}": "customer_id",
}

var place = regexp.MustCompile(`\{[a-z]+\}`)

// addressed is a route with a partner's numbers in it; own tells whether it names any.
func addressed(path, of string) (address string, named bool) {
	address = place.ReplaceAllStringFunc(path, func(at string) string {
		switch at {
		case "{act}":
			return "question"
		case "{format}":
			return "csv"
		case "{line}", "{draft}":
			named = true
			return of[1:]
		case "{contact}": // each partner counts its own
			return "1"
		}
		named = true
		return url.PathEscape(numbers[at] + pgtest.Mark(of))
	})
	return address, named
}

func TestGivenRowsOfTwoPartners_WhenEveryRouteIsWalkedWithTheOthersNumbers_ThenNothingIsThere(t *testing.T) {
	db := webtestFilled(t)
	s := newSide(t, db)
	actsInDrafts(t, db)
	walked := 0
	patterns := (&partner.Console{}).Patterns()
	slices.Sort(patterns)
	for _, pattern := range patterns {
		method, path, _ := strings.Cut(pattern, " ")
		foreign, named := addressed(path, "P1")
		if !named {
			continue
		}
		walked++
		t.Run(pattern, func(t *testing.T) {
			form := url.Values{"key": {"k"}, "reason": {"x"}, "text": {"x"}, "do": {"send"}, "status": {"DISABLED"}, "role": {"partner-administrator"}, "member": {"account_id~P1"}, "kind": {"proof"}}
			if method == http.MethodGet {
				form = nil
			}
			status, body := s.As("person_id~P2", method, foreign, form)
			require.Equal(t, http.StatusNotFound, status, body)
			require.NotContains(t, strings.ReplaceAll(body, foreign, ""), "~P1")
		})
	}
	require.Greater(t, walked, 20)
}

func TestGivenACaseOfOneKind_WhenAFormOfAnotherKindIsSentAboutIt_ThenThereIsNoSuchForm(t *testing.T) {
	s := demoSide(t)
	number := s.open("a", "500.00")
	sent := 0
	for _, pattern := range (&partner.Console{}).Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		form := strings.TrimPrefix(path, "/partner/cases/{case}/")
		if method != http.MethodPost || form == path || slices.Contains([]string{"cancel", "resubmit", "documents", "say"}, form) { // of a withdrawal, or of any case
			continue
		}
		sent++
		status, body := s.As("alice", method, strings.Replace(path, "{case}", number, 1), url.Values{"key": {"k"}, "reason": {"x"}})
		require.Equal(t, http.StatusNotFound, status, "%s: %s", pattern, body)
	}
	require.Greater(t, sent, 7)
}

// actsInDrafts makes all drafts such as the people of the rows see.
func actsInDrafts(t *testing.T, db *sqlx.DB) {
	t.Helper()
	pgtest.Owner(t, db).MustExec(`UPDATE drafts SET kind = 'withdrawal'`)
}

func TestGivenRowsOfTwoPartners_WhenAPartnerLooksAtAllOfItsPages_ThenNothingOfTheOtherIsOnThem(t *testing.T) {
	db := webtestFilled(t)
	s := newSide(t, db)
	owner := pgtest.Owner(t, db)
	owner.SetMaxOpenConns(1) // so that the SET holds
	owner.MustExec(`SET session_replication_role = replica`)
	owner.MustExec(`UPDATE cases SET kind = 'solution'`)
	actsInDrafts(t, db)
	patterns := (&partner.Console{}).Patterns()
	slices.Sort(patterns)
	look := func(t *testing.T, path string) {
		t.Helper()
		for _, language := range []string{"zh", "en"} {
			status, body := s.Get("person_id~P1", language, path)
			require.Equal(t, http.StatusOK, status, "%s in %s: %s", path, language, body)
			require.NotContains(t, body, "~P2", path)
		}
	}
	for _, pattern := range patterns {
		method, path, _ := strings.Cut(pattern, " ")
		if method != http.MethodGet || strings.Contains(path, "{document}") || slices.ContainsFunc([]string{"resubmit", "/material", "/template"}, func(of string) bool { return strings.Contains(path, of) }) { // its content is none, its kind is no withdrawal, there is no policy
			continue
		}
		own, _ := addressed(path, "P1")
		t.Run(pattern, func(t *testing.T) { look(t, own) })
	}
	for _, query := range []string{"/partner/incentives?month=2024-05", "/partner/incentives/export/xlsx?month=2024-05", "/partner/quarters?quarter=2024Q2", "/partner/account?month=2024-05"} {
		t.Run(query, func(t *testing.T) { look(t, query) })
	}
	for _, kind := range []string{"withdrawal", "requisition", "payment-application", "lab-credit", "tier-upgrade"} {
		t.Run(kind, func(t *testing.T) {
			owner.MustExec(`UPDATE cases SET kind = $1`, kind)
			look(t, "/partner/cases/case_number~P1")
			for _, filter := range []string{"", "?kind=" + kind + "&text=a"} {
				look(t, "/partner/cases"+filter)
			}
		})
	}
}
