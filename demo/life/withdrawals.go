package life

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/document"
	"countersign/domain/withdrawal"
	"countersign/workflows"
)

// money is what partners paid in: the first of them month by month, from several sources.
func (w *World) money() {
	n := 0
	loads := func(at time.Time, text string) {
		w.on(at, func(ctx context.Context, at time.Time) error { return w.load(ctx, text, at) })
	}
	lot := func(partner, source, payer, amount string, days int) {
		n++
		loads(w.ago(days, 12), fmt.Sprintf("lots: [{key: lot-%d, partner: %s, source: %s, payer: %q, payer_account: acct-%s, arrived_at: %s, amount: %q}]\n",
			n, partner, source, payer, partner, w.ago(days, 11).UTC().Format(time.RFC3339), amount))
	}
	for month, amount := range []string{"86000.00", "54500.00", "112300.00", "63750.00", "78900.00", "41200.00"} {
		lot("P1001", "EBANK_CORPORATE", administrators["P1001"][1], amount, 185-30*month)
	}
	lot("P1001", "ALIPAY", administrators["P1001"][1], "3600.00", 62)
	lot("P1001", "REMIT_GENERAL", administrators["P1001"][1], "12800.00", 48)
	for i, partner := range slices.Sorted(maps.Keys(administrators))[1:] {
		lot(partner, "EBANK_CORPORATE", administrators[partner][1], "480000.00", 120-i)
	}
	loads(w.ago(40, 15), "memos: [{key: owed-1, kind: owed, owner: P1001, amount: \"2400.00\"}]\n")
}

// administrator of each partner that withdraws, with the account that the money goes to.
var administrators = map[string][2]string{
	"P1001": {"mei", "极光云科技有限公司"}, "P1002": {"bao", "竹简数据技术有限公司"}, "P1003": {"cai", "卷云网络股份有限公司"}, "P1004": {"deng", "德尔塔系统集成有限公司"},
	"P1005": {"fang", "常青软件有限公司"}, "P1006": {"fu", "伏羲科技有限公司"}, "P1008": {"hai", "海港信息有限公司"}, "P1009": {"lan", "靛蓝云计算有限公司"},
}

// withdrawals of ten weeks: days ago, partner, amount, how many hours its reviewer took, and where it has come to.
var applied = []struct {
	days, took      int
	partner, amount string
	stands          withdrawal.State
}{
	{72, 5, "P1002", "18000.00", withdrawal.Paid},
	{70, 20, "P1003", "64000.00", withdrawal.Paid},
	{66, 30, "P1001", "36500.00", withdrawal.Paid},
	{63, 9, "P1005", "9800.00", withdrawal.Paid},
	{61, 44, "P1004", "120000.00", withdrawal.Paid},
	{58, 6, "P1008", "15600.00", withdrawal.Refused},
	{55, 26, "P1002", "42000.00", withdrawal.Paid},
	{52, 12, "P1009", "7300.00", withdrawal.Paid},
	{49, 50, "P1001", "58200.00", withdrawal.Paid},
	{47, 28, "P1003", "31000.00", withdrawal.Paid},
	{44, 7, "P1005", "12400.00", withdrawal.Paid},
	{41, 33, "P1006", "88000.00", withdrawal.Paid},
	{38, 8, "P1001", "19950.00", withdrawal.Refused},
	{35, 21, "P1004", "54000.00", withdrawal.Paid},
	{33, 10, "P1008", "22700.00", withdrawal.Paid},
	{30, 4, "P1002", "6400.00", withdrawal.Paid},
	{28, 25, "P1009", "47500.00", withdrawal.Paid},
	{26, 16, "P1001", "73000.00", withdrawal.Paid},
	{24, 6, "P1005", "8900.00", withdrawal.Cancelled},
	{21, 29, "P1003", "95000.00", withdrawal.Paying},
	{18, 11, "P1006", "27000.00", withdrawal.Paying},
	{16, 5, "P1002", "13300.00", withdrawal.Awaiting},
	{14, 23, "P1004", "68000.00", withdrawal.Approved},
	{12, 7, "P1008", "17250.00", withdrawal.Paying},
	{9, 0, "P1009", "33600.00", withdrawal.UnderReview},
	{8, 9, "P1001", "4850.00", withdrawal.Approved},
	{7, 5, "P1004", "15800.00", withdrawal.Paid},
	{6, 0, "P1005", "102000.00", withdrawal.UnderReview},
	{5, 9, "P1006", "36800.00", withdrawal.Paid},
	{5, 0, "P1003", "26400.00", withdrawal.UnderReview},
	{4, 6, "P1001", "11700.00", withdrawal.Awaiting},
	{3, 0, "P1006", "9100.00", withdrawal.UnderReview},
	{2, 0, "P1002", "57800.00", withdrawal.UnderReview},
	{2, 0, "P1004", "3400.00", withdrawal.UnderReview},
	{2, 7, "P1006", "46200.00", withdrawal.UnderReview},
	{2, 8, "P1003", "61500.00", withdrawal.UnderReview},
	{1, 0, "P1008", "21900.00", withdrawal.UnderReview},
	{1, 0, "P1001", "28600.00", withdrawal.UnderReview},
}

func (w *World) withdrawals() {
	for i, a := range applied {
		w.on(w.ago(a.days, 9+i%7), func(ctx context.Context, at time.Time) error {
			_, err := w.withdraws(ctx, fmt.Sprintf("w%d", i), a.partner, a.amount, at, time.Duration(a.took)*time.Hour, a.stands)
			return err
		})
	}
	w.on(w.ago(11, 10), w.discussed)
	w.on(w.ago(20, 9), func(ctx context.Context, at time.Time) error {
		for _, v := range []activities.SaveViewInput{{Name: "Large amounts", Query: "from=50000"}, {Name: "Aurora Cloud", Query: "partner=P1001"}} {
			v.Person, v.At = "lina", at
			if err := (&activities.SavedViews{DB: w.db}).SaveView(ctx, v); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *World) acts() *activities.Withdrawals {
	return &activities.Withdrawals{DB: w.db, Channel: activities.ByHand{}}
}

func (w *World) application(ctx context.Context, key, partner, amount string, at time.Time) (withdrawal.Application, error) {
	by := administrators[partner]
	code, err := Code(ctx, w.db, by[0], partner, at)
	return withdrawal.Application{
		RequestKey: key, PartnerID: partner, Submitter: by[0], Route: withdrawal.BankCard, Amount: amount, Code: code,
		Payee: withdrawal.Payee{Holder: by[1], AccountNo: "6222020200" + partner[1:] + "55", Bank: "ICBC", Branch: "Shenzhen Nanshan"},
	}, err
}

// withdraws opens a case, and plans what brings it to where it stands.
func (w *World) withdraws(ctx context.Context, key, partner, amount string, at time.Time, took time.Duration, stands withdrawal.State) (string, error) {
	app, err := w.application(ctx, key, partner, amount, at)
	if err != nil {
		return "", err
	}
	opened, err := w.acts().OpenWithdrawal(ctx, activities.OpenWithdrawalInput{WorkflowID: workflows.WithdrawalID(app), RunID: "run-" + key, At: at, Application: app})
	if err != nil {
		return "", err
	}
	number := opened.Case
	reviewer := []string{"lina", "zhao"}[int(number[len(number)-1])%2]
	review := func(outcome approval.Outcome, reason string) {
		w.says(at.Add(took), number, "review", reviewer, approval.Decision{Outcome: outcome, Reason: reason})
	}
	switch stands {
	case withdrawal.UnderReview:
		if took > 0 { // it waits for its signature
			review(approval.Approve, "")
		}
	case withdrawal.Refused:
		review(approval.Reject, "The account is not the partner's own.")
	case withdrawal.Awaiting:
		review(approval.Return, "The branch does not belong to this account; please correct it.")
		if partner == "P1001" {
			w.Returned = number
		}
	case withdrawal.Cancelled:
		w.on(at.Add(took), func(ctx context.Context, at time.Time) error {
			_, err := w.acts().CancelWithdrawal(ctx, activities.CancelWithdrawalInput{Case: number, Person: administrators[partner][0], Reason: "The money is needed here.", Key: key + "-cancel", At: at})
			return err
		})
	case withdrawal.Approved, withdrawal.Paying, withdrawal.Paid, withdrawal.Failed:
		review(approval.Approve, "")
		w.says(at.Add(took+3*time.Hour), number, "sign", "chen", approval.Decision{Outcome: approval.Approve, Reason: "Checked against the invoices."})
		w.says(at.Add(took+22*time.Hour), number, "ecosystem", "wang", approval.Decision{Outcome: approval.Approve})
		if stands != withdrawal.Approved {
			w.says(at.Add(took+26*time.Hour), number, "send", reviewer, approval.Decision{Outcome: withdrawal.Sent})
		}
		if stands == withdrawal.Paid {
			w.says(at.Add(took+50*time.Hour), number, "confirm", reviewer, approval.Decision{Outcome: withdrawal.Arrived, Amount: amount, Reference: "ICBC-" + number})
		}
	}
	return number, nil
}

// discussed is a case with everything that its page may show: a round that was returned, another, a comment, documents.
func (w *World) discussed(ctx context.Context, at time.Time) error {
	number, err := w.withdraws(ctx, "talk", "P1001", "96000.00", at, 0, withdrawal.UnderReview)
	if err != nil {
		return err
	}
	w.Talk = number
	w.says(at.Add(5*time.Hour), number, "review", "lina", approval.Decision{Outcome: approval.Return, Reason: "Only 85,000.00 are covered by invoices. Please lower the amount or enclose the missing ones."})
	w.on(at.Add(28*time.Hour), func(ctx context.Context, at time.Time) error {
		app, err := w.application(ctx, "talk-2", "P1001", "85000.00", at)
		if err != nil {
			return err
		}
		if _, err := w.acts().ResubmitWithdrawal(ctx, activities.ResubmitWithdrawalInput{Case: number, Application: app, RunID: "run-talk", At: at}); err != nil {
			return err
		}
		invoice, err := paper("Invoice 24442000000087654321", "Aurora Cloud to Cloud Computing Ltd", "Services 80,188.68", "Tax 6 % 4,811.32", "Total 85,000.00 CNY")
		if err != nil {
			return err
		}
		if err := w.encloses(ctx, number, document.Invoice, "invoice-24442000000087654321.pdf", invoice, at); err != nil {
			return err
		}
		note, err := scan()
		if err != nil {
			return err
		}
		return w.encloses(ctx, number, document.Proof, "delivery-note.png", note, at.Add(time.Minute))
	})
	w.says(at.Add(29*time.Hour), number, "review@2", "mei", approval.Decision{Outcome: approval.Comment, Reason: "The invoice and the delivery note are enclosed."})
	w.says(at.Add(51*time.Hour), number, "review@2", "zhao", approval.Decision{Outcome: approval.Approve, Reason: "The invoice fits."})
	w.says(at.Add(55*time.Hour), number, "sign@2", "lina", approval.Decision{Outcome: approval.Comment, Reason: "Payment would still make this week's run."})
	return nil
}
