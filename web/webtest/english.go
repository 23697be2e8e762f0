package webtest

import (
	"html"
	"regexp"
	"strings"
)

var (
	unread   = regexp.MustCompile(`(?s)<(?:script|style|code|pre|textarea|option|q)\b[^>]*>.*?</(?:script|style|code|pre|textarea|option|q)>`)
	element  = regexp.MustCompile(`(?s)<[^>]*>`)
	command  = regexp.MustCompile(`\bstarter [a-z -]+`) // is typed as it is
	sentence = regexp.MustCompile(`\b[a-z']{2,}(?:,? (?:a|I|[a-z']{2,})){2,}`)
)

// entered is what people wrote in tests; it stays as it is.
var entered = strings.NewReplacer("the branch is <wrong>", "", "managers look at <b>large</b> amounts", "")

// English finds English on a page that is Chinese: three words in a row.
func English(page string) (found []string) {
	if !strings.Contains(page, `<html lang="zh`) {
		return nil
	}
	for text := range strings.SplitSeq(element.ReplaceAllString(unread.ReplaceAllString(page, "\n"), "\n"), "\n") {
		text = command.ReplaceAllString(entered.Replace(html.UnescapeString(text)), "")
		if sentence.MatchString(text) {
			found = append(found, strings.TrimSpace(text))
		}
	}
	return found
}
