package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/member"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// Members is what people ask about natural persons and their links without a running case. What they enter to find somebody, and
// the tokens of links, stay here: nothing of it goes through Temporal.
type Members struct{ DB *sqlx.DB }

// FindAccountInput says whom an administrator means.
type FindAccountInput struct {
	Partner string
	Person  string
	By      member.By
	Text    string // the mobile, email or account name as entered
	Account string // which one of several; empty: none was chosen
	At      time.Time
}

// FindAccount finds the account that an administrator means (ORG-29). A refusal is one row in refusals, without what was entered.
func (m *Members) FindAccount(ctx context.Context, in FindAccountInput) (string, error) {
	in.At = stored(in.At)
	column, ok := map[member.By]string{member.ByMobile: "mobile", member.ByEmail: "email", member.ByName: "account_name"}[in.By]
	if !ok {
		return "", Final(refusal.List{memberRules["org_29_found_by"]})
	}
	var account string
	err := judged(ctx, m.DB, func(tx *sqlx.Tx) (list refusal.List, err error) {
		f, err := memberFacts(ctx, tx, in.Partner, in.Person, "", in.At)
		if err != nil {
			return nil, err
		}
		var found []member.Found
		if text := in.By.Normal(in.Text); text != "" {
			if err := tx.SelectContext(ctx, &found, `SELECT account_id, account_name FROM personal_accounts WHERE `+column+` = $1 AND `+column+` <> '' ORDER BY account_id`, text); err != nil {
				return nil, fmt.Errorf("look for account: %w", err)
			}
		}
		account, list = member.JudgeTarget(in.Person, in.Partner, in.Account, in.By, found, f)
		return list, nil
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("invitation/find/%s/%s/%s", in.Partner, in.Person, in.At.Format(time.RFC3339Nano)), At: in.At,
			Kind: member.Kind, Action: "find account", Person: in.Person, Partner: in.Partner,
		}, list)
		return err
	})
	return account, Final(err)
}

// FollowedLink is whose link it is that a member follows.
type FollowedLink struct {
	Case string `db:"case_number" json:"case"`
	Hash []byte `db:"token_hash"  json:"-"`
}

// FollowLink finds the invitation of a link (ORG-34); one that nobody knows is refused like one that is used up.
func (m *Members) FollowLink(ctx context.Context, link string) (FollowedLink, error) {
	var found FollowedLink
	unknown := refusal.List{member.UsedLink("link")}
	token, ok := member.ParseToken(link)
	if !ok {
		return found, Final(unknown)
	}
	err := m.DB.GetContext(ctx, &found, `SELECT case_number, token_hash FROM invitation_tokens WHERE token_hash = $1`, token.Hash())
	if errors.Is(err, sql.ErrNoRows) {
		return found, Final(unknown)
	}
	if err != nil {
		return found, fmt.Errorf("look for link: %w", err)
	}
	return found, nil
}

// UnbindInput ends the link of a member.
type UnbindInput struct {
	Key     string
	Partner string
	Account string
	Person  string
	Reason  string
	At      time.Time
}

// Unbind ends the link of a member to a partner; from that instant on nothing about the member is shared (ORG-37). The
// invitation's run has ended, so this is called directly. The same key again changes nothing.
func (m *Members) Unbind(ctx context.Context, in UnbindInput) (Standing, error) {
	in.At = stored(in.At)
	number, err := m.newest(ctx, in.Partner, in.Account)
	if err != nil {
		return Standing{}, Final(err)
	}
	step := caseStep{db: m.DB, number: number, key: "unbind/" + in.Key, actor: in.Person, via: viaRequest, action: "unbind", note: in.Reason, at: in.At}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		f, err := memberFacts(ctx, tx, in.Partner, in.Person, "", in.At)
		if err != nil {
			return nil, err
		}
		specialist, err := specialistState(ctx, tx, in.Partner, in.Account)
		if err != nil {
			return nil, err
		}
		if list := member.JudgeUnbind(f.Submitter, in.Person, in.Partner, in.Account, c.Number, member.State(c.State), specialist); len(list) > 0 {
			return list, nil
		}
		res, err := tx.ExecContext(ctx, `
			UPDATE member_links SET unlinked_at = greatest($4, linked_at), unlinked_by = $5 WHERE case_number = $1 AND account_id = $2 AND partner_id = $3 AND unlinked_at IS NULL`,
			c.Number, in.Account, in.Partner, in.At, in.Person)
		if err != nil {
			return nil, fmt.Errorf("unbind: %w", err)
		}
		if err := one(res, fmt.Errorf("%w: case %s is bound without a link", errDefect, c.Number)); err != nil {
			return nil, err
		}
		e := step.event()
		e.Rule = "ORG-37"
		if err := endInvitation(ctx, tx, &c, member.Unbound, e); err != nil {
			return nil, err
		}
		return nil, tellBoth(ctx, tx, c, member.HasUnbound, in.At)
	})
}

// newest finds the newest invitation of a partner for an account.
func (m *Members) newest(ctx context.Context, partner, account string) (string, error) {
	var number string
	err := m.DB.GetContext(ctx, &number, `
		SELECT case_number FROM invitations i JOIN cases c USING (case_number, partner_id) WHERE partner_id = $1 AND account_id = $2 ORDER BY live DESC, c.opened_at DESC LIMIT 1`, partner, account)
	if errors.Is(err, sql.ErrNoRows) {
		return "", unknown("invitation of account", account)
	}
	if err != nil {
		return "", fmt.Errorf("look for invitation: %w", err)
	}
	return number, nil
}

// memberFacts reads what an invitation, an acceptance or an unbinding is judged by. The account's row is locked, so that what
// was read of it and its links holds until the transaction ends; an empty account is not looked for.
func memberFacts(ctx context.Context, tx *sqlx.Tx, partner, person, account string, at time.Time) (f member.Facts, err error) {
	f = member.Facts{At: at}
	if f.Policy, err = invitationPolicy(ctx, tx, 0); err != nil {
		return f, err
	}
	if person != "" {
		if f.Submitter, err = readOrganisationPerson(ctx, tx, person); err != nil {
			return f, err
		}
	}
	if account != "" { // before everything that is read of it: the lock may wait
		if f.Account, err = lockAccount(ctx, tx, account, f.Policy, at); err != nil {
			return f, err
		}
	}
	err = tx.QueryRowContext(ctx, `
		SELECT site, coalesce((SELECT sent FROM invitation_counters WHERE partner_id = $1 AND day = $2), 0),
		       coalesce((SELECT case_number FROM invitations JOIN cases c USING (case_number) WHERE invitations.partner_id = $1 AND account_id = $3 AND live AND c.state = 'INVITED'), '')
		  FROM partners WHERE partner_id = $1`, partner, calendar.DateOf(at), account).Scan(&f.Site, &f.SentToday, &f.Running)
	f.Known = !errors.Is(err, sql.ErrNoRows)
	if f.Known && err != nil {
		return f, fmt.Errorf("read partner %s: %w", partner, err)
	}
	return f, nil
}

// lockAccount keeps every other step about an account waiting and reads it with its links; nil when there is none.
func lockAccount(ctx context.Context, tx *sqlx.Tx, account string, policy member.Policy, at time.Time) (*member.Account, error) {
	a := member.Account{ID: account}
	err := tx.QueryRowContext(ctx, `SELECT real_name, coalesce(partner_id, '') FROM personal_accounts WHERE account_id = $1 FOR NO KEY UPDATE`, account).Scan(&a.RealName, &a.Partner)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read account %s: %w", account, err)
	}
	var links []struct {
		Partner string    `db:"partner_id"`
		At      time.Time `db:"linked_at"`
		Holds   bool      `db:"holds"`
	}
	if err := tx.SelectContext(ctx, &links, `
		SELECT partner_id, linked_at, unlinked_at IS NULL AS holds FROM member_links WHERE account_id = $1 AND (unlinked_at IS NULL OR linked_at >= $2) ORDER BY linked_at, link_id`,
		account, calendar.AddMonths(at, -policy.LookBackMonths)); err != nil {
		return nil, fmt.Errorf("read links of %s: %w", account, err)
	}
	for _, l := range links {
		a.Links = append(a.Links, member.Link(l))
	}
	return &a, nil
}

func invitationPolicy(ctx context.Context, tx sqlx.QueryerContext, version int) (p member.Policy, err error) {
	p.Version, err = casePolicy(ctx, tx, member.Kind, version, &p)
	return p, err
}

// notifyMember tells a natural person. The row is the message on the site, the mail a copy (ORG-28); a secret one is blanked once
// the mail is delivered. The key is the message's own: the same again writes nothing.
func notifyMember(ctx context.Context, tx *sqlx.Tx, account, subject, body, key string, secret bool, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, account_id, subject, body, secret, written_at, next_at) VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (key) DO NOTHING`,
		key+"/"+account, account, subject, body, secret, at); err != nil {
		return fmt.Errorf("notify member: %w", err)
	}
	return nil
}

// PersonalAccountRecord is a natural person's account as a programme file says it.
type PersonalAccountRecord struct {
	ID          string          `yaml:"id"`
	AccountName string          `yaml:"account_name"`
	Name        string          `yaml:"name"`
	Mobile      string          `yaml:"mobile"`
	Email       string          `yaml:"email"`
	RealName    member.RealName `yaml:"real_name"` // none, personal or enterprise; none when left out
	Partner     string          `yaml:"partner"`   // whose partner account it is itself; nobody's when left out
	Language    string          `yaml:"language"`  // zh or en; as it is, zh at first, when left out
	TimeZone    string          `yaml:"time_zone"` // as it is, Asia/Shanghai at first, when left out
}

// members lays in natural persons' accounts; the vendor's own systems keep them, so the file's newest word holds.
func (l *loading) members(ctx context.Context, f ProgrammeFile) error {
	for _, a := range f.PersonalAccounts {
		if err := l.exec(ctx, "personal account "+a.ID, upsertAccountSQL, a.ID, a.AccountName, a.Name, member.ByMobile.Normal(a.Mobile), member.ByEmail.Normal(a.Email), a.RealName,
			a.Partner, a.Language, a.TimeZone); err != nil {
			return err
		}
	}
	if f.InvitationPolicy != nil {
		_, err := setPolicy(ctx, l.tx, member.Kind, *f.InvitationPolicy, l.by, l.at)
		return err
	}
	return nil
}

const upsertAccountSQL = `
	INSERT INTO personal_accounts AS a (account_id, account_name, name, mobile, email, real_name, partner_id, language, time_zone)
	VALUES ($1, $2, $3, $4, $5, coalesce(nullif($6, ''), 'none'), nullif($7, ''), coalesce(nullif($8, ''), 'zh'), coalesce(nullif($9, ''), 'Asia/Shanghai'))
	ON CONFLICT (account_id) DO UPDATE
	   SET account_name = excluded.account_name, name = excluded.name, mobile = excluded.mobile, email = excluded.email, real_name = excluded.real_name,
	       partner_id = excluded.partner_id, language = coalesce(nullif($8, ''), a.language), time_zone = coalesce(nullif($9, ''), a.time_zone)
	 WHERE (a.account_name, a.name, a.mobile, a.email, a.real_name, a.partner_id, a.language, a.time_zone)
	       IS DISTINCT FROM (excluded.account_name, excluded.name, excluded.mobile, excluded.email, excluded.real_name, excluded.partner_id,
	                         coalesce(nullif($8, ''), a.language), coalesce(nullif($9, ''), a.time_zone))`
