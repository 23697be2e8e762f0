package activities

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"countersign/domain/member"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tier"
	"countersign/domain/verification"

	"github.com/jmoiron/sqlx"
)

// VerifyMasterInput verifies a master account by the two codes that were sent to its email and its mobile.
type VerifyMasterInput struct {
	Partner    string
	EmailCode  string
	MobileCode string
	Asked      // by who holds the master account
}

// SentLink is a registration link on its way to the master account; the link itself is only in that message.
type SentLink struct {
	Partner    string    `db:"partner_id"  json:"partner"`
	VerifiedAt time.Time `db:"verified_at" json:"verified_at"`
	ExpiresAt  time.Time `db:"expires_at"  json:"expires_at"` // the closing instant: out
}

// VerifyMaster sends the link by which another account of the company is registered, once the master account is verified by email
// and mobile (TIER-09). A wrong code costs a try. Only the link's hash is kept.
func (o *Organisation) VerifyMaster(ctx context.Context, in VerifyMasterInput) (SentLink, error) {
	var sent SentLink
	var link tier.Link
	if _, err := rand.Read(link[:]); err != nil {
		return sent, fmt.Errorf("draw link: %w", err)
	}
	codes := []*registrationCode{{scene: verification.RegistrationEmail, entered: in.EmailCode}, {scene: verification.RegistrationMobile, entered: in.MobileCode}}
	c := organisationCommand{Asked: in.Asked, Action: "verify master account", Partner: in.Partner, Content: in.Partner}
	c.Refused = func(tx *sqlx.Tx) error {
		for _, code := range codes {
			if err := countTry(ctx, tx, code.id, code.verdict); err != nil {
				return err
			}
		}
		return nil
	}
	if err := o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		list := tier.JudgeMaster(by, in.By, in.Partner)
		for _, code := range codes {
			var err error
			if code.id, code.verdict, err = enteredCode(ctx, tx, in.By, code.scene, in.Partner, code.entered, c.At); err != nil {
				return nil, err
			}
		}
		if list = append(list, tier.JudgeCodes(codes[0].verdict, codes[1].verdict)...); len(list) > 0 {
			return list, nil
		}
		for _, code := range codes {
			if err := spendCode(ctx, tx, code.id, c.At); err != nil {
				return nil, err
			}
		}
		expires := c.At.Add(tier.LinkLife)
		if err := tx.GetContext(ctx, &c.Object, `
			INSERT INTO account_registrations (partner_id, master, token_hash, verified_at, expires_at) VALUES ($1, $2, $3, $4, $5) RETURNING registration_id::text`,
			in.Partner, in.By, link.Hash(), c.At, expires); err != nil {
			return nil, fmt.Errorf("keep link: %w", err)
		}
		subject, body := tier.LinkNotice(in.Partner, link, expires)
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO outbox (key, person_id, subject, body, secret, written_at, next_at) VALUES ($1, $2, $3, $4, true, $5, $5)`,
			"registration/"+c.Object, in.By, subject, body, c.At); err != nil {
			return nil, fmt.Errorf("send link: %w", err)
		}
		return nil, nil
	}); err != nil {
		return sent, err
	}
	id, err := strconv.ParseInt(c.Object, 10, 64)
	if err != nil {
		return sent, fmt.Errorf("%w: registration %q: %w", errDefect, c.Object, err)
	}
	err = o.DB.GetContext(ctx, &sent, `SELECT partner_id, verified_at, expires_at FROM account_registrations WHERE registration_id = $1`, id)
	return sent, err
}

// registrationCode is one of the two codes, as it was entered and found.
type registrationCode struct {
	scene, entered string
	id             int64
	verdict        verification.Verdict
}

// RegisterAccountInput registers another account of a company by a link.
type RegisterAccountInput struct {
	Link  string
	By    string             // who follows it and is signed in: it is theirs, or none; empty: whoever has it
	Entry organisation.Entry // of the person who holds the new account; its roles are given, not entered
	Key   string
	At    time.Time
}

// RegisteredAccount is the new account with the person who holds it. The initial password is answered once.
type RegisteredAccount struct {
	Partner string        `json:"partner"`
	Company string        `json:"company"`
	Master  GivenPassword `json:"master"`
}

// RegisterAccount makes a new partner account of the same company, and its master person, within 24 hours of the verification and
// with a mobile number that is not used (TIER-09). It is of the kind of the account that was verified, on the same site, with the same
// ecosystem manager and signing entity; real-name authentication, plans and paths are its own to get. A link is used once; the same
// request again answers the account.
func (o *Organisation) RegisterAccount(ctx context.Context, in RegisterAccountInput) (RegisteredAccount, error) {
	var out RegisteredAccount
	initial, hash, err := drawPassword()
	if err != nil {
		return out, err
	}
	link, _ := tier.ParseLink(in.Link)
	var known struct {
		ID      int64  `db:"registration_id"`
		Partner string `db:"partner_id"`
		Master  string `db:"master"`
	}
	err = o.DB.GetContext(ctx, &known, `SELECT registration_id, partner_id, master FROM account_registrations WHERE token_hash = $1`, link.Hash())
	if errors.Is(err, sql.ErrNoRows) || err == nil && in.By != "" && in.By != known.Master {
		return out, Final(tier.JudgeRegistration(tier.Registration{}, in.At))
	}
	if err != nil {
		return out, fmt.Errorf("look for link: %w", err)
	}
	e := in.Entry
	e.Roles, e.Mobile = []person.Role{person.PartnerAdministrator}, member.ByMobile.Normal(e.Mobile)
	c := organisationCommand{
		Asked: Asked{By: known.Master, Key: in.Key, At: in.At}, Action: "register account", Partner: known.Partner, Content: []any{hex.EncodeToString(link.Hash()), e},
	}
	given := ""
	if err := o.command(ctx, &c, func(tx *sqlx.Tx, by *organisation.Person) (refusal.List, error) {
		list, err := judgeNewAccount(ctx, tx, by, known.ID, known.Master, known.Partner, e, c.At)
		if err != nil || len(list) > 0 {
			return list, err
		}
		c.Object, given = "", initial
		return nil, openAccount(ctx, tx, known.ID, e, hash, &c)
	}); err != nil {
		return out, err
	}
	var row struct {
		Partner string `db:"partner_id"`
		Company string `db:"company_id"`
		Master  string `db:"master"`
	}
	if err := o.DB.GetContext(ctx, &row, `SELECT partner_id, company_id, master FROM partners WHERE partner_id = $1`, c.Object); err != nil {
		return out, fmt.Errorf("read account %s: %w", c.Object, err)
	}
	out.Partner, out.Company = row.Partner, row.Company
	out.Master, err = o.given(ctx, row.Master, row.Master, given)
	return out, err
}

// judgeNewAccount judges a registration by its link, locked, and by what accounts there are. The number is locked too, so that nobody
// else takes it meanwhile.
func judgeNewAccount(ctx context.Context, tx *sqlx.Tx, by *organisation.Person, id int64, master, partner string, e organisation.Entry, at time.Time) (refusal.List, error) {
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('mobile/' || mobile_key($1)))`, e.Mobile); err != nil {
		return nil, fmt.Errorf("lock mobile: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `SELECT 1 FROM account_registrations WHERE registration_id = $1 FOR UPDATE`, id); err != nil {
		return nil, fmt.Errorf("lock link: %w", err)
	}
	var r struct {
		VerifiedAt time.Time `db:"verified_at"`
		ExpiresAt  time.Time `db:"expires_at"`
		Used       bool      `db:"used"`
		MobileUsed bool      `db:"mobile_used"`
		Company    bool      `db:"company"`
	}
	if err := tx.GetContext(ctx, &r, `
		SELECT r.verified_at, r.expires_at, r.used_at IS NOT NULL AS used, mobile_used($2) AS mobile_used, p.company_id IS NOT NULL AS company
		  FROM account_registrations r JOIN partners p USING (partner_id) WHERE r.registration_id = $1`, id, e.Mobile); err != nil {
		return nil, fmt.Errorf("read link: %w", err)
	}
	link := tier.JudgeRegistration(tier.Registration(r), at)
	if len(link) > 0 && link[0].Code == tier.LinkVoid { // nor which account names and emails are taken
		return link, nil
	}
	k, err := known(ctx, tx, partner, e.Account, e.Email, "")
	if err != nil {
		return nil, err
	}
	list := organisation.JudgeCreate(by, master, partner, e, k)
	if e.Mobile == "" {
		list = append(list, refusal.New("TIER-09", "CBC.0100", "mobile", "The new account needs a mobile number of its own; enter one."))
	}
	return append(list, link...), nil
}

// openAccount writes the account, its person and the use of the link.
func openAccount(ctx context.Context, tx *sqlx.Tx, id int64, e organisation.Entry, hash string, c *organisationCommand) error {
	if err := tx.GetContext(ctx, &c.Object, `
		INSERT INTO partners (partner_id, name, kind, entity, company_id, site, ecosystem_manager)
		SELECT numbered('PA', nextval('partner_account_numbers')), c.name, p.kind, p.entity, p.company_id, p.site, p.ecosystem_manager
		  FROM partners p JOIN companies c USING (company_id) WHERE p.partner_id = $1 RETURNING partner_id`, c.Partner); err != nil {
		return fmt.Errorf("open account: %w", err)
	}
	var master string
	if err := tx.GetContext(ctx, &master, createPersonSQL, e.Name, c.Object, e.Email, e.Account, e.Mobile, hash, c.At); err != nil {
		return fmt.Errorf("create person: %w", err)
	}
	if err := writeRoles(ctx, tx, master, e.Roles); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE partners SET master = $2 WHERE partner_id = $1`, c.Object, master); err != nil {
		return fmt.Errorf("name master: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE account_registrations SET used_at = $2, new_partner = $3 WHERE registration_id = $1`, id, c.At, c.Object); err != nil {
		return fmt.Errorf("use link: %w", err)
	}
	return nil
}
