package activities

import "countersign/domain/refusal"

// solutionRules maps the constraints of solutions to their refusals, as rules does.
var solutionRules = map[string]refusal.Refusal{
	"cert_02_complete":        {Rule: "CERT-02", Code: "CERT_INCOMPLETE", Object: "draft", Message: "Parts of the draft are missing; enter them and submit again."},
	"cert_06_approved":        {Rule: "CERT-06", Code: "ENG_STATE", Object: "solution", Message: "Only what its review has approved is certified; decide its tasks."},
	"cert_08_window":          {Rule: "CERT-08", Code: "CBC.0100", Object: "solution", Message: "The window for re-certification lies within the certificate's validity."},
	"cert_08_window_not_open": {Rule: "CERT-08", Code: "CERT_WINDOW_NOT_OPEN", Object: "solution", Message: "Re-certification is not open yet; the solution shows from when on it is."},
	"cert_14_locked":          {Rule: "CERT-14", Code: "CERT_FIELD_LOCKED", Object: "solution", Message: "In a re-certification only version and materials can change."},
	"cert_16_one_draft":       {Rule: "CERT-16", Code: "ENG_STATE", Object: "draft", Message: "A colleague has entered a draft of this solution meanwhile; change that one."},
	"com_20_draft_key":        {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another draft; use a key of its own."},
	"pgm_11_sent_draft":       {Rule: "PGM-11", Code: "ENG_STATE", Object: "draft", Message: "The draft was submitted meanwhile and stays as it is."},
}
