package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// root puts the commands together.
func (h *house) root() *cobra.Command {
	root := group("starter", "The command line of Countersign: cases, tasks, money",
		h.migrateCommand(),
		h.loadCommand(),
		h.policyCommand(),
		h.personCommand(),
		h.organisationCommand(),
		h.absenceCommand(),
		h.calendarCommand(),
		h.businessCommand(),
		h.consumptionCommand(),
		h.performanceCommand(),
		h.incentiveCommand(),
		h.billCommand(),
		h.requisitionCommand(),
		h.invoiceCommand(),
		h.owedCommand(),
		h.staffCommand(),
		h.quarterCommand(),
		h.tierCommand(),
		h.solutionCommand(),
		h.invitationCommand(),
		h.memberCommand(),
		h.labCommand(),
		h.projectSpecialistCommand(),
		h.memberQualificationCommand(),
		h.withdrawalCommand(),
		h.baselineCommand(),
		h.certificateCommand(),
		h.bankCommand(),
		h.codeCommand(),
		h.codecCommand(),
		h.inboxCommand(),
		h.taskCommand(),
		h.approvalCommand(),
		h.caseCommand(),
		h.documentCommand(),
		h.accountCommand(),
		h.ledgerCommand(),
		h.outboxCommand(),
		h.webhookCommand(),
		h.replayCommand(),
		h.deploymentCommand(),
		h.demoCommand(),
		h.benchCommand(),
	)
	root.Long = `The command line of Countersign: cases, tasks, money.

Exit code 0: done. 1: the rules refuse it; the refusals are on stdout with rule, code, object and message.
2: anything else. Every command takes --json. Times are shown in UTC+8.`
	root.Version = version()
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.Use = "starter COMMAND"
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().BoolVar(&h.json, "json", false, "answer as JSON")
	tidyUsage(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	return root
}

// tidyUsage keeps usage lines to what was written.
func tidyUsage(c *cobra.Command) {
	c.DisableFlagsInUseLine = true
	for _, sub := range c.Commands() {
		tidyUsage(sub)
	}
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		var names []string
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name())
			}
		}
		choice := strings.Join(names, ", ")
		if len(args) == 0 {
			return usageError{fmt.Errorf("a command is missing; there are: %s", choice)}
		}
		return usageError{fmt.Errorf("there is no command %q; there are: %s", args[0], choice)}
	}}
	g.AddCommand(commands...)
	return g
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exactly asks for these arguments, named as the usage line names them.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usageError{fmt.Errorf("%s is missing", names[len(args)])}
		case len(args) > len(names):
			return usageError{fmt.Errorf("%q is one argument too many", args[len(names)])}
		}
		return nil
	}
}

// atMost lets the trailing arguments be left out.
func atMost(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > n {
			return usageError{fmt.Errorf("%q is one argument too many", args[n])}
		}
		return nil
	}
}

// needs makes flags required, with our own sentence.
func needs(c *cobra.Command, flags ...string) *cobra.Command {
	positional := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		if err := positional(c, args); err != nil {
			return err
		}
		var missing []string
		for _, f := range flags {
			if !c.Flags().Changed(f) {
				missing = append(missing, "--"+f)
			}
		}
		switch len(missing) {
		case 0:
			return nil
		case 1:
			return usageError{errors.New(missing[0] + " is missing")}
		}
		return usageError{errors.New(strings.Join(missing, ", ") + " are missing")}
	}
	return c
}

// version is what the Go tool wrote into the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && !strings.Contains(v, s.Value[:min(12, len(s.Value))]):
			v += " " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true" && !strings.Contains(v, "dirty"):
			v += " dirty"
		}
	}
	return v + " " + info.GoVersion
}
