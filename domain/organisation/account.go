package organisation

import (
	"time"

	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// What a network may try, whatever the accounts: whoever goes through account names with one password meets this limit.
const (
	NetworkTries  = 60
	NetworkWindow = 15 * time.Minute
	longestLock   = 4 * time.Hour       // somebody else may have caused it
	KnownNetwork  = 30 * 24 * time.Hour // a network from which a person came in within it is not bound by a lock that others caused
)

// LockFor is how long an account is locked that was locked this often since its last sign-in: Lock at first, then twice as
// long each time, at most longestLock.
func LockFor(locks int) time.Duration { return min(Lock<<min(locks, 8), longestLock) }

// LockedOut is what a person is told whose account was locked: only they are, since whoever tried might learn that it exists.
func LockedOut(account, network string, at, until time.Time) (subject, body string) {
	subject = "账号已暂时锁定 / Account locked"
	return subject, subject + "\n\n账号 account: " + account + "\n时间 time: " + calendar.Shown(at) + "\n来源 from: " + whence(network) + "\n锁定至 until: " + calendar.Shown(until) +
		"\n\n因多次输错密码或验证码，您的账号已暂时锁定，到期后自动解锁。若非您本人操作，请联系管理员。\nAfter wrong passwords or codes your account is locked until then. If it was not you, talk to the administrator.\n"
}

// FactorChanged is what a person is told whose sign-in takes two steps from now on, or one.
func FactorChanged(on bool, network string, at time.Time) (subject, body string) {
	subject = "两步验证已关闭 / Two-step sign-in is off"
	if on {
		subject = "两步验证已开启 / Two-step sign-in is on"
	}
	return subject, subject + "\n\n时间 time: " + calendar.Shown(at) + "\n来源 from: " + whence(network) +
		"\n\n若非您本人操作，请立即修改密码并联系管理员。\nIf it was not you, change your password now and talk to the administrator.\n"
}

func whence(network string) string {
	if network == "" {
		return "命令行 command line"
	}
	return network
}

// JudgeNetwork checks that a network may try once more.
func JudgeNetwork(failed int) refusal.List {
	if failed < NetworkTries {
		return nil
	}
	return refusal.List{refusal.New("ORG-14", "CBC.0151", "network", "Too many sign-ins from your network have failed; try again in %d minutes.", int(NetworkWindow.Minutes()))}
}

// JudgeCode checks the second step of a sign-in, when the password was right: the code of the authenticator, or a recovery code.
func JudgeCode(a Attempt) refusal.List {
	var j judging
	switch {
	case a.LockedUntil != nil && a.At.Before(*a.LockedUntil):
		j.refuse("ORG-14", "CBC.0151", "account", "Too many wrong codes; try again from %s.", calendar.Shown(*a.LockedUntil))
	case a.Person == nil || !a.Person.Works():
		j.refuse("ORG-14", "CBC.0151", "account", "The account is not active; ask the administrator.")
	case !a.Right:
		j.refuse("ORG-14", "CBC.0151", "code", "The code is wrong or was used; wait for the next one, or enter a recovery code.")
	}
	return j.list
}

// JudgeFactor checks that an authenticator shows the code of the secret that it was given.
func JudgeFactor(right bool) refusal.List {
	if right {
		return nil
	}
	return refusal.List{refusal.New("ORG-14", "CBC.0151", "code", "The code is wrong; read the secret into the authenticator again, check the clock of your device, and enter the next code.")}
}

// JudgeIdentity checks that somebody whom an identity provider vouches for is one of the vendor's people.
func JudgeIdentity(p *person.Person) refusal.List {
	if p != nil && p.Active && p.OfVendor() {
		return nil
	}
	return refusal.List{refusal.New("COM-16", "CBC.0151", "identity",
		"Nobody of the vendor is known by the verified email of your identity provider; ask an account administrator, or sign in by password.")}
}

// JudgeAccount checks that somebody gives a person an account, or one of the vendor's a new initial password; set says that the
// person has a password. A partner's people get their first from the vendor when they came with a programme file, later ones from their
// own administrator. Who looks after accounts does not reset their own: a colleague does.
func JudgeAccount(by *person.Person, id string, p *person.Person, to string, set bool) refusal.List {
	var j judging
	j.accountAdministrator(by, id)
	switch {
	case j.stranger:
	case p == nil:
		j.list = append(j.list, unknownPerson(to))
	case set && !p.OfVendor():
		j.refuse("ORG-02", "CBC.0151", "person "+to, "%s belongs to partner %s, whose administrator gives new passwords.", p.Name, p.PartnerID)
	case !p.Active:
		j.refuse("COM-16", "CBC.0151", "person "+to, "%s is not active and gets no account.", p.Name)
	case set && by.ID == p.ID:
		j.refuse("ENG-02", "ENG_SELF_APPROVAL", "person "+to, "You cannot reset your own account; change the password by the present one, or ask a colleague (PGM-07).")
	}
	return j.list
}

// JudgeForget checks that somebody lets an account do without what it was protected by beside the password, because the person
// lost it: the vendor's account administrators for everybody but themselves.
func JudgeForget(by *person.Person, id string, p *person.Person, of string) refusal.List {
	var j judging
	j.accountAdministrator(by, id)
	switch {
	case j.stranger:
	case p == nil:
		j.list = append(j.list, unknownPerson(of))
	case by.ID == p.ID:
		j.refuse("ENG-02", "ENG_SELF_APPROVAL", "person "+of, "You cannot do this to your own account; ask a colleague (PGM-07).")
	}
	return j.list
}

func (j *judging) accountAdministrator(by *person.Person, id string) {
	switch {
	case by == nil:
		j.list, j.stranger = append(j.list, unknownPerson(id)), true
	case !by.OfVendor() || !by.Holds(person.AccountAdministrator):
		j.forbid("COM-16", "person "+id, "%s does not hold the role %s; somebody of the vendor who does looks after accounts.", by.Name, person.AccountAdministrator)
	}
}
