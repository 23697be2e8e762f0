package organisation

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/domain/person"
	"countersign/domain/refusal"
)

// emailForm is how an address is written; whether it exists, a message to it tells.
var emailForm = regexp.MustCompile(`^[^\s@<>()\[\],;:"\\]+@[^\s@<>()\[\],;:"\\]+$`)

// unknownPerson is said to a name that nobody bears.
func unknownPerson(id string) refusal.Refusal {
	return refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q in the organisation; speak as somebody who is registered.", id)
}

// judging collects the guards that fail. Who may not ask is told so, and what is wrong with what they entered; what the organisation
// holds is not told to them.
type judging struct {
	list     refusal.List
	stranger bool
}

func (j *judging) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

// held is refuse for a guard about what is held.
func (j *judging) held(rule, code, object, format string, args ...any) {
	if !j.stranger {
		j.refuse(rule, code, object, format, args...)
	}
}

// forbid refuses who asks.
func (j *judging) forbid(rule, object, format string, args ...any) {
	j.stranger = true
	j.refuse(rule, "CBC.0151", object, format, args...)
}

// caller checks that somebody can act at all, and answers whether the other guards about them make sense.
func (j *judging) caller(by *Person, id string) bool {
	switch {
	case by == nil:
		j.list, j.stranger = append(j.list, unknownPerson(id)), true
	case !by.Works():
		j.forbid("COM-16", "person "+id, "The account of %s is not active; ask the administrator.", by.Name)
	case by.MustChange: // ORG-14: before any page opens
		j.forbid("ORG-14", "person "+id, "The password is the initial one; set your own first, then everything opens.")
	default:
		return true
	}
	return false
}

func (j *judging) administrator(by *Person, id, partner string) {
	if j.caller(by, id) && (by.Partner != partner || !by.Administers()) {
		j.forbid("COM-16", "person "+id, "%s is no administrator of partner %s; its master account or a system administrator does it.", by.Name, partner)
	}
}

// JudgeAdministrator checks that somebody looks after a partner: its people, members and specialists (ORG-01).
func JudgeAdministrator(by *Person, id, partner string) refusal.List {
	var j judging
	j.administrator(by, id, partner)
	return j.list
}

// JudgeReader checks that somebody may see the data of another: their own, or as the administrator of the same partner (ORG-01, ORG-15).
func JudgeReader(by *Person, id string, other Person) refusal.List {
	var j judging
	j.reader(by, id, other)
	return j.list
}

func (j *judging) reader(by *Person, id string, other Person) {
	if j.caller(by, id) && by.ID != other.ID && (by.Partner != other.Partner || !by.Administers()) {
		j.forbid("ORG-15", "person "+other.ID, "%s sees and changes their own data only; the administrator has everybody's.", by.Name)
	}
}

// Known is what the organisation holds already.
type Known struct {
	Custom       []person.Role // roles of the partner's own making
	AccountTaken bool
	EmailOf      Owner
}

// Owner is whose an email is.
type Owner string

// The owners.
const (
	Nobody       Owner = ""
	IdentityUser Owner = "identity user"
	OtherPerson  Owner = "person"
)

// Entry is a new person as the administrator enters them.
type Entry struct {
	Account string        `json:"account_name"`
	Name    string        `json:"name"`
	Mobile  string        `json:"mobile"`
	Email   string        `json:"email"`
	Roles   []person.Role `json:"roles"`
}

// JudgeCreate checks a new person.
func JudgeCreate(by *Person, id, partner string, e Entry, k Known) refusal.List {
	var j judging
	j.administrator(by, id, partner)
	if n := utf8.RuneCountInString(e.Account); n < 1 || n > 64 || strings.ContainsFunc(e.Account, notInAccount) {
		j.refuse("ORG-03", "CBC.0100", "account name", "An account name has 1 to 64 letters, digits, dots, hyphens and underscores; it stays for ever.")
	}
	j.data(e.Name, e.Mobile, e.Email)
	j.roles("person "+e.Account, e.Roles, nil, k.Custom)
	if k.AccountTaken {
		j.held("ORG-03", "CBC.0100", "account name", "The account name %q is taken, also when its person was deleted; choose another.", e.Account)
	}
	j.email(k.EmailOf)
	return j.list
}

func notInAccount(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@", r)
}

func (j *judging) data(name, mobile, email string) {
	if n := utf8.RuneCountInString(strings.TrimSpace(name)); n < 1 || n > 64 || strings.Contains(name, "\x00") {
		j.refuse("ENG-06", "CBC.0100", "name", "A name has 1 to 64 characters.")
	}
	if digits := strings.TrimPrefix(mobile, "+"); mobile != "" && (len(digits) < 6 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "") {
		j.refuse("ENG-06", "CBC.0100", "mobile", "A mobile number has 6 to 15 digits, with + before a country code.")
	}
	if email != "" && (!emailForm.MatchString(email) || len(email) > 200) {
		j.refuse("ENG-06", "CBC.0100", "email", "An email address is written like li.lei@alpha.example.")
	}
}

// roles checks a person's roles: all of them as they are to be, and those that may not go.
func (j *judging) roles(object string, wanted, locked, custom []person.Role) {
	for _, r := range wanted {
		if !IsSystem(r) && !slices.Contains(custom, r) {
			j.refuse("COM-08", "CBC.0100", object, "There is no role %q; choose among the roles of the organisation.", r)
		}
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(wanted)))
	has := func(r person.Role) bool { return slices.Contains(distinct, r) }
	switch { // ORG-04
	case len(distinct) == 0:
		j.refuse("ORG-04", "ORG_ROLE_REQUIRED", object, "Assign at least one role.")
	case len(distinct) > 3:
		j.refuse("ORG-04", "ORG_ROLE_LIMIT", object, "A person can have at most three roles.")
	}
	if len(distinct) > 1 && has(person.PartnerAdministrator) { // ORG-05
		j.refuse("ORG-05", "ORG_ROLE_ADMIN_ALONE", object, "The system administrator role cannot be combined with other roles.")
	}
	if has(person.PartnerAccountManager) && has(person.PartnerAccountDirector) { // ORG-06
		j.refuse("ORG-06", "ORG_ROLE_AM_DIRECTOR", object, "Account manager and account manager director cannot be combined.")
	}
	for _, r := range locked { // ORG-08
		if !has(r) {
			j.held("ORG-08", "ORG_ROLE_LOCKED", object, "The role %s is locked while the person's qualification is under review.", r)
		}
	}
}

func (j *judging) email(owner Owner) { // ORG-07
	switch owner {
	case IdentityUser:
		j.held("ORG-07", "ORG_EMAIL_TAKEN", "email", "This email already belongs to an identity user; delete that user first.")
	case OtherPerson:
		j.held("ORG-07", "ORG_EMAIL_TAKEN", "email", "This email already belongs to another person; use one of their own.")
	case Nobody:
	}
}

// Change is what is to become of a person's data; what is nil stays.
type Change struct {
	Account *string `json:"account_name,omitempty"` // refused when it differs
	Name    *string `json:"name,omitempty"`
	Mobile  *string `json:"mobile,omitempty"`
	Email   *string `json:"email,omitempty"`
}

// Applied is the person with the change.
func (c Change) Applied(p Person) Person {
	for _, f := range []struct {
		to   *string
		into *string
	}{{c.Name, &p.Name}, {c.Mobile, &p.Mobile}, {c.Email, &p.Email}} {
		if f.to != nil {
			*f.into = strings.TrimSpace(*f.to)
		}
	}
	return p
}

// JudgeChange checks a change of a person's data, by themself or by the administrator (ORG-02, ORG-15). The master account's is its
// holder's: to its email goes the code by which the password is reset (ORG-18).
func JudgeChange(by *Person, id string, p Person, c Change, emailOf Owner) refusal.List {
	var j judging
	j.reader(by, id, p)
	if p.Master && !j.stranger && by.ID != p.ID {
		j.forbid("ORG-18", "person "+p.ID, "%s holds the master account and alone changes its data.", p.Name)
	}
	j.stays(p)
	now := c.Applied(p)
	j.data(now.Name, now.Mobile, now.Email)
	if c.Account != nil && *c.Account != p.Account { // ORG-03
		j.refuse("ORG-03", "ORG_NAME_FIXED", "person "+p.ID, "The account name cannot be changed.")
	}
	j.email(emailOf)
	return j.list
}

func (j *judging) stays(p Person) {
	if p.Status == Deleted {
		j.held("ENG-03", "ENG_STATE", "person "+p.ID, "The person was deleted and stays so; create a new one.")
	}
}

// JudgeRoles checks a new set of roles for a person.
func JudgeRoles(by *Person, id string, p Person, wanted []person.Role, k Known) refusal.List {
	var j judging
	j.administrator(by, id, p.Partner)
	j.stays(p)
	j.roles("person "+p.ID, wanted, p.Locked, k.Custom)
	return j.list
}

// JudgeStatus checks that an account is disabled, enabled or deleted: never the master account, and never deleted with a locked role (ORG-08).
func JudgeStatus(by *Person, id string, p Person, to Status) refusal.List {
	var j judging
	j.administrator(by, id, p.Partner)
	if p.Master {
		j.held("ENG-03", "ENG_STATE", "person "+p.ID, "The master account is always there; it is neither disabled nor deleted.")
	}
	j.stays(p)
	if to == Deleted {
		for _, r := range p.Locked {
			j.held("ORG-08", "ORG_ROLE_LOCKED", "person "+p.ID, "The role %s is locked while the person's qualification is under review; delete the person after the result.", r)
		}
	}
	return j.list
}

// JudgeCustomRole checks a new role of a partner's own making (ORG-12); none gives what belongs to the master account (ORG-17).
func JudgeCustomRole(by *Person, id, partner, name string, permissions []Permission, taken bool) refusal.List {
	var j judging
	j.administrator(by, id, partner)
	if n := utf8.RuneCountInString(strings.TrimSpace(name)); n < 1 || n > 64 || taken && !j.stranger {
		j.refuse("ORG-12", "CBC.0100", "role", "A role has a name of its own of 1 to 64 characters.")
	}
	for _, p := range permissions {
		switch {
		case p == Opportunities:
			j.refuse("ORG-17", "ORG_MASTER_ONLY_MENU", "permission "+string(p), "This menu is available to the master account only.")
		case !slices.Contains(Grantable, p):
			j.refuse("COM-08", "CBC.0100", "permission "+string(p), "There is no permission %q to give; there are: %s. The default ones come with every role.", p, words(Grantable))
		}
	}
	return j.list
}

func words(permissions []Permission) string {
	all := make([]string, len(permissions))
	for i, p := range permissions {
		all[i] = string(p)
	}
	return strings.Join(all, ", ")
}

// JudgeRoleDeletion checks that a role is given up: nobody has it (ORG-13); those of the programme stay, locked or not (ORG-08).
func JudgeRoleDeletion(by *Person, id, partner string, role person.Role, persons int, locked bool) refusal.List {
	var j judging
	j.administrator(by, id, partner)
	object := "role " + string(role)
	switch {
	case locked:
		j.held("ORG-08", "ORG_ROLE_LOCKED", object, "The role is locked while the qualification of a person who has it is under review.")
	case IsSystem(role):
		j.refuse("ORG-13", "CBC.0100", object, "The role is one of the programme's; only roles of your own making can be deleted.")
	case persons > 0:
		j.held("ORG-13", "ORG_ROLE_IN_USE", object, "The role still has %d persons; remove them first.", persons)
	}
	return j.list
}

// JudgeDirector checks that an account manager gets a director (ORG-10).
func JudgeDirector(by *Person, id string, manager Person, director *Person, directorID string) refusal.List {
	var j judging
	j.administrator(by, id, manager.Partner)
	if !slices.Contains(manager.Roles, person.PartnerAccountManager) {
		j.held("ORG-10", "CBC.0100", "person "+manager.ID, "%s is no account manager; only those have a director.", manager.Name)
	}
	if director == nil || director.Partner != manager.Partner || !director.Works() || !slices.Contains(director.Roles, person.PartnerAccountDirector) {
		j.held("ORG-10", "CBC.0100", "person "+directorID, "%q is no account manager director of the partner; give somebody the role first.", directorID)
	}
	return j.list
}

// JudgeAssignment checks that a customer is assigned to an account manager (ORG-09).
func JudgeAssignment(by *Person, id string, manager Person, customer, customerPartner string) refusal.List {
	var j judging
	j.administrator(by, id, manager.Partner)
	if !manager.Works() || !slices.Contains(manager.Roles, person.PartnerAccountManager) {
		j.held("ORG-09", "CBC.0100", "person "+manager.ID, "%s is no account manager; give them the role first.", manager.Name)
	}
	if customerPartner != manager.Partner {
		j.held("ORG-09", "CBC.0100", "customer "+customer, "There is no customer %q of partner %s.", customer, manager.Partner)
	}
	return j.list
}

// JudgeQualification checks that a qualification is submitted: by the person or the administrator, of a role that they have and that asks for one (ORG-08).
func JudgeQualification(by *Person, id string, p Person, role person.Role) refusal.List {
	var j judging
	j.reader(by, id, p)
	j.stays(p)
	switch {
	case role != person.PartnerAccountManager && role != person.PartnerArchitect:
		j.refuse("ORG-08", "CBC.0100", "role "+string(role), "A qualification is submitted for the roles %s and %s.", person.PartnerAccountManager, person.PartnerArchitect)
	case !slices.Contains(p.Roles, role):
		j.held("ORG-08", "CBC.0100", "person "+p.ID, "%s does not have the role %s; it is assigned first.", p.Name, role)
	case slices.Contains(p.Locked, role):
		j.held("PGM-09", "ENG_STATE", "person "+p.ID, "A qualification of %s for the role is under review already.", p.Name)
	}
	return j.list
}

// ContactLimit is how many customer contacts a partner keeps (ORG-20).
const ContactLimit = 5

// Contact is somebody a customer may turn to.
type Contact struct {
	Name   string `json:"name"   db:"name"`
	Mobile string `json:"mobile" db:"mobile"`
	Email  string `json:"email"  db:"email"`
}

// JudgeContact checks one more customer contact.
func JudgeContact(by *Person, id, partner string, c Contact, kept int) refusal.List {
	var j judging
	j.administrator(by, id, partner)
	j.data(c.Name, c.Mobile, c.Email)
	if c.Mobile == "" && c.Email == "" {
		j.refuse("ORG-20", "CBC.0100", "contact", "A contact has a mobile number or an email address.")
	}
	if kept >= ContactLimit { // ORG-20
		j.held("ORG-20", "ORG_CONTACT_LIMIT", "partner "+partner, "At most five customer contacts.")
	}
	return j.list
}

// JudgePage checks that somebody opens a page. The person is nil for an identity user, who reaches the cloud console only (ORG-16).
func JudgePage(p *Person, identity bool, id string, page Permission) refusal.List {
	var j judging
	known := slices.Contains(common, page) || slices.Contains(Grantable, page) || page == Opportunities
	switch {
	case p == nil && identity && page == Console: // ORG-16
	case p == nil && identity:
		j.refuse("ORG-16", "CBC.0151", "person "+id, "%q is a user of the identity service only and has no access to the partner centre; the administrator creates a person in the organisation.", id)
	case !j.caller(p, id): // ORG-14 among them
	case !known:
		j.refuse("COM-08", "CBC.0100", "page "+string(page), "There is no page %q; there are: %s.", page, words(slices.Concat(common, Grantable, []Permission{Opportunities})))
	case page == Opportunities && !p.Master: // ORG-17: the system administrator too
		j.refuse("ORG-17", "ORG_MASTER_ONLY_MENU", "page "+string(page), "This menu is available to the master account only.")
	case !p.May(page):
		j.refuse("COM-16", "CBC.0151", "page "+string(page), "None of the roles of %s opens this page; ask the administrator.", p.Name)
	}
	return j.list
}

// JudgeDraft checks that somebody writes a draft, or throws one away: a person of the organisation who may act in cases of its kind (ORG-11).
func JudgeDraft(by *Person, id, partner, kind, title, body string, may bool) refusal.List {
	var j judging
	if j.caller(by, id) && (by.Partner != partner || !may) {
		j.refuse("ORG-11", "CBC.0151", "person "+id, "%s may not act for partner %s in cases of the kind %q; ask the administrator for a role that permits it.", by.Name, partner, kind)
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(title)); n < 1 || n > 128 || utf8.RuneCountInString(body) > 20000 || strings.Contains(title+body, "\x00") {
		j.refuse("ENG-06", "CBC.0100", "draft", "A draft has a title of 1 to 128 characters and a text of at most 20000.")
	}
	return j.list
}
