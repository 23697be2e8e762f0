package activities

import "countersign/domain/refusal"

// memberRules maps the constraints of invitations and links to their refusals, as rules does.
var memberRules = map[string]refusal.Refusal{
	"org_22_one_partner":  {Rule: "ORG-22", Code: "INV_LINKED_ELSEWHERE", Object: "account", Message: "The account was linked to another partner meanwhile; it is free once that one unbinds it."},
	"org_27_in_time":      {Rule: "ORG-27", Code: "INV_EXPIRED", Object: "invitation", Message: "The invitation has lapsed; ask the administrator for a new one."},
	"org_29_account_name": {Rule: "ORG-29", Code: "ENG_STATE", Object: "account", Message: "Another account bears that account name; a name finds one account."},
	"org_29_found_by":     {Rule: "ORG-29", Code: "CBC.0100", Object: "invitation", Message: "An account is looked for by mobile, email or account name."},
	"org_31_only_grows":   {Rule: "ORG-31", Code: "ENG_STATE", Object: "partner", Message: "Sendings of a day are counted, and never fewer than before."},
	"org_31_daily_limit":  {Rule: "ORG-31", Code: "INV_DAILY_LIMIT", Object: "partner", Message: "No more invitations can be sent today; the next can be sent from 00:00 (UTC+8) on."},
	"org_33_one_live":     {Rule: "ORG-33", Code: "ENG_STATE", Object: "invitation", Message: "Another invitation of this member was faster; look at the list of invitations."},
	"org_33_one_link":     {Rule: "ORG-33", Code: "INV_USED", Object: "invitation", Message: "A newer link was sent meanwhile; follow the one in the newest message."},
	"org_33_closed_link":  {Rule: "ORG-33", Code: "INV_USED", Object: "invitation", Message: "The link has been used or replaced by a newer one."},
	"pgm_12_closed_link":  {Rule: "PGM-12", Code: "ENG_STATE", Object: "link", Message: "The link was unbound already and stays as it is."},
}
