package views

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/organisation"
	"countersign/domain/solution"
)

// Solution is one line of a partner's list: a solution, or a draft that was never submitted (CERT-03).
type Solution struct {
	Case      string          `db:"case_number"     json:"case,omitempty"`
	Draft     string          `db:"draft_id"        json:"draft,omitempty"` // that waits to be submitted
	Partner   string          `db:"partner_id"      json:"partner"`
	Type      solution.Type   `db:"kind"            json:"type"`
	Origin    solution.Origin `db:"origin"          json:"origin"`
	Name      string          `db:"name"            json:"name"`
	Version   string          `db:"version"         json:"version"`
	State     solution.State  `db:"state"           json:"state"` // as the clock says at the instant asked about
	Pending   bool            `db:"pending"         json:"under_review"`
	CertRound int             `db:"cert_round"      json:"cert_round"`
	Certified *time.Time      `db:"certified_at"    json:"certified_at,omitempty"`
	WindowAt  *time.Time      `db:"window_opens_at" json:"window_opens_at,omitempty"`
	Until     *time.Time      `db:"valid_until"     json:"valid_until,omitempty"`
	SavedAt   time.Time       `db:"saved_at"        json:"saved_at"`
}

// DraftState is how lists call what was never submitted.
const DraftState solution.State = "DRAFT"

// SolutionFilter narrows a list; what is empty does not.
type SolutionFilter struct {
	Partner string
	State   solution.State // deleted ones are hidden unless asked for
}

// Solutions lists a partner's solutions and drafts as they stand at an instant, the oldest first.
func (r Reader) Solutions(ctx context.Context, f SolutionFilter, at time.Time) ([]Solution, error) {
	if f.Partner != "" {
		if err := r.mustExist(ctx, "partner", f.Partner, partnerExistsSQL); err != nil {
			return nil, err
		}
	}
	return rows[Solution](ctx, r.q(), "solutions", solutionListSQL+`
		 WHERE ($2 = '' OR partner_id = $2) AND (CASE WHEN $3 = '' THEN state <> 'DELETED' ELSE state = $3 END) ORDER BY saved_at, case_number, draft_id`,
		at, f.Partner, f.State)
}

// What a solution is called is what was certified last, or what was sent where nothing was.
const solutionListSQL = `
	WITH listed AS (
		SELECT s.case_number, coalesce((SELECT w.draft_id FROM solution_drafts w WHERE w.case_number = s.case_number AND w.sent_at IS NULL), '') AS draft_id, c.partner_id, d.kind, s.origin,
		       d.name, d.version, solution_state(s.case_number, $1) AS state, EXISTS (SELECT 1 FROM approvals a WHERE a.case_number = s.case_number AND a.outcome = '') AS pending,
		       s.cert_round, v.certified_at, v.window_opens_at, v.valid_until, d.saved_at
		  FROM solutions s JOIN cases c USING (case_number) LEFT JOIN solution_certifications v USING (case_number, cert_round)
		  JOIN solution_drafts d ON d.draft_id = coalesce(v.draft_id, s.draft_id)
		UNION ALL
		SELECT '', draft_id, partner_id, kind, 'NEW', name, version, 'DRAFT', false, 0, NULL, NULL, NULL, saved_at FROM solution_drafts WHERE case_number IS NULL)
	SELECT case_number, draft_id, partner_id, kind, origin, name, version, state, pending, cert_round, certified_at, window_opens_at, valid_until, saved_at FROM listed`

// SolutionDetail is everything that people see of a solution.
type SolutionDetail struct {
	Solution
	Entry          solution.Entry          `json:"entry"` // as certified last, or as sent; of a draft as it is now
	Revision       int                     `json:"revision,omitempty"`
	Rounds         []SolutionRound         `json:"rounds"`
	Certifications []SolutionCertification `json:"certifications"`
}

// SolutionRound is one round of review, with its nodes (CERT-04, CERT-05).
type SolutionRound struct {
	Round     int              `db:"round"      json:"-"`     // of the case
	CertRound int              `db:"cert_round" json:"cycle"` // which certificate it is for
	Try       int              `db:"cert_try"   json:"round"` // as people count it: anew for each certificate (CERT-18)
	Version   string           `db:"version"    json:"version"`
	By        string           `db:"opened_by"  json:"submitted_by"`
	At        time.Time        `db:"opened_at"  json:"submitted_at"`
	Outcome   approval.Outcome `db:"outcome"    json:"outcome,omitempty"`
	Nodes     []SolutionNode   `db:"-"          json:"nodes"`
}

// SolutionNode is one node of a round.
type SolutionNode struct {
	Node     int        `json:"node"`
	Name     string     `json:"name"`
	Role     string     `json:"role"`
	State    string     `json:"state"` // under review, approved, rejected, not asked yet, or not asked
	By       string     `json:"by,omitempty"`
	Comment  string     `json:"comment,omitempty"`
	At       *time.Time `json:"at,omitempty"` // of the decision
	OpenedAt *time.Time `json:"opened_at,omitempty"`
}

// SolutionCertification is one certificate's time.
type SolutionCertification struct {
	CertRound int       `db:"cert_round"      json:"cert_round"`
	Version   string    `db:"version"         json:"version"`
	From      time.Time `db:"certified_at"    json:"certified_at"`
	WindowAt  time.Time `db:"window_opens_at" json:"window_opens_at"`
	Until     time.Time `db:"valid_until"     json:"valid_until"`
	Paper     string    `db:"certificate_no"  json:"certificate,omitempty"`
}

// Solution reads one solution by its number, or by that of a draft of it, or a draft by its own, as it stands at an instant; its contact masked unless
// uncovered (PGM-05).
func (r Reader) Solution(ctx context.Context, id string, at time.Time, uncovered ...string) (SolutionDetail, error) {
	var d SolutionDetail
	err := r.look(ctx, at, func(l look) (err error) {
		if d.Solution, err = row[Solution](ctx, l.q, "solution", id, solutionListSQL+` WHERE $2 IN (case_number, draft_id) OR case_number = (SELECT case_number FROM solution_drafts WHERE draft_id = $2) ORDER BY case_number DESC LIMIT 1`, at, id); err != nil {
			return err
		}
		if err := l.entry(ctx, &d); err != nil {
			return err
		}
		if d.Certifications, err = rows[SolutionCertification](ctx, l.q, "certificates", `
			SELECT v.cert_round, d.version, v.certified_at, v.window_opens_at, v.valid_until, coalesce(p.certificate_no, '') AS certificate_no
			  FROM solution_certifications v JOIN solution_drafts d USING (draft_id) LEFT JOIN certificates p ON p.case_number = v.case_number AND p.cycle = v.cert_round
			 WHERE v.case_number = $1 ORDER BY v.cert_round`, d.Case); err != nil {
			return err
		}
		d.Rounds, err = l.solutionRounds(ctx, d.Case)
		return err
	})
	c := &d.Entry.Contact
	c.Name, c.Mobile, c.Email = organisation.Masked("contact", c.Name, uncovered), organisation.Masked("mobile", c.Mobile, uncovered), organisation.Masked("email", c.Email, uncovered)
	return d, err
}

func (l look) entry(ctx context.Context, d *SolutionDetail) error {
	type contentRow struct {
		Type      solution.Type `db:"kind"`
		Name      string        `db:"name"`
		Version   string        `db:"version"`
		Materials []byte        `db:"materials"`
		Contact   string        `db:"contact_name"`
		Mobile    string        `db:"contact_mobile"`
		Email     string        `db:"contact_email"`
		Revision  int           `db:"revision"`
	}
	e, err := row[contentRow](ctx, l.q, "solution", d.Case+d.Draft, `
		SELECT kind, name, version, materials, contact_name, contact_mobile, contact_email, revision FROM solution_drafts
		 WHERE draft_id = CASE WHEN $1 = '' THEN $2 ELSE (SELECT coalesce(v.draft_id, s.draft_id) FROM solutions s LEFT JOIN solution_certifications v USING (case_number, cert_round) WHERE s.case_number = $1) END`,
		d.Case, d.Draft)
	if err != nil {
		return err
	}
	d.Entry = solution.Entry{Type: e.Type, Name: e.Name, Version: e.Version, Contact: solution.Contact{Name: e.Contact, Mobile: e.Mobile, Email: e.Email}}
	if d.Case == "" {
		d.Revision = e.Revision
	}
	if err := json.Unmarshal(e.Materials, &d.Entry.Materials); err != nil {
		return fmt.Errorf("materials of %s: %w", d.Case+d.Draft, err)
	}
	return nil
}

// solutionRounds reads the rounds of a solution; what became of each node is what the engine's plan and decisions come to.
func (l look) solutionRounds(ctx context.Context, number string) ([]SolutionRound, error) {
	rounds, err := rows[SolutionRound](ctx, l.q, "rounds", `
		SELECT r.round, r.cert_round, r.cert_try, d.version, a.opened_by, a.opened_at, a.outcome
		  FROM solution_rounds r JOIN solution_drafts d USING (draft_id)
		  JOIN approvals a ON (a.case_number, a.matter, a.round) = (r.case_number, r.matter, r.round) WHERE r.case_number = $1 ORDER BY r.round`, number)
	if err != nil || len(rounds) == 0 {
		return rounds, err
	}
	keys := make([]roundKey, len(rounds))
	for i, r := range rounds {
		keys[i] = roundKey{Case: number, Matter: solution.Certification.Name, Round: r.Round}
	}
	pinned, err := l.rounds(ctx, keys)
	if err != nil {
		return nil, err
	}
	type taskRow struct {
		Round    int                `db:"round"`
		Step     string             `db:"step"`
		State    approval.TaskState `db:"state"`
		Outcome  approval.Outcome   `db:"outcome"`
		By       string             `db:"decided_by"`
		At       *time.Time         `db:"decided_at"`
		Reason   string             `db:"reason"`
		OpenedAt time.Time          `db:"opened_at"`
	}
	tasks, err := rows[taskRow](ctx, l.q, "tasks", `
		SELECT round, step, state, outcome, coalesce(decided_by, '') AS decided_by, decided_at, reason, opened_at
		  FROM tasks WHERE case_number = $1 AND matter = $2 ORDER BY opened_at, task_id`, number, solution.Certification.Name)
	if err != nil {
		return nil, err
	}
	for i := range rounds {
		for _, step := range pinned[keys[i]].plan.Steps {
			if step.Skipped != "" {
				continue
			}
			node := SolutionNode{Node: len(rounds[i].Nodes) + 1, Name: step.Name, Role: asked(step), State: "not asked yet"}
			if rounds[i].Outcome != "" {
				node.State = "not asked"
			}
			for _, t := range tasks { // the latest of a step that was begun again
				if t.Round == rounds[i].Round && t.Step == step.Name {
					node.OpenedAt, node.By, node.At, node.Comment, node.State = &t.OpenedAt, t.By, t.At, t.Reason, nodeState(t.State, t.Outcome)
				}
			}
			rounds[i].Nodes = append(rounds[i].Nodes, node)
		}
	}
	return rounds, nil
}

func nodeState(s approval.TaskState, o approval.Outcome) string {
	switch {
	case s == approval.TaskOpen || s == approval.TaskWaiting:
		return "under review"
	case s == approval.TaskClosed:
		return "not asked"
	case o == approval.Approve:
		return "approved"
	case o == approval.Reject:
		return "rejected"
	}
	return string(o)
}

// asked says who decides a node, as its plan has it.
func asked(step approval.PlannedStep) string {
	var who []string
	for _, seat := range step.Seats {
		for _, w := range seat {
			_, name, _ := strings.Cut(string(w), ":")
			if !slices.Contains(who, name) {
				who = append(who, name)
			}
		}
	}
	return strings.Join(who, " or ")
}

// WithoutRun lists solutions that were taken over and that no run carries yet, the oldest first.
func (r Reader) WithoutRun(ctx context.Context) ([]Case, error) {
	return rows[Case](ctx, r.q(), "solutions", caseSQL+` WHERE c.kind = $1 AND c.run_id = '' AND c.closed_at IS NULL ORDER BY c.case_number`, solution.Kind)
}

// DraftRevision is how often a draft was saved: who submits it says which one was seen.
func (r Reader) DraftRevision(ctx context.Context, draft string) (int, error) {
	return row[int](ctx, r.q(), "draft", draft, `SELECT revision FROM solution_drafts WHERE draft_id = $1`, draft)
}

// SentDraft finds what a request key sent for a case before; an empty draft when it sent nothing.
func (r Reader) SentDraft(ctx context.Context, number, key string) (draft string, revision int, err error) {
	type sent struct {
		Draft    string `db:"draft"`
		Revision int    `db:"revision"`
	}
	found, err := rows[sent](ctx, r.q(), "rounds", `
		SELECT application ->> 'draft' AS draft, (application ->> 'revision')::int AS revision FROM approvals
		 WHERE case_number = $1 AND matter = $2 AND application ->> 'request_key' = $3 ORDER BY round DESC LIMIT 1`, number, solution.Certification.Name, key)
	if err != nil || len(found) == 0 {
		return "", 0, err
	}
	return found[0].Draft, found[0].Revision, nil
}

// SolutionCertificate is the certificate of a solution that is certified at an instant; of every other it is refused (CERT-20).
func (r Reader) SolutionCertificate(ctx context.Context, number string, at time.Time) (Certificate, error) {
	s, err := r.Solution(ctx, number, at)
	if err != nil {
		return Certificate{}, err
	}
	if list := solution.JudgeCertificate(number, s.State); len(list) > 0 {
		return Certificate{}, list
	}
	return r.Certificate(ctx, s.Certifications[len(s.Certifications)-1].Paper, at)
}
