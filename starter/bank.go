package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/payment"
	"countersign/internal/iso20022"
	"countersign/views"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) bankCommand() *cobra.Command {
	g := group("bank", "Payments leave in a file for the bank and come back in its answers", h.bankExportCommand(), h.bankImportCommand(), h.bankListCommand())
	g.Long = `Payments leave in a file for the bank (ISO 20022, pain.001.001.10) and come back in its answers: status reports
(pain.002.001.11) and statements (camt.053.001.08).

What a file does is a decision of the person who exports or imports it: a payment leaves by the answer "send" to its
case's task, a line of a statement confirms or returns one payment by its end-to-end ID. An amount that differs settles
nothing. The vendor's accounts are under paying_accounts of the programme file.`
	return g
}

func (h *house) bank(ctx context.Context) (*activities.Bank, error) {
	db, err := h.database(ctx)
	return &activities.Bank{DB: db}, err
}

func (h *house) bankExportCommand() *cobra.Command {
	in := activities.OpenOrderInput{}
	var out string
	c := &cobra.Command{
		Use: "export --as PERSON --out FILE", Short: "Release what waits to be sent into one file for the bank", Args: exactly(),
		Long: `Release what waits to be sent, and you may send, into one file for the bank. The last checks run for each payment; what
fails them stays out. Repeat a command that was cut short with the same --key: it goes on, and answers the same file.`,
		Example: `  starter bank export --as lina --out monday.xml`,
		RunE: func(c *cobra.Command, _ []string) error {
			in.At = time.Now()
			return h.bankExport(c.Context(), in, out)
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who releases the payments")
	f.StringVar(&out, "out", "", "the file")
	f.StringVar(&in.Key, "key", "", "key of the export (default: a new one)")
	return needs(c, "as", "out")
}

func (h *house) bankExport(ctx context.Context, in activities.OpenOrderInput, out string) error {
	if _, err := os.Stat(out); err == nil && in.Key == "" {
		return usageError{fmt.Errorf("the file %s is there already; name another, or repeat its export with --key", out)}
	}
	in.Key = cmp.Or(in.Key, uuid.NewString())
	b, err := h.bank(ctx)
	if err != nil {
		return err
	}
	order, err := b.OpenOrder(ctx, in)
	if err != nil {
		return err
	}
	var steps []bankStep
	if order.File == "" {
		for _, p := range order.Payments {
			steps = append(steps, bankStep{name: p.ID, number: p.Case, decision: p.Send(order.MessageID, in.Person)})
		}
		if err := h.carryOut(ctx, steps); err != nil {
			return err
		}
		written, err := b.WriteOrder(ctx, activities.WriteOrderInput{MessageID: order.MessageID, At: time.Now()})
		if err != nil && activities.RefusalOf(err) == nil {
			return fmt.Errorf("%w; go on with: --key %s", err, in.Key)
		}
		order.File, order.Payments = written.File, written.Payments
	}
	if order.File != "" {
		if err := writeWhole(out, order.File); err != nil {
			return fmt.Errorf("%w; write it again with: --key %s", err, in.Key)
		}
	}
	return h.exported(order, steps, in.Key, out)
}

// writeWhole puts a file into its place in one piece; only its owner reads it: it names accounts.
func writeWhole(name, text string) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".bank-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func (h *house) exported(order activities.BankOrder, steps []bankStep, key, out string) error {
	var sum money.Amount
	inFile := map[string]bool{}
	for _, p := range order.Payments {
		sum = sum.Add(p.Amount)
		inFile[p.ID] = true
	}
	code := 0
	outside := []map[string]string{}
	for _, s := range steps {
		switch {
		case s.err != nil:
			outside = append(outside, map[string]string{"end_to_end_id": s.name, "case": s.number, "why": sentence(s.err)})
			code = max(code, s.code())
		case !inFile[s.name]: // its last checks failed, or somebody else has to sign, too
			outside = append(outside, map[string]string{"end_to_end_id": s.name, "case": s.number, "why": fmt.Sprintf("%s is %s; look with: starter case show %s", s.number, s.now.State, s.number)})
		}
	}
	for _, l := range order.Left {
		outside = append(outside, map[string]string{"case": l.Case, "why": l.Why})
	}
	if len(outside) > 0 || order.File == "" {
		code = max(code, 1)
	}
	err := h.show(map[string]any{"order": order.MessageID, "file": out, "written": order.File != "", "payments": order.Payments, "sum": sum, "left_out": outside, "key": key}, func() {
		t := newTable("END-TO-END ID", "CASE", "AMOUNT>", "PAYEE", "RESULT")
		if order.File != "" {
			for _, p := range order.Payments {
				t.add(p.ID, p.Case, p.Amount, p.Payee, "in the file")
			}
		}
		for _, o := range outside {
			t.add(none(o["end_to_end_id"]), o["case"], "", "", "left out: "+o["why"])
		}
		t.print(h.out)
		if order.File == "" {
			h.say("\nNothing is written. Go on with: --key %s", key)
			return
		}
		h.say("\nOrder %s over %s CNY is in %s. Give it to the bank once. The same file again: --key %s", order.MessageID, sum, out, key)
	})
	if err == nil && code > 0 {
		return stopped(code)
	}
	return err
}

// bankStep is one decision that a file asks for, and what became of it.
type bankStep struct {
	name     string
	number   string // of the case
	decision approval.Decision
	do       func(context.Context) error // instead of a decision
	now      activities.Standing         // after the decision
	err      error
}

// code is the exit code of a step that failed.
func (s bankStep) code() int {
	if activities.RefusalOf(s.err) != nil {
		return 1
	}
	return 2
}

var errNotTried = errors.New("not tried: the answers before it did not come")

// carryOut runs steps, some at once; those of one case one after the other. Once an answer does not come in time, what is
// left is not tried.
func (h *house) carryOut(ctx context.Context, steps []bankStep) error {
	tasks := make([]string, 0, len(steps))
	cases := map[string][]*bankStep{}
	var order []string
	for i := range steps {
		s := &steps[i]
		if cases[s.number] == nil {
			order = append(order, s.number)
		}
		cases[s.number] = append(cases[s.number], s)
		tasks = append(tasks, s.number+"/")
	}
	if err := h.connect(ctx, tasks); err != nil {
		return err
	}
	var late sync.Once
	silent := make(chan struct{})
	queue := make(chan string)
	var workers sync.WaitGroup
	for range min(desk.AtOnce, len(order)) {
		workers.Go(func() {
			for number := range queue {
				for _, s := range cases[number] {
					if s.err = h.step(ctx, s, silent); errors.Is(s.err, desk.ErrLate) {
						late.Do(func() { close(silent) })
					}
				}
			}
		})
	}
	for _, number := range order {
		queue <- number
	}
	close(queue)
	workers.Wait()
	return nil
}

func (h *house) step(ctx context.Context, s *bankStep, silent <-chan struct{}) error {
	select {
	case <-silent:
		return errNotTried
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	if s.do != nil {
		return s.do(ctx)
	}
	var err error
	s.now, _, err = h.decide(ctx, s.decision)
	return err
}

func (h *house) bankImportCommand() *cobra.Command {
	var person string
	c := &cobra.Command{
		Use: "import FILE --as PERSON", Short: "Read a status report or a statement, and settle what it settles", Args: exactly("FILE"),
		Long: `Read a bank's status report (pain.002) or statement (camt.053), and settle what it settles. The same file again changes
nothing, but carries out what an import that was cut short has left.

Exit code 0: all that is ours is settled. 1: a line differs or is not expected, or the rules refuse it. 2: some failed
otherwise, or were not tried.`,
		Example: `  starter bank import statement-20251112.xml --as wang`,
		RunE: func(c *cobra.Command, args []string) error {
			file, err := readFile(args[0])
			if err != nil {
				return err
			}
			return h.bankImport(c.Context(), activities.RecordAnswerInput{Name: filepath.Base(args[0]), File: file, Person: person, At: time.Now()})
		},
	}
	c.Flags().StringVar(&person, "as", "", "who imports it, and answers for what it settles")
	return needs(c, "as")
}

// readFile reads no more than a bank's file may have.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, iso20022.MaxFile+1))
}

func (h *house) bankImport(ctx context.Context, in activities.RecordAnswerInput) error {
	b, err := h.bank(ctx)
	if err != nil {
		return err
	}
	w, err := h.withdrawals(ctx)
	if err != nil {
		return err
	}
	answer, err := b.RecordAnswer(ctx, in)
	if err != nil {
		return err
	}
	known := answer.Known
	var steps []bankStep
	at := map[int]int{} // line -> step
	for _, l := range answer.Lines {
		if !l.Waits() {
			continue
		}
		s := bankStep{name: l.ID, number: l.Case}
		switch {
		case l.Result == payment.ReturnsLate:
			s.do = func(ctx context.Context) error {
				_, err := w.ReportLateReturn(ctx, l.LateReturn(in.Person, in.At))
				return err
			}
		case l.Task == "":
			s.do = func(context.Context) error {
				return fmt.Errorf("no task of %s asks for the bank's answer; look with: starter case show %s", l.Case, l.Case)
			}
		default:
			s.decision = l.Decision(in.Person)
		}
		at[l.Line] = len(steps)
		steps = append(steps, s)
	}
	if len(steps) > 0 {
		if err := h.carryOut(ctx, steps); err != nil {
			return err
		}
		if answer, err = b.RecordAnswer(ctx, in); err != nil { // as it stands now
			return err
		}
	}
	return h.imported(answer, known, func(line int) *bankStep {
		if i, ok := at[line]; ok {
			return &steps[i]
		}
		return nil
	})
}

func (h *house) imported(answer activities.BankAnswer, known bool, stepOf func(line int) *bankStep) error {
	type told struct {
		activities.AnswerLine
		Amount   string `json:"amount,omitempty"`
		Happened string `json:"happened"`
	}
	lines := make([]told, len(answer.Lines))
	code := 0
	for i, l := range answer.Lines {
		lines[i] = told{AnswerLine: l, Happened: happened(l)}
		if l.Amount != nil {
			lines[i].Amount = l.Amount.StringFixed(max(2, -l.Amount.Exponent()))
		}
		if l.Result.NeedsPeople() || !carriedOut(l) {
			code = max(code, 1)
		}
		if s := stepOf(l.Line); s != nil && s.err != nil && l.Waits() {
			lines[i].Happened = "not settled: " + sentence(s.err)
			code = max(code, s.code())
		}
	}
	err := h.show(map[string]any{"hash": answer.Hash, "schema": answer.Schema, "message": answer.MessageID, "known": known, "lines": lines}, func() {
		t := newTable("LINE>", "END-TO-END ID", "CASE", "AMOUNT>", "WHAT HAPPENED")
		for _, l := range lines {
			t.add(l.Row, none(l.ID), none(l.Case), l.Amount, l.Happened)
		}
		t.printOr(h.out, "The file has no lines.")
		if known {
			h.say("\nThe file %s was imported before; nothing was recorded anew.", answer.MessageID)
		}
	})
	if err == nil && code > 0 {
		return stopped(code)
	}
	return err
}

// carriedOut tells whether what a line says has become of its payment: people may have answered otherwise, or have to sign, too.
func carriedOut(l activities.AnswerLine) bool {
	switch l.Result {
	case payment.Settles:
		return l.State == payment.Confirmed
	case payment.Returns:
		return l.State == payment.Returned || l.State == payment.Rejected
	case payment.ReturnsLate:
		return l.Late != ""
	case payment.Unknown:
		return l.Order == "" // a statement has lines of others, too; a status report is about what we sent
	case payment.Accepts, payment.Notes, payment.Differs, payment.Unexpected, payment.Known:
	}
	return true
}

// happened says what a line came to.
func happened(l activities.AnswerLine) string {
	with := func(words, why string) string {
		if why == "" {
			return words
		}
		return words + ": " + why
	}
	switch l.Result {
	case payment.Settles:
		if carriedOut(l) {
			return "paid"
		}
		return "the payment is " + string(l.State)
	case payment.Returns:
		if !carriedOut(l) {
			return "the payment is " + string(l.State)
		}
		return with(strings.ToLower(string(l.State))+" by the bank", l.Reason)
	case payment.ReturnsLate:
		return "came back after it was paid; task " + none(l.Late) + " asks about it"
	case payment.Accepts:
		return "accepted by the bank"
	case payment.Notes:
		return with("noted", l.Reason)
	case payment.Differs, payment.Unexpected:
		return with(string(l.Result), l.Note+"; nothing is settled")
	case payment.Known:
		return with("known before", l.Note)
	case payment.Unknown:
	}
	return with("unknown", l.Note)
}

func (h *house) bankListCommand() *cobra.Command {
	var number string
	var all bool
	c := &cobra.Command{
		Use: "list [--case C] [--all]", Short: "List payments under way, files, and bank lines that somebody has to look at", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			return h.bankList(c.Context(), r, number, all)
		},
	}
	c.Flags().StringVar(&number, "case", "", "those of a case")
	c.Flags().BoolVar(&all, "all", false, "what has ended, too")
	return c
}

func (h *house) bankList(ctx context.Context, r views.Reader, number string, all bool) error {
	payments, err := r.BankPayments(ctx, number, all)
	if err != nil {
		return err
	}
	orders, err := r.BankOrders(ctx, all)
	if err != nil {
		return err
	}
	lines, err := r.BankLines(ctx, number, all)
	if err != nil {
		return err
	}
	return h.show(map[string]any{"payments": payments, "orders": orders, "lines": lines}, func() {
		t := newTable("END-TO-END ID", "CASE", "AMOUNT>", "PAYEE", "ENTITY", "STATE", "ORDER", "SINCE")
		for _, p := range payments {
			t.add(p.ID, p.Case, p.Amount, p.Payee, p.Entity, p.State, none(p.Order), shown(p.ChangedAt))
		}
		t.printOr(h.out, "No payments are under way.")
		if number == "" && len(orders) > 0 {
			h.say("")
			t = newTable("ORDER", "BY", "AT", "PAYMENTS>", "SUM>", "FILE")
			for _, o := range orders {
				file := "written"
				if !o.Written {
					file = "not written: starter bank export --as " + o.MadeBy + " --out FILE --key " + o.Key
				}
				t.add(o.ID, o.MadeBy, shown(o.MadeAt), o.Payments, o.Sum, file)
			}
			t.print(h.out)
		}
		if len(lines) > 0 {
			h.say("\nSomebody has to look at these lines of the bank:")
			t = newTable("FILE", "LINE>", "END-TO-END ID", "CASE", "PAYMENT", "WHY")
			for _, l := range lines {
				t.add(l.File, l.Row, l.ID, l.Case, l.State, string(l.Result)+": "+l.Note)
			}
			t.print(h.out)
		}
	})
}
