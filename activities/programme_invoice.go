package activities

import (
	"cmp"
	"context"
	"fmt"

	"countersign/domain/owed"
	"countersign/domain/refusal"
	"countersign/domain/tax"
)

// AddressRecord is where invoices to one of the vendor's entities are sent (INV-03).
type AddressRecord struct {
	Entity         string `yaml:"entity"`
	Name           string `yaml:"name"` // as it stands on the invoice
	MailingAddress string `yaml:"mailing_address"`
	PublicMailbox  string `yaml:"public_mailbox"`
	Contacts       string `yaml:"contacts"`
}

// addresses lays in where invoices go; lists that were opened keep what they say.
func (l *loading) addresses(ctx context.Context, f ProgrammeFile) error {
	for _, a := range f.Addresses {
		if err := l.exec(ctx, "address of "+a.Entity, `
			INSERT INTO vendor_addresses (entity, name, mailing_address, public_mailbox, contacts) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (entity) DO UPDATE
			   SET name = excluded.name, mailing_address = excluded.mailing_address, public_mailbox = excluded.public_mailbox, contacts = excluded.contacts
			 WHERE (vendor_addresses.name, vendor_addresses.mailing_address, vendor_addresses.public_mailbox, vendor_addresses.contacts)
			       <> (excluded.name, excluded.mailing_address, excluded.public_mailbox, excluded.contacts)`,
			a.Entity, a.Name, a.MailingAddress, a.PublicMailbox, a.Contacts); err != nil {
			return err
		}
	}
	return nil
}

// owed keeps what a loaded memo says: an amount that is owed (OWE-02), or one that is taken back from what was loaded before,
// the oldest first.
func (l *loading) owed(ctx context.Context, m MemoRecord) error {
	key := "load/memo/" + m.Key
	if m.Amount.Sign() > 0 {
		return insertOwed(ctx, l.tx, owedAmount{
			Key: key, Partner: m.Owner, Source: cmp.Or(m.Source, owed.Refund), Rate: rateOr6(m.TaxRate), Amount: m.Amount, At: l.at,
		})
	}
	var entries []owed.Entry
	if err := l.tx.SelectContext(ctx, &entries, `
		SELECT entry_id, source, tax_rate, amount, remaining, created_at FROM owed_entries WHERE partner_id = $1 AND remaining > 0 AND lot_no IS NULL`, m.Owner); err != nil {
		return fmt.Errorf("read owed entries: %w", err)
	}
	offsets, left := owed.Oldest(m.Amount.Neg(), entries)
	if left.Sign() > 0 {
		return refusal.List{refusal.New("OWE-04", "OWE_AMOUNT", "record "+key, "The record takes %s back, %s more than is owed without a lot; look at what is owed.", m.Amount.Neg(), left)}
	}
	return insertOffsets(ctx, l.tx, key, "", offsets, l.at)
}

// rateOr6 is a rate of the file, or the rate of the services that incentives are paid for.
func rateOr6(r *tax.Rate) tax.Rate {
	if r == nil {
		return 600
	}
	return *r
}
