// Package qualification says who keeps which record of a natural person's employment, certificates, trainings and projects, and
// who reads them (ORG-45, ORG-46).
package qualification

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Kind is what a record is about.
type Kind string

// The kinds; the schema repeats them.
const (
	Employment  Kind = "employment"
	Certificate Kind = "certificate"
	Training    Kind = "training"
	Project     Kind = "project"
)

// Kinds are all of them.
var Kinds = []Kind{Employment, Certificate, Training, Project}

// Origin is whose record it is.
type Origin string

// The origins.
const (
	Members Origin = "member"
	Vendors Origin = "vendor"
)

// Content is what a record says, as entered.
type Content struct {
	Title        string        `json:"title" db:"title"`
	Organisation string        `json:"organisation,omitempty" db:"organisation"` // the employer, issuer, trainer or customer
	Level        string        `json:"level,omitempty" db:"level"`               // of a certificate (ORG-46)
	From         calendar.Date `json:"from" db:"from_on"`
	Until        calendar.Date `json:"until,omitzero" db:"until_on"` // last day; none: open
}

// Storable is the content with what cannot be kept marked; Judge refuses the mark.
func (c Content) Storable() Content {
	c.Title, c.Organisation, c.Level = text(c.Title, 200), text(c.Organisation, 200), text(c.Level, 64)
	return c
}

func text(s string, limit int) string { return domain.Marked(strings.TrimSpace(s), limit, limit) }

// Digest identifies a change under its request key (COM-20).
func (c Content) Digest(record string, kind Kind, remove bool) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %t %q %q %q %s %s", record, kind, remove, c.Title, c.Organisation, c.Level, c.From, c.Until))
	return sum[:]
}

// Speaker is who speaks: the natural person whose records they are or want to be, or one of the people of the programme.
type Speaker struct {
	ID      string
	Account bool           // a natural person, by the account that ID names
	Person  *person.Person // nil: unknown, or a natural person
}

func (s Speaker) vendor(roles ...person.Role) bool {
	return s.Person != nil && s.Person.OfVendor() && s.Person.Holds(roles...)
}

// Makers make records for the vendor; Changers change these.
var (
	Makers   = []person.Role{person.VendorOperations, person.EcosystemManager}
	Changers = []person.Role{person.EcosystemManager}
)

// Change adds a record of an account, or changes or removes one.
type Change struct {
	Key     string
	Account string // whose record
	Known   bool   // the account is
	Record  string // empty: a new one
	Kind    Kind   // of the record
	Origin  Origin // of the record that is changed
	Remove  bool
	Content Content // as kept
}

// Judge checks a change. The member keeps the own records true and current; what the vendor made is changed only through the
// ecosystem manager (ORG-45).
func Judge(s Speaker, c Change) refusal.List {
	var list refusal.List
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	switch own := s.Account && s.ID == c.Account; {
	case !s.Account && s.Person == nil:
		refuse("COM-16", "CBC.0151", "person "+s.ID, "There is no person %q; speak as somebody who is registered.", s.ID)
	case c.Record == "" && !own && !s.vendor(Makers...):
		refuse("ORG-45", "CBC.0151", "account "+c.Account, "Only the member adds the own records, or the vendor's people who make some.")
	case c.Record != "" && c.Origin == Vendors && !s.vendor(Changers...):
		refuse("ORG-45", "CBC.0151", "record "+c.Record, "The vendor made this record; it is changed only through the ecosystem manager, ask there.")
	case c.Record != "" && c.Origin == Members && !own:
		refuse("ORG-45", "CBC.0151", "record "+c.Record, "The member made this record and keeps it; ask the member.")
	}
	if n := utf8.RuneCountInString(c.Key); n == 0 || n > 64 || strings.Contains(c.Key, domain.Mark) {
		refuse("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")
	}
	if !c.Known {
		refuse("COM-17", "CBC.5001", "account "+c.Account, "There is no account %q; check it.", c.Account)
	}
	if !slices.Contains(Kinds, c.Kind) {
		refuse("COM-08", "CBC.0100", "record", "There are no records of kind %q; choose employment, certificate, training or project.", c.Kind)
	}
	if c.Remove {
		return list
	}
	switch t := c.Content; {
	case t.Title == "" || strings.Contains(t.Title+t.Organisation+t.Level, domain.Mark):
		refuse("ORG-45", "CBC.0100", "record", "A record has a title of at most 200 characters, an organisation of at most 200 and a level of at most 64.")
	case t.From.IsZero() || !t.Until.IsZero() && t.Until.Before(t.From):
		refuse("ORG-45", "CBC.0100", "record", "A record begins on a day, and ends on no earlier one.")
	case c.Kind == Certificate && t.Level == "":
		refuse("ORG-46", "CBC.0100", "record", "A certificate has a level, by which it counts for the partner.")
	}
	return list
}

// JudgeReading checks who reads a member's records: the member, the vendor's people, and a partner's administrator while the
// link exists (ORG-45, ORG-37).
func JudgeReading(s Speaker, account string, administersLinked, administers bool) refusal.List {
	switch {
	case s.Account && s.ID == account, s.Person != nil && s.Person.OfVendor() && s.Person.Active && len(s.Person.Roles) > 0, administersLinked:
		return nil
	case !s.Account && s.Person == nil:
		return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+s.ID, "There is no person %q; speak as somebody who is registered.", s.ID)}
	case administers:
		return refusal.List{refusal.New("ORG-45", "SPC_NOT_BOUND", "member "+account, "Link the member first: qualification data is shared only while the member is bound.")}
	}
	return refusal.List{refusal.New("ORG-45", "CBC.0151", "member "+account, "Qualification data is read by the member, the administrator of the member's partner and the vendor's people.")}
}
