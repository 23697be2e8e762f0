package certificatepdf

import (
	"bytes"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/internal/pdf"
	"countersign/internal/pdftest"

	"github.com/stretchr/testify/require"
	"rsc.io/qr/coding"
)

func sample() Certificate {
	return Certificate{
		Number: "CERT-2025-000001", Title: [2]string{"解决方案认证证书", "Solution Certificate"}, Holder: "上海云帆信息技术有限公司",
		Statement: [2]string{"所提交的下列解决方案已通过认证，特发此证。", "has had the solution below certified."},
		Facts: [][2]string{
			{"方案名称 Solution", "云帆智能排产 Yunfan Scheduling"},
			{"方案类型 Kind", "云软件方案 Cloud software solution"},
			{"版本 Version", "2.1"},
			{"生效 Valid from", "2024-03-15 10:20:00 UTC+8"},
			{"有效期至 Valid until", "2025-03-15 10:20:00 UTC+8（不含 exclusive）"},
		},
		Issuer: "华云软件技术有限公司", IssuedAt: time.Date(2024, 3, 15, 2, 20, 0, 0, time.UTC), IssuedOn: "2024-03-15",
		Address: "https://partners.example/certificates/CERT-2025-000001/Zm9vYmFyYmF6cXV4MTIzNA",
	}
}

func printed(t *testing.T, c Certificate) []byte {
	t.Helper()
	out, err := Print(c)
	require.NoError(t, err)
	if file := os.Getenv("CERTIFICATE_PDF"); file != "" { // to look at
		require.NoError(t, os.WriteFile(file, out, 0o600))
	}
	return out
}

func TestGivenACertificate_WhenItIsPrinted_ThenAllItSaysCanBeReadBackAndItsCodeLeadsToTheVerification(t *testing.T) {
	out := printed(t, sample())
	pages := pdftest.Texts(t, out)
	require.Len(t, pages, 1)
	c := sample()
	says := []string{c.Number, c.Title[0], c.Title[1], c.Holder, c.Statement[0], c.Statement[1], c.Issuer, "颁发日期 Issued on: 2024-03-15", c.Address, "扫码验证"}
	for _, f := range c.Facts {
		says = append(says, f[0], f[1])
	}
	for _, text := range says {
		require.Contains(t, pages[0], strings.ReplaceAll(text, " ", ""))
	}
	require.Contains(t, string(out), "/MediaBox [0 0 841.89 595.28]", "A4, lying")
	require.Equal(t, c.Address, scanned(t, out))
}

func TestGivenTheLongestNames_WhenTheyArePrinted_ThenOnePageHoldsThem(t *testing.T) {
	c := sample()
	c.Holder = strings.Repeat("云帆信息技术", 21)
	c.Facts[0][1] = strings.Repeat("智能排产", 32)
	c.Facts[2][1] = strings.Repeat("版", 32)
	c.Issuer = strings.Repeat("华云", 32)
	out := printed(t, c)
	pages := pdftest.Texts(t, out)
	require.Len(t, pages, 1)
	for _, text := range []string{c.Holder, c.Facts[0][1], c.Facts[2][1], c.Issuer} {
		require.Contains(t, pages[0], text)
	}
	require.Equal(t, c.Address, scanned(t, out))
}

func TestGivenAnIssuerOfALongName_WhenItIsPrinted_ThenItLeavesTheCodesPlaceFree(t *testing.T) {
	c := sample()
	c.Issuer = strings.Repeat("华云", 32)
	page, err := pdf.New(pdf.Sheet{Landscape: true, Foot: func(int) string { return "" }})
	require.NoError(t, err)
	printer{page}.seal(c)
	long, _, err := page.Bytes()
	require.NoError(t, err)
	require.Equal(t, 3, bytes.Count(pdftest.Contents(t, long)[0], []byte(" Td ")), "the name on two lines, and the day")
}

func TestGivenTheSameCertificate_WhenItIsPrintedTwice_ThenTheFilesAreTheSame(t *testing.T) {
	require.True(t, bytes.Equal(printed(t, sample()), printed(t, sample())))
}

func TestGivenASignThatTheFontHasNot_WhenItIsPrinted_ThenItIsNamed(t *testing.T) {
	c := sample()
	c.Holder = "𠮷野家"
	_, err := Print(c)
	var missing *pdf.Missing
	require.ErrorAs(t, err, &missing)
	require.ErrorContains(t, err, "𠮷 (U+20BB7)")
}

var filled = regexp.MustCompile(`(?m)^([\d.]+) ([\d.]+) ([\d.]+) (-?[\d.]+) re f$`)

// scanned reads the QR code as a reader of the page would: from the squares that are drawn, by the standard's plan of such a code.
func scanned(t *testing.T, out []byte) string {
	t.Helper()
	type square struct{ x, y, side float64 }
	var squares []square
	left, top := math.Inf(1), math.Inf(-1)
	for _, m := range filled.FindAllSubmatch(pdftest.Contents(t, out)[0], -1) {
		var n [4]float64
		for i := range n {
			var err error
			n[i], err = strconv.ParseFloat(string(m[i+1]), 64)
			require.NoError(t, err)
		}
		require.InDelta(t, n[2], -n[3], 0.02, "modules are squares")
		squares = append(squares, square{n[0], n[1], n[2]})
		left, top = min(left, n[0]), max(top, n[1])
	}
	require.NotEmpty(t, squares)
	at := func(s square) (x, y int) {
		return int(math.Round((s.x - left) / s.side)), int(math.Round((top - s.y) / s.side))
	}
	size := 0
	for _, s := range squares {
		x, y := at(s)
		size = max(size, x+1, y+1)
	}
	plan, err := coding.NewPlan(coding.Version((size-17)/4), coding.M, 0)
	require.NoError(t, err)
	require.Equal(t, size, len(plan.Pixel))
	dark := make(map[[2]int]bool, len(squares))
	for _, s := range squares {
		x, y := at(s)
		dark[[2]int{x, y}] = true
	}
	bits := make([]byte, plan.DataBytes+plan.CheckBytes)
	for y, row := range plan.Pixel {
		for x, pixel := range row {
			black := dark[[2]int{x, y}]
			switch pixel.Role() { //nolint:exhaustive // the others are drawn for the reader's eyes
			case coding.Data, coding.Check:
				if black != (pixel&coding.Black != 0) { // which is how the mask leaves a bit that is not set
					bits[pixel.Offset()/8] |= 1 << (7 - pixel.Offset()%8)
				}
			case coding.Extra:
			default: // positions, timing, format: fixed by the plan
				require.Equal(t, pixel&coding.Black != 0, black, "module %d, %d", x, y)
			}
		}
	}
	require.Equal(t, byte(4), bits[0]>>4, "octets, as the standard's mode 4 says")
	length := int(bits[0]&15)<<4 | int(bits[1]>>4)
	text := make([]byte, length)
	for i := range text {
		text[i] = bits[i+1]<<4 | bits[i+2]>>4
	}
	return string(text)
}
