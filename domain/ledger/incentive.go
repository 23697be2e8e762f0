package ledger

// The accounts of disbursed incentive.
const (
	Promotion     Account = "V.PROMO" // what is granted as quota
	QuotaSource   Account = "Q.SRC"   // contra of quotas
	TaxAdjustment Account = "V.TAX"   // between the amount granted and the amount settled
)

// Quota is what remains of a quota, in coupon yuan.
func Quota(id string) Account { return Account("Q:" + id) }
