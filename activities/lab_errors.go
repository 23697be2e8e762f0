package activities

import "countersign/domain/refusal"

// labRules maps the constraints of lab credits to their refusals, as rules does.
var labRules = map[string]refusal.Refusal{
	"lab_03_size":          {Rule: "LAB-03", Code: "LAB_SIZE", Object: "points", Message: "Choose 10, 20, 50, 100, 250 or 500 points."},
	"lab_03_whole_points":  {Rule: "LAB-03", Code: "LAB_SIZE", Object: "points", Message: "Points are whole."},
	"lab_05_linked":        {Rule: "LAB-05", Code: "LAB_USER", Object: "account", Message: "The member was unlinked meanwhile; choose a member whose personal account is linked to your company."},
	"lab_08_rejected_only": {Rule: "LAB-08", Code: "LAB_STATE", Object: "case", Message: "Only a rejected application can be edited."},
	"lab_11_issued":        {Rule: "LAB-11", Code: "LAB_STATE", Object: "case", Message: "The credit is issued once, after the approval; each application yields one."},
	"lab_11_amount":        {Rule: "LAB-11", Code: "ENG_STATE", Object: "case", Message: "What would be issued is not what was approved."},
	"lab_11_one_coupon":    {Rule: "LAB-11", Code: "ENG_STATE", Object: "coupon", Message: "The coupon number is taken by another credit; enter the one of this."},
}
