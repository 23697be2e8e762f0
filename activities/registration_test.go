package activities

import (
	"context"
	"regexp"
	"sync"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/organisation"
	"countersign/domain/tier"
	"countersign/domain/verification"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// counter is where company C1 with the account A1, held by Mei, registers another account.
type counter struct {
	*Organisation
	t *testing.T
}

func newCounter(t *testing.T) *counter {
	c := &counter{Organisation: &Organisation{DB: pgtest.New(t)}, t: t}
	file, err := ParseProgramme([]byte(`
companies: [{id: C1, name: A Ltd}]
partners:
  - {id: A1, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud, company: C1, master: mei, site: international, ecosystem_manager: wang}
  - {id: B1, name: B Ltd, kind: solution-provider, entity: cloud, master: bo}
people:
  - {id: mei, name: Mei, partner: A1, email: mei@a.example, roles: [partner-administrator]}
  - {id: an, name: An, partner: A1, email: an@a.example, roles: [partner-administrator]}
  - {id: bo, name: Bo, partner: B1, email: bo@b.example, roles: [partner-administrator]}
  - {id: wang, name: Wang, roles: [ecosystem-manager]}
withdrawal_policy: {review_role: r, payment_role: p, escalation_role: e, review_term: P2WD, arrival_term: P7WD, wallet_term: 90s, risk_amount: "50000.00", code_term: 5m, code_tries: 5}
personal_accounts: [{id: N1, account_name: n1, name: N1, mobile: "13900000001", email: n1@n.example}]
`))
	require.NoError(t, err)
	_, err = (&Programme{DB: c.DB}).Load(t.Context(), file, "ops", at8("2025-06-01 09:00:00"))
	require.NoError(t, err)
	c.DB.MustExec(`UPDATE organisation_people SET mobile = '13800000001' WHERE person_id IN ('mei', 'bo')`)
	return c
}

func at8(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, calendar.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// message is the newest message of a person with the text.
func (c *counter) message(person, text string) (body, mobile string) {
	c.t.Helper()
	require.NoError(c.t, c.DB.QueryRow(`SELECT body, mobile FROM outbox WHERE person_id = $1 AND secret AND body LIKE '%' || $2 || '%' ORDER BY message_id DESC LIMIT 1`, person, text).Scan(&body, &mobile))
	return body, mobile
}

// codes sends both codes to a master account and reads them.
func (c *counter) codes(person, partner, at string) (email, mobile string) {
	c.t.Helper()
	for _, scene := range []string{verification.RegistrationEmail, verification.RegistrationMobile} {
		_, err := (&Codes{DB: c.DB}).SendCode(context.Background(), SendCodeInput{Person: person, Scene: scene, Target: partner, At: at8(at)})
		require.NoError(c.t, err)
	}
	six := regexp.MustCompile(`[0-9]{6}`)
	byMail, none := c.message(person, "by email")
	byText, number := c.message(person, "by mobile")
	require.Empty(c.t, none)
	require.Equal(c.t, "13800000001", number)
	return six.FindString(byMail), six.FindString(byText)
}

// verified answers the link of a master account that was verified at an instant.
func (c *counter) verified(key, at string) string {
	c.t.Helper()
	email, mobile := c.codes("mei", "A1", at)
	sent, err := c.VerifyMaster(context.Background(), VerifyMasterInput{Partner: "A1", EmailCode: email, MobileCode: mobile, Asked: Asked{By: "mei", Key: key, At: at8(at)}})
	require.NoError(c.t, err)
	require.Equal(c.t, at8(at).Add(24*time.Hour).UTC(), sent.ExpiresAt.UTC())
	body, _ := c.message("mei", "链接 link: ")
	return regexp.MustCompile(`链接 link: (\S+)`).FindStringSubmatch(body)[1]
}

func (c *counter) register(link, mobile, account, at string) (RegisteredAccount, error) {
	return c.RegisterAccount(context.Background(), RegisterAccountInput{
		Link: link, Entry: organisation.Entry{Account: account, Name: "Mei Two", Mobile: mobile, Email: account + "@a.example"}, Key: "r-" + account, At: at8(at),
	})
}

// Rule: TIER-09
func TestTIER09GivenAVerifiedMasterAccount_WhenTheLinkIsFollowed_ThenOnlyWithin24HoursOnceAndWithAnUnusedMobile(t *testing.T) {
	c := newCounter(t)
	link := c.verified("v1", "2025-06-10 09:00:00")
	refused := func(want []string, mobile, account, at string) {
		t.Helper()
		_, err := c.register(link, mobile, account, at)
		require.Equal(t, want, RefusalOf(err).Codes())
	}
	refused([]string{"PLN_MOBILE_USED"}, "13900000001", "a", "2025-06-10 10:00:00")
	refused([]string{"PLN_MOBILE_USED"}, "138 0000-0001", "b", "2025-06-10 10:00:00")
	refused([]string{"PLN_MOBILE_USED"}, "+86 138 0000 0001", "b", "2025-06-10 10:00:00")
	refused([]string{"PLN_LINK_EXPIRED"}, "13700000001", "c", "2025-06-11 09:00:00")
	refused([]string{"PLN_LINK_EXPIRED"}, "13800000001", "d", "2025-06-11 09:00:01")   // nothing is learnt by a link that is void: neither whose the number is
	refused([]string{"PLN_LINK_EXPIRED"}, "13700000001", "mei", "2025-06-11 09:00:01") // nor that the account name is taken
	refused([]string{"CBC.0100"}, "", "e", "2025-06-10 10:00:00")
	var accounts int
	require.NoError(t, c.DB.Get(&accounts, `SELECT count(*) FROM partners`))
	require.Equal(t, 2, accounts, "nothing was opened")

	made, err := c.register(link, "13700000001", "mei.two", "2025-06-11 08:59:59")
	require.NoError(t, err)
	require.Equal(t, "PA000001", made.Partner)
	require.Equal(t, "C1", made.Company)
	require.NotEmpty(t, made.Master.Initial)
	require.True(t, made.Master.Master)
	require.Equal(t, "13700000001", made.Master.Mobile)
	var shown string
	require.NoError(t, c.DB.Get(&shown, `SELECT concat_ws(' ', name, kind, state, '(' || verified_name || ')', entity, company_id, site, ecosystem_manager) FROM partners WHERE partner_id = 'PA000001'`))
	require.Equal(t, "A Ltd solution-provider ACTIVE () cloud C1 international wang", shown)

	again, err := c.register(link, "13700000001", "mei.two", "2025-06-12 10:00:00")
	require.NoError(t, err, "a repeat answers the account")
	require.Equal(t, made.Partner, again.Partner)
	require.Empty(t, again.Master.Initial, "its password is answered once")
	refused([]string{"COM_REQUEST_KEY"}, "13700000009", "mei.two", "2025-06-12 10:00:00") // the same key with another number
	refused([]string{"PLN_LINK_EXPIRED"}, "13700000002", "mei.three", "2025-06-11 08:00:00")
	_, err = c.register("not-a-link", "13700000002", "mei.four", "2025-06-10 10:00:00")
	require.Equal(t, []string{"PLN_LINK_EXPIRED"}, RefusalOf(err).Codes())
	_, err = c.DB.Exec(`UPDATE account_registrations SET new_partner = 'B1'`)
	require.Error(t, err)
	var hash []byte
	require.NoError(t, c.DB.Get(&hash, `SELECT token_hash FROM account_registrations`))
	parsed, ok := tier.ParseLink(link)
	require.True(t, ok)
	require.Equal(t, parsed.Hash(), hash, "only the hash is kept")

	// The new account belongs to the company: its certified path is one of A1's (TIER-03).
	c.DB.MustExec(`INSERT INTO partner_paths (partner_id, path, stage, from_at) VALUES ('PA000001', 'SVC', 'ROLE_CERTIFIED', '2025-07-01T00:00:00Z')`)
	require.NoError(t, inTx(t.Context(), c.DB, func(tx *sqlx.Tx) error {
		found, err := companyPaths(t.Context(), tx, "A1", at8("2025-07-02 09:00:00"))
		require.Equal(t, []tier.Account{{ID: "A1", Paths: []tier.Path{}}, {ID: "PA000001", Paths: []tier.Path{{Path: "SVC", Stage: "ROLE_CERTIFIED"}}}}, found)
		return err
	}))
}

// Rule: TIER-09
func TestTIER09GivenAMasterAccount_WhenItIsVerified_ThenByBothCodesAndByItsHolderOnly(t *testing.T) {
	c := newCounter(t)
	email, mobile := c.codes("mei", "A1", "2025-06-10 08:59:00")
	verify := func(by, email, mobile, at string) error {
		_, err := c.VerifyMaster(context.Background(), VerifyMasterInput{Partner: "A1", EmailCode: email, MobileCode: mobile, Asked: Asked{By: by, Key: "v", At: at8(at)}})
		return err
	}
	require.Equal(t, []string{"CBC.0151", "PRG.SEC.01", "PRG.SEC.01"}, RefusalOf(verify("an", email, mobile, "2025-06-10 09:00:00")).Codes())
	require.Equal(t, []string{"PRG.SEC.01"}, RefusalOf(verify("mei", email, "", "2025-06-10 09:00:00")).Codes(), "by mobile too")
	require.Equal(t, []string{"PRG.SEC.01"}, RefusalOf(verify("mei", mobile+"x", mobile, "2025-06-10 09:00:00")).Codes())
	var tries []int
	require.NoError(t, c.DB.Select(&tries, `SELECT tries_left FROM verification_codes ORDER BY scene`))
	require.Equal(t, []int{4, 5}, tries, "the wrong one costs a try")
	require.Equal(t, []string{"PRG.SEC.01", "PRG.SEC.01"}, RefusalOf(verify("mei", email, mobile, "2025-06-10 09:04:00")).Codes(), "after five minutes")
	require.NoError(t, verify("mei", email, mobile, "2025-06-10 09:03:59"))
	require.NoError(t, verify("mei", email, mobile, "2025-06-10 09:03:59"), "a repeat")
	var links int
	require.NoError(t, c.DB.Get(&links, `SELECT count(*) FROM outbox WHERE body LIKE '%链接%'`))
	require.Equal(t, 1, links)

	for person, want := range map[string][]string{"an": {"CBC.0151"}, "bo": {"CBC.0151"}} {
		_, err := (&Codes{DB: c.DB}).SendCode(context.Background(), SendCodeInput{Person: person, Scene: verification.RegistrationEmail, Target: "A1", At: at8("2025-06-10 10:00:00")})
		require.Equal(t, want, RefusalOf(err).Codes())
	}
	c.DB.MustExec(`UPDATE organisation_people SET mobile = '' WHERE person_id = 'mei'`)
	_, err := (&Codes{DB: c.DB}).SendCode(context.Background(), SendCodeInput{Person: "mei", Scene: verification.RegistrationMobile, Target: "A1", At: at8("2025-06-10 10:00:00")})
	require.Equal(t, []string{"CBC.0100"}, RefusalOf(err).Codes())
}

// Rule: TIER-09
func TestTIER09GivenTwoRegistrationsAtOnce_WhenTheyTakeOneNumber_ThenOneIsRefused(t *testing.T) {
	c := newCounter(t)
	links := []string{c.verified("v1", "2025-06-10 09:00:00"), c.verified("v2", "2025-06-10 09:10:00")}
	var wait sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wait.Go(func() { _, errs[i] = c.register(links[i], "13700000001", []string{"x", "y"}[i], "2025-06-10 10:00:00") })
	}
	wait.Wait()
	if errs[0] != nil {
		errs[0], errs[1] = errs[1], errs[0]
	}
	require.NoError(t, errs[0])
	require.Equal(t, []string{"PLN_MOBILE_USED"}, RefusalOf(errs[1]).Codes())
}

// Rule: TIER-09
func TestTIER09GivenACodeForTheMobile_WhenMessagesAreDelivered_ThenItGoesToTheTextGateway(t *testing.T) {
	c := newCounter(t)
	c.codes("mei", "A1", "2025-06-10 09:00:00")
	var mail deliveries
	outbox := Outbox{DB: c.DB, Mail: &mail}
	deliver := func() {
		for range 3 {
			_, err := outbox.DeliverNext(t.Context(), at8("2025-06-10 09:00:01"))
			require.NoError(t, err)
		}
	}
	deliver()
	require.Equal(t, deliveries{"mei@a.example"}, mail, "without a gateway the other one stays in the outbox")
	outbox.TextGateway = "text.example"
	deliver()
	require.Equal(t, deliveries{"mei@a.example", "13800000001@text.example"}, mail)
}

// deliveries are the addresses to which messages went.
type deliveries []string

func (d *deliveries) Deliver(_ context.Context, address, _, _ string) error {
	*d = append(*d, address)
	return nil
}
