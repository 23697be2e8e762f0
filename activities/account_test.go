package activities

import (
	"fmt"
	"testing"
	"time"

	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/internal/codec"
	"countersign/internal/totp"

	"github.com/stretchr/testify/require"
)

const otherNetwork, network = "198.51.100.0/24", "192.0.2.0/24"

// bureau is an office with the vendor's people who have accounts: root and sys look after them, wei gets one.
type bureau struct {
	*office
	*Accounts
}

func newBureau(t *testing.T) *bureau {
	t.Helper()
	o := newOffice(t)
	o.db.MustExec(`INSERT INTO people (person_id, name, email) VALUES ('root', 'Root', ''), ('sys', 'Sys', ''), ('wei', 'Wei', 'wei@vendor.example')`)
	o.db.MustExec(`INSERT INTO person_roles VALUES ('root', 'account-administrator'), ('sys', 'account-administrator'), ('wei', 'vendor-finance')`)
	key, err := codec.NewKey("2026")
	require.NoError(t, err)
	keys, err := codec.Parse(key)
	require.NoError(t, err)
	return &bureau{o, &Accounts{DB: o.db, Keys: keys}}
}

func (b *bureau) give(to, by string) (GivenAccount, error) {
	return b.Give(b.t.Context(), GiveAccountInput{Person: to, Asked: b.asked(by, day3)})
}

// own gives wei an account with a password of their own.
func (b *bureau) own() {
	b.t.Helper()
	given, err := b.give("wei", "root")
	require.NoError(b.t, err)
	require.NoError(b.t, b.ChangePassword(b.t.Context(), ChangePasswordInput{Account: "wei", Old: given.Initial, New: "Spring 2025 rain", Network: network, Key: "own", At: day3}))
}

// factor sets wei's second factor and answers its secret and the recovery codes.
func (b *bureau) factor(at time.Time) (secret []byte, recovery []string) {
	b.t.Helper()
	f, err := b.DrawFactor("wei")
	require.NoError(b.t, err)
	recovery, err = b.SetFactor(b.t.Context(), SetFactorInput{Person: "wei", Password: "Spring 2025 rain", Sealed: f.Sealed, Code: totp.Code(f.Secret, totp.Step(at)), Network: network, Key: "factor", At: at})
	require.NoError(b.t, err)
	require.Len(b.t, recovery, 10)
	return f.Secret, recovery
}

func (b *bureau) from(network, account, password string, at time.Time) (SignedIn, error) {
	return b.SignIn(b.t.Context(), SignInInput{Account: account, Password: password, Network: network, At: at})
}

func (b *bureau) enter(code string, since, at time.Time) (SignedIn, error) {
	return b.EnterCode(b.t.Context(), EnterCodeInput{Person: "wei", Code: code, Since: since, Network: network, At: at})
}

// history is what happened to an account, as "event" or "event!" where it failed.
func (b *bureau) history(id string) (events []string) {
	b.t.Helper()
	require.NoError(b.t, b.db.Select(&events, `SELECT event || CASE WHEN failed THEN '!' ELSE '' END FROM account_events WHERE person_id IS NOT DISTINCT FROM nullif($1, '') ORDER BY event_id`, id))
	return events
}

// Rules: ORG-14, ORG-02
func TestGivenAVendorsPerson_WhenTheyAreGivenAnAccount_ThenTheyChangeThePasswordFirstAndEverythingIsWrittenDown(t *testing.T) {
	b := newBureau(t)
	in := GiveAccountInput{Person: "wei", Account: "wei.zhang", Asked: b.asked("root", day3)}
	given, err := b.Give(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "wei.zhang", given.Account)
	require.Len(t, given.Initial, 16)
	again, err := b.Give(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, again.Initial, "it is told once")
	require.Zero(t, count(t, b.db, `SELECT count(*) FROM outbox`), "the first one is handed over")

	came, err := b.from(network, "wei.zhang", given.Initial, day3)
	require.NoError(t, err)
	require.Equal(t, SignedIn{Person: "wei", MustChange: true, Pages: []organisation.Permission{}}, came)
	p, err := findPerson(t.Context(), b.db, "wei")
	require.NoError(t, err)
	require.Empty(t, p.Roles, "with an initial password nobody acts")
	change := func(key, old, fresh string) error {
		return b.ChangePassword(t.Context(), ChangePasswordInput{Account: "wei.zhang", Old: old, New: fresh, Network: network, Key: key, At: day3.Add(time.Minute)})
	}
	b.refuses(change("k1", given.Initial, "short"), "ORG-14 CBC.0100")
	b.refuses(change("k2", "wrong", "Spring 2025 rain"), "ORG-14 CBC.0151")
	require.NoError(t, change("k3", given.Initial, "Spring 2025 rain"))
	require.NoError(t, change("k3", given.Initial, "Spring 2025 rain"), "a double click")
	came, err = b.from(network, "wei.zhang", "Spring 2025 rain", day3)
	require.NoError(t, err)
	require.False(t, came.MustChange)
	require.Equal(t, []string{giveAccount, signIn, wrongPassword + "!", changePassword, signIn}, b.history("wei"))

	reset, err := b.give("wei", "root") // the account name stays
	require.NoError(t, err)
	require.Equal(t, "wei.zhang", reset.Account)
	_, err = b.from(network, "wei.zhang", "Spring 2025 rain", day3)
	b.refuses(err, "ORG-14 CBC.0151")
	require.Equal(t, 1, count(t, b.db, `SELECT count(*) FROM outbox WHERE person_id = 'wei' AND body NOT LIKE '%' || $1 || '%'`, reset.Initial))
	_, err = b.Give(t.Context(), GiveAccountInput{Person: "wei", Account: "another", Asked: b.asked("root", day3)})
	b.refuses(err, "ORG-03 ORG_NAME_FIXED")
	_, err = b.db.Exec(`UPDATE account_events SET event = 'x'`)
	require.Error(t, err)
	for _, table := range []string{"organisation_people", "account_events", "refusals", "outbox"} { // nowhere
		require.Zero(t, count(t, b.db, `SELECT count(*) FROM `+table+` x WHERE x::text LIKE '%Spring 2025%' OR x::text LIKE '%' || $1 || '%'`, reset.Initial), table)
	}
}

// Rules: ORG-02, PGM-07, COM-16
func TestGivenPeople_WhenTheyLookAfterAccounts_ThenOnlyTheVendorsAccountAdministratorsMayAndNobodyResetsTheirOwn(t *testing.T) {
	b := newBureau(t)
	_, err := b.give("wei", "ops")
	b.refuses(err, "COM-16 CBC.0151")
	_, err = b.give("wei", "nobody")
	b.refuses(err, "COM-16 CBC.0151")
	_, err = b.give("nobody", "root")
	b.refuses(err, "COM-16 CBC.0151")
	given, err := b.give("fei", "root") // a partner's person, who came with a file and has none
	require.NoError(t, err)
	require.Equal(t, "fei", given.Account)
	_, err = b.give("fei", "root")
	b.refuses(err, "ORG-02 CBC.0151")
	_, err = b.give("root", "root") // nobody had an account before
	require.NoError(t, err)
	_, err = b.give("root", "sys")
	require.NoError(t, err)
	b.db.MustExec(`UPDATE organisation_people SET must_change = false WHERE person_id = 'root'`)
	_, err = b.give("root", "root")
	b.refuses(err, "ENG-02 ENG_SELF_APPROVAL")
	b.db.MustExec(`UPDATE people SET active = false WHERE person_id = 'wei'`)
	_, err = b.give("wei", "root")
	b.refuses(err, "COM-16 CBC.0151")
	b.refuses(b.Forget(t.Context(), ForgetInput{Person: "fei", Asked: b.asked("ada", day3)}), "COM-16 CBC.0151")
	b.refuses(b.Forget(t.Context(), ForgetInput{Person: "root", Asked: b.asked("root", day3)}), "ENG-02 ENG_SELF_APPROVAL")
	require.Equal(t, []string{giveAccount}, b.history("fei"))
}

// Rules: ORG-14, PGM-02
func TestGivenAnAccountThatIsLockedAgainAndAgain_WhenItLocks_ThenEachLockIsTwiceAsLong(t *testing.T) {
	b := newBureau(t)
	b.own()
	at := day3
	for _, want := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour} {
		for try := range organisation.Tries {
			came, err := b.from("", "wei", "wrong", at)
			b.refuses(err, "ORG-14 CBC.0151")
			require.Nil(t, came.LockedUntil)
			require.Equal(t, try == organisation.Tries-1, came.Locked)
			at = at.Add(time.Second)
		}
		at = at.Add(want - 2*time.Second) // a second before the lock's end
		came, err := b.from("", "wei", "Spring 2025 rain", at)
		b.refuses(err, "ORG-14 CBC.0151")
		require.Equal(t, at.Add(time.Second).UTC(), came.LockedUntil.UTC())
		at = at.Add(time.Second)
	}
	_, err := b.from("", "wei", "Spring 2025 rain", at)
	require.NoError(t, err)
	require.Equal(t, 1, count(t, b.db, `SELECT count(*) FROM organisation_people WHERE person_id = 'wei' AND locks = 0 AND wrong_tries = 0 AND locked_until IS NULL`), "who comes in begins anew")
	require.Contains(t, b.history("wei"), lockedAccount+"!")
	require.Equal(t, 3, count(t, b.db, `SELECT count(*) FROM outbox WHERE person_id = 'wei' AND subject LIKE '%Account locked' AND body LIKE '%命令行%'`), "the person is told of each lock")
}

// Rule: ORG-14
func TestGivenAnAccountThatOthersLocked_WhenItsPersonComesFromWhereTheyAlwaysDo_ThenTheyAreInAndTheOthersStayOut(t *testing.T) {
	b := newBureau(t)
	b.own()
	try := func(network, password string) (SignedIn, error) {
		return b.from(network, "wei", password, day3.Add(time.Hour))
	}
	const right = "Spring 2025 rain"
	_, err := try(network, right)
	require.NoError(t, err)
	for range organisation.Tries {
		_, err = try(otherNetwork, "wrong")
		b.refuses(err, "ORG-14 CBC.0151")
	}
	came, err := try(otherNetwork, right)
	b.refuses(err, "ORG-14 CBC.0151")
	require.NotNil(t, came.LockedUntil)
	_, err = try(network, right)
	require.NoError(t, err)
	_, err = try(otherNetwork, right)
	b.refuses(err, "ORG-14 CBC.0151")
	_, err = try("", right)
	b.refuses(err, "ORG-14 CBC.0151")
	require.Equal(t, 1, count(t, b.db, `SELECT count(*) FROM organisation_people WHERE person_id = 'wei' AND locks = 1`), "the lock binds the others as before")

	for range organisation.Tries { // no more may be tried from there than from anywhere
		came, err = try(network, "wrong")
		b.refuses(err, "ORG-14 CBC.0151")
		require.Nil(t, came.LockedUntil)
	}
	came, err = try(network, right)
	b.refuses(err, "ORG-14 CBC.0151")
	require.NotNil(t, came.LockedUntil)
	require.Equal(t, 1, count(t, b.db, `SELECT count(*) FROM organisation_people WHERE person_id = 'wei' AND locks = 1`), "a locked account is not locked again")
	_, err = b.from(network, "wei", right, day3.Add(time.Hour+organisation.Lock))
	require.NoError(t, err)
	require.Equal(t, 1, count(t, b.db, `SELECT count(*) FROM organisation_people WHERE person_id = 'wei' AND locks = 0`), "the lock is over")

	b.db.MustExec(`UPDATE organisation_people SET locked_until = $1, locks = 1`, day3.Add(40*24*time.Hour))
	_, err = b.from(network, "wei", right, day3.Add(29*24*time.Hour))
	require.NoError(t, err)
	_, err = b.from(otherNetwork, "wei", right, day3.Add(29*24*time.Hour))
	b.refuses(err, "ORG-14 CBC.0151")
	b.db.MustExec(`UPDATE organisation_people SET locked_until = $1, locks = 1`, day3.Add(80*24*time.Hour))
	_, err = b.from(network, "wei", right, day3.Add(60*24*time.Hour))
	b.refuses(err, "ORG-14 CBC.0151")
}

// Two tries at once of a name that somebody has wait for each other; if those of another did not, the time would tell which is which.
func TestGivenANameThatIsTriedAlready_WhenItIsTriedOnceMore_ThenTheSecondTryWaitsWhetherTheNameExistsOrNot(t *testing.T) {
	b := newBureau(t)
	b.own()
	for _, name := range []string{"wei", "nobody"} {
		first, err := b.db.BeginTxx(t.Context(), nil)
		require.NoError(t, err)
		_, _, err = enter(t.Context(), first, SignInInput{Account: name, Password: "wrong", At: day3})
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() {
			_, err := b.from("", name, "wrong", day3)
			ended <- err
		}()
		require.Eventually(t, func() bool {
			return count(t, b.db, `SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted`) == 1
		}, time.Minute, 10*time.Millisecond, name)
		require.NoError(t, first.Rollback())
		b.refuses(<-ended, "ORG-14 CBC.0151")
	}
}

// Rule: ORG-14
func TestGivenANetworkThatTriesManyAccounts_WhenItIsAtTheLimit_ThenItIsRefusedAndOthersAreNot(t *testing.T) {
	b := newBureau(t)
	b.own()
	_, err := b.from(network, "nobody", "Spring 2025 rain", day3)
	b.refuses(err, "ORG-14 CBC.0151")
	require.Equal(t, []string{unknownAccount + "!"}, b.history(""))
	b.db.MustExec(`INSERT INTO account_events (at, event, failed, network) SELECT $1, 'unknown account', true, $2::inet FROM generate_series(2, $3::int)`, day3, network, organisation.NetworkTries)
	_, err = b.from(network, "wei", "Spring 2025 rain", day3.Add(organisation.NetworkWindow-time.Second))
	require.ErrorContains(t, err, "from your network")
	require.Equal(t, organisation.NetworkTries, count(t, b.db, `SELECT count(*) FROM account_events WHERE failed`), "no line for what is not looked at")
	_, err = b.from(otherNetwork, "wei", "Spring 2025 rain", day3)
	require.NoError(t, err)
	_, err = b.from(network, "wei", "Spring 2025 rain", day3.Add(organisation.NetworkWindow))
	require.NoError(t, err)
}

// Rule: ORG-14
func TestGivenASecondFactor_WhenSomebodySignsIn_ThenThePasswordIsNotEnoughAndEachCodeIsGoodOnce(t *testing.T) {
	b := newBureau(t)
	b.own()
	secret, recovery := b.factor(day3)
	require.Zero(t, count(t, b.db, `SELECT count(*) FROM organisation_people WHERE position($1 IN second_factor) > 0`, secret), "it is sealed")
	at := day3.Add(time.Minute)
	code := totp.Code(secret, totp.Step(at))
	came, err := b.from(network, "wei", "Spring 2025 rain", at)
	require.NoError(t, err)
	require.Equal(t, SignedIn{Person: "wei", NeedsCode: true, Pages: []organisation.Permission{}}, came)
	_, err = b.enter(totp.Code(secret, totp.Step(day3)), at, at) // the one that set it
	b.refuses(err, "ORG-14 CBC.0151")
	came, err = b.enter(code[:3]+" "+code[3:], at, at)
	require.NoError(t, err)
	require.Equal(t, "wei", came.Person)
	_, err = b.enter(code, at, at)
	b.refuses(err, "ORG-14 CBC.0151")
	_, err = b.enter(recovery[0], at, at)
	require.NoError(t, err)
	_, err = b.enter(recovery[0], at, at)
	b.refuses(err, "ORG-14 CBC.0151")
	require.Equal(t, []string{giveAccount, changePassword, setSecondFactor, rightPassword, wrongCode + "!", signIn, wrongCode + "!", usedRecoveryCode, wrongCode + "!"}, b.history("wei"))

	for range organisation.Tries - 1 { // one was wrong before: a right password in between forgets nothing
		_, err = b.from(network, "wei", "Spring 2025 rain", at)
		require.NoError(t, err)
		_, err = b.enter("000000", at, at)
		b.refuses(err, "ORG-14 CBC.0151")
	}
	came, err = b.enter(totp.Code(secret, totp.Step(at)+1), at, at)
	b.refuses(err, "ORG-14 CBC.0151")
	require.NotNil(t, came.LockedUntil)
	_, err = b.from(network, "wei", "Spring 2025 rain", at)
	b.refuses(err, "ORG-14 CBC.0151")
}

// Rule: ORG-14
func TestGivenASecondFactor_WhenItIsSetForgottenOrThePasswordChanges_ThenThePresentPasswordIsAsked(t *testing.T) {
	b := newBureau(t)
	b.own()
	f, err := b.DrawFactor("wei")
	require.NoError(t, err)
	in := SetFactorInput{Person: "wei", Password: "wrong", Sealed: f.Sealed, Code: totp.Code(f.Secret, totp.Step(day3)), Key: "f1", At: day3}
	_, err = b.SetFactor(t.Context(), in)
	b.refuses(err, "ORG-14 CBC.0151")
	in.Password, in.Code, in.Key = "Spring 2025 rain", "000000", "f2"
	_, err = b.SetFactor(t.Context(), in)
	b.refuses(err, "ORG-14 CBC.0151")
	require.Equal(t, 1, count(t, b.db, `SELECT wrong_tries FROM organisation_people WHERE person_id = 'wei'`), "the password alone is counted")
	strange, err := b.DrawFactor("root")
	require.NoError(t, err)
	in.Sealed, in.Key = strange.Sealed, "f3"
	_, err = b.SetFactor(t.Context(), in)
	require.ErrorContains(t, err, "not that of wei")

	secret, _ := b.factor(day3)
	came, err := b.from(network, "wei", "Spring 2025 rain", day3)
	require.NoError(t, err)
	require.True(t, came.NeedsCode)
	later := day3.Add(time.Hour)
	require.NoError(t, b.ChangePassword(t.Context(), ChangePasswordInput{Account: "wei", Old: "Spring 2025 rain", New: "Summer 2025 sun", Key: "summer", At: later}))
	_, err = b.enter(totp.Code(secret, totp.Step(later)), day3, later)
	b.refuses(err, "ORG-14 CBC.0151") // the password was another then
	_, err = b.enter(totp.Code(secret, totp.Step(later)), later, later)
	require.NoError(t, err)

	drop := SetFactorInput{Person: "wei", Password: "wrong", Key: "d1", At: later}
	b.refuses(b.DropFactor(t.Context(), drop), "ORG-14 CBC.0151")
	drop.Password, drop.Key = "Summer 2025 sun", "d2"
	require.NoError(t, b.DropFactor(t.Context(), drop))
	require.NoError(t, b.DropFactor(t.Context(), drop), "a double click")
	came, err = b.from(network, "wei", "Summer 2025 sun", later)
	require.NoError(t, err)
	require.False(t, came.NeedsCode)
}

func TestGivenAMasterWhoLostTheAuthenticator_WhenAnAccountAdministratorForgetsIt_ThenThePasswordIsEnoughAndSessionsEnd(t *testing.T) {
	b := newBureau(t)
	f, err := b.DrawFactor("meng")
	require.NoError(t, err)
	b.db.MustExec(`UPDATE organisation_people SET second_factor = $1 WHERE person_id = 'meng'`, f.Sealed)
	in := ForgetInput{Person: "meng", Asked: b.asked("root", day3)}
	require.NoError(t, b.Forget(t.Context(), in))
	require.NoError(t, b.Forget(t.Context(), in), "a repeat")
	require.Equal(t, 1, count(t, b.db, `SELECT count(*) FROM organisation_people JOIN people USING (person_id) WHERE person_id = 'meng' AND second_factor IS NULL AND signed_out_at = $1`, day3))
	in.Identity = true
	b.refuses(b.Forget(t.Context(), in), "COM-20 COM_REQUEST_KEY")
	require.Equal(t, []string{forgetSecondFactor}, b.history("meng"))
}

func TestGivenAnIdentityProvider_WhenSomebodyComesFromIt_ThenOnlyTheVendorsPeopleDoAndTheIdentityCountsNotTheEmail(t *testing.T) {
	b := newBureau(t)
	from := func(subject, email string, verified bool) (string, error) {
		b.keys++
		came, err := b.SignInByIdentity(t.Context(), Identity{Issuer: "https://idp.example", Subject: subject, Email: email, Verified: verified, Network: network, At: day3.Add(time.Duration(b.keys) * time.Second)})
		return came.Person, err
	}
	for _, stranger := range []struct {
		email    string
		verified bool
	}{{"wei@vendor.example", false}, {"", true}, {"who@vendor.example", true}, {"meng@alpha.example", true}} {
		_, err := from("s-1", stranger.email, stranger.verified)
		b.refuses(err, "COM-16 CBC.0151")
	}
	require.Len(t, b.history(""), 4)
	who, err := from("s-1", "Wei@Vendor.example", true)
	require.NoError(t, err)
	require.Equal(t, "wei", who)
	who, err = from("s-1", "renamed@vendor.example", false)
	require.NoError(t, err)
	require.Equal(t, "wei", who)
	_, err = from("s-2", "wei@vendor.example", true) // somebody else got the address
	b.refuses(err, "COM-16 CBC.0151")
	require.NoError(t, b.Forget(t.Context(), ForgetInput{Person: "wei", Identity: true, Asked: b.asked("root", day3)}))
	who, err = from("s-2", "wei@vendor.example", true)
	require.NoError(t, err)
	require.Equal(t, "wei", who)
	b.db.MustExec(`UPDATE people SET email = 'wei@vendor.example' WHERE person_id = 'sys'`)
	_, err = from("s-3", "wei@vendor.example", true) // of two it is nobody
	b.refuses(err, "COM-16 CBC.0151")
	b.db.MustExec(`UPDATE people SET active = false, left_at = $1 WHERE person_id = 'wei'`, day3)
	_, err = from("s-2", "wei@vendor.example", true)
	b.refuses(err, "COM-16 CBC.0151")
}

func TestGivenASignOut_WhenItIsEverywhere_ThenSessionsFromBeforeAreOver(t *testing.T) {
	b := newBureau(t)
	require.NoError(t, b.SignOut(t.Context(), SignOutInput{Person: "wei", Network: network, At: day3}))
	require.Zero(t, count(t, b.db, `SELECT count(*) FROM people WHERE signed_out_at IS NOT NULL`))
	require.NoError(t, b.SignOut(t.Context(), SignOutInput{Person: "wei", Everywhere: true, Network: network, At: day3}))
	require.Equal(t, 1, count(t, b.db, `SELECT count(*) FROM people WHERE signed_out_at = $1`, day3))
	require.Equal(t, []string{signOut, signOutAll}, b.history("wei"))
}

// Rule: ORG-04
func TestGivenAVendorsPersonWithAnAccount_WhenTheyGetManyRoles_ThenThePartnersLimitIsNotTheirs(t *testing.T) {
	b := newBureau(t)
	b.own()
	for i := range 4 {
		b.db.MustExec(`INSERT INTO person_roles VALUES ('wei', $1)`, fmt.Sprintf("role-%d", i))
	}
	p, err := findPerson(t.Context(), b.db, "wei")
	require.NoError(t, err)
	require.True(t, p.Holds(person.VendorFinance))
	require.Len(t, p.Roles, 5)
}
