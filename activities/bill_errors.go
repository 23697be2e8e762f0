package activities

import "countersign/domain/refusal"

// billRules are the constraints that repeat rules of a bill's life.
var billRules = map[string]refusal.Refusal{
	"eng_03_bill_move": {Rule: "ENG-03", Code: "ENG_STATE", Object: "bill", Message: "The step is not possible in the bill's present state; look at the bill."},
	"inc_22_transfer":  {Rule: "INC-22", Code: "ENG_STATE", Object: "bill", Message: "Only a released bill moves to another account, by a transfer of operations; look at the bill."},
}
