// Package certificatepdf prints a certificate on one lying page, in Chinese and English, with a QR code of the address at which it is
// verified. What it prints is handed in whole; the same certificate prints the same octets.
package certificatepdf

import (
	"fmt"
	"time"

	"countersign/internal/pdf"

	"rsc.io/qr"
)

// Certificate is what one says.
type Certificate struct {
	Number    string
	Title     [2]string // Chinese, English
	Holder    string
	Statement [2]string   // Chinese, English: what the holder has
	Facts     [][2]string // label, text: what is certified, from when until when
	Issuer    string
	IssuedAt  time.Time // the file's creation date, too
	IssuedOn  string    // as it is printed
	Address   string    // where it is verified: printed and in the QR code
}

// Print makes the PDF. The only error that lies in the certificate is *pdf.Missing.
func Print(c Certificate) ([]byte, error) {
	code, err := qr.Encode(c.Address, qr.M)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", c.Number, err)
	}
	page, err := pdf.New(pdf.Sheet{Title: c.Title[0] + " " + c.Number, Landscape: true, PrintedAt: c.IssuedAt, Foot: func(int) string { return c.Address }})
	if err != nil {
		return nil, err
	}
	p := printer{page}
	p.frame()
	p.head(c)
	p.facts(c)
	p.seal(c)
	p.code(code)
	out, _, err := p.Bytes()
	return out, err
}

// printer is a certificate being printed.
type printer struct{ *pdf.Page }

func (p printer) frame() {
	width, height := p.GetPageSize()
	p.SetDrawColor(32, 64, 112)
	for _, line := range []struct{ from, width float64 }{{7, 0.8}, {8.5, 0.2}} {
		p.SetLineWidth(line.width)
		p.Rect(line.from, line.from, width-2*line.from, height-2*line.from, "D")
	}
	p.SetDrawColor(0, 0, 0)
	p.SetLineWidth(0.15)
}

func (p printer) head(c Certificate) {
	p.SetY(20)
	p.centred(c.Title[0], 26, 12)
	p.centred(c.Title[1], 14, 8)
	p.centred("证书编号 Certificate no. "+c.Number, 10, 7)
	p.Ln(4)
	p.centred(c.Holder, 20, 9)
	p.Ln(1)
	p.centred(c.Statement[0], 11.5, 6.5)
	p.centred(c.Statement[1], 10.5, 6)
	p.Ln(5)
}

// centred prints a text in the middle, smaller as long as it needs more than two lines.
func (p printer) centred(text string, size, height float64) {
	text = p.Clean(text)
	p.Size(size)
	for len(p.Wrap(text, p.Width)) > 2 && size > 9 {
		size, height = size-1, height-0.4
		p.Size(size)
	}
	for _, line := range p.Wrap(text, p.Width) {
		p.Line(line, height, "C")
	}
}

const (
	side  = 40.0 // of the QR code, in millimetres
	label = 52.0
)

// facts leaves the QR code's place free.
func (p printer) facts(c Certificate) {
	p.Size(10.5)
	for _, f := range c.Facts {
		p.Row([]pdf.Cell{{Text: f[0], Width: label, Align: "L"}, {Text: f[1], Width: p.Width - label - side - 12, Align: "L"}}, 8)
	}
}

// seal names who issued it, at the foot, and leaves the QR code's place free.
func (p printer) seal(c Certificate) {
	const height = 6
	p.Size(10.5)
	lines := append(p.Wrap(p.Clean("颁发单位 Issued by: "+c.Issuer), p.Width-side-12), "颁发日期 Issued on: "+c.IssuedOn)
	p.SetY(p.Bottom - 1 - height*float64(len(lines)))
	for _, line := range lines {
		p.Line(line, height, "L")
	}
}

// code draws each dark module as a square; four modules stay free around the code.
func (p printer) code(c *qr.Code) {
	left, top := pdf.Margin+p.Width-side, p.Bottom-side-8
	module := side / float64(c.Size)
	p.SetFillColor(0, 0, 0)
	for y := range c.Size {
		for x := range c.Size {
			if c.Black(x, y) {
				p.Rect(left+float64(x)*module, top+float64(y)*module, module, module, "F")
			}
		}
	}
	p.SetXY(left-6, top+side+1.5)
	p.Size(8)
	p.CellFormat(side+12, 4, p.Clean("扫码验证 Scan to verify"), "", 0, "C", false, 0, "")
}
