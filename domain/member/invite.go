package member

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/organisation"
	"countersign/domain/refusal"
)

// Invitation is what an administrator asks for, as entered: nothing in it is trusted yet. The account was found before; neither
// its mobile nor its email is in here.
type Invitation struct {
	RequestKey string `json:"request_key"`
	PartnerID  string `json:"partner_id"`
	Submitter  string `json:"submitter"`
	AccountID  string `json:"account_id"`
	By         By     `json:"by"` // by what the account was found
}

// Digest identifies what is asked for under a request key (COM-20).
func (i Invitation) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q", i.RequestKey, i.PartnerID, i.Submitter, i.AccountID, i.By))
	return sum[:]
}

// Storable is the invitation with what cannot be kept marked: NUL characters and text that is too long; Judge refuses the mark.
func (i Invitation) Storable() Invitation {
	for _, s := range []*string{&i.RequestKey, &i.PartnerID, &i.Submitter, &i.AccountID, (*string)(&i.By)} {
		*s = domain.Marked(*s, 64, 64)
	}
	return i
}

// By says by what an account is looked for (ORG-29).
type By string

// What an account is looked for by.
const (
	ByMobile By = "mobile"
	ByEmail  By = "email"
	ByName   By = "account-name"
)

// Normal is a mobile number or an email as they are compared: without spaces and hyphens, or in small letters.
func (b By) Normal(text string) string {
	text = strings.TrimSpace(text)
	switch b {
	case ByMobile:
		return strings.NewReplacer(" ", "", "-", "").Replace(text)
	case ByEmail:
		return strings.ToLower(text)
	case ByName:
	}
	return text
}

// Facts is what an invitation is judged by: everything as read in the deciding transaction.
type Facts struct {
	At        time.Time
	Policy    Policy
	Submitter *organisation.Person // nil: unknown
	Known     bool                 // the partner is
	Site      string
	Account   *Account // nil: unknown
	Running   string   // the invitation of this partner for this account that waits; empty: none
	Again     bool     // that one is sent again
	SentToday int      // by the partner, in UTC+8
}

// Judge checks an invitation against the facts. Either it may be sent, or the list says every guard that failed (ENG-06, PGM-08); who
// may not invite learns nothing about the account.
func Judge(i Invitation, f Facts) refusal.List {
	j := judgement{f: f, partner: i.PartnerID, person: i.Submitter}
	may := j.caller()
	if n := utf8.RuneCountInString(i.RequestKey); n == 0 || n > 64 || strings.Contains(i.RequestKey, domain.Mark) {
		j.refuse("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")
	}
	if !may {
		return j.list
	}
	if f.Account == nil { // ORG-30
		j.refuse("ORG-30", "INV_NOT_FOUND", "account "+i.AccountID, "No account was found for this mobile, email or name; check it with the member.")
	} else {
		j.list = append(j.list, Conditions(*f.Account, i.PartnerID, f.Site, f.Policy, f.At)...)
	}
	j.limit()
	switch {
	case f.Account != nil && f.Account.linkedTo() == i.PartnerID:
		j.refuse("ORG-33", "ENG_STATE", "account "+i.AccountID, "The member is linked to the partner already; there is nothing to invite to.")
	case f.Running != "" && !f.Again:
		j.refuse("ORG-33", "ENG_STATE", "case "+f.Running, "Invitation %s waits for the member, but its workflow is gone; ask an operator to repair the case.", f.Running)
	}
	return j.list
}

// Found is an account that a mobile, email or account name was found to belong to.
type Found struct {
	ID   string `db:"account_id"`
	Name string `db:"account_name"`
}

// JudgeTarget finds the one account that is meant. Chosen is the account that the administrator picked; empty: none. Who may not
// invite is not told whether there is one.
func JudgeTarget(id, partnerID, chosen string, by By, found []Found, f Facts) (account string, list refusal.List) {
	j := judgement{f: f, partner: partnerID, person: id}
	if !j.caller() {
		return "", j.list
	}
	var left []Found
	for _, a := range found {
		if chosen == "" || a.ID == chosen {
			left = append(left, a)
		}
	}
	switch {
	case len(found) == 0 || len(found) == 1 && len(left) == 0: // ORG-30
		j.refuse("ORG-30", "INV_NOT_FOUND", string(by), "No account was found for this mobile, email or name; check it with the member.")
	case len(left) != 1: // ORG-29
		names := make([]string, len(found))
		for i, a := range found {
			names[i] = fmt.Sprintf("%s (%s)", a.ID, organisation.Masked("account_name", a.Name, nil))
		}
		j.refuse("ORG-29", "INV_CHOOSE", string(by), "Several accounts use this mobile or email: %s; choose one of them with --account.", strings.Join(names, ", "))
	}
	if len(left) != 1 {
		j.limit()
	}
	if len(j.list) > 0 {
		return "", j.list
	}
	return left[0].ID, nil
}

type judgement struct {
	f       Facts
	partner string
	person  string
	list    refusal.List
}

func (j *judgement) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

func (j *judgement) caller() bool {
	j.list = append(j.list, organisation.JudgeAdministrator(j.f.Submitter, j.person, j.partner)...)
	if !j.f.Known {
		j.refuse("COM-17", "CBC.5001", "partner "+j.partner, "There is no partner %q; check the partner's number.", j.partner)
	}
	return len(j.list) == 0
}

func (j *judgement) limit() {
	if j.f.SentToday >= j.f.Policy.DailyLimit { // ORG-31
		j.list = append(j.list, DailyLimit(j.partner, j.f.Policy.DailyLimit))
	}
}

// DailyLimit is the refusal of a sending too many.
func DailyLimit(partner string, most int) refusal.Refusal {
	return refusal.New("ORG-31", "INV_DAILY_LIMIT", "partner "+partner, "%d invitations have been sent today; the next can be sent from 00:00 (UTC+8) on.", most)
}

// Conditions are what an account has to fulfil to be invited, and again when it accepts (ORG-36): every one that fails.
func Conditions(a Account, partnerID, site string, policy Policy, at time.Time) (list refusal.List) {
	object := "account " + a.ID
	refuse := func(rule, code, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	if a.RealName == Enterprise { // ORG-21
		refuse("ORG-21", "INV_ENTERPRISE", "The account is authenticated as an enterprise; a member uses an account of their own.")
	}
	if to := a.linkedTo(); to != "" && to != partnerID { // ORG-22
		refuse("ORG-22", "INV_LINKED_ELSEWHERE", "The account is linked to another partner; it is free once that one unbinds it.")
	}
	if a.RealName == NoRealName && site != International { // ORG-23
		refuse("ORG-23", "INV_NOT_AUTHENTICATED", "The account has not passed personal real-name authentication; the member passes it first.")
	}
	if a.Partner != "" { // ORG-24
		refuse("ORG-24", "INV_IS_PARTNER", "The account is itself a partner account; a member uses an account of their own.")
	}
	if a.partnersSince(calendar.AddMonths(at, -policy.LookBackMonths)) >= policy.MostPartners { // ORG-25, ORG-26
		refuse("ORG-25", "INV_THREE_PARTNERS", "The account has been linked to %d partners within %d months; it can be linked again once the first of these links is older.", policy.MostPartners, policy.LookBackMonths)
	}
	return list
}
