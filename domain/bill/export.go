package bill

import (
	"fmt"

	"countersign/domain"
	"countersign/domain/money"
	"countersign/domain/person"
)

// ExportKind is the background export's name in workflow IDs, keys and refusals.
const ExportKind = "export"

// ExportFormat is how an exported file is written; it is the ending of its name, too.
type ExportFormat string

// The formats.
const (
	Workbook ExportFormat = "xlsx"
	CSV      ExportFormat = "csv"
)

// The states of an export; one that is done or failed stays so.
const (
	Running = domain.State("RUNNING")
	Done    = domain.State("DONE")
	Failed  = domain.State("FAILED")
)

// ExportLimit is the largest file that is kept, in octets. The table "exports" repeats it.
const ExportLimit = 256 << 20

// LineFilter is by what the detail is searched (INC-11). Names are found by a part of them, in whatever case; the rest exactly.
type LineFilter struct {
	Partner         string       `json:"partner,omitempty"`
	Year            int          `json:"year,omitempty"`
	Period          string       `json:"period,omitempty"` // of the bill: 2024-05, 2024-Q2, 2024
	Plan            string       `json:"plan,omitempty"`
	Order           string       `json:"order,omitempty"`
	CustomerName    string       `json:"customer_name,omitempty"`
	CustomerAccount string       `json:"customer_account,omitempty"`
	AccountManager  string       `json:"account_manager,omitempty"`
	Product         string       `json:"product,omitempty"`
	Association     Association  `json:"association,omitempty"`
	BillingMode     string       `json:"billing_mode,omitempty"`
	Status          domain.State `json:"status,omitempty"`
	Bill            string       `json:"bill,omitempty"`
	DataID          int64        `json:"data_id,omitempty"`
	Tier2           string       `json:"tier2,omitempty"`
}

// LineTotal is what lines come to.
type LineTotal struct {
	Lines  int64        `db:"lines"  json:"lines"`
	Amount money.Amount `db:"amount" json:"amount"`
}

// MayExport tells whether a person may have the lines of a partner exported; an empty partner is all of them. The vendor's
// people may; of a partner's those who speak about its bills, and their own partner's only (INC-11, COM-16).
func MayExport(p person.Person, partner string) bool {
	return p.OfVendor() && p.Active || MayAct(p, partner)
}

// MayFetch tells whether a person may have an export: whoever asked for it and still may ask, or vendor operations.
func MayFetch(p person.Person, askedBy, partner string) bool {
	return p.ID == askedBy && MayExport(p, partner) || p.OfVendor() && p.Holds(person.VendorOperations)
}

// ExportNotice tells whoever asked for an export what became of it; a problem says that it failed, and what to do.
func ExportNotice(id int64, format ExportFormat, total LineTotal, problem string) (subject, body string) {
	if problem != "" {
		subject = fmt.Sprintf("导出 %d 失败 / Export %d failed", id, id)
		return subject, fmt.Sprintf("%s\n\n说明 note: %s\n", subject, problem)
	}
	subject = fmt.Sprintf("导出 %d 已完成 / Export %d is done", id, id)
	return subject, fmt.Sprintf("%s\n\n明细 lines: %d\n金额 amount: %s %s\n格式 format: %s\n\n请下载文件。 Fetch the file: starter incentive export %d --out FILE\n",
		subject, total.Lines, total.Amount, money.CNY, format, id)
}
