// Package pdf prints pages in Chinese and English: one font of which only the signs in use are embedded, rows, and lines that break
// where people would. The same texts print the same octets.
package pdf

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
)

// In millimetres.
const (
	Margin = 15.0
	foot   = 18.0 // below the text
	inset  = 1.5  // between a cell's border and its text
)

//go:embed font/NotoSansSC.ttf
var font []byte

var signs = sync.OnceValues(func() (*sfnt.Font, error) { return sfnt.Parse(font) })

// Missing is a document that cannot be printed: a box in the place of a name must not leave the house unseen.
type Missing struct{ Runes []rune }

func (m *Missing) Error() string {
	signs := make([]string, len(m.Runes))
	for i, r := range m.Runes {
		signs[i] = fmt.Sprintf("%c (%U)", r, r)
	}
	return "the font has no sign for " + strings.Join(signs, ", ") + "; write the text without it"
}

// Sheet is how a document begins.
type Sheet struct {
	Title     string
	Landscape bool                  // A4 lies; else it stands
	PrintedAt time.Time             // the file's creation date
	Foot      func(page int) string // the line at the foot of each page
}

// Page is a document being printed; every text goes through Clean, so that none leaves unnoticed what the font has not.
type Page struct {
	*fpdf.Fpdf
	Width  float64 // between the margins
	Bottom float64 // below it the foot of the page
	Fill   string  // "F": cells are shaded
	Header func()  // of the table that goes on, repeated on each page

	signs   *sfnt.Font
	missing map[rune]bool
	points  float64 // Size of the letters
}

// New begins a document with its first page.
func New(s Sheet) (*Page, error) {
	known, err := signs()
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	orientation, width, height := "P", 210.0, 297.0
	if s.Landscape {
		orientation, width, height = "L", height, width
	}
	p := &Page{Fpdf: fpdf.New(orientation, "mm", "A4", ""), Width: width - 2*Margin, Bottom: height - foot, signs: known, missing: map[rune]bool{}}
	p.SetCatalogSort(true)
	p.SetCreationDate(s.PrintedAt.UTC())
	p.SetModificationDate(s.PrintedAt.UTC())
	p.SetTitle(p.Clean(s.Title), true)
	p.SetLang("zh-CN")
	p.SetMargins(Margin, Margin, Margin)
	p.SetAutoPageBreak(false, 0) // rows break pages, not lines
	p.SetCellMargin(0)
	p.SetLineWidth(0.15)
	p.SetFillColor(235, 235, 235)
	p.AddUTF8FontFromBytes("sc", "", font)
	p.Size(9)
	p.SetFooterFunc(func() {
		before := p.points
		p.Size(8)
		p.SetY(p.Bottom + 5)
		p.Line(s.Foot(p.PageNo()), 4, "C")
		p.Size(before)
	})
	p.AddPage()
	return p, nil
}

// Size sets how large letters are, in points.
func (p *Page) Size(points float64) {
	p.points = points
	p.SetFont("sc", "", points)
}

// Printable is *Missing for a text that a document could not be printed with.
func Printable(text string) error {
	known, err := signs()
	if err != nil {
		return fmt.Errorf("read font: %w", err)
	}
	p := &Page{signs: known, missing: map[rune]bool{}}
	p.Clean(text)
	return p.lacks()
}

// Clean takes out what cannot be printed in a line and notes what the font has no sign for. The library counts characters
// in 16 bits, so that those above it are missing even where a font has them.
func (p *Page) Clean(s string) string {
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

// Line prints one line over the whole width.
func (p *Page) Line(text string, height float64, align string) {
	p.CellFormat(p.Width, height, p.Clean(text), "", 1, align, false, 0, "")
}

// Cell is a part of a row; Align is L, C or R.
type Cell struct {
	Text  string
	Width float64
	Align string
}

// Row prints bordered cells side by side, as high as the highest needs; a row that does not fit begins the next page.
func (p *Page) Row(cells []Cell, least float64) {
	spacing := p.points * 0.47 // millimetres from line to line
	lines := make([][]string, len(cells))
	height := least
	for i, c := range cells {
		lines[i] = p.Wrap(p.Clean(c.Text), c.Width-2*inset)
		height = max(height, float64(len(lines[i]))*spacing+2*inset)
	}
	p.Room(height)
	x, y := Margin, p.GetY()
	for i, c := range cells {
		p.Rect(x, y, c.Width, height, p.Fill+"D")
		top := y + (height-float64(len(lines[i]))*spacing)/2
		for k, text := range lines[i] {
			p.SetXY(x+inset, top+float64(k)*spacing)
			p.CellFormat(c.Width-2*inset, spacing, text, "", 0, c.Align, false, 0, "")
		}
		x += c.Width
	}
	p.SetXY(Margin, y+height)
}

// Room begins a new page, with the table's header again, when the rest of this one is too small.
func (p *Page) Room(height float64) {
	if p.GetY()+height <= p.Bottom {
		return
	}
	p.AddPage()
	if again := p.Header; again != nil {
		p.Header = nil // its own row needs no header
		again()
		p.Header = again
	}
}

// Wrap breaks a text into lines of a width: at a space or beside a Chinese sign, in a word without either anywhere. The library's
// own ways of breaking lines lose a sign at each break.
func (p *Page) Wrap(text string, width float64) []string {
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
func (p *Page) fits(text []rune, width float64) int {
	for n := 1; n < len(text); n++ {
		if p.GetStringWidth(string(text[:n+1])) > width {
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

// Bytes ends the document and counts its pages. The only error that lies in the texts is *Missing.
func (p *Page) Bytes() ([]byte, int, error) {
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, 0, fmt.Errorf("print: %w", err)
	}
	if err := p.lacks(); err != nil {
		return nil, 0, err
	}
	return out.Bytes(), p.PageNo(), nil
}

// lacks is *Missing where a text had signs that the font has not.
func (p *Page) lacks() error {
	if len(p.missing) == 0 {
		return nil
	}
	m := &Missing{}
	for r := range p.missing {
		m.Runes = append(m.Runes, r)
	}
	slices.Sort(m.Runes)
	return m
}
