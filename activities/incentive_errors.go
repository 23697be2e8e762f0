package activities

import "countersign/domain/refusal"

// incentiveRules are the constraints that repeat rules of performance and incentives.
var incentiveRules = map[string]refusal.Refusal{
	"perf_14_move":     {Rule: "PERF-14", Code: "ENG_STATE", Object: "performance sheet", Message: "The step is not possible in the sheet's present state; look at the sheet first."},
	"perf_14_final":    {Rule: "PERF-14", Code: "ENG_STATE", Object: "performance sheet", Message: "Only a final sheet feeds bills; have it reviewed first."},
	"perf_14_question": {Rule: "PERF-14", Code: "CBC.0100", Object: "question", Message: "Write what the question is."},
	"inc_19_tier2":     {Rule: "INC-19", Code: "INC_TIER2", Object: "partner", Message: "A tier-2 reseller receives no vendor incentive; it is computed for and paid to its tier-1."},
}
