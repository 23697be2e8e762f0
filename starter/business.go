package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/business"
	"countersign/domain/refusal"
	"countersign/workflows"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func (h *house) businessCommand() *cobra.Command {
	return group("business", "Business information of partners: what is certified before anything is paid",
		h.businessShowCommand(), h.businessSubmitCommand("submit", "Submit business information for certification"),
		h.businessSubmitCommand("change", "Change certified business information; settlement waits for the result"),
		h.businessDecideCommand(), h.businessTicketCommand(), h.businessAnswerCommand())
}

func (h *house) businesses(ctx context.Context) (*activities.Businesses, error) {
	d, err := h.documents(ctx)
	if err != nil {
		return nil, err
	}
	return &activities.Businesses{DB: d.DB, Store: d.Store}, nil
}

func (h *house) businessShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show PARTNER", Short: "Show what is known of a partner as a company, and what keeps it from being paid", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := h.businesses(c.Context())
			if err != nil {
				return err
			}
			f, missing, err := b.ReadBusiness(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.show(struct {
				Partner   string                `json:"partner"`
				Status    business.Status       `json:"status"`
				Entity    string                `json:"signing_entity"`
				Certified *business.Information `json:"certified,omitempty"`
				Latest    *business.Information `json:"latest,omitempty"`
				Missing   refusal.List          `json:"missing"`
			}{args[0], f.Status(), f.Entity, f.Certified, f.Latest, append(refusal.List{}, missing...)}, func() { h.businessRecord(f, missing) })
		},
	}
}

func (h *house) businessRecord(f business.Facts, missing refusal.List) {
	record(h.out, "partner", f.Partner, "real name", strings.TrimSpace(f.VerifiedName+" "+f.RealName.Status), "business information", f.Status(), "signing entity", f.Entity)
	if i := f.Latest; i != nil && i.Status != business.Passed {
		record(h.out, "version", fmt.Sprintf("%d, %s, submitted %s by %s", i.Version, i.Status, shown(i.SubmittedAt), i.SubmittedBy), "bank letter", i.Letter, "reason", i.FailureReason)
	}
	if i := f.Certified; i != nil {
		record(h.out, "version", fmt.Sprintf("%d, certified %s", i.Version, shownOr(i.CertifiedAt, "-")), "company", i.Company, "code", i.CodeType+" "+i.Code,
			"taxpayer", fmt.Sprintf("%s, service-fee tax rate %s %%", i.Taxpayer, i.ServiceFeeRate), "tax number", i.TaxNumber,
			"account", strings.Join([]string{i.AccountName, i.Bank, i.Branch, i.AccountNo}, ", "), "settlement currency", i.Currency)
	}
	if len(missing) > 0 {
		h.say("")
		t := newTable("RULE", "CODE", "BEFORE ANYTHING IS PAID")
		for _, r := range missing {
			t.add(r.Rule, r.Code, r.Message)
		}
		t.print(h.out)
	}
}

func (h *house) businessSubmitCommand(word, short string) *cobra.Command {
	var s business.Submission
	var file, letter string
	c := &cobra.Command{
		Use: word + " --as PERSON --partner P --file FILE.yaml [--letter FILE]", Short: short, Args: exactly(),
		Long: short + `. The file has company_name, code_type, code, taxpayer_type (general or small-scale), tax_number,
bank_account_name, bank_name, branch, account_no and settlement_currency; service_fee_tax_rate, registered_address and contact
may be left out. Where the account, the entity or the currency is not as the supplier file has it, a bank confirmation letter comes with
it: as --letter, or by its ID as bank_letter if it is stored already.`,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			read := business.Submission{}
			if err := yaml.UnmarshalWithOptions(text, &read, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("the file is not in order:\n%s", yaml.FormatError(err, false, true))
			}
			read.Partner, read.Submitter, read.RequestKey = s.Partner, s.Submitter, s.RequestKey
			if read.RequestKey == "" {
				read.RequestKey = uuid.NewString()
			}
			b, err := h.businesses(c.Context())
			if err != nil {
				return err
			}
			in := activities.SubmitBusinessInput{Submission: read, At: time.Now()}
			if letter != "" {
				from, err := os.Open(letter)
				if err != nil {
					return err
				}
				defer from.Close()
				if in.Letter, err = (&activities.Documents{DB: b.DB, Store: b.Store}).Take(filepath.Base(letter), from); err != nil {
					return err
				}
			}
			now, err := b.SubmitBusiness(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(now, func() {
				h.say("The business information of %s is %s, version %d.", now.Partner, now.Status, now.Latest.Version)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&s.Submitter, "as", "", "who submits")
	f.StringVar(&s.Partner, "partner", "", "of which partner")
	f.StringVar(&file, "file", "", "the file with the information")
	f.StringVar(&letter, "letter", "", "the bank confirmation letter: PDF, PNG, JPEG or OFD")
	f.StringVar(&s.RequestKey, "request-key", "", "key of the request (default: a new one)")
	return needs(c, "as", "partner", "file")
}

func (h *house) businessDecideCommand() *cobra.Command {
	in := activities.DecideBusinessInput{}
	fail := ""
	c := &cobra.Command{
		Use: "decide PARTNER --as PERSON (--pass | --fail REASON)", Short: "Pass or fail the business information that is in review", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			if in.Pass == c.Flags().Changed("fail") {
				return usageError{errors.New("give either --pass or --fail REASON")}
			}
			in.Partner, in.Reason, in.At = args[0], fail, time.Now()
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			b, err := h.businesses(c.Context())
			if err != nil {
				return err
			}
			now, err := b.DecideBusiness(c.Context(), in)
			if err != nil {
				return err
			}
			woken := h.wake(c.Context(), now.Waiting, in.Person)
			return h.show(struct {
				activities.BusinessStanding
				Woken []string `json:"woken"`
				Key   string   `json:"key"`
			}{now, woken, in.Key}, func() {
				h.say("The business information of %s is %s.", now.Partner, now.Status)
				for _, number := range woken {
					h.say("%s goes on.", number)
				}
			})
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who decides")
	f.BoolVar(&in.Pass, "pass", false, "it is certified")
	f.StringVar(&fail, "fail", "", "why it is not; the partner is told")
	f.StringVar(&in.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as")
}

// wake tells the runs that wait for a result that it is there (AUT-05). The decision is recorded already: a run that cannot be
// reached now looks by itself within the hour.
func (h *house) wake(ctx context.Context, waiting []activities.WaitingRun, person string) []string {
	woken := []string{}
	if len(waiting) == 0 {
		return woken
	}
	temporal, err := h.cluster(ctx)
	if err != nil {
		fmt.Fprintln(h.err, "what waits looks by itself within the hour:", err)
		return woken
	}
	for _, w := range waiting {
		bounded, cancel := context.WithTimeout(ctx, desk.Patience)
		_, err := workflows.GoOn(bounded, temporal, w.WorkflowID, person)
		cancel()
		if err != nil {
			fmt.Fprintf(h.err, "%s looks by itself within the hour: %v\n", w.Case, err)
			continue
		}
		woken = append(woken, w.Case)
	}
	return woken
}

func (h *house) businessTicketCommand() *cobra.Command {
	in := activities.OpenTicketInput{}
	c := &cobra.Command{
		Use: "ticket PARTNER --as PERSON --question Q", Short: "Ask about a certification that failed; answered within 3 working days", Args: exactly("PARTNER"),
		RunE: func(c *cobra.Command, args []string) error {
			in.Partner, in.At = args[0], time.Now()
			if in.Key == "" {
				in.Key = uuid.NewString()
			}
			b, err := h.businesses(c.Context())
			if err != nil {
				return err
			}
			t, err := b.OpenTicket(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(t, func() { h.say("Ticket %d is open, due before %s.", t.ID, shown(t.DueAt)) })
		},
	}
	f := c.Flags()
	f.StringVar(&in.Person, "as", "", "who asks")
	f.StringVar(&in.Question, "question", "", "what is asked")
	f.StringVar(&in.Key, "key", "", "key of the request (default: a new one)")
	return needs(c, "as", "question")
}

func (h *house) businessAnswerCommand() *cobra.Command {
	in := activities.AnswerTicketInput{}
	c := &cobra.Command{
		Use: "answer --ticket N --as PERSON --answer A", Short: "Answer a ticket about a certification", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			b, err := h.businesses(c.Context())
			if err != nil {
				return err
			}
			in.At = time.Now()
			t, err := b.AnswerTicket(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(t, func() { h.say("Ticket %d is answered.", t.ID) })
		},
	}
	f := c.Flags()
	f.Int64Var(&in.Ticket, "ticket", 0, "the ticket's number")
	f.StringVar(&in.Person, "as", "", "who answers")
	f.StringVar(&in.Answer, "answer", "", "the answer")
	return needs(c, "ticket", "as", "answer")
}
