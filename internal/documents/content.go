package documents

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	_ "image/jpeg" // to look into headers
	_ "image/png"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The types of content that are known.
const (
	PDF  = "application/pdf"
	PNG  = "image/png"
	JPEG = "image/jpeg"
	OFD  = "application/ofd" // the layout format of Chinese electronic invoices (GB/T 33190): a zip with OFD.xml
)

// Known are all of them.
var Known = []string{PDF, PNG, JPEG, OFD}

// Rules say what is taken.
type Rules struct {
	Limit int64    // octets, which are held in memory while they are checked
	Types []string // of Known
}

// Fault is why a content is not taken.
type Fault struct {
	Kind    FaultKind
	Message string // a sentence that says what to do
}

func (f *Fault) Error() string { return f.Message }

// FaultKind tells faults apart; its number is part of a refusal's code and stays.
type FaultKind int

// The faults.
const (
	Empty FaultKind = iota + 1
	TooLarge
	WrongType
	Unsafe // broken, or more than one thing at once
)

// Document is a content that was taken: it is held in memory, at most Rules.Limit.
type Document struct {
	ID        string // SHA-256, hexadecimal
	MediaType string
	Content   []byte
}

// Size is how many octets it has.
func (d *Document) Size() int64 { return int64(len(d.Content)) }

// Take reads a content to its end and checks it; a name says nothing about it. An error that is no *Fault is the reader's.
func (r Rules) Take(from io.Reader) (*Document, error) {
	content, err := io.ReadAll(io.LimitReader(from, r.Limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read: %w", err)
	case len(content) == 0:
		return nil, &Fault{Empty, "The file is empty; choose another."}
	case int64(len(content)) > r.Limit:
		return nil, &Fault{TooLarge, fmt.Sprintf("The file is larger than %s; make it smaller or split it.", Octets(r.Limit))}
	}
	d := &Document{MediaType: typeOf(content), Content: content}
	if !slices.Contains(r.Types, d.MediaType) {
		return nil, &Fault{WrongType, fmt.Sprintf("The file's content is %s, whatever its name says; choose one of: %s.", d.MediaType, strings.Join(r.Types, ", "))}
	}
	if why := unsafe(d.MediaType, content); why != "" {
		return nil, &Fault{Unsafe, fmt.Sprintf("The file %s; print or scan it anew.", why)}
	}
	return New(d.MediaType, content), nil
}

// New is a document of a content that was looked at already.
func New(mediaType string, content []byte) *Document {
	sum := sha256.Sum256(content)
	return &Document{ID: hex.EncodeToString(sum[:]), MediaType: mediaType, Content: content}
}

// Octets writes a size for people: "10 MB", of 1024 × 1024 octets.
func Octets(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 20, "MB"}, {1 << 10, "KB"}} {
		if n >= u.size {
			return strings.TrimSuffix(fmt.Sprintf("%d.%d", n/u.size, n%u.size*10/u.size), ".0") + " " + u.name
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// typeOf looks at the first octets, and into a zip.
func typeOf(content []byte) string {
	t, _, _ := strings.Cut(http.DetectContentType(content), ";")
	if t == "application/zip" && slices.Contains(entries(content), "OFD.xml") {
		return OFD
	}
	return t
}

// entries names what is in a zip; none when it cannot be read.
func entries(content []byte) (names []string) {
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil
	}
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	return names
}

var (
	escape  = regexp.MustCompile(`#[0-9A-Fa-f]{2}`)
	active  = [][]byte{[]byte("/JavaScript"), []byte("/Launch"), []byte("/Rendition")}
	zipEnd  = []byte("PK\x05\x06")
	scripts = [][]byte{[]byte("<script"), []byte("<html"), []byte("<?php")}
	program = regexp.MustCompile(`(?i)\.(exe|dll|com|scr|msi|bat|cmd|ps1|vbs|js|jar|class|sh|html?|hta|lnk)$`)
)

// unsafe says what is wrong with a content of a known type; empty: nothing was found. It looks for what would make other
// programs take the file for something else, and for what a PDF would run. It sees no actions in compressed parts of a PDF:
// it is no virus scanner.
func unsafe(mediaType string, content []byte) string {
	head := bytes.ToLower(content[:min(len(content), 1024)])
	tail := content[max(0, len(content)-(1<<16+22)):] // where a zip's directory ends
	switch {
	case mediaType != PDF && bytes.Contains(head, []byte("%pdf-")):
		return "is a picture or archive and a PDF at once"
	case mediaType != OFD && bytes.Contains(tail, zipEnd):
		return "is also an archive"
	case slices.ContainsFunc(scripts, func(s []byte) bool { return bytes.Contains(head, s) }):
		return "begins with a script"
	}
	switch mediaType {
	case PDF:
		return unsafePDF(content)
	case PNG:
		return unsafePNG(content)
	case JPEG:
		if _, _, err := image.DecodeConfig(bytes.NewReader(content)); err != nil || !bytes.Contains(content, []byte{0xFF, 0xD9}) {
			return "is a picture that is broken or cut off"
		}
	case OFD:
		return unsafeOFD(content)
	}
	return ""
}

func unsafePDF(content []byte) string {
	if !bytes.Contains(content[max(0, len(content)-1024):], []byte("%%EOF")) {
		return "is a PDF that is cut off"
	}
	plain := unescaped(content)
	for _, a := range active {
		if bytes.Contains(plain, a) {
			return fmt.Sprintf("is a PDF that runs something (%s)", a[1:])
		}
	}
	return ""
}

// unescaped is a PDF with its names written plainly: it may write /Java#53cript.
func unescaped(content []byte) []byte {
	return escape.ReplaceAllFunc(content, func(e []byte) []byte {
		b, err := hex.DecodeString(string(e[1:]))
		if err != nil {
			return e
		}
		return b
	})
}

// unsafePNG walks the chunks: the last is IEND, and nothing comes after it.
func unsafePNG(content []byte) string {
	if _, _, err := image.DecodeConfig(bytes.NewReader(content)); err != nil {
		return "is a picture that is broken"
	}
	for rest := content[8:]; len(rest) >= 12; {
		length := int64(binary.BigEndian.Uint32(rest))
		if length+12 > int64(len(rest)) {
			break
		}
		if string(rest[4:8]) == "IEND" {
			if len(rest) > 12 {
				return "goes on after the end of its picture"
			}
			return ""
		}
		rest = rest[length+12:]
	}
	return "is a picture that is cut off"
}

func unsafeOFD(content []byte) string {
	for _, name := range entries(content) {
		if program.MatchString(name) || path.IsAbs(name) || strings.Contains(name, "..") || strings.Contains(name, `\`) {
			return fmt.Sprintf("contains %q, which no invoice has", name)
		}
	}
	return ""
}
