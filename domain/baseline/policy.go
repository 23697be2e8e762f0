package baseline

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/condition"
	"countersign/domain/person"
)

// Policy is the programme's parameters for joint solutions. A case keeps the version it was opened under.
type Policy struct {
	Version        int           `json:"version"          yaml:"-"`                // set by the database
	ReviewRole     person.Role   `json:"review_role"      yaml:"review_role"`      // project and release, where their chains have no steps
	DesignRole     person.Role   `json:"design_role"      yaml:"design_role"`      // design and verification, likewise
	PDMRole        person.Role   `json:"pdm_role"         yaml:"pdm_role"`         // lists the joint goods (CERT-29)
	PSARole        person.Role   `json:"psa_role"         yaml:"psa_role"`         // helps with the configurator (CERT-29)
	EscalationRole person.Role   `json:"escalation_role"  yaml:"escalation_role"`  // may answer what is overdue, and is asked when nobody else may
	ReviewTerm     calendar.Term `json:"review_term"      yaml:"review_term"`      // of every review without a chain of its own
	DecideBySignal bool          `json:"decide_by_signal" yaml:"decide_by_signal"` // whether a decision may come as a signal

	Features       Template `json:"features"        yaml:"features"`        // of feature lists (CERT-26)
	ReleaseItems   []Item   `json:"release_items"   yaml:"release_items"`   // files that a release is submitted with
	MediaTypes     []string `json:"media_types"     yaml:"media_types"`     // of attachments
	ForbiddenNames []string `json:"forbidden_names" yaml:"forbidden_names"` // endings of files that are no attachments, also not within an archive (CERT-26)
	FileLimit      int64    `json:"file_limit"      yaml:"file_limit"`      // octets of one file
	Uploads        int      `json:"uploads"         yaml:"uploads"`         // of a release that may wait to be saved

	Project      approval.Chain `json:"project,omitzero"      yaml:"project"`
	Design       approval.Chain `json:"design,omitzero"       yaml:"design"`
	Verification approval.Chain `json:"verification,omitzero" yaml:"verification"`
	Release      approval.Chain `json:"release,omitzero"      yaml:"release"`
}

// Item is one file of a release, with what belongs in it.
type Item struct {
	Name    string `json:"name"    yaml:"name"`
	Chinese string `json:"chinese" yaml:"chinese"`
	English string `json:"english" yaml:"english"`
}

// The matters, which the vendor decides.
var (
	ProjectMatter      = approval.Matter{Name: "project", Approve: "pass", Reject: "reject"} // CERT-27
	DesignMatter       = approval.Matter{Name: "design", Approve: "accept", Reject: "reject"}
	VerificationMatter = approval.Matter{Name: "verification", Approve: "verify", Reject: "reject"}
	ReleaseMatter      = approval.Matter{Name: "release", Approve: "release", Reject: "reject"} // CERT-30
)

// MatterOf finds a matter by name; the zero matter takes no answer.
func MatterOf(name string) approval.Matter {
	for _, m := range []approval.Matter{ProjectMatter, DesignMatter, VerificationMatter, ReleaseMatter} {
		if m.Name == name {
			return m
		}
	}
	return approval.Matter{Name: name}
}

// Question is what is asked in a matter.
func Question(m approval.Matter, name string) string {
	return fmt.Sprintf(map[string]string{
		ProjectMatter.Name:      "Is %s to become a joint project?",
		DesignMatter.Name:       "Is the joint design of %s accepted?",
		VerificationMatter.Name: "Is %s verified?",
		ReleaseMatter.Name:      "Is %s to be released?",
	}[m.Name], name)
}

// Fields are what the conditions of a chain may ask for.
var Fields = []condition.Field{{Name: "lead", Type: condition.Text, Words: "who leads", Values: []string{string(ByPartner), string(ByVendor)}}}

// Values are a project's data for the conditions.
func Values(l Lead) condition.Values { return condition.Values{"lead": string(l)} }

// DefaultPolicy is the rule book's numbers, and our own where it is silent.
func DefaultPolicy() Policy {
	return Policy{
		ReviewRole: Reviewer, DesignRole: SolutionArchitect, PDMRole: PartnerDevelopment, PSARole: SolutionArchitect, EscalationRole: person.VendorOperations,
		ReviewTerm: calendar.MustTerm("P5WD"), DecideBySignal: true,
		Features: Template{Rows: 500, Columns: []Column{
			{Name: "feature", Unique: true},
			{Name: "description"},
			{Name: "cloud_service"},
			{Name: "status", Values: []string{"available", "planned"}},
			{Name: "remark", Optional: true},
		}},
		ReleaseItems: []Item{
			{"introduction", "方案介绍，面向客户", "what the solution does, for customers"},
			{"deployment-guide", "部署与配置说明", "how it is deployed and configured"},
			{"service-agreement", "服务与支持承诺", "service and support that customers get"},
		},
		MediaTypes: []string{
			"application/pdf", "image/png", "image/jpeg", "application/zip",
			"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
			"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
			"application/vnd.openxmlformats-officedocument.presentationml.presentation",
		},
		ForbiddenNames: strings.Fields(`.exe .dll .so .dylib .msi .com .scr .bat .cmd .ps1 .sh .apk .ipa .deb .rpm .iso .img .jar .war .ear .class .pyc .whl
			.c .h .cc .cpp .hpp .cs .java .kt .scala .go .rs .py .rb .php .js .ts .jsx .tsx .swift .m .lua .pl .sql .vb
			.zip .7z .rar .gz .tgz .bz2 .xz .tar .docm .xlsm .pptm .key .pem .p12 .pfx`),
		FileLimit: 10 << 20, Uploads: 20,
	}
}

// Chain is the chain of a matter.
func (p Policy) Chain(m approval.Matter) approval.Chain {
	c, role := p.Project, p.ReviewRole
	switch m.Name {
	case DesignMatter.Name:
		c, role = p.Design, p.DesignRole
	case VerificationMatter.Name:
		c, role = p.Verification, p.DesignRole
	case ReleaseMatter.Name:
		c = p.Release
	}
	if len(c.Steps) == 0 {
		c.Steps = []approval.Step{{Name: m.Name, Who: []approval.Candidate{{Role: role}}, Due: p.ReviewTerm, Escalate: p.EscalationRole}}
	}
	c.Owner = cmp.Or(c.Owner, p.EscalationRole)
	return c
}

var (
	itemName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	ending   = regexp.MustCompile(`^\.[a-z0-9]{1,10}$`)
)

// Check tells an operator everything that is wrong with a policy before it is saved.
func (p Policy) Check() error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(slices.Contains([]person.Role{p.ReviewRole, p.DesignRole, p.PDMRole, p.PSARole, p.EscalationRole}, ""), "review_role, design_role, pdm_role, psa_role and escalation_role name a role each")
	fault(p.ReviewTerm.IsZero(), "review_term is a term such as P5WD or P7D")
	fault(len(p.Features.Columns) == 0 || p.Features.Rows < 1 || p.Features.Rows > 10_000, "features has columns, and rows from 1 to 10000")
	names := map[string]bool{}
	for _, c := range p.Features.Columns {
		fault(c.Name == "" || names[c.Name], "the columns of features have a name each, no two the same")
		names[c.Name] = true
	}
	fault(len(p.ReleaseItems) == 0, "release_items names the files of a release")
	items := map[string]bool{}
	for _, i := range p.ReleaseItems {
		fault(!itemName.MatchString(i.Name) || items[i.Name], "release_items: %q is no name, or there twice; names are like deployment-guide", i.Name)
		items[i.Name] = true
	}
	fault(len(p.MediaTypes) == 0, "media_types names what attachments may be")
	for _, e := range p.ForbiddenNames {
		fault(!ending.MatchString(e), "forbidden_names: %q is no ending; endings are like .exe, in small letters", e)
	}
	fault(p.FileLimit < 1 || p.FileLimit > 100<<20, "file_limit is between 1 and %d octets", 100<<20)
	fault(p.Uploads < 1 || p.Uploads > 100, "uploads is between 1 and 100")
	for _, m := range []approval.Matter{ProjectMatter, DesignMatter, VerificationMatter, ReleaseMatter} {
		if err := p.Chain(m).Check(Fields, "owner"); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", m.Name, err))
		}
	}
	return errors.Join(faults...)
}

// releases tells whether a release has a file of that name.
func (p Policy) releases(name string) bool {
	return slices.ContainsFunc(p.ReleaseItems, func(i Item) bool { return i.Name == name })
}

// items are the names of all files that a project may have.
func (p Policy) items() []string {
	all := append(slices.Clone(ProjectItems), DesignPaper, TestReport)
	for _, i := range p.ReleaseItems {
		all = append(all, ReleaseItem(i.Name))
	}
	return all
}

// Material is what is downloaded to prepare a release: which files it takes, and what belongs in them (CERT-29).
func (p Policy) Material() [][]string {
	rows := [][]string{{"file", "内容", "content"}}
	for _, i := range p.ReleaseItems {
		rows = append(rows, []string{i.Name, i.Chinese, i.English})
	}
	return rows
}
