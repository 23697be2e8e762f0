package webtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Texts are all of the pages below a folder by their keys: Chinese, English.
func Texts(folder string) map[string][2]string {
	files, err := filepath.Glob(filepath.Join(folder, "*", "messages.json"))
	if err != nil {
		panic(err) // the pattern is well-formed
	}
	all := map[string][2]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		if err := json.Unmarshal(text, &all); err != nil {
			panic(fmt.Errorf("%s: %w", file, err))
		}
	}
	return all
}
