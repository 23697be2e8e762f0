package views

import (
	"context"
	"errors"
	"fmt"

	"countersign/domain/bill"
	"countersign/domain/organisation"
	"countersign/internal/sheet"
)

var lineColumns = []string{
	"data ID", "partner", "period", "plan", "bill", "status", "order", "customer", "customer name", "customer account", "account manager", "product",
	"association", "billing mode", "region", "tier-2 reseller", "counted amount", "rate %", "reason", "policy", "incentive",
}

// WriteLines writes every line that matches to a file, row by row, and answers what it holds (INC-11). The ending of the
// name says how; the file appears when it is whole. After each row it says how many are written; an error of that ends it.
// Names of customers, of their accounts and of resellers are masked, whatever a screen shows (COM-12).
func (r Reader) WriteLines(ctx context.Context, f LineFilter, file string, written func(lines int64) error) (total LineTotal, err error) {
	w, err := sheet.Create(file, lineColumns...)
	if err != nil {
		return total, err
	}
	defer func() { err = errors.Join(err, w.Abandon()) }()
	err = r.EachLine(ctx, f, func(l DetailLine) error {
		association := string(l.Association)
		if l.Association == bill.None {
			association = "--"
		}
		if err := w.Row(l.DataID, l.Partner, l.Period, l.Plan, l.Bill, l.Status, l.Order, l.Customer,
			organisation.Masked("name", l.CustomerName, nil), organisation.Masked("account", l.CustomerAccount, nil), l.AccountManager,
			l.Product, association, l.BillingMode, l.Region, organisation.Masked("name", l.Tier2, nil), sheet.Number(l.Counted), sheet.Number(l.Rate), l.Reason, l.PolicyVersion, sheet.Number(l.Amount.String())); err != nil {
			return err
		}
		total.Lines++
		total.Amount = total.Amount.Add(l.Amount)
		return written(total.Lines)
	})
	if err != nil {
		return total, err
	}
	if err := w.Close(); err != nil {
		return total, fmt.Errorf("write %s: %w", file, err)
	}
	return total, nil
}
