package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/demo"
	"countersign/demo/life"
	"countersign/desk"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) demoCommand() *cobra.Command {
	var worker string
	c := &cobra.Command{
		Use: "demo --worker PATH", Short: "Play the story of withdrawals, incentives and long lives, with a worker of its own", Args: exactly(),
		Long: `Play a story. Withdrawals: one is refused at once, one is paid while the worker is killed under it, one is escalated,
approved and returned by the bank, one goes through a chain of signers. Incentives: a real billing export is taken in for
two partners, a month is calculated, one claims by bank transfer (its invoice is rejected once, the payment leaves as
pain.001 and comes back as camt.053), one takes voucher quota, and a quarter is applied for on its first allowed instant.
Long lives: a person and a member of a partner, a project specialist, a lab credit, a certified solution and a tier.
Anything that comes out otherwise than expected ends it with exit code 2.

It migrates the database, loads the demo programme and starts a worker; let no other worker serve the same Temporal
namespace meanwhile. It may run again: each time it plays with partners of its own.`,
		RunE: func(c *cobra.Command, _ []string) error { return h.demo(c.Context(), worker) },
	}
	c.Flags().StringVar(&worker, "worker", "", "the worker's binary")
	c.AddCommand(h.demoLifeCommand())
	return needs(c, "worker")
}

// The story's terms are plain durations, so that a deadline passes while one looks on: shortened by policy, never by a
// flag in the code.
const (
	usualTerm = "1h"
	shortTerm = "3s" // of arrival, for the third withdrawal
)

// story is one run of the demo.
type story struct {
	h       *house
	worker  *ownWorker
	views   views.Reader
	policy  withdrawal.Policy
	partner string
	alice   string // of the partner
	account withdrawal.Payee
	began   money.Amount // V.BANK when the story began
	steps   []step
}

// step is one thing that happened.
type step struct {
	What   string                          `json:"what"`
	Rules  []string                        `json:"rules,omitempty"`
	Ledger map[ledger.Account]money.Amount `json:"ledger"`
}

// demo plays the story and tells it step by step.
func (h *house) demo(ctx context.Context, workerPath string) (err error) {
	if _, err := os.Stat(workerPath); err != nil { // before anything is changed
		return fmt.Errorf("--worker: there is no worker at %s; build it first", workerPath)
	}
	began := time.Now()
	s := &story{h: h, worker: &ownWorker{path: workerPath, environ: h.environ}}
	defer s.worker.kill()
	restore, err := s.prepare(ctx)
	if restore != nil {
		defer func() { err = errors.Join(err, restore()) }()
	}
	if err != nil {
		return err
	}
	if err := s.worker.start(); err != nil {
		return err
	}
	for _, chapter := range []func(context.Context) error{s.opening, s.refusedAtOnce, s.paid, s.returned, s.chained, s.verified, s.earned, s.certified, s.inOrder} {
		if err := chapter(ctx); err != nil {
			if told := s.worker.told(); told != "" {
				err = fmt.Errorf("%w; the worker says: %s", err, told)
			}
			return err
		}
	}
	s.worker.kill()
	if err := os.Remove(s.worker.log); err != nil { // kept only when it has something to explain
		return err
	}
	return h.show(map[string]any{"partner": s.partner, "steps": s.steps, "seconds": time.Since(began).Seconds()}, func() {
		h.say("\nThe story ends after %.0f seconds, as expected at every step.", time.Since(began).Seconds())
	})
}

// prepare lays everything in; the answer brings back the policy that was in force.
func (s *story) prepare(ctx context.Context) (restore func() error, err error) {
	quiet := &house{environ: s.h.environ, out: discard{}, err: s.h.err}
	defer quiet.close()
	if err := quiet.migrate(ctx, false); err != nil {
		return nil, err
	}
	db, err := s.h.database(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.h.cluster(ctx); err != nil {
		return nil, err
	}
	s.views = views.Reader{DB: db}
	file, err := activities.ParseProgramme(demo.Programme)
	if err != nil {
		return nil, err
	}
	before := *file.Policy
	switch p, err := s.views.Policy(ctx, withdrawal.Kind, 0); {
	case err == nil:
		if err := json.Unmarshal(p.Body, &before); err != nil {
			return nil, err
		}
	case !activities.IsNotFound(err):
		return nil, err
	}
	restore = func() error { return s.setPolicy(context.WithoutCancel(ctx), before) }

	s.policy = *file.Policy
	term := calendar.MustTerm(usualTerm)
	s.policy.ReviewTerm, s.policy.ArrivalTerm, s.policy.WalletTerm = term, term, term
	programme := &activities.Programme{DB: db}
	if _, err := programme.Load(ctx, file, "demo", time.Now()); err != nil {
		return nil, err
	}
	cast, err := s.cast(ctx, file)
	if err != nil {
		return nil, err
	}
	if _, err := programme.Load(ctx, cast, "demo", time.Now()); err != nil {
		return nil, err
	}
	if s.began, err = s.views.Balance(ctx, ledger.Bank); err != nil {
		return nil, err
	}
	return restore, s.setPolicy(ctx, s.policy)
}

func (s *story) setPolicy(ctx context.Context, p withdrawal.Policy) error {
	_, err := (&activities.Programme{DB: s.views.DB}).SetPolicy(ctx, withdrawal.Kind, p, "wang", time.Now())
	return err
}

// The programme's partner whose story is played; a repeat plays it with copies of it: P1001-2, P1001-3 and so on.
const (
	lead        = "P1001"
	leadsPerson = "alice"
)

// cast finds who plays: the lead, or once it has acted a copy with people and lots, under the next number that nobody
// bears. The answer is what has to be loaded for it.
func (s *story) cast(ctx context.Context, file activities.ProgrammeFile) (activities.ProgrammeFile, error) {
	var copied activities.ProgrammeFile
	acted, err := s.views.Cases(ctx, views.CaseFilter{Partner: lead})
	if err != nil {
		return copied, err
	}
	if len(acted) == 0 {
		s.partner, s.alice = lead, leadsPerson
	}
	for n := 2; s.partner == ""; n++ {
		number := fmt.Sprintf("%s-%d", lead, n)
		if _, err := s.views.Balances(ctx, number); activities.IsNotFound(err) {
			s.partner, s.alice = number, fmt.Sprintf("%s-%d", leadsPerson, n)
		} else if err != nil {
			return copied, err
		}
	}
	for _, p := range file.Partners {
		if p.ID == lead {
			p.ID = s.partner
			copied.Partners = append(copied.Partners, p)
			s.account = withdrawal.Payee{Holder: p.VerifiedName, AccountNo: "6222020200112233", Bank: "ICBC", Branch: "Beijing West"}
		}
	}
	for _, p := range file.People {
		if p.ID == leadsPerson {
			p.ID, p.Partner = s.alice, s.partner
			copied.People = append(copied.People, p)
		}
	}
	for _, l := range file.Lots {
		if l.Partner == lead {
			l.Key, l.Partner = strings.Replace(l.Key, lead, s.partner, 1), s.partner
			copied.Lots = append(copied.Lots, l)
		}
	}
	return copied, nil
}

// people of the vendor in demo/programme.yaml
const (
	wang = "wang" // ecosystem manager, may submit for a partner; vendor finance as well
	li   = "li"   // vendor finance
	zhao = "zhao" // finance manager
)

func (s *story) opening(ctx context.Context) error {
	a, err := s.views.Available(ctx, s.partner, time.Now())
	if err != nil {
		return err
	}
	var lots []string
	for _, l := range a.Lots {
		lots = append(lots, fmt.Sprintf("%s %s from %s, leaves by %s", l.No, l.Remaining, l.Source, l.Pool))
	}
	return s.tell(ctx, ledgerIs{"16000.00", "0.00", "0.00"}, []string{"WDL-09", "WDL-10", "WDL-23"},
		"Partner %s has money from three channels: %s.", s.partner, strings.Join(lots, "; "))
}

// refusedAtOnce is the first withdrawal: too much, and to somebody else.
func (s *story) refusedAtOnce(ctx context.Context) error {
	app := s.application(withdrawal.BankCard, "9000.00")
	app.Payee.Holder = "Alpha Cloud Limited"
	_, err := s.apply(ctx, app)
	return s.refused(ctx, err, ledgerIs{"16000.00", "0.00", "0.00"}, []string{"WDR_NAME", "WDR_AMOUNT"},
		"%s asks for 9000.00 of the 8000.00 that can leave by bank card, to %q. Refused at once, for both reasons, and nothing is held:", s.alice, app.Payee.Holder)
}

// paid is the second: reviewed, sent while the worker dies, confirmed.
func (s *story) paid(ctx context.Context) error {
	c, err := s.apply(ctx, s.application(withdrawal.Incentive, "5000.00"))
	if err != nil {
		return err
	}
	if err := s.tell(ctx, ledgerIs{"11000.00", "5000.00", "0.00"}, []string{"WDR-02", "WDL-19"},
		"%s asks for the 5000.00 of incentives, with a code from the outbox. %s is %s and the money is held.", s.alice, c.Case, c.State); err != nil {
		return err
	}
	now, err := s.decide(ctx, c.Case, approval.Decision{Person: li, Outcome: approval.Approve}, withdrawal.Review)
	if err := s.expect(now.State, withdrawal.Approved, err); err != nil {
		return err
	}
	if err := s.tell(ctx, ledgerIs{"11000.00", "5000.00", "0.00"}, []string{"ENG-02", "WDL-22"}, "%s approves %s; the money has to arrive by %s.", li, c.Case, shownOr(now.DueAt, "?")); err != nil {
		return err
	}
	if err := s.sendUnderKill(ctx, c.Case); err != nil {
		return err
	}
	now, err = s.decide(ctx, c.Case, approval.Decision{Person: li, Outcome: withdrawal.Arrived, Amount: "5000.00", Reference: "BANK-" + c.Case}, withdrawal.Confirm)
	if err := s.expect(now.State, withdrawal.Paid, err); err != nil {
		return err
	}
	return s.tell(ctx, ledgerIs{"11000.00", "0.00", "5000.00"}, []string{"WDL-23", "WDR-03"}, "The bank confirms 5000.00 under BANK-%s. %s is %s.", c.Case, c.Case, now.State)
}

// sendUnderKill kills the worker while a decision is on its way. The decision is in Temporal and in nobody's memory: a new
// worker carries it out, once.
func (s *story) sendUnderKill(ctx context.Context, number string) error {
	type answer struct {
		now activities.Standing
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		now, err := s.decide(ctx, number, approval.Decision{Person: li, Outcome: withdrawal.Sent, Key: uuid.NewString()}, withdrawal.Send)
		answered <- answer{now, err}
	}()
	time.Sleep(10 * time.Millisecond) // it is on its way
	pid := s.worker.kill()
	killed := time.Now()
	time.Sleep(time.Second)
	if err := s.worker.start(); err != nil {
		return err
	}
	a := <-answered
	if err := s.expect(a.now.State, withdrawal.Paying, a.err); err != nil {
		return err
	}
	d, err := s.views.CaseDetail(ctx, number)
	if err != nil {
		return err
	}
	sent := 0
	for _, e := range d.Timeline {
		if e.To == withdrawal.Paying && e.From == withdrawal.Approved {
			sent++
		}
	}
	if sent != 1 {
		return fmt.Errorf("%s was sent %d times", number, sent)
	}
	return s.tell(ctx, ledgerIs{"11000.00", "5000.00", "0.00"}, []string{"ENG-01"},
		"%s sends the payment, and in that moment the worker (process %d) is killed with SIGKILL. A new one is started; %.1f s after the kill %s has the answer: %s is %s, sent once.",
		li, pid, time.Since(killed).Seconds(), li, number, a.now.State)
}

// returned is the third: submitted on the partner's behalf, not to be approved by the submitter, sent, overdue, escalated,
// returned by the bank.
func (s *story) returned(ctx context.Context) error {
	s.policy.ArrivalTerm = calendar.MustTerm(shortTerm)
	if err := s.setPolicy(ctx, s.policy); err != nil {
		return err
	}
	app := s.application(withdrawal.Original, "3000.00")
	app.Submitter = wang
	c, err := s.apply(ctx, app)
	if err != nil {
		return err
	}
	held := ledgerIs{"8000.00", "3000.00", "5000.00"}
	if err := s.tell(ctx, held, []string{"PGM-07", "WDL-14"}, "%s submits for the partner: 3000.00 back the way they came. %s is %s.", wang, c.Case, c.State); err != nil {
		return err
	}
	_, err = s.decide(ctx, c.Case, approval.Decision{Person: wang, Outcome: approval.Approve}, withdrawal.Review)
	if err := s.refused(ctx, err, held, []string{"ENG_SELF_APPROVAL"}, "%s holds the role that approves, and tries it on the own request:", wang); err != nil {
		return err
	}
	now, err := s.decide(ctx, c.Case, approval.Decision{Person: li, Outcome: approval.Approve}, withdrawal.Review)
	if err := s.expect(now.State, withdrawal.Approved, err); err != nil {
		return err
	}
	now, err = s.decide(ctx, c.Case, approval.Decision{Person: li, Outcome: withdrawal.Sent}, withdrawal.Send)
	if err := s.expect(now.State, withdrawal.Paying, err); err != nil {
		return err
	}
	if err := s.tell(ctx, held, []string{"ENG-02", "WDL-16"}, "%s approves and sends the payment. %s is %s; by the policy of this case it has to arrive within %s.", li, c.Case, now.State, shortTerm); err != nil {
		return err
	}
	if err := s.escalated(ctx, c.Case, held); err != nil {
		return err
	}
	now, err = s.decide(ctx, c.Case, approval.Decision{Person: zhao, Outcome: withdrawal.Bounced, Reason: "account closed"}, withdrawal.Confirm)
	if err := s.expect(now.State, withdrawal.Failed, err); err != nil {
		return err
	}
	a, err := s.views.Available(ctx, s.partner, time.Now())
	if err != nil {
		return err
	}
	if byCard := a.Routes[withdrawal.BankCard].String(); byCard != "11000.00" {
		return fmt.Errorf("%s can leave by bank card, 11000.00 was expected", byCard)
	}
	return s.tell(ctx, ledgerIs{"11000.00", "0.00", "5000.00"}, []string{"WDR-11", "WDL-28"},
		"%s reports that the bank returned it: account closed. %s is %s, the hold is released, and that money leaves by bank card from now on.", zhao, c.Case, now.State)
}

// escalated waits until the term of arrival closes.
func (s *story) escalated(ctx context.Context, number string, held ledgerIs) error {
	for tries := 0; ; tries++ {
		task, err := s.views.Task(ctx, approval.TaskID(number, withdrawal.Confirm.Name, 1))
		if err != nil {
			return err
		}
		if task.Escalated != nil {
			return s.tell(ctx, held, []string{"WDL-16"},
				"The bank says nothing, and the term closes. %s is escalated: %s may answer, and is told. The money stays held.", number, task.Asked())
		}
		if tries > 100 {
			return fmt.Errorf("%s did not escalate", task.ID)
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// chained is the fourth: a chain of two steps, a return for changes, a second round, and an approval of less.
func (s *story) chained(ctx context.Context) error {
	policy := s.policy
	policy.Approval = approval.Chain{Owner: policy.EscalationRole, Steps: []approval.Step{
		{Name: "review", Who: []approval.Candidate{{Role: policy.ReviewRole}}, Due: policy.ReviewTerm, Escalate: policy.EscalationRole},
		{Name: "sign", When: "amount >= 1000", Who: []approval.Candidate{{Role: policy.EscalationRole}}, Due: policy.ReviewTerm},
	}}
	if err := s.setPolicy(ctx, policy); err != nil {
		return err
	}
	c, err := s.apply(ctx, s.application(withdrawal.BankCard, "2000.00"))
	if err != nil {
		return err
	}
	if err := s.tell(ctx, ledgerIs{"9000.00", "2000.00", "5000.00"}, []string{"WDR-02"}, "The policy is a chain now: %s. %s asks for 2000.00; %s is %s.",
		strings.Join(policy.Approval.Words(withdrawal.Fields), "; "), s.alice, c.Case, c.State); err != nil {
		return err
	}
	now, err := s.decide(ctx, c.Case, approval.Decision{Person: li, Outcome: approval.Return, Reason: "only 1200.00 are invoiced"}, withdrawal.Review)
	if err := s.expect(now.State, withdrawal.Awaiting, err); err != nil {
		return err
	}
	again, err := s.resubmit(ctx, c.Case, s.application(withdrawal.BankCard, "1200.00"))
	if err := s.expect(again.State, withdrawal.UnderReview, err); err != nil {
		return err
	}
	if err := s.tell(ctx, ledgerIs{"9800.00", "1200.00", "5000.00"}, []string{"PGM-11"},
		"%s returns it for changes, %s resubmits 1200.00: %s keeps its number and is in round 2.", li, s.alice, c.Case); err != nil {
		return err
	}
	if _, err = s.decideTask(ctx, approval.TaskID(c.Case, "review", 2), approval.Decision{Person: li, Outcome: approval.Approve, Amount: "1000.00", Reason: "200.00 are disputed"}); err != nil {
		return unrefused(err)
	}
	now, err = s.decideTask(ctx, approval.TaskID(c.Case, "sign", 2), approval.Decision{Person: zhao, Outcome: approval.Approve})
	if err := s.expect(now.State, withdrawal.Approved, err); err != nil {
		return err
	}
	if err := s.tell(ctx, ledgerIs{"10000.00", "1000.00", "5000.00"}, []string{"ENG-02", "WDR-02"},
		"%s approves 1000.00 of it, then %s signs. %s is %s; what was not approved is back on the account.", li, zhao, c.Case, now.State); err != nil {
		return err
	}
	now, err = s.decide(ctx, c.Case, approval.Decision{Person: li, Outcome: withdrawal.Fail, Reason: "the bank is closed"}, withdrawal.Send)
	if err := s.expect(now.State, withdrawal.Failed, err); err != nil {
		return err
	}
	return s.tell(ctx, ledgerIs{"11000.00", "0.00", "5000.00"}, []string{"WDR-11"}, "%s cannot send it: the bank is closed. %s is %s and the hold is released.", li, c.Case, now.State)
}

func (s *story) verified(ctx context.Context) error {
	text, err := s.verify(ctx)
	if err != nil {
		return err
	}
	return s.tell(ctx, ledgerIs{"11000.00", "0.00", "5000.00"}, []string{"ENG-01", "PGM-12"}, "%s", text)
}

// inOrder ends the story.
func (s *story) inOrder(ctx context.Context) error {
	text, err := s.verify(ctx)
	if err != nil {
		return err
	}
	s.print(step{What: text, Rules: []string{"ENG-01", "PGM-12"}}, nil)
	return nil
}

func (s *story) verify(ctx context.Context) (string, error) {
	v, err := s.views.Verify(ctx, nil)
	if err != nil {
		return "", err
	}
	if len(v.Findings) > 0 {
		f := v.Findings[0]
		return "", fmt.Errorf("the ledger is not in order, %d findings; the first: %s: %s", len(v.Findings), f.Object, f.Message)
	}
	return fmt.Sprintf("The ledger is verified: %d accounts, %d entries, %d lots, %d events, all in order.", v.Accounts, v.Entries, v.Lots, v.Events), nil
}

func (s *story) application(route withdrawal.Route, amount string) withdrawal.Application {
	return withdrawal.Application{PartnerID: s.partner, Submitter: s.alice, Route: route, Amount: amount, Payee: s.account, RequestKey: uuid.NewString()}
}

// apply applies with a fresh code.
func (s *story) apply(ctx context.Context, app withdrawal.Application) (activities.WithdrawalStanding, error) {
	app, err := s.withCode(ctx, app)
	if err != nil {
		return activities.WithdrawalStanding{}, err
	}
	return patiently(func() (activities.WithdrawalStanding, error) {
		opened, _, err := s.h.submit(ctx, app)
		return opened, err
	})
}

// resubmit puts a case that was returned up again.
func (s *story) resubmit(ctx context.Context, number string, app withdrawal.Application) (activities.WithdrawalStanding, error) {
	app, err := s.withCode(ctx, app)
	if err != nil {
		return activities.WithdrawalStanding{}, err
	}
	c, err := s.views.Case(ctx, number)
	if err != nil {
		return activities.WithdrawalStanding{}, err
	}
	return workflows.Resubmit(ctx, s.h.temporal, c.WorkflowID, app)
}

// withCode asks for a code and reads it where the mail would go.
func (s *story) withCode(ctx context.Context, app withdrawal.Application) (withdrawal.Application, error) {
	code, err := life.Code(ctx, s.views.DB, app.Submitter, app.PartnerID, time.Now())
	app.Code = code
	return app, err
}

func (s *story) decide(ctx context.Context, number string, d approval.Decision, kind approval.Matter) (activities.Standing, error) {
	return s.decideTask(ctx, approval.TaskID(number, kind.Name, 1), d)
}

func (s *story) decideTask(ctx context.Context, task string, d approval.Decision) (activities.Standing, error) {
	d.Task = task
	if d.Key == "" {
		d.Key = uuid.NewString()
	}
	return patiently(func() (activities.Standing, error) {
		now, _, err := s.h.decide(ctx, d)
		return now, err
	})
}

// patiently repeats a request whose answer did not come in time: its key makes that safe.
func patiently[S any](ask func() (S, error)) (S, error) {
	for try := 1; ; try++ {
		now, err := ask()
		if !errors.Is(err, desk.ErrLate) || try == 2 {
			return now, err
		}
	}
}

// expect compares a case's state with the story's.
func (s *story) expect(got, want withdrawal.State, err error) error {
	if err != nil {
		return fmt.Errorf("after step %d: %s was expected: %w", len(s.steps), want, unrefused(err))
	}
	if got != want {
		return fmt.Errorf("after step %d: the case is %s, %s was expected", len(s.steps), got, want)
	}
	return nil
}

// unrefused makes an unexpected refusal a deviation of the story, and not the command's own refusal.
func unrefused(err error) error {
	if list := activities.RefusalOf(err); list != nil {
		return errors.New("refused: " + list.Error())
	}
	return err
}

// refused expects a refusal with these codes and prints it.
func (s *story) refused(ctx context.Context, err error, now ledgerIs, codes []string, format string, args ...any) error {
	text, rules, err := s.refusal(err, codes, fmt.Sprintf(format, args...))
	if err != nil {
		return err
	}
	return s.tell(ctx, now, rules, "%s", text)
}

// refusal is the text of an expected refusal, and its rules.
func (s *story) refusal(err error, codes []string, text string) (string, []string, error) {
	list := activities.RefusalOf(err)
	if !slices.Equal(list.Codes(), codes) {
		answer := "done"
		if err != nil {
			answer = unrefused(err).Error()
		}
		return "", nil, fmt.Errorf("after step %d: a refusal with %v was expected, the answer was: %s", len(s.steps), codes, answer)
	}
	var rules []string
	for _, r := range list {
		rules = append(rules, r.Rule)
		text += fmt.Sprintf("\n%s %s: %s", r.Rule, r.Code, r.Message)
	}
	return text, rules, nil
}

// ledgerIs is what P.CASH, P.HOLD and (since the story began) paid from V.BANK have to say.
type ledgerIs [3]string

// tell prints a step with its rules and what the ledger says now, which has to be as expected.
func (s *story) tell(ctx context.Context, want ledgerIs, rules []string, format string, args ...any) error {
	accounts := []ledger.Account{ledger.Cash(s.partner), ledger.Hold(s.partner), ledger.Bank}
	st := step{What: fmt.Sprintf(format, args...), Rules: rules, Ledger: map[ledger.Account]money.Amount{}}
	var texts []string
	for i, account := range accounts {
		balance, err := s.views.Balance(ctx, account)
		if err != nil {
			return err
		}
		st.Ledger[account] = balance
		texts = append(texts, fmt.Sprintf("%s %s", account, balance))
		if account == ledger.Bank {
			balance = s.began.Sub(balance) // paid out since the story began
		}
		if balance.String() != want[i] {
			return fmt.Errorf("after step %d: %s says %s, %s was expected (%s)", len(s.steps), account, balance, want[i], st.What)
		}
	}
	s.print(st, texts)
	return nil
}

// print tells a step.
func (s *story) print(st step, ledger []string) {
	s.steps = append(s.steps, st)
	if s.h.json {
		return
	}
	for i, line := range strings.Split(st.What, "\n") {
		if i == 0 {
			s.h.say("%2d. %s", len(s.steps), line)
			continue
		}
		s.h.say("      %s", line)
	}
	s.h.say("    rules   %s", strings.Join(st.Rules, ", "))
	if len(ledger) > 0 {
		s.h.say("    ledger  %s", strings.Join(ledger, "   "))
	}
	s.h.say("")
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
