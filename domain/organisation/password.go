package organisation

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"countersign/domain/calendar"
	"countersign/domain/refusal"
)

// What is asked of passwords, and of who enters them.
const (
	passwordMin = 10
	passwordMax = 64
	Tries       = 5                   // wrong passwords one after the other, then the account is locked
	Lock        = 15 * time.Minute    // for this long
	Regularly   = 90 * 24 * time.Hour // a password older than this should be changed (ORG-19)
)

// JudgePassword checks a new password: length, three of four kinds of signs, nothing of the account in it, and another one than before (ORG-14).
func JudgePassword(p Person, password string, same bool) refusal.List {
	var faults []string
	if n := utf8.RuneCountInString(password); n < passwordMin || n > passwordMax {
		faults = append(faults, fmt.Sprintf("%d to %d characters", passwordMin, passwordMax))
	}
	kinds := map[string]bool{}
	for _, r := range password {
		switch {
		case unicode.IsLower(r):
			kinds["lower"] = true
		case unicode.IsUpper(r):
			kinds["upper"] = true
		case unicode.IsDigit(r):
			kinds["digit"] = true
		case unicode.IsControl(r):
			kinds["control"] = true
		default:
			kinds["other"] = true
		}
	}
	if len(kinds) < 3 || kinds["control"] {
		faults = append(faults, "three of: small letters, capitals, digits, other signs")
	}
	lower := strings.ToLower(password)
	for _, part := range []string{p.Account, p.Mobile, p.Email} {
		if len(part) >= 3 && strings.Contains(lower, strings.ToLower(part)) {
			faults = append(faults, "nothing of the account name, the mobile number or the email")
			break
		}
	}
	if same {
		faults = append(faults, "another one than the present")
	}
	if len(faults) == 0 {
		return nil
	}
	return refusal.List{refusal.New("ORG-14", "CBC.0100", "password", "The password has to have: %s. Choose another.", strings.Join(faults, "; "))}
}

// Attempt is what is known when somebody signs in.
type Attempt struct {
	Person      *Person // nil: nobody has the account name
	Right       bool    // the password is
	LockedUntil *time.Time
	At          time.Time
}

// JudgeSignIn checks a sign-in to the partner centre. Who does not know the password is not told which of the account name, the
// password and the status is wrong, nor whose name or email the identity service knows.
func JudgeSignIn(a Attempt) refusal.List {
	var j judging
	switch {
	case a.LockedUntil != nil && a.At.Before(*a.LockedUntil): // half-open: at the instant itself it is open again
		j.refuse("ORG-14", "CBC.0151", "account", "Too many wrong passwords; try again from %s.", calendar.Shown(*a.LockedUntil))
	case a.Person == nil || !a.Right || !a.Person.Works():
		j.refuse("ORG-14", "CBC.0151", "account", "The account name or the password is wrong; try again, or ask the administrator to reset the password. "+
			"Users of the identity service alone have no access; the administrator creates a person for them.") // ORG-16
	}
	return j.list
}

// JudgeReset checks that the administrator gives a person a new initial password (ORG-02). The master account resets its own (ORG-18).
func JudgeReset(by *Person, id string, p Person) refusal.List {
	var j judging
	j.administrator(by, id, p.Partner)
	j.stays(p)
	if p.Master && !j.stranger {
		j.refuse("ORG-18", "CBC.0151", "person "+p.ID, "The master account's password is reset by its holder, who is verified by a code.")
	}
	return j.list
}

// JudgeMaster checks that somebody asks for or enters a code for the master account's own password (ORG-18).
func JudgeMaster(p *Person, id string) refusal.List {
	var j judging
	switch {
	case p == nil:
		j.list = append(j.list, unknownPerson(id))
	case !p.Master || !p.Works():
		j.refuse("ORG-18", "CBC.0151", "person "+id, "%s does not hold a master account; the administrator resets the password.", p.Name)
	}
	return j.list
}

// NewPassword is what a person is told whose password the administrator reset; the password itself is in no message.
func NewPassword(account string, at time.Time) (subject, body string) {
	subject = "密码已重置 / Password reset"
	return subject, subject + "\n\n账号 account: " + account + "\n时间 time: " + calendar.Shown(at) +
		"\n\n管理员已重置您的密码，下次登录须修改。若非您本人要求，请联系管理员。\nThe administrator has reset your password; it must be changed at the next sign-in. If you did not ask for it, talk to the administrator.\n"
}
