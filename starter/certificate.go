package main

import (
	"os"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/certificate"
	"countersign/views"

	"github.com/spf13/cobra"
)

func (h *house) certificateCommand() *cobra.Command {
	return group("certificate", "Certificates of solutions and plans: list, verify, print",
		h.certificateListCommand(), h.certificateShowCommand(), h.certificateVerifyCommand(), h.certificatePrintCommand())
}

func (h *house) certificateListCommand() *cobra.Command {
	var f views.CertificateFilter
	c := &cobra.Command{
		Use: "list [--partner P] [--subject S] [--case C]", Short: "List certificates, the newest first", Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			all, err := r.Certificates(c.Context(), f, time.Now())
			if err != nil {
				return err
			}
			return h.show(map[string]any{"certificates": all}, func() {
				t := newTable("CERTIFICATE", "PARTNER", "OF", "NAME", "STATE", "VALID FROM", "UNTIL")
				for _, c := range all {
					t.add(c.Number, c.Partner, c.Subject, certificate.Spelt(c.Name), c.State, c.Validity().FromText(), c.Validity().UntilText())
				}
				t.printOr(h.out, "No certificates.")
			})
		},
	}
	c.Flags().StringVar(&f.Partner, "partner", "", "those of a partner")
	c.Flags().StringVar(&f.Subject, "subject", "", "those of a solution, by its number, or of a plan")
	c.Flags().StringVar(&f.Case, "case", "", "those that a case led to")
	return c
}

func (h *house) certificateShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NUMBER", Short: "Show what a certificate says and whether it holds", Args: exactly("NUMBER"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			v, err := r.Certificate(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.show(v, func() {
				h.say("%s, %s, of %s: %s", v.Number, v.Kind.Title(), v.Holder, v.State.Said())
				for _, f := range v.Facts() {
					h.say("  %s: %s", f[0], f[1])
				}
				h.say("  Issued by %s on %s for case %s.", v.Issuer, calendar.DateOf(v.Issued), v.Case)
				if v.By != "" {
					h.say("  Replaced by %s.", v.By)
				}
			})
		},
	}
}

func (h *house) certificateVerifyCommand() *cobra.Command {
	var at string
	c := &cobra.Command{
		Use: "verify NUMBER CODE [--at INSTANT]", Short: "Tell what whoever scans a certificate's code is told", Args: exactly("NUMBER", "CODE"),
		Long: `Tell what whoever scans a certificate's code is told: valid, expired, replaced, ended or unknown.

Number and code are the last two parts of the address on the certificate. A wrong code is answered like a number that does not exist.`,
		Example: `  starter certificate verify CERT-2025-000001 Zm9vYmFyYmF6cXV4MTIzNA
  starter certificate verify CERT-2025-000001 Zm9vYmFyYmF6cXV4MTIzNA --at 2026-04-01T10:00:00+08:00`,
		RunE: func(c *cobra.Command, args []string) error {
			when := time.Now()
			if at != "" {
				var err error
				if when, err = time.Parse(time.RFC3339, at); err != nil {
					return usageError{err}
				}
			}
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			v, err := r.VerifyCertificate(c.Context(), args[0], args[1], when)
			if err != nil {
				return err
			}
			return h.show(v, func() {
				h.say("%s: %s", v.Number, v.State.Said())
				if v.State != certificate.Unknown {
					h.say("%s\n%s\n%s (%s) %s\n%s - %s\n%s", v.Title, v.Holder, v.Name, v.Grade, v.Version, v.From, v.Until, v.Issuer)
				}
				if v.ReplacedBy != "" {
					h.say("Replaced by %s.", v.ReplacedBy)
				}
			})
		},
	}
	c.Flags().StringVar(&at, "at", "", "instant to judge by, like 2026-04-01T10:00:00+08:00; now if empty")
	return c
}

func (h *house) certificatePrintCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "print NUMBER --pdf FILE", Short: "Print a certificate as PDF, with the code by which it is verified", Args: exactly("NUMBER"),
		Long: `Print a certificate as PDF, with the code by which it is verified.

The code holds the address that CERTIFICATE_URL names, followed by number and verification code; set it to the address of the public page.`,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			v, err := r.Certificate(c.Context(), args[0], time.Now())
			if err != nil {
				return err
			}
			return h.printCertificate(v, file)
		},
	}
	c.Flags().StringVar(&file, "pdf", "", "file to print into")
	return needs(c, "pdf")
}

// printCertificate prints a certificate into a file (CERT-20).
func (h *house) printCertificate(v views.Certificate, file string) error {
	settings, err := h.config()
	if err != nil {
		return err
	}
	printed, err := v.Print(settings.CertificateURL)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, printed, 0o600); err != nil {
		return err
	}
	return h.show(map[string]string{"certificate": v.Number, "file": file}, func() {
		h.say("%s is printed into %s.", v.Number, file)
		if !strings.Contains(settings.CertificateURL, "://") {
			h.say("Its code holds no whole address: CERTIFICATE_URL is not set.")
		}
	})
}
