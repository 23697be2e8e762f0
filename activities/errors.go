package activities

import (
	"context"
	"errors"
	"slices"

	"countersign/domain"
	"countersign/domain/refusal"

	"github.com/lib/pq"
	"go.temporal.io/sdk/temporal"
)

// The types of an ApplicationError by which a caller tells the kinds of errors apart. What has no type is transient.
const (
	TypeRefused  = "refused"   // the rules say no; the refusal.List is its first detail
	TypeNotFound = "not-found" // the named record does not exist
	TypeDefect   = "defect"    // our own mistake: the caller is told at once, the main line retries until a mended build heals it
)

// rules maps each constraint that repeats a rule to its refusal. What is missing here is a defect when it is violated.
var rules = map[string]refusal.Refusal{
	"wdl_19_floor":           {Rule: "WDL-19", Code: "WDR_AMOUNT", Object: "account", Message: "The money is no longer there: another request was faster. Look at the balance and try again."},
	"wdl_19_lot":             {Rule: "WDL-19", Code: "WDR_AMOUNT", Object: "lot", Message: "The lot no longer holds that much: another request was faster. Look at the lots and try again."},
	"eng_02_four_eyes":       {Rule: "ENG-02", Code: "ENG_SELF_APPROVAL", Object: "task", Message: "You cannot decide on your own request; ask a colleague (PGM-07)."},
	"eng_02_one_seat":        {Rule: "ENG-02", Code: "ENG_SELF_APPROVAL", Object: "task", Message: "You have answered this step already; a colleague answers the other task."},
	"eng_03_answered":        {Rule: "ENG-03", Code: "ENG_STATE", Object: "task", Message: "The task was answered meanwhile; look at the case."},
	"eng_03_move":            {Rule: "ENG-03", Code: "ENG_STATE", Object: "case", Message: "The step is not possible in the case's present state; look at the case."},
	"com_02_amount":          {Rule: "COM-02", Code: "CBC.0100", Object: "amount", Message: "An amount is greater than 0 with at most two decimals."},
	"com_03_identifier":      {Rule: "COM-03", Code: "CBC.0100", Object: "identifier", Message: "An identifier has 1 to 64 characters."},
	"com_08_document":        {Rule: "COM-08", Code: "CBC.0100", Object: "document", Message: "There is no such kind of document; the command's help lists them."},
	"com_20_request_key":     {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another request; use a key of its own."},
	"com_20_decision_key":    {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another decision; use a key of its own."},
	"eng_03_payment_move":    {Rule: "ENG-03", Code: "ENG_STATE", Object: "payment", Message: "The payment has gone another way meanwhile; look at the case."},
	"eng_03_order_written":   {Rule: "ENG-03", Code: "ENG_STATE", Object: "order", Message: "The bank file is written and stays as it is; export anew."},
	"eng_01_one_payment":     {Rule: "ENG-01", Code: "ENG_STATE", Object: "payment", Message: "The case has a payment already; look at it first."},
	"eng_01_settled_once":    {Rule: "ENG-01", Code: "ENG_STATE", Object: "payment", Message: "Another line has settled the payment meanwhile; import the file again."},
	"eng_01_returned_once":   {Rule: "ENG-01", Code: "ENG_STATE", Object: "payment", Message: "Another line has returned the payment meanwhile; import the file again."},
	"com_20_export_key":      {Rule: "COM-20", Code: "COM_REQUEST_KEY", Object: "request key", Message: "The request key is taken by another export; use a key of its own."},
	"perf_01_one_partner":    {Rule: "PERF-01", Code: "ENG_STATE", Object: "customer", Message: "The customer belongs to another partner in a part of that time; end that binding first."},
	"perf_01_binding_used":   {Rule: "PERF-01", Code: "ENG_STATE", Object: "customer", Message: "Consumption was counted by this binding and stays counted; end it after the last use."},
	"perf_01_account_used":   {Rule: "PERF-01", Code: "ENG_STATE", Object: "account", Message: "Consumption of the customer to whom the account belongs was counted; the account stays that customer's."},
	"perf_01_binding_window": {Rule: "PERF-01", Code: "CBC.0100", Object: "customer", Message: "A binding ends after it begins."},
	"perf_03_rate_used":      {Rule: "PERF-03", Code: "ENG_STATE", Object: "rate", Message: "Consumption was counted by this rate; it stays."},
	"perf_11_tier_1":         {Rule: "PERF-11", Code: "CBC.0100", Object: "customer", Message: "The reseller and its tier-1 are two partners."},
}

// constraintRules are those of every process.
var constraintRules = []map[string]refusal.Refusal{
	rules,
	invoiceRules,
	disbursementRules,
	incentiveRules,
	billRules,
	staffRules,
	memberRules,
	specialistRules,
	labRules,
	organisationRules,
	tierRules,
	solutionRules,
	baselineRules,
	proposalRules,
}

// byConstraint turns the violation of a constraint that repeats a rule into that rule's refusal; other errors stay.
func byConstraint(err error) error {
	var violation *pq.Error
	if errors.As(err, &violation) {
		for _, known := range constraintRules {
			if r, ok := known[violation.Constraint]; ok {
				return refusal.List{r}
			}
		}
	}
	return err
}

// Final shapes an activity's error by its kind, see the types. It is the outermost wrap, in an activity or at the command
// line: an ordinary activity retries a wrapped refusal for ever, a local one loses its details.
func Final(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var list refusal.List
	var violation *pq.Error
	switch {
	case errors.As(err, &list):
		return temporal.NewApplicationErrorWithOptions(list.Error(), TypeRefused,
			temporal.ApplicationErrorOptions{NonRetryable: true, Category: temporal.ApplicationErrorCategoryBenign, Details: []any{list}})
	case errors.Is(err, domain.ErrNotFound):
		return temporal.NewApplicationErrorWithOptions(err.Error(), TypeNotFound,
			temporal.ApplicationErrorOptions{NonRetryable: true, Category: temporal.ApplicationErrorCategoryBenign})
	case errors.As(err, &violation) && isDefect(string(violation.Code)), errors.Is(err, errDefect):
		cause := CauseOf(err)
		cause.Type = TypeDefect
		return temporal.NewApplicationErrorWithOptions(err.Error(), TypeDefect, temporal.ApplicationErrorOptions{Details: []any{cause}})
	}
	return err
}

// isDefect tells a SQLSTATE of bad data, a violated constraint or wrong SQL from one that a retry may cure.
func isDefect(sqlstate string) bool {
	return slices.Contains([]string{"22", "23", "42", "P0"}, sqlstate[:min(2, len(sqlstate))])
}

// errDefect marks a mistake of ours that no SQLSTATE tells.
var errDefect = errors.New("defect")

// RefusalOf finds the refusal in an error, whether it came from here or through Temporal; nil when there is none.
func RefusalOf(err error) refusal.List {
	var list refusal.List
	if errors.As(err, &list) {
		return list
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) && app.Type() == TypeRefused && app.Details(&list) == nil {
		return list
	}
	return nil
}

// IsNotFound tells whether the named record does not exist, whether the error came from here or through Temporal.
func IsNotFound(err error) bool {
	var app *temporal.ApplicationError
	return errors.Is(err, domain.ErrNotFound) || errors.As(err, &app) && app.Type() == TypeNotFound
}
