package money

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCapitalNumerals(t *testing.T) {
	for amount, words := range map[string]string{
		// the amounts of an invoicing example
		"10300.00": "壹万零叁佰元整",
		"10600.00": "壹万零陆佰元整",
		"952.83":   "玖佰伍拾贰元捌角叁分",
		// nothing, less than a yuan
		"0.00": "零元整",
		"0.01": "壹分",
		"0.05": "伍分",
		"0.10": "壹角整",
		"0.50": "伍角整",
		"0.99": "玖角玖分",
		// units
		"1.00":     "壹元整",
		"10.00":    "壹拾元整",
		"15.00":    "壹拾伍元整",
		"20.00":    "贰拾元整",
		"100.00":   "壹佰元整",
		"1000.00":  "壹仟元整",
		"10000.00": "壹万元整",
		"8765.43":  "捌仟柒佰陆拾伍元肆角叁分",
		// zeros between digits, one 零 for a run of them
		"105.00":  "壹佰零伍元整",
		"1005.00": "壹仟零伍元整",
		"1050.00": "壹仟零伍拾元整",
		"1409.50": "壹仟肆佰零玖元伍角整",
		"6007.14": "陆仟零柒元壹角肆分",
		// zeros before the point: no 零
		"1680.32":   "壹仟陆佰捌拾元叁角贰分",
		"107000.53": "壹拾万柒仟元伍角叁分",
		// no jiao, but fen: 零
		"16409.02": "壹万陆仟肆佰零玖元零贰分",
		"325.04":   "叁佰贰拾伍元零肆分",
		"10.05":    "壹拾元零伍分",
		// groups of four
		"10005.00":         "壹万零伍元整",
		"100300.00":        "壹拾万零叁佰元整",
		"1000001.00":       "壹佰万零壹元整",
		"20003000.00":      "贰仟万叁仟元整",
		"10203040.05":      "壹仟零贰拾万叁仟零肆拾元零伍分",
		"100000000.00":     "壹亿元整",
		"100000001.00":     "壹亿零壹元整",
		"100010000.00":     "壹亿零壹万元整",
		"1000010000.00":    "壹拾亿零壹万元整",
		"1010000000.00":    "壹拾亿壹仟万元整",
		"123456789.12":     "壹亿贰仟叁佰肆拾伍万陆仟柒佰捌拾玖元壹角贰分",
		"999999999999.99":  "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
		"1000000000000.00": "壹万亿元整",
		"1000000000001.00": "壹万亿零壹元整",
		// the largest that is kept
		"10000000000000000.00":  "壹亿亿元整",
		"10000000100000000.00":  "壹亿零壹亿元整",
		"999999999999999999.99": "玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
		// taken back
		"-0.01":     "负壹分",
		"-10300.00": "负壹万零叁佰元整",
	} {
		require.Equal(t, words, Must(amount).Capital(), amount)
	}
}

func TestCapitalNumeralsReadBackAreTheAmount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// sparse digits, so that every kind of gap comes up
		digits := rapid.StringOfN(rapid.SampledFrom([]rune("0000012345679")), 1, 18, -1).Draw(t, "yuan")
		a := Must(fmt.Sprintf("%s.%02d", digits, rapid.IntRange(0, 99).Draw(t, "cents")))
		if rapid.Bool().Draw(t, "negative") {
			a = a.Neg()
		}
		words := a.Capital()
		if back := readCapital(words); !a.Equal(back) {
			t.Fatalf("%s is written %s, which reads %s", a, words, back)
		}
		if strings.Contains(words, "零零") || strings.Contains(words, "零亿") || strings.Contains(words, "零万") || a.Sign() != 0 && strings.Contains(words, "零元") {
			t.Fatalf("%s is written %s", a, words)
		}
	})
}

// readCapital reads words by adding up, from the left: nothing of how they were written.
func readCapital(words string) Amount {
	words, negative := strings.CutPrefix(words, "负")
	units := map[rune]int64{'拾': 10, '佰': 100, '仟': 1000}
	var yuan, whole, group, digit, cents int64 // whole: full 亿; group: since then
	section := int64(0)
	for _, r := range words {
		switch r {
		case '整', '零':
		case '元':
			yuan = whole + group + section + digit
			whole, group, section, digit = 0, 0, 0, 0
		case '角':
			cents, digit = cents+10*digit, 0
		case '分':
			cents, digit = cents+digit, 0
		case '亿':
			whole, group, section, digit = (whole+group+section+digit)*1_0000_0000, 0, 0, 0
		case '万':
			group, section, digit = (section+digit)*1_0000, 0, 0
		case '拾', '佰', '仟':
			section, digit = section+digit*units[r], 0
		default:
			digit = int64(strings.IndexRune("零壹贰叁肆伍陆柒捌玖", r) / len("零"))
		}
	}
	a := Must(fmt.Sprintf("%d.%02d", yuan, cents))
	if negative {
		return a.Neg()
	}
	return a
}
