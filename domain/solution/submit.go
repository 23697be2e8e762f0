package solution

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Submission sends a draft to review. It names the draft and what was seen of it, never its contact: this goes through Temporal.
type Submission struct {
	RequestKey string `json:"request_key"`
	PartnerID  string `json:"partner_id"`
	Submitter  string `json:"submitter"`
	Draft      string `json:"draft"`
	Revision   int    `json:"revision"`
}

// Digest identifies what is submitted under a request key (COM-20).
func (s Submission) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d", s.RequestKey, s.PartnerID, s.Submitter, s.Draft, s.Revision))
	return sum[:]
}

// Storable is the submission with what cannot be kept marked; Judge refuses the mark.
func (s Submission) Storable() Submission {
	for _, text := range []*string{&s.RequestKey, &s.PartnerID, &s.Submitter, &s.Draft} {
		*text = domain.Marked(*text, 64, 64)
	}
	return s
}

// Solution is a case as the database knows it, locked, with its state at the instant of the request.
type Solution struct {
	Case      string
	State     State
	Origin    Origin
	Pending   bool      // a round is open
	CertRound int       // how often it was certified
	Certified *Entry    // as it was certified last; nil: never
	Validity  *Validity // of that certificate
}

// Facts is what a submission is judged by: everything as locked in the deciding transaction.
type Facts struct {
	At        time.Time
	Policy    Policy
	Submitter *person.Person // nil: unknown
	Known     bool           // the partner is
	Path      bool           // the partner is on the software path (CERT-01)
	Draft     *Draft         // nil: there is none
	Case      *Solution      // that is sent again; nil: a first submission
}

// Judge checks a submission. The list says every guard that failed, in the order caller, parameters, then as the rules list
// them (ENG-06, PGM-08).
func Judge(s Submission, f Facts) refusal.List {
	j := judgement{partner: s.PartnerID}
	j.caller(f.Submitter, s.Submitter, f.Known)
	if n := count(s.RequestKey); n == 0 || n > 64 || strings.Contains(s.RequestKey, domain.Mark) {
		j.refuse("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")
	}
	if !f.Known {
		j.refuse("COM-17", "CBC.5001", "partner "+s.PartnerID, "There is no partner %q; check the partner's number.", s.PartnerID)
		return j.list
	}
	renewal := f.Case != nil && f.Case.Certified != nil
	if !f.Path && !renewal {
		j.noPath()
	}
	if f.Draft != nil && f.Draft.Partner == s.PartnerID {
		if missing := f.Draft.Missing(f.Policy); len(missing) > 0 {
			j.refuse("CERT-02", "CERT_INCOMPLETE", "draft "+s.Draft, "These parts are missing: %s. Enter them and submit again.", strings.Join(missing, ", "))
		}
	}
	if renewal {
		j.renewal(f)
	}
	pending := f.Case != nil && f.Case.Pending
	switch {
	case pending:
		j.pending(f.Case.Case)
	case f.Case != nil && !renewal && f.Case.State != Rejected:
		j.refuse("ENG-03", "ENG_STATE", "case "+f.Case.Case, "The solution is %s; only a rejected one is sent again.", f.Case.State)
	}
	if !pending || f.Draft == nil || !f.Draft.Sent { // a repeat of what is under review is that and no more
		j.revision(f.Draft, s.Draft, s.Revision)
	}
	if of := f.Draft; of != nil && of.Partner == s.PartnerID && !of.Sent && f.Case != nil && of.Case != f.Case.Case {
		j.refuse("COM-08", "CBC.0100", "draft "+s.Draft, "The draft is not one of %s; enter its changes as a draft of that solution.", f.Case.Case)
	}
	if s.Draft == "" {
		j.refuse("COM-08", "CBC.0100", "draft", "Name the draft that is submitted.")
	}
	return j.list
}

// renewal checks what only a re-certification has to keep.
func (j *judgement) renewal(f Facts) {
	object := "case " + f.Case.Case
	if v := f.Case.Validity; f.At.Before(v.WindowAt) { // CERT-08, CERT-09; CERT-19: it never closes
		j.refuse(f.Case.Certified.Type.Of("CERT-08", "CERT-09"), "CERT_WINDOW_NOT_OPEN", object, "Re-certification opens on %s, %d days before expiry; submit it then.", shown(v.WindowAt), int(v.Until.Sub(v.WindowAt).Hours()/24))
	}
	if f.Case.Certified.Type == Advanced && f.Case.Origin != New { // CERT-13
		j.refuse("CERT-13", "CERT_NOT_NEW", object, "Only an advanced solution created here as new can be re-certified; this one follows its joint solution.")
	}
	if f.Draft == nil || f.Draft.Partner != j.partner {
		return
	}
	if locked := f.Draft.lockedIn(*f.Case.Certified); len(locked) > 0 { // CERT-14, CERT-15
		j.refuse(f.Case.Certified.Type.Of("CERT-15", "CERT-14"), "CERT_FIELD_LOCKED", object, "In a re-certification only version and materials can change, not: %s. Enter it as it was certified.", strings.Join(locked, ", "))
	}
}

// JudgeDelete checks whether a solution may be deleted: only one that was rejected and never certified.
func JudgeDelete(p *person.Person, id, partner string, s Solution) refusal.List {
	j := judgement{partner: partner}
	j.caller(p, id, true)
	switch {
	case s.Pending:
		j.pending(s.Case)
	case s.State != Rejected:
		j.refuse("ENG-03", "ENG_STATE", "case "+s.Case, "The solution is %s; only a draft, or a rejected solution that was never certified, is deleted.", s.State)
	}
	return j.list
}

// JudgeCertificate checks whether a solution has a certificate to download (CERT-20).
func JudgeCertificate(number string, s State) refusal.List {
	if s == Certified || s == Expiring {
		return nil
	}
	return refusal.List{refusal.New("CERT-20", "CERT_NO_CERTIFICATE", "case "+number, "The solution is not certified, so there is no certificate: it is %s.", s)}
}

// shown writes an instant for people.
func shown(at time.Time) string { return at.In(calendar.Zone).Format("2006-01-02 15:04:05") + " UTC+8" }
