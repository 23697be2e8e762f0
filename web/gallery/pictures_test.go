package gallery_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var pictures = flag.String("pictures", "", "folder to write pictures of the console's pages to; make screenshots says so")

// picture is one page as somebody sees it.
type picture struct {
	name, who, path string
	look            func(reader) // what is done on the page before; nil: nothing
	dark, phone     bool
}

var album = []picture{
	{name: "sign-in", path: "/sign-in"},
	{name: "inbox", who: "lina", path: "/inbox"},
	{name: "inbox-dark", who: "lina", path: "/inbox", dark: true},
	{name: "inbox-phone", who: "lina", path: "/inbox", phone: true},
	{name: "narrowed", who: "lina", path: "/inbox?text=nowhere&from=much"},
	{name: "case", who: "chen", path: "/cases/TALK"},
	{name: "case-dark", who: "chen", path: "/cases/TALK", dark: true},
	{name: "case-phone", who: "chen", path: "/cases/TALK", phone: true},
	{name: "waiting", who: "lina", path: "/waiting"},
	{name: "decided", who: "lina", path: "/decided"},
	{name: "overdue", who: "he", path: "/overdue"},
	{name: "cases", who: "lina", path: "/cases"},
	{name: "partners", who: "he", path: "/partners"},
	{name: "partner-facts", who: "he", path: "/partners/P1001"},
	{name: "figures", who: "he", path: "/figures"},
	{name: "policies", who: "he", path: "/policies"},
	{name: "policy", who: "he", path: "/policies/withdrawal"},
	{name: "policy-edit", who: "he", path: "/policies/withdrawal/edit"},
	{name: "policy-refused", who: "he", path: "/policies/withdrawal/edit", look: func(r reader) { r.checks("none", 422) }},
	{name: "policy-preview", who: "he", path: "/policies/withdrawal/edit", look: func(r reader) { r.checks("7", 200) }},
	{name: "proposal", who: "he", path: "/policy-proposals/PROPOSAL"},
	{name: "calendar", who: "he", path: "/calendar"},
	{name: "audit", who: "he", path: "/audit?partner=P1001"},
	{name: "account", who: "lina", path: "/account"},
	{name: "factor", who: "lina", path: "/account/second-factor"},
	{name: "missing", who: "lina", path: "/nowhere"},

	{name: "partner", who: "mei", path: "/partner"},
	{name: "partner-phone", who: "mei", path: "/partner", phone: true},
	{name: "menu-phone", who: "mei", path: "/partner", phone: true, look: func(r reader) { r.Click("button", r.say("layout.menu")) }},
	{name: "partner-withdrawal", who: "mei", path: "/partner/withdrawals/new"},
	{name: "partner-cases", who: "mei", path: "/partner/cases"},
	{name: "partner-case", who: "mei", path: "/partner/cases/TALK"},
	{name: "partner-resubmission", who: "mei", path: "/partner/cases/RETURNED/resubmit"},
	{name: "partner-account", who: "mei", path: "/partner/account"},
	{name: "partner-incentives", who: "mei", path: "/partner/incentives?month=MONTH"},
	{name: "partner-line", who: "mei", path: "/partner/incentives/lines/1"},
	{name: "partner-bills", who: "mei", path: "/partner/bills"},
	{name: "partner-bill", who: "mei", path: "/partner/bills/BILL"},
	{name: "partner-requisitions", who: "mei", path: "/partner/requisitions"},
	{name: "partner-staff", who: "mei", path: "/partner/staff"},
	{name: "partner-quarters", who: "mei", path: "/partner/quarters"},
	{name: "partner-invoices", who: "mei", path: "/partner/invoices"},
	{name: "partner-invoice", who: "mei", path: "/partner/invoices/INVOICE"},
	{name: "partner-solutions", who: "mei", path: "/partner/solutions"},
	{name: "partner-joint", who: "mei", path: "/partner/joint"},
	{name: "partner-joint-solution", who: "mei", path: "/partner/joint/JOINT"},
	{name: "partner-certificates", who: "mei", path: "/partner/certificates"},
	{name: "partner-tier", who: "mei", path: "/partner/tier"},
	{name: "partner-lab", who: "mei", path: "/partner/lab"},
	{name: "partner-people", who: "mei", path: "/partner/people"},
	{name: "partner-specialists", who: "mei", path: "/partner/specialists"},
	{name: "partner-customers", who: "mei", path: "/partner/customers"},
	{name: "partner-drafts", who: "mei", path: "/partner/drafts"},
	{name: "partner-own", who: "mei", path: "/partner/own"},
	{name: "partner-company", who: "mei", path: "/partner/company"},
	{name: "partner-refused", who: "mei", path: "/partner/withdrawals/new", look: func(r reader) {
		r.Force("amount", "1.234")
		require.Equal(r.t, 422, r.Press(r.say("partner.preview.show")))
	}},
}

// checks has a policy checked with another number of tries.
func (r reader) checks(tries string, status int) {
	r.t.Helper()
	r.Force("code_tries", tries)
	require.Equal(r.t, status, r.Press(r.say("vendor.policy.check")))
}

// Each picture of the album is shown and explained on its page, in both languages, and no other; with -pictures they are taken anew.
func TestGivenTheAlbum_WhenItIsOpened_ThenEachPageIsExplained(t *testing.T) {
	text, err := os.ReadFile("../../docs/console/README.md")
	require.NoError(t, err)
	var named []string
	for _, found := range regexp.MustCompile(`\]\(([^()]+\.png)\) \|`).FindAllStringSubmatch(string(text), -1) {
		named = append(named, found[1])
	}
	var shown []string
	for _, p := range album {
		shown = append(shown, p.name+"-zh-CN.png", p.name+"-en.png")
	}
	require.ElementsMatch(t, shown, named)
	if *pictures != "" {
		takes(t, *pictures)
	}
}

func takes(t *testing.T, folder string) {
	t.Helper()
	g := newGallery(t)
	var proposal, invoice, bill, joint string
	require.NoError(t, g.db.Get(&proposal, `SELECT proposal_id::text FROM policy_proposals LIMIT 1`))
	require.NoError(t, g.db.Get(&invoice, `SELECT case_number FROM invoice_lists WHERE case_number LIKE 'Q%' LIMIT 1`))
	require.NoError(t, g.db.Get(&bill, `SELECT bill_id FROM bills WHERE partner_id = 'P1001' AND state = 'TO_CONFIRM' ORDER BY bill_id DESC LIMIT 1`))
	require.NoError(t, g.db.Get(&joint, `SELECT case_number FROM baseline_projects WHERE case_number IS NOT NULL LIMIT 1`))
	named := g.named("JOINT", joint, "PROPOSAL", proposal, "INVOICE", invoice, "BILL", bill)
	require.NoError(t, os.MkdirAll(folder, 0o755))
	for _, language := range []string{"zh-CN", "en"} {
		readers := map[string]reader{}
		for _, p := range album {
			who := p.who
			if p.dark {
				who += " in the dark"
			}
			if _, known := readers[who]; !known {
				readers[who] = g.signIn(t, p.who, language, p.dark)
			}
			r := readers[who]
			if p.phone {
				r.Phone()
			}
			r.Go(named.Replace(p.path))
			if p.look != nil {
				p.look(r)
			}
			require.NoError(t, os.WriteFile(filepath.Join(folder, p.name+"-"+language+".png"), small(t, r.Picture()), 0o644))
			r.Desktop()
		}
	}
}

// small is a picture with the 256 colours that it has most of.
func small(t *testing.T, full []byte) []byte {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(full))
	require.NoError(t, err)
	from := image.NewRGBA(decoded.Bounds())
	draw.Draw(from, from.Rect, decoded, from.Rect.Min, draw.Src)
	at := func(i int) color.RGBA { return color.RGBA{from.Pix[i], from.Pix[i+1], from.Pix[i+2], from.Pix[i+3]} }
	count := map[color.RGBA]int{}
	for i := 0; i < len(from.Pix); i += 4 {
		count[at(i)]++
	}
	var palette color.Palette
	for _, c := range slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int { return count[b] - count[a] })[:min(len(count), 256)] {
		palette = append(palette, c)
	}
	index := map[color.RGBA]uint8{}
	for c := range count {
		index[c] = uint8(palette.Index(c))
	}
	to := image.NewPaletted(from.Rect, palette)
	for i := range to.Pix {
		to.Pix[i] = index[at(4*i)]
	}
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, to))
	return out.Bytes()
}
