package page

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"
)

// The languages of the console; the first is who asks for another.
var (
	Chinese   = language.SimplifiedChinese
	English   = language.English
	Languages = []language.Tag{Chinese, English}

	languages = language.NewMatcher(Languages)
)

// messages are the texts of every page, by key, in each language.
type messages struct {
	texts map[string][2]string // as in Languages
	*catalog.Builder
}

// readMessages reads messages.json of each book: {"inbox.title": ["收件箱", "Inbox"]}. Verbs are those of fmt.
func readMessages(books []fs.FS) (messages, error) {
	m := messages{map[string][2]string{}, catalog.NewBuilder(catalog.Fallback(Chinese))}
	for _, book := range books {
		file, err := fs.ReadFile(book, "messages.json")
		if err != nil {
			return m, err
		}
		var texts map[string][2]string
		if err := json.Unmarshal(file, &texts); err != nil {
			return m, fmt.Errorf("messages.json: %w", err)
		}
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			if _, taken := m.texts[key]; taken {
				return m, fmt.Errorf("messages.json: %q is written twice", key)
			}
			m.texts[key] = texts[key]
			for i, tag := range Languages {
				if err := m.SetString(tag, key, texts[key][i]); err != nil {
					return m, fmt.Errorf("messages.json: %q: %w", key, err)
				}
			}
		}
	}
	return m, nil
}

// has tells whether a name of a group has a word.
func (m messages) has(group, name string) bool {
	_, ok := m.texts[group+"."+name]
	return ok
}

// translate answers the text of a key, with its arguments put in.
type translate func(key string, args ...any) (string, error)

func (m messages) to(tag language.Tag) translate {
	printer := message.NewPrinter(tag, message.Catalog(m))
	return func(key string, args ...any) (string, error) {
		if _, ok := m.texts[key]; !ok {
			return "", fmt.Errorf("there is no message %q", key)
		}
		return printer.Sprintf(key, args...), nil
	}
}

// Language is the language in which somebody is answered: what they chose, else what their browser prefers.
func Language(r *http.Request) language.Tag {
	wanted := r.Header.Get("Accept-Language")
	if chosen, err := r.Cookie(CookieName(languageCookie, secure(r))); err == nil {
		wanted = chosen.Value
	}
	_, i := language.MatchStrings(languages, wanted)
	return Languages[i]
}
