package activities

import "countersign/domain/refusal"

// staffRules maps the constraints of dedicated staff and payment applications to their refusals, as rules does.
var staffRules = map[string]refusal.Refusal{
	"fhm_01_agreement":           {Rule: "FHM-01", Code: "FHM_QUALIFICATION", Object: "qualification", Message: "A qualification is approved with the signed agreement."},
	"fhm_02_one_request":         {Rule: "FHM-02", Code: "FHM_ONE_PER_MONTH", Object: "month", Message: "The month has a request already: another one was faster. There is one request a month."},
	"fhm_07_project":             {Rule: "FHM-07", Code: "FHM_PROJECT_USED", Object: "project", Message: "The project was taken for another person meanwhile; name another project."},
	"fhm_08_lapsed":              {Rule: "FHM-08", Code: "ENG_STATE", Object: "month", Message: "The month's list was not confirmed in time and has lapsed."},
	"qpy_09_one_request":         {Rule: "QPY-09", Code: "QPY_DUPLICATE", Object: "quarter", Message: "The quarter is requested already: another application was faster. A quarter is paid once."},
	"eng_02_staff_qualification": {Rule: "ENG-02", Code: "ENG_SELF_APPROVAL", Object: "qualification", Message: "You applied for it yourself; ask a colleague to approve it."},
}
