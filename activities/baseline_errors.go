package activities

import "countersign/domain/refusal"

// baselineRules maps the constraints of joint solutions to their refusals, as rules does.
var baselineRules = map[string]refusal.Refusal{
	"cert_25_name_frozen":  {Rule: "CERT-25", Code: "CERT_NAME_FROZEN", Object: "draft", Message: "The name of a saved draft cannot change; delete the draft and create it again."},
	"cert_25_submitted":    {Rule: "CERT-25", Code: "ENG_STATE", Object: "draft", Message: "The project was submitted meanwhile; only drafts are deleted."},
	"cert_26_complete":     {Rule: "CERT-26", Code: "CERT_INCOMPLETE", Object: "project", Message: "Parts of the project are missing; add them and submit again."},
	"cert_26_feature_list": {Rule: "CERT-26", Code: "CERT_FEATURELIST", Object: "project", Message: "The feature list has not passed the check; check it and submit again."},
	"cert_27_submitted":    {Rule: "CERT-27", Code: "CERT_PENDING", Object: "project", Message: "This solution is already under review; what is reviewed stays as it is."},
	"cert_28_handed_in":    {Rule: "CERT-28", Code: "CERT_PENDING", Object: "project", Message: "This solution is already under review; what was handed in stays as it is until it is decided."},
	"cert_29_project_open": {Rule: "CERT-29", Code: "CERT_PROJECT_OPEN", Object: "case", Message: "The joint project must be completed first."},
	"cert_30_release":      {Rule: "CERT-30", Code: "CERT_INCOMPLETE", Object: "case", Message: "Verification, goods listing or the release application is missing."},
	"com_20_project_key":   {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another draft; use a key of its own."},
	"eng_03_track":         {Rule: "ENG-03", Code: "ENG_STATE", Object: "case", Message: "That does not follow on where the track stands; look at the case."},
}
