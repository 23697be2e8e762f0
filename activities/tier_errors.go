package activities

import "countersign/domain/refusal"

// tierRules maps the constraints of tiers to their refusals, as rules does.
var tierRules = map[string]refusal.Refusal{
	"tier_01_tier":       {Rule: "TIER-01", Code: "CBC.0100", Object: "tier", Message: "There is no such tier; the tiers are STANDARD, PREFERRED, LEADING and CORE."},
	"tier_02_membership": {Rule: "TIER-02", Code: "TIER_NO_MEMBERSHIP", Object: "membership", Message: "The solution provider plan is not active; join or renew it first."},
	"tier_15_approved":   {Rule: "TIER-15", Code: "ENG_STATE", Object: "case", Message: "No approval gives this tier; the current one stays."},
	"tier_05_met":        {Rule: "TIER-05", Code: "TIER_ITEMS_OPEN", Object: "requirements", Message: "A requirement is not met; look at the upgrade page."},
	"tier_10_higher":     {Rule: "TIER-10", Code: "TIER_NOT_HIGHER", Object: "tier", Message: "Choose a tier above the current one."},
	"tier_09_link":       {Rule: "TIER-09", Code: "PLN_LINK_EXPIRED", Object: "link", Message: "The registration link is older than 24 hours; request a new one."},
	"tier_09_used":       {Rule: "TIER-09", Code: "PLN_LINK_EXPIRED", Object: "link", Message: "The registration link was used already; request a new one."},
	"tier_12_one_open":   {Rule: "TIER-12", Code: "TIER_PENDING", Object: "membership", Message: "An upgrade is already under review: another one was faster. Wait for its result."},
}
