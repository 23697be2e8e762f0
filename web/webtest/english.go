package webtest

import (
	"html"
	"regexp"
	"slices"
	"strings"

	"countersign/domain/person"
)

var (
	unread   = regexp.MustCompile(`(?s)<(?:script|style|code|pre|textarea|option|q)\b[^>]*>.*?</(?:script|style|code|pre|textarea|option|q)>`)
	element  = regexp.MustCompile(`(?s)<[^>]*>`)
	command  = regexp.MustCompile(`\bstarter [a-z -]+`) // is typed as it is
	name     = regexp.MustCompile(`[A-Za-z0-9_-]+`)
	sentence = regexp.MustCompile(`\b[a-z']{2,}(?:,? (?:a|I|[a-z']{2,})){2,}`)
)

// entered is what people wrote in tests; it stays as it is.
var entered = strings.NewReplacer("the branch is <wrong>", "", "managers look at <b>large</b> amounts", "",
	"what the solution does, for customers", "", "how it is deployed and configured", "", "service and support that customers get", "") // of a policy

// Unspoken finds what a page says as its reader would not: roles as the programme calls them, and on a page that is Chinese
// three words of English in a row.
func Unspoken(page string) (found []string) {
	chinese := strings.Contains(page, `<html lang="zh`)
	for text := range strings.SplitSeq(element.ReplaceAllString(unread.ReplaceAllString(page, "\n"), "\n"), "\n") {
		text = command.ReplaceAllString(entered.Replace(html.UnescapeString(text)), "")
		role := slices.ContainsFunc(name.FindAllString(text, -1), func(n string) bool { return slices.Contains(person.Known, person.Role(n)) })
		if role || chinese && sentence.MatchString(text) {
			found = append(found, strings.TrimSpace(text))
		}
	}
	return found
}
