package activities

import "countersign/domain/refusal"

// invoiceRules are the constraints that repeat rules of invoices and of what is owed.
var invoiceRules = map[string]refusal.Refusal{
	"com_03_invoice_document":    {Rule: "COM-03", Code: "CBC.0100", Object: "document", Message: "The document is none that was stored; enclose the file with the case first."},
	"com_20_vendor_request":      {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another request for invoices; use a key of its own."},
	"com_20_ticket":              {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another ticket; use a key of its own."},
	"eng_02_invoice_review":      {Rule: "ENG-02", Code: "ENG_SELF_APPROVAL", Object: "invoice list", Message: "You sent these invoices yourself; ask a colleague to review them."},
	"eng_03_list":                {Rule: "ENG-03", Code: "ENG_STATE", Object: "invoice list", Message: "The step is not possible in the list's present state; look at the case."},
	"inv_04_visible":             {Rule: "INV-04", Code: "INV_LIST_NOT_READY", Object: "invoice list", Message: "The invoice list is not available yet; send the invoices when it is."},
	"inv_05_type":                {Rule: "INV-05", Code: "INV_TYPE", Object: "invoice", Message: "Only special VAT invoices are accepted, on paper or electronic."},
	"inv_06_address":             {Rule: "INV-06", Code: "INV_RETURN_ADDRESS", Object: "ticket", Message: "The ticket lacks the return address; enter it."},
	"inv_06_recipient":           {Rule: "INV-06", Code: "INV_RETURN_ADDRESS", Object: "ticket", Message: "The ticket lacks the recipient; enter one."},
	"inv_08_sum":                 {Rule: "INV-08", Code: "INV_AMOUNT", Object: "invoice list", Message: "The invoices do not add up to the amount on the list; they have to match exactly."},
	"inv_08_total":               {Rule: "INV-08", Code: "INV_AMOUNT", Object: "invoice", Message: "Amount without tax and tax do not add up to the invoice's total; look at the invoice again."},
	"inv_09_number":              {Rule: "INV-09", Code: "INV_NUMBER_MISSING", Object: "invoice", Message: "The invoice has no number; write its number on the list before it is sent."},
	"inv_10_once":                {Rule: "INV-10", Code: "INV_REUSED", Object: "invoice", Message: "The invoice is already used or closed; issue a new invoice with a new number."},
	"inv_11_list":                {Rule: "INV-11", Code: "INV_LIST_MISSING", Object: "package", Message: "The invoice list is not enclosed; send it together with the invoices."},
	"inv_15_one_round_at_a_time": {Rule: "INV-15", Code: "ENG_STATE", Object: "invoice list", Message: "A package of the list is under way or accepted; a new one is sent when it has failed."},
	"inv_16_closed":              {Rule: "INV-16", Code: "INV_REUSED", Object: "invoice", Message: "The invoice failed its review and is closed; issue a new invoice with a new number."},
	"owe_03_greater":             {Rule: "OWE-03", Code: "OWE_AMOUNT", Object: "request", Message: "The selected amount must be greater than the owed amount."},
	"owe_04_remaining":           {Rule: "OWE-04", Code: "OWE_AMOUNT", Object: "owed entry", Message: "More would be set off than is owed: another request was faster. Look at what is owed and try again."},
	"owe_05_rate":                {Rule: "OWE-05", Code: "OWE_RATE", Object: "request", Message: "Owed amounts can be set off only with the same tax rate."},
	"owe_06_open":                {Rule: "OWE-06", Code: "OWE_OPEN", Object: "request", Message: "Something is still owed: it has to be set off before further invoices. Look at what is owed and try again."},
}
