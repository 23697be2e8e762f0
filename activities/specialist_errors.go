package activities

import "countersign/domain/refusal"

// specialistRules maps the constraints of project specialists and members' qualification to their refusals, as rules does.
var specialistRules = map[string]refusal.Refusal{
	"org_37_specialist":        {Rule: "ORG-37", Code: "SPC_STATE", Object: "member", Message: "The member's state does not allow this step: cancel the specialist first, or wait for the vendor's decision."},
	"org_38_materials":         {Rule: "ORG-38", Code: "CBC.0100", Object: "materials", Message: "An application comes with its materials."},
	"org_39_bound":             {Rule: "ORG-39", Code: "SPC_NOT_BOUND", Object: "member", Message: "Link the member first."},
	"org_39_location":          {Rule: "ORG-39", Code: "SPC_LOCATION", Object: "member", Message: "Fill in the member's base location first, with 1 to 64 characters."},
	"org_39_one_running":       {Rule: "ORG-39", Code: "SPC_STATE", Object: "member", Message: "The member's state does not allow this step: another application for the same path was faster."},
	"org_40_path":              {Rule: "ORG-40", Code: "SPC_PATH", Object: "path", Message: "Specialists exist for the service, integration and learning paths only."},
	"org_42_reason_file":       {Rule: "ORG-42", Code: "SPC_REASON_FILE", Object: "case", Message: "A reason and a file are required."},
	"org_45_version":           {Rule: "ORG-45", Code: "ENG_STATE", Object: "record", Message: "The record was changed or removed meanwhile; look at it and try again."},
	"com_20_qualification_key": {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another change; use a key of its own."},
}
