package activities

import "countersign/domain/refusal"

// billRules are the constraints that repeat rules of a bill's life, and of exports of what is behind bills.
var billRules = map[string]refusal.Refusal{
	"eng_03_bill_move":    {Rule: "ENG-03", Code: "ENG_STATE", Object: "bill", Message: "The step is not possible in the bill's present state; look at the bill."},
	"inc_22_transfer":     {Rule: "INC-22", Code: "ENG_STATE", Object: "bill", Message: "Only a released bill moves to another account, by a transfer of operations; look at the bill."},
	"inc_11_own_lines":    {Rule: "INC-11", Code: "CBC.0151", Object: "export", Message: "A partner's person exports the lines of their own partner only; search for those."},
	"inc_11_format":       {Rule: "INC-11", Code: "CBC.0100", Object: "format", Message: "An export is written as xlsx or csv; name one of them."},
	"com_03_export_key":   {Rule: "COM-03", Code: "CBC.0100", Object: "request key", Message: "A request key has 1 to 64 characters."},
	"eng_03_export_ended": {Rule: "ENG-03", Code: "ENG_STATE", Object: "export", Message: "The export has ended and stays as it is; ask for another."},
}
