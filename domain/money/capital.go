package money

import "github.com/shopspring/decimal"

// Capital writes the amount in the numerals that Chinese banks and tax offices ask for (大写金额), which cannot be altered
// by a stroke: 10,300.00 is 壹万零叁佰元整, 952.83 is 玖佰伍拾贰元捌角叁分. Zero is 零元整, a negative amount begins with 负.
//
// A gap of zeros is one 零, whether between digits or between 元 and 分; a group that merely ends in zeros has none
// (107,000.53 is 壹拾万柒仟元伍角叁分). What ends in 元 or 角 is closed by 整, so that nothing can be added to it. The
// currency is not named. Like Parse, up to 18 digits before the point.
func (a Amount) Capital() string {
	if a.Sign() < 0 {
		return "负" + a.Neg().Capital()
	}
	yuan := a.d.IntPart()
	cents := a.d.Sub(decimal.NewFromInt(yuan)).Shift(2).IntPart()
	jiao, fen := cents/10, cents%10
	switch {
	case yuan == 0 && cents == 0:
		return "零元整"
	case cents == 0:
		return capital(yuan) + "元整"
	}
	text := ""
	if yuan > 0 {
		text = capital(yuan) + "元"
	}
	switch {
	case fen == 0:
		return text + capital(jiao) + "角整"
	case jiao > 0:
		return text + capital(jiao) + "角" + capital(fen) + "分"
	case yuan > 0:
		text += "零"
	}
	return text + capital(fen) + "分"
}

var capitalDigits = []rune("零壹贰叁肆伍陆柒捌玖")

// capitalUnits from the largest down; what exceeds 9999 亿 is counted in 亿 again: 壹万亿, 壹亿亿.
var capitalUnits = []struct {
	size int64
	name string
}{{1_0000_0000, "亿"}, {1_0000, "万"}, {1000, "仟"}, {100, "佰"}, {10, "拾"}}

// capital writes a whole number greater than 0.
func capital(n int64) string {
	for _, unit := range capitalUnits {
		if n < unit.size {
			continue
		}
		text, rest := capital(n/unit.size)+unit.name, n%unit.size
		switch {
		case rest == 0:
			return text
		case rest < unit.size/10: // the next place is empty
			text += "零"
		}
		return text + capital(rest)
	}
	return string(capitalDigits[n])
}
