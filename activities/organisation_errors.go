package activities

import "countersign/domain/refusal"

// organisationRules maps the constraints of a partner's organisation to their refusals, as rules does.
var organisationRules = map[string]refusal.Refusal{
	"com_20_organisation_key":  {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another request; use a key of its own."},
	"com_20_account_key":       {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another request; use a key of its own."},
	"one_identity":             {Rule: "COM-16", Code: "CBC.0151", Object: "identity", Message: "The identity provider knows this person by another identity already; ask an account administrator to forget that one."},
	"org_03_account_name":      {Rule: "ORG-03", Code: "CBC.0100", Object: "account name", Message: "The account name was taken meanwhile; choose another."},
	"org_03_name_fixed":        {Rule: "ORG-03", Code: "ORG_NAME_FIXED", Object: "account name", Message: "The account name cannot be changed."},
	"org_04_role_limit":        {Rule: "ORG-04", Code: "ORG_ROLE_LIMIT", Object: "person", Message: "A person can have at most three roles."},
	"org_05_admin_alone":       {Rule: "ORG-05", Code: "ORG_ROLE_ADMIN_ALONE", Object: "person", Message: "The system administrator role cannot be combined with other roles."},
	"org_06_am_director":       {Rule: "ORG-06", Code: "ORG_ROLE_AM_DIRECTOR", Object: "person", Message: "Account manager and account manager director cannot be combined."},
	"org_07_email":             {Rule: "ORG-07", Code: "ORG_EMAIL_TAKEN", Object: "email", Message: "This email already belongs to an identity user; delete that user first."},
	"org_07_identity_email":    {Rule: "ORG-07", Code: "ORG_EMAIL_TAKEN", Object: "email", Message: "This email already belongs to an identity user; delete that user first."},
	"org_08_role_locked":       {Rule: "ORG-08", Code: "ORG_ROLE_LOCKED", Object: "role", Message: "This role is locked while the person's qualification is under review."},
	"org_12_own_role":          {Rule: "ORG-12", Code: "CBC.0100", Object: "role", Message: "The role is another partner's; choose one of your own."},
	"org_12_role_name":         {Rule: "ORG-12", Code: "CBC.0100", Object: "role", Message: "A role of this name was made meanwhile; choose another name."},
	"org_13_role_in_use":       {Rule: "ORG-13", Code: "ORG_ROLE_IN_USE", Object: "role", Message: "The role still has persons; remove them first."},
	"org_13_role_deleted":      {Rule: "ORG-13", Code: "ENG_STATE", Object: "role", Message: "The role was deleted meanwhile; choose another."},
	"org_17_master_only":       {Rule: "ORG-17", Code: "ORG_MASTER_ONLY_MENU", Object: "permission", Message: "This menu is available to the master account only."},
	"org_20_contact_limit":     {Rule: "ORG-20", Code: "ORG_CONTACT_LIMIT", Object: "partner", Message: "At most five customer contacts."},
	"eng_02_qualification":     {Rule: "ENG-02", Code: "ENG_SELF_APPROVAL", Object: "qualification", Message: "You submitted it yourself; ask a colleague to decide."},
	"eng_03_deleted_person":    {Rule: "ENG-03", Code: "ENG_STATE", Object: "person", Message: "The person was deleted and stays so; create a new one."},
	"eng_03_qualification":     {Rule: "ENG-03", Code: "ENG_STATE", Object: "qualification", Message: "The qualification was decided meanwhile."},
	"pgm_09_one_qualification": {Rule: "PGM-09", Code: "ENG_STATE", Object: "person", Message: "A qualification for the role is under review already."},
}
