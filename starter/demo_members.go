package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/demo"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/certificate"
	"countersign/domain/lab"
	"countersign/domain/ledger"
	"countersign/domain/member"
	"countersign/domain/money"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/qualification"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/internal/pdf"
	"countersign/workflows"

	"github.com/google/uuid"
)

// company is the partner of the story's last part: its people, its members, a solution and its tier. Each playing has one of its own.
type company struct {
	*story
	suffix      string // of its number
	id          string
	shen        string // its administrator, who holds the master account
	qian, sun   string // personal accounts
	invitations member.Policy
	specialist  string // case of the first one
	solution    string
	folder      string
}

// people of the vendor in demo/members.yaml
const (
	han = "han" // certification reviewer
	jia = "jia" // solution architect
	xie = "xie" // tier reviewer
)

// shortInvitation is how long the second invitation holds.
const shortInvitation = "2s"

// certified plays what lasts: people, members, certificates, a tier.
func (s *story) certified(ctx context.Context) (err error) {
	c := &company{story: s}
	if c.folder, err = os.MkdirTemp("", "countersign-demo-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.folder)
	for _, chapter := range []func(context.Context) error{
		c.enter, c.staffed, c.invited, c.bound, c.lapsed, c.recognised, c.credited, c.examined, c.printed, c.tooEarly, c.short, c.upgraded,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *company) enter(ctx context.Context) (err error) {
	if c.suffix, err = c.unplayed(ctx, "P3001"); err != nil {
		return err
	}
	c.id, c.shen, c.qian, c.sun = "P3001"+c.suffix, "shen"+c.suffix, "A3001"+c.suffix, "A3002"+c.suffix
	file, err := c.load(ctx, demo.Members, c.suffix)
	if err != nil {
		return err
	}
	c.invitations = *file.InvitationPolicy
	return nil
}

// staffed creates a person, who sets a password before anything opens.
func (c *company) staffed(ctx context.Context) error {
	o := &activities.Organisation{DB: c.views.DB}
	account := "li.lei" + c.suffix
	given, err := o.CreatePerson(ctx, activities.CreatePersonInput{Partner: c.id, Asked: activities.Asked{By: c.shen, Key: uuid.NewString(), At: time.Now()}, Entry: organisation.Entry{
		Account: account, Name: "Li Lei", Mobile: "13800138000", Email: account + "@epsilon.example", Roles: []person.Role{person.PartnerWithdrawals},
	}})
	if err != nil {
		return unrefused(err)
	}
	signIn := func(password string) (activities.SignedIn, error) {
		return o.SignIn(ctx, activities.SignInInput{Account: account, Password: password, At: time.Now()})
	}
	first, err := signIn(given.Initial)
	if err != nil || !first.MustChange || len(first.Pages) > 0 {
		return errors.Join(unrefused(err), fmt.Errorf("after step %d: %s comes in with the initial password to %v, a change of it was expected", len(c.steps), account, first.Pages))
	}
	change := func(password string) error {
		return o.ChangePassword(ctx, activities.ChangePasswordInput{Account: account, Old: given.Initial, New: password, Key: uuid.NewString(), At: time.Now()})
	}
	if err := c.refusedTo(ctx, change(account), nil, []string{"CBC.0100"},
		"%s creates %s, %s, of %s, who signs in with the initial password: no page opens before it is changed. The own account name is no password:", c.shen, given.ID, account, c.id); err != nil {
		return err
	}
	own := uuid.NewString() + "-Own"
	if err := change(own); err != nil {
		return unrefused(err)
	}
	in, err := signIn(own)
	if err != nil || in.MustChange || !slices.Contains(in.Pages, organisation.Withdrawals) {
		return errors.Join(unrefused(err), fmt.Errorf("after step %d: %s comes in to %v, withdrawals were expected", len(c.steps), account, in.Pages))
	}
	return c.note(ctx, nil, []string{"ORG-04", "ORG-14"}, "With a password of their own %s comes in to %d pages, withdrawals among them. Lists show the mobile as %s.", given.ID, len(in.Pages), given.Mobile)
}

// invite finds an account by its name and invites it.
func (c *company) invite(ctx context.Context, account, name string) (activities.Standing, error) {
	found, err := (&activities.Members{DB: c.views.DB}).FindAccount(ctx, activities.FindAccountInput{Partner: c.id, Person: c.shen, By: member.ByName, Text: name + c.suffix, At: time.Now()})
	if err == nil && found != account {
		err = fmt.Errorf("%s was found", found)
	}
	if err != nil {
		return activities.Standing{}, err
	}
	i := member.Invitation{RequestKey: uuid.NewString(), PartnerID: c.id, Submitter: c.shen, AccountID: found, By: member.ByName}
	return patiently(func() (activities.Standing, error) { return workflows.Invite(ctx, c.h.temporal, i) })
}

// link reads the newest link where the mail would go.
func (c *company) link(ctx context.Context, account string) (string, error) {
	messages, err := c.views.Outbox(ctx, account, false)
	if err != nil {
		return "", err
	}
	for _, m := range slices.Backward(messages) {
		if found := links.FindStringSubmatch(m.Body); found != nil {
			return found[1], nil
		}
	}
	return "", fmt.Errorf("after step %d: %s has no message with a link", len(c.steps), account)
}

var links = regexp.MustCompile(`link: (\S+)`)

// follow accepts an invitation by a link.
func (c *company) follow(ctx context.Context, link string) (activities.Standing, error) {
	followed, err := (&activities.Members{DB: c.views.DB}).FollowLink(ctx, link)
	if err != nil {
		return activities.Standing{}, err
	}
	known, err := c.views.Case(ctx, followed.Case)
	if err != nil {
		return activities.Standing{}, err
	}
	a := member.Acceptance{Key: uuid.NewString(), Case: followed.Case, Account: c.qian, Proof: member.Proof(followed.Hash, followed.Case, c.qian), Notice: member.CurrentNotice().Version}
	return patiently(func() (activities.Standing, error) {
		return workflows.AcceptInvitation(ctx, c.h.temporal, known.WorkflowID, a)
	})
}

// invited sends a link twice; the first one is dead.
func (c *company) invited(ctx context.Context) error {
	var sent [2]string
	for i := range sent {
		now, err := c.invite(ctx, c.qian, "qian.yu")
		if err := c.expect(now.State, member.Invited, err); err != nil {
			return err
		}
		if sent[i], err = c.link(ctx, c.qian); err != nil {
			return err
		}
	}
	if sent[0] == sent[1] {
		return fmt.Errorf("after step %d: the second message has the first one's link", len(c.steps))
	}
	_, err := c.follow(ctx, sent[0])
	return c.refusedTo(ctx, err, nil, []string{"INV_USED"}, "%s invites the natural person %s, and once more: the link of the newest message holds alone. The first one is followed:", c.shen, c.qian)
}

func (c *company) bound(ctx context.Context) error {
	link, err := c.link(ctx, c.qian)
	if err != nil {
		return err
	}
	now, err := c.follow(ctx, link)
	if err := c.expect(now.State, member.Bound, err); err != nil {
		return err
	}
	return c.note(ctx, nil, []string{"ORG-27", "ORG-34", "ORG-35"}, "The second link is followed, and the notice ticked: %s is %s. The link itself never went through Temporal; only its hash is kept.", now.Case, now.State)
}

// lapsed invites somebody who does not answer, under a term that is shortened by policy and put back.
func (c *company) lapsed(ctx context.Context) (err error) {
	set := func(p member.Policy) error {
		_, err := (&activities.Programme{DB: c.views.DB}).SetPolicy(context.WithoutCancel(ctx), member.Kind, p, he, time.Now())
		return err
	}
	brief := c.invitations
	brief.Term, brief.RemindAfter = calendar.MustTerm(shortInvitation), calendar.Term{}
	if err := set(brief); err != nil {
		return err
	}
	sent, err := c.invite(ctx, c.sun, "sun.bo")
	if err := errors.Join(err, set(c.invitations)); err != nil {
		return unrefused(err)
	}
	for tries := 0; sent.State != member.Lapsed; tries++ {
		if tries > 100 {
			return fmt.Errorf("after step %d: %s is %s, %s was expected", len(c.steps), sent.Case, sent.State, member.Lapsed)
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		now, err := c.views.Case(ctx, sent.Case)
		if err != nil {
			return err
		}
		sent.State = now.State
	}
	i, err := c.views.Invitation(ctx, sent.Case)
	if err != nil {
		return err
	}
	d, err := c.views.CaseDetail(ctx, sent.Case)
	if err != nil {
		return err
	}
	if last := d.Timeline[len(d.Timeline)-1]; !last.At.Equal(i.ExpiresAt) {
		return fmt.Errorf("after step %d: %s lapsed at %s, %s was expected", len(c.steps), sent.Case, last.At, i.ExpiresAt)
	}
	return c.note(ctx, nil, []string{"ORG-27", "PGM-02"}, "%s is invited under a policy by which a link holds %s, and does not answer: %s is %s, at %s, the instant in which the term closed.",
		c.sun, shortInvitation, sent.Case, sent.State, shownToTheSecond(i.ExpiresAt))
}

// paper is a file as somebody uploads it.
func (c *company) paper(title string) (string, error) {
	page, err := pdf.New(pdf.Sheet{Title: title, PrintedAt: time.Now(), Foot: func(int) string { return c.id }})
	if err != nil {
		return "", err
	}
	page.Size(14)
	page.Line(title, 10, "L")
	content, _, err := page.Bytes()
	if err != nil {
		return "", err
	}
	name := filepath.Join(c.folder, strings.ReplaceAll(title, " ", "-")+".pdf")
	return name, os.WriteFile(name, content, 0o600)
}

// recognised makes the member a project specialist, who cannot be unbound from then on.
func (c *company) recognised(ctx context.Context) error {
	s := &activities.ProjectSpecialists{DB: c.views.DB}
	if err := s.LocateMember(ctx, activities.LocateMemberInput{Partner: c.id, Account: c.qian, Location: "Shenzhen", Person: c.shen, At: time.Now()}); err != nil {
		return unrefused(err)
	}
	name, err := c.paper("Contract of a project")
	if err != nil {
		return err
	}
	proof := staff.Proof{Document: name}
	files, err := c.h.uploads(ctx, &proof)
	if err != nil {
		return err
	}
	app := specialist.Application{RequestKey: uuid.NewString(), PartnerID: c.id, Submitter: c.shen, Account: c.qian, Path: "SVC", Materials: []string{proof.Document}}
	now, err := patiently(func() (activities.Standing, error) { return workflows.ApplyForSpecialist(ctx, c.h.temporal, app) })
	if err := c.expect(now.State, specialist.Review, err); err != nil {
		return err
	}
	if err := c.h.enclose(ctx, now.Case, c.shen, files); err != nil {
		return unrefused(err)
	}
	c.specialist = now.Case
	now, err = c.decide(ctx, now.Case, approval.Decision{Person: he, Outcome: approval.Approve}, specialist.ReviewMatter)
	if err := c.expect(now.State, specialist.Recognised, err); err != nil {
		return err
	}
	_, err = (&activities.Members{DB: c.views.DB}).Unbind(ctx, activities.UnbindInput{Key: uuid.NewString(), Partner: c.id, Account: c.qian, Person: c.shen, At: time.Now()})
	return c.refusedTo(ctx, err, nil, []string{"SPC_STATE"}, "%s applies for %s as a project specialist on the service path, %s approves: %s is %s. Now the link cannot be taken away:", c.shen, c.qian, he, now.Case, now.State)
}

// credited is a lab credit: too much, less, issued, partly used.
func (c *company) credited(ctx context.Context) error {
	app := lab.Application{RequestKey: uuid.NewString(), PartnerID: c.id, Submitter: c.shen, Path: "SW", Account: c.qian, Points: 500, Purpose: "verify a migration"}
	now, err := patiently(func() (activities.Standing, error) { return workflows.ApplyForLabCredit(ctx, c.h.temporal, app) })
	if err := c.expect(now.State, lab.UnderReview, err); err != nil {
		return err
	}
	number := now.Case
	now, err = c.decide(ctx, number, approval.Decision{Person: he, Outcome: approval.Reject, Reason: "100 points are enough for one migration"}, lab.Review)
	if err := c.expect(now.State, lab.Rejected, err); err != nil {
		return err
	}
	known, err := c.views.Case(ctx, number)
	if err != nil {
		return err
	}
	app.RequestKey, app.Points = uuid.NewString(), 100
	now, err = patiently(func() (activities.Standing, error) {
		return workflows.ResubmitLabCredit(ctx, c.h.temporal, known.WorkflowID, app)
	})
	if err := c.expect(now.State, lab.UnderReview, err); err != nil {
		return err
	}
	now, err = c.decideTask(ctx, approval.TaskID(number, lab.Review.Name, 2), approval.Decision{Person: he, Outcome: approval.Approve})
	if err := c.expect(now.State, lab.Approved, err); err != nil {
		return err
	}
	if err := c.note(ctx, balances{{ledger.LabCredit(number), money.Zero}}, []string{"LAB-03", "LAB-07", "LAB-09"},
		"%s applies for 500 points for %s. %s rejects %s with a comment; changed to 100 it is approved in round 2. Nothing is issued yet.", c.shen, c.qian, he, number); err != nil {
		return err
	}
	now, err = c.decide(ctx, number, approval.Decision{Person: gu, Outcome: lab.Issue.Approve, Reference: "CP-" + number}, lab.Issue)
	if err := c.expect(now.State, lab.Issued, err); err != nil {
		return err
	}
	use := func(points int) error {
		_, err := patiently(func() (activities.Standing, error) {
			return workflows.UseLabCredit(ctx, c.h.temporal, known.WorkflowID, lab.Use{Person: gu, Points: points, Key: uuid.NewString()})
		})
		return err
	}
	if err := use(30); err != nil {
		return unrefused(err)
	}
	return c.refusedTo(ctx, use(71), balances{{ledger.LabCredit(number), lab.Amount(70)}}, []string{"PRG.LAB.01"},
		"%s reports the 100 points issued as coupon CP-%s, and then 30 of them used. 71 more are not there:", gu, number)
}

// examined certifies a solution over two nodes.
func (c *company) examined(ctx context.Context) error {
	drafts, err := c.h.solutionDrafts(ctx)
	if err != nil {
		return err
	}
	in := activities.SolutionDraftInput{Partner: c.id, Key: uuid.NewString(), Person: c.shen, At: time.Now()}
	kind, name, version, contact, mobile, email := solution.Cloud, "Atlas", "2.1", "Qian Yu", "13800138001", "qian@epsilon.example"
	in.Change = solution.Change{Type: &kind, Name: &name, Version: &version, ContactName: &contact, ContactMobile: &mobile, ContactEmail: &email}
	for _, material := range []string{solution.Description, solution.Deployment} {
		path, err := c.paper("Atlas " + material)
		if err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in.Files = append(in.Files, activities.SolutionFile{Type: material, Name: filepath.Base(path), Content: file})
	}
	draft, err := drafts.Save(ctx, in)
	if err != nil {
		return unrefused(err)
	}
	if len(draft.Missing) > 0 {
		return fmt.Errorf("after step %d: the draft %s lacks %v", len(c.steps), draft.Draft, draft.Missing)
	}
	sub := solution.Submission{RequestKey: uuid.NewString(), PartnerID: c.id, Submitter: c.shen, Draft: draft.Draft, Revision: draft.Revision}
	now, err := patiently(func() (activities.Standing, error) { return workflows.SubmitSolution(ctx, c.h.temporal, sub) })
	if err := c.expect(now.State, solution.UnderReview, err); err != nil {
		return err
	}
	c.solution = now.Case
	now, err = c.decideTask(ctx, approval.TaskID(c.solution, "certification-review", 1), approval.Decision{Person: han, Outcome: approval.Approve})
	if err := c.expect(now.State, solution.UnderReview, err); err != nil {
		return err
	}
	now, err = c.decideTask(ctx, approval.TaskID(c.solution, "architecture-review", 1), approval.Decision{Person: jia, Outcome: approval.Approve})
	if err := c.expect(now.State, solution.Certified, err); err != nil {
		return err
	}
	d, err := c.views.Solution(ctx, c.solution, time.Now())
	if err != nil {
		return err
	}
	return c.note(ctx, nil, []string{"CERT-04", "CERT-06", "CERT-08"}, "%s submits the cloud solution %s %s. %s approves the first node, %s the second: %s is %s until %s; it can be certified anew from %s.",
		c.shen, name, version, han, jia, c.solution, now.State, shownOr(d.Until, "?"), shownOr(d.WindowAt, "?"))
}

// printed prints the certificate, and verifies it as whoever scans it does.
func (c *company) printed(ctx context.Context) error {
	paper, err := c.views.SolutionCertificate(ctx, c.solution, time.Now())
	if err != nil {
		return unrefused(err)
	}
	quiet := &house{environ: c.h.environ, out: discard{}, err: c.h.err}
	defer quiet.close()
	name := filepath.Join(c.folder, paper.Number+".pdf")
	if err := quiet.printCertificate(paper, name); err != nil {
		return err
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(content), "%PDF-") {
		return fmt.Errorf("after step %d: %s is no PDF", len(c.steps), name)
	}
	var told []string
	for _, q := range []struct {
		code string
		at   time.Time
		want certificate.State
	}{
		{paper.Code, paper.From, certificate.Valid},
		{paper.Code, paper.Until.Add(-time.Second), certificate.Valid},
		{paper.Code, paper.Until, certificate.Expired},
		{"another code", paper.From, certificate.Unknown},
	} {
		v, err := c.views.VerifyCertificate(ctx, paper.Number, q.code, q.at)
		if err != nil {
			return err
		}
		if v.State != q.want {
			return fmt.Errorf("after step %d: %s is %s at %s, %s was expected", len(c.steps), paper.Number, v.State, shownToTheSecond(q.at), q.want)
		}
		told = append(told, string(v.State))
	}
	return c.note(ctx, nil, []string{"CERT-20", "CERT-12"}, "%s is printed as a PDF of %d kB. By number and code it is %s at its first instant, %s a second before its end, %s at its end; with another code it is %s.",
		paper.Number, len(content)/1024, told[0], told[1], told[2], told[3])
}

// tooEarly asks for a re-certification long before its window opens.
func (c *company) tooEarly(ctx context.Context) error {
	drafts, err := c.h.solutionDrafts(ctx)
	if err != nil {
		return err
	}
	version := "3.0"
	draft, err := drafts.Save(ctx, activities.SolutionDraftInput{Case: c.solution, Partner: c.id, Key: uuid.NewString(), Change: solution.Change{Version: &version}, Person: c.shen, At: time.Now()})
	if err != nil {
		return unrefused(err)
	}
	known, err := c.views.Case(ctx, c.solution)
	if err != nil {
		return err
	}
	sub := solution.Submission{RequestKey: uuid.NewString(), PartnerID: c.id, Submitter: c.shen, Draft: draft.Draft, Revision: draft.Revision}
	_, err = patiently(func() (activities.Standing, error) {
		return workflows.SendSolution(ctx, c.h.temporal, known.WorkflowID, sub)
	})
	return c.refusedTo(ctx, err, nil, []string{"CERT_WINDOW_NOT_OPEN"}, "%s asks on the same day for the re-certification of %s with version %s:", c.shen, c.solution, version)
}

func (c *company) applyForTier(ctx context.Context) (activities.Standing, error) {
	app := tier.Application{RequestKey: uuid.NewString(), PartnerID: c.id, Submitter: c.shen, Target: tier.Preferred}
	return patiently(func() (activities.Standing, error) { return workflows.ApplyForTier(ctx, c.h.temporal, app) })
}

// short applies for a tier while one requirement is open.
func (c *company) short(ctx context.Context) error {
	_, err := c.applyForTier(ctx)
	return c.refusedTo(ctx, err, nil, []string{"TIER_ITEMS_OPEN"}, "%s applies for the tier Preferred; the company is certified on the software path, but has no certified staff:", c.shen)
}

// upgraded applies again once the member's certificate counts.
func (c *company) upgraded(ctx context.Context) error {
	q := &activities.MemberQualifications{DB: c.views.DB}
	record, err := q.ChangeQualification(ctx, activities.ChangeQualificationInput{
		Member: c.qian, Account: c.qian, Kind: qualification.Certificate, Key: uuid.NewString(), At: time.Now(),
		Content: qualification.Content{Title: "Cloud architect", Level: "professional", From: calendar.DateOf(time.Now()).AddMonths(-1)},
	})
	if err != nil {
		return unrefused(err)
	}
	now, err := c.applyForTier(ctx)
	if err := c.expect(now.State, tier.UnderReview, err); err != nil {
		return err
	}
	now, err = c.decide(ctx, now.Case, approval.Decision{Person: xie, Outcome: approval.Approve}, tier.Review)
	if err := c.expect(now.State, tier.Approved, err); err != nil {
		return err
	}
	d, err := c.views.TierUpgradeOf(ctx, now.Case)
	if err != nil {
		return err
	}
	page, err := (&activities.Tiers{DB: c.views.DB}).PreviewTier(ctx, c.id, time.Now())
	if err != nil {
		return unrefused(err)
	}
	if len(d.Rounds) != 1 || len(d.Rounds[0].Items) != 2 || page.Current != tier.Preferred || d.Certificate == "" {
		return fmt.Errorf("after step %d: %s has %d rounds and the certificate %q, and %s is %s", len(c.steps), now.Case, len(d.Rounds), d.Certificate, c.id, page.Current)
	}
	var kept []string
	for _, i := range d.Rounds[0].Items {
		item := tier.Item{Source: i.Source}
		kept = append(kept, fmt.Sprintf("%s %s of %s", i.English, item.Shown(i.Current), item.Shown(i.Target)))
	}
	return c.note(ctx, nil, []string{"ORG-46", "TIER-05", "TIER-11"}, "%s enters a certificate of their own (%s), and %s applies again. %s keeps what it was judged by (%s); %s approves it, and %s is %s, by the certificate %s.",
		c.qian, record.Record, c.shen, now.Case, strings.Join(kept, ", "), xie, c.id, page.Current, d.Certificate)
}
