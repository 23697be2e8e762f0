package page

import (
	"fmt"
	"strings"
)

// tones are the colours of states, as classes; the word says it, too. A state that is not here is under way.
var tones = map[string]string{
	"PAID": "done", "COMPLETED": "done", "CERTIFIED": "done", "RELEASED": "done", "PASSED": "done", "PROJECT_DONE": "done", "BOUND": "done",
	"SPECIALIST": "done", "ISSUED": "done", "PAYMENT_APPROVED": "done", "APPROVED": "done",

	"AWAITING_CHANGES": "waits", "WAITING_INVOICE": "waits", "WAITING_PAYMENT": "waits", "TO_CONFIRM": "waits", "EXPIRING": "waits", "INVITED": "waits",

	"REFUSED": "failed", "FAILED": "failed",

	"CANCELLED": "over", "CANCELLED_BY_VENDOR": "over", "CANCEL_APPROVED": "over", "DELETED": "over", "EXPIRED": "over", "LAPSED": "over", "UNBOUND": "over", "WITHDRAWN": "over",
}

// tone is how a state looks: it went well, waits for somebody outside, went wrong, is over, or is under way.
func tone(state any) string {
	name := fmt.Sprint(state)
	if strings.HasSuffix(name, "REJECTED") {
		return "failed"
	}
	if t, ok := tones[name]; ok {
		return t
	}
	return "under-way"
}
