package baseline

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Content is what was seen of an uploaded file by its octets; its name says nothing about these.
type Content struct {
	Name      string
	MediaType string
	Size      int64
	Fault     string   // why it is not read at all; empty: it is
	Protected string   // how it is protected: "encrypted archive"; empty: it is not
	Program   string   // what kind of program it is; empty: none
	Entries   []string // of an archive
}

// FileFacts is what an upload is judged by.
type FileFacts struct {
	Person *person.Person
	By     string
	Saved  Project
	Item   string
	Policy Policy
	Staged int      // uploads of the release that are not saved yet
	Design State    // where the design track stands; empty: not begun
	Open   []string // matters that people are asked about now
}

// UploadsKept is how long an upload of a release waits to be saved or cancelled (CERT-30).
const UploadsKept = 7 * 24 * time.Hour

// mostEntries is how many files an archive may have: what is not looked at is not taken.
const mostEntries = 10_000

// JudgeFile checks an upload: whether the project takes the file now, and whether it may contain what it does (CERT-26).
func JudgeFile(c Content, f FileFacts) refusal.List {
	j := judgement{}
	p := f.Saved
	j.caller(f.Person, f.By, p.Partner)
	release, ofRelease := OfRelease(f.Item)
	switch {
	case slices.Contains(ProjectItems, f.Item):
		if !p.editable() {
			j.underReview(p.object(), p.State)
		}
	case f.Item == DesignPaper || f.Item == TestReport:
		if p.Case == "" {
			j.refuse("CERT-28", "ENG_STATE", p.object(), "Design and verification begin once the project is submitted.")
			break
		}
		j.handedIn(f)
	case ofRelease && f.Policy.releases(release):
		j.releaseOpen(p)
		if f.Staged >= f.Policy.Uploads {
			j.refuse("CERT-30", "CBC.0100", p.object(), "%d uploads wait to be saved; save or cancel them first.", f.Staged)
		}
	default:
		j.refuse("COM-08", "CBC.0100", p.object(), "There is no file %q in a project; the files are %s.", f.Item, strings.Join(f.Policy.items(), ", "))
	}
	if c.Fault != "" {
		j.refuse("CERT-26", "CBC.0100", object(c), "%s", c.Fault)
		return j.list
	}
	if why := f.Policy.forbids(c, f.Item); why != "" {
		j.refuse("CERT-26", "CERT_FORBIDDEN_FILE", object(c), "The attachment contains protected or unauthorised content: %s. Take it out and upload the file again.", why)
	}
	return j.list
}

// handedIn refuses to change what the vendor is asked about, or has accepted (CERT-28).
func (j *judgement) handedIn(f FileFacts) {
	matter, accepted := DesignMatter, f.Design == Verifying || f.Design == Verified
	if f.Item == TestReport {
		matter, accepted = VerificationMatter, f.Design == Verified
	}
	switch {
	case slices.Contains(f.Open, matter.Name):
		j.refuse("CERT-28", "CERT_PENDING", f.Saved.object(), "This solution is already under review: what was handed in stays as it is until it is decided.")
	case accepted:
		j.refuse("CERT-28", "ENG_STATE", f.Saved.object(), "The solution is %s; what was accepted stays as it is.", stateWords[f.Design])
	}
}

func object(c Content) string { return fmt.Sprintf("file %q", c.Name) }

// forbids says what is not allowed in a file; empty: nothing was found. No core source code that is not public, no software,
// nothing encrypted, which nobody could look into (CERT-26).
func (p Policy) forbids(c Content, item string) string {
	types := p.MediaTypes
	if item == FeatureList {
		types = []string{CSV}
	}
	switch {
	case c.Protected != "":
		return fmt.Sprintf("it is an %s", c.Protected)
	case c.Program != "":
		return fmt.Sprintf("it is %s", c.Program)
	case !slices.Contains(types, c.MediaType):
		return fmt.Sprintf("its content is %s; taken are %s", c.MediaType, strings.Join(types, ", "))
	case len(c.Entries) > mostEntries:
		return fmt.Sprintf("it has more than %d files", mostEntries)
	}
	for _, name := range append([]string{c.Name}, c.Entries...) {
		if end := strings.ToLower(path.Ext(name)); end != "" && slices.Contains(p.ForbiddenNames, end) {
			return fmt.Sprintf("%q is software, source code or an archive within", name)
		}
	}
	return ""
}

// CSV is the media type of feature lists.
const CSV = "text/csv"
