package activities

import "countersign/domain/refusal"

// disbursementRules are the constraints that repeat rules of certification and of disbursement.
var disbursementRules = map[string]refusal.Refusal{
	"com_20_business_key":  {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by other business information; use a key of its own."},
	"com_20_ticket_key":    {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another ticket; use a key of its own."},
	"com_20_special":       {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another special case; use a key of its own."},
	"aut_03_fields":        {Rule: "AUT-03", Code: "AUT_FIELD_MISSING", Object: "business information", Message: "A required bank or tax field is empty; enter all of them."},
	"aut_05_one_in_review": {Rule: "ENG-03", Code: "ENG_STATE", Object: "business information", Message: "Business information of the partner is in review; submit again after the result."},
	"eng_02_business":      {Rule: "ENG-02", Code: "ENG_SELF_APPROVAL", Object: "business information", Message: "You submitted it yourself; ask a colleague to decide."},
	"eng_03_business":      {Rule: "ENG-03", Code: "ENG_STATE", Object: "business information", Message: "The business information was decided meanwhile; look at it again."},
	"pay_14_reason":        {Rule: "PAY-14", Code: "PAY_METHOD_FIXED", Object: "requisition", Message: "After submission nothing changes without a special reason; give one."},
	"pay_15_one_asked":     {Rule: "PAY-15", Code: "ENG_STATE", Object: "requisition", Message: "A special case of this request waits for its answer; wait for it."},
	"pay_01_released":      {Rule: "PAY-01", Code: "INC_NOT_RELEASED", Object: "bill", Message: "A bill is not released any more, or is another account's by now; look at what can be requested now."},
	"pay_26_free":          {Rule: "PAY-26", Code: "ENG_STATE", Object: "requisition", Message: "A requisition has its bills until it is rejected; look at the requisition."},
	"eng_07_requested":     {Rule: "ENG-07", Code: "PAY_DUPLICATE", Object: "bill", Message: "A bill is part of a requisition, which runs to its end; look at the requisition."},
	"pay_22_one_grant":     {Rule: "PAY-22", Code: "PAY_ALREADY_PAID", Object: "requisition", Message: "The quota was granted already; there is no second grant."},
	"pay_23_method":        {Rule: "PAY-23", Code: "PAY_METHOD_NOT_ALLOWED", Object: "row group", Message: "The method is not available for this row group; choose one that is."},
	"pay_23_one_method":    {Rule: "PAY-23", Code: "ENG_STATE", Object: "row group", Message: "The switch was turned meanwhile; look at it again."},
	"pay_26_one_live":      {Rule: "PAY-26", Code: "PAY_DUPLICATE", Object: "bill", Message: "A bill is already part of a running request; look at what can be requested now."},
	"pay_27_positive":      {Rule: "PAY-27", Code: "PAY_NOT_POSITIVE", Object: "requisition", Message: "There is no positive amount to pay."},
}
