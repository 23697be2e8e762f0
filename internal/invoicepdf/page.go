package invoicepdf

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
)

// A4 upright, in millimetres.
const (
	margin = 15.0
	width  = 210 - 2*margin
	bottom = 297 - 18.0 // below it the foot of the page
	inset  = 1.5        // between a cell's border and its text
)

//go:embed font/NotoSansSC.ttf
var font []byte

var signs = sync.OnceValues(func() (*sfnt.Font, error) { return sfnt.Parse(font) })

// page is a document being printed; every text goes through clean, so that none leaves unnoticed what the font has not.
type page struct {
	pdf     *fpdf.Fpdf
	signs   *sfnt.Font
	missing map[rune]bool
	points  float64 // size of the letters
	fill    string  // "F": cells are shaded
	header  func()  // of the table that goes on, repeated on each page
}

func newPage(l List, pages int) (*page, error) {
	known, err := signs()
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	p := &page{pdf: fpdf.New("P", "mm", "A4", ""), signs: known, missing: map[rune]bool{}}
	p.pdf.SetCatalogSort(true)
	p.pdf.SetCreationDate(l.PrintedAt.UTC())
	p.pdf.SetModificationDate(l.PrintedAt.UTC())
	p.pdf.SetTitle("开票清单 "+p.clean(l.Number), true)
	p.pdf.SetLang("zh-CN")
	p.pdf.SetMargins(margin, margin, margin)
	p.pdf.SetAutoPageBreak(false, 0) // rows break pages, not lines
	p.pdf.SetCellMargin(0)
	p.pdf.SetLineWidth(0.15)
	p.pdf.SetFillColor(235, 235, 235)
	p.pdf.AddUTF8FontFromBytes("sc", "", font)
	p.size(9)
	p.pdf.SetFooterFunc(func() {
		before := p.points
		p.size(8)
		p.pdf.SetY(bottom + 5)
		n := p.pdf.PageNo()
		p.line(fmt.Sprintf("%s    第 %d 页，共 %d 页    Page %d of %d", l.Number, n, pages, n, pages), 4, "C")
		p.size(before)
	})
	p.pdf.AddPage()
	return p, nil
}

// size sets how large letters are, in points.
func (p *page) size(points float64) {
	p.points = points
	p.pdf.SetFont("sc", "", points)
}

// clean takes out what cannot be printed in a line and notes what the font has no sign for. The library counts characters
// in 16 bits, so that those above it are missing even where a font has them.
func (p *page) clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		if unicode.Is(unicode.Cf, r) { // marks without a shape: joiners, byte order
			return -1
		}
		glyph, err := p.signs.GlyphIndex(nil, r)
		if err != nil || glyph == 0 || r > 0xFFFF {
			p.missing[r] = true
			return '?'
		}
		return r
	}, s)
}

// line prints one line over the whole width.
func (p *page) line(text string, height float64, align string) {
	p.pdf.CellFormat(width, height, p.clean(text), "", 1, align, false, 0, "")
}

type cell struct {
	text  string
	width float64
	align string
}

// row prints bordered cells side by side, as high as the highest needs; a row that does not fit begins the next page.
func (p *page) row(cells []cell, least float64) {
	spacing := p.points * 0.47 // millimetres from line to line
	lines := make([][]string, len(cells))
	height := least
	for i, c := range cells {
		lines[i] = p.wrap(p.clean(c.text), c.width-2*inset)
		height = max(height, float64(len(lines[i]))*spacing+2*inset)
	}
	p.room(height)
	x, y := margin, p.pdf.GetY()
	for i, c := range cells {
		p.pdf.Rect(x, y, c.width, height, p.fill+"D")
		top := y + (height-float64(len(lines[i]))*spacing)/2
		for k, text := range lines[i] {
			p.pdf.SetXY(x+inset, top+float64(k)*spacing)
			p.pdf.CellFormat(c.width-2*inset, spacing, text, "", 0, c.align, false, 0, "")
		}
		x += c.width
	}
	p.pdf.SetXY(margin, y+height)
}

// room begins a new page, with the table's header again, when the rest of this one is too small.
func (p *page) room(height float64) {
	if p.pdf.GetY()+height <= bottom {
		return
	}
	p.pdf.AddPage()
	if again := p.header; again != nil {
		p.header = nil // its own row needs no header
		again()
		p.header = again
	}
}

// wrap breaks a text into lines of a width: at a space or beside a Chinese sign, in a word without either anywhere. The library's
// own ways of breaking lines lose a sign at each break.
func (p *page) wrap(text string, width float64) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		rest := []rune(paragraph)
		for n := p.fits(rest, width); n < len(rest); n = p.fits(rest, width) {
			for i := n; i > 0; i-- {
				if ends(rest[i-1], rest[i]) {
					n = i
					break
				}
			}
			lines = append(lines, string(rest[:n]))
			rest = []rune(strings.TrimLeft(string(rest[n:]), " "))
		}
		lines = append(lines, string(rest))
	}
	return lines
}

// fits counts the signs that a width holds, at least one of any.
func (p *page) fits(text []rune, width float64) int {
	for n := 1; n < len(text); n++ {
		if p.pdf.GetStringWidth(string(text[:n+1])) > width {
			return n
		}
	}
	return len(text)
}

// ends tells whether a line may end between two signs: none ends with an opening bracket or begins with what closes.
func ends(before, after rune) bool {
	const chinese = 0x2E80
	return after == ' ' || (before >= chinese || after >= chinese) &&
		!strings.ContainsRune("（《〈「『【(", before) && !strings.ContainsRune("，。、；：！？）》〉」』】,.;:!?)", after)
}

// bytes ends the document.
func (p *page) bytes() ([]byte, int, error) {
	var out bytes.Buffer
	if err := p.pdf.Output(&out); err != nil {
		return nil, 0, fmt.Errorf("print invoice list: %w", err)
	}
	if len(p.missing) > 0 {
		m := &Missing{}
		for r := range p.missing {
			m.Runes = append(m.Runes, r)
		}
		slices.Sort(m.Runes)
		return nil, 0, m
	}
	return out.Bytes(), p.pdf.PageNo(), nil
}
