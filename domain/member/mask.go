package member

import "strings"

// Masked is what lists show of a mobile, an email or a name: enough to tell members apart.
func Masked(what By, value string) string {
	runes, at := []rune(value), strings.LastIndex(value, "@")
	switch {
	case value == "":
		return ""
	case what == ByMobile && len(runes) >= 9: // 138****8000
		return string(runes[:3]) + "****" + string(runes[len(runes)-4:])
	case what == ByEmail && at > 0:
		return string(runes[:1]) + "***" + value[at:]
	case len(runes) == 1:
		return "***"
	}
	return string(runes[:1]) + "***"
}
