package ledger

// The accounts of lab credits, in points.
const (
	LabSource Account = "L.SRC" // contra of what is issued
	LabUsed   Account = "L.USED"
	LabLapsed Account = "L.LAPSED"
)

// LabCredit is what remains of one lab credit.
func LabCredit(number string) Account { return Account("L:" + number) }
