package documents

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Inspection is what can be seen of a content by its octets, and of what an archive holds.
type Inspection struct {
	MediaType string
	Fault     string   // a sentence why it is not read at all; empty: it is
	Protected string   // how it is protected, so that nobody can look into it: "encrypted archive"; empty: it is not
	Program   string   // what kind of program it is: "a script"; empty: none was seen
	Entries   []string // names in an archive, and in archives within
}

// The types that are told apart beside Known.
const (
	ZIP   = "application/zip"
	DOCX  = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	XLSX  = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	PPTX  = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	OLE   = "application/x-ole-storage" // Office files of before 2007, and encrypted ones of today
	Plain = "text/plain"
)

const (
	unpacked = 64 << 20 // octets that are taken out of one upload's archives, all together
	deepest  = 2        // archives within archives
)

var (
	oleHead   = []byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}
	encrypted = regexp.MustCompile(`/Encrypt(?:[\s\x00]|%[^\r\n]*)*(?:\d+\s+\d+\s+R|<<)`)
	package16 = []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")
	programs  = []struct{ head, kind string }{
		{"MZ", "a program for Windows"},
		{"\x7fELF", "a program for Linux"},
		{"\xCA\xFE\xBA\xBE", "a Java class or a program for macOS"},
		{"\xFE\xED\xFA\xCE", "a program for macOS"},
		{"\xFE\xED\xFA\xCF", "a program for macOS"},
		{"\xCE\xFA\xED\xFE", "a program for macOS"},
		{"\xCF\xFA\xED\xFE", "a program for macOS"},
		{"#!", "a script"},
		{"\x00asm", "a WebAssembly program"},
	}
	// What begins archives and covers that are not opened here.
	sealed  = []string{"Rar!\x1a\x07", "7z\xBC\xAF\x27\x1C", "\xFD7zXZ\x00", "BZh", "\x1f\x8b", "MSCF", "-----BEGIN PGP", "age-encryption.org"}
	telling = map[string]string{ // files that only programs have, in small letters
		"meta-inf/manifest.mf": "a Java program", "androidmanifest.xml": "a program for Android",
	}
)

// Inspect looks at a content, and into archives up to a limit. It is no virus scanner: it tells what it recognises.
func Inspect(content []byte) Inspection {
	left := int64(unpacked)
	return inspect(content, 0, false, &left)
}

func inspect(content []byte, depth int, inOffice bool, left *int64) Inspection {
	i := Inspection{MediaType: mediaType(content)}
	for _, p := range programs {
		if bytes.HasPrefix(content, []byte(p.head)) {
			i.Program = p.kind
			return i
		}
	}
	const compressed = "\x1f\x8b" // as drawings in Office files are
	for _, head := range sealed {
		if bytes.HasPrefix(content, []byte(head)) && (!inOffice || head != compressed) {
			i.Protected = "archive of a kind that is not looked into"
			return i
		}
	}
	switch i.MediaType {
	case OLE:
		if bytes.Contains(content, package16) {
			i.Protected = "encrypted Office file"
		} else if !inOffice { // today's Office files hold such parts, which are not theirs to encrypt
			i.Protected = "Office file of the old format, which does not show whether it is protected"
		}
	case PDF:
		if encrypted.Match(unescaped(content)) {
			i.Protected = "encrypted PDF"
			return i
		}
		i.fault(unsafe(PDF, content))
	case PNG, JPEG:
		if !inOffice { // which has thumbnails of its own making
			i.fault(unsafe(i.MediaType, content))
		}
	case ZIP, OFD, DOCX, XLSX, PPTX:
		i.archive(content, depth, left)
	}
	return i
}

func (i *Inspection) fault(why string) {
	if why != "" {
		i.Fault = fmt.Sprintf("The file %s; make it anew.", why)
	}
}

// mediaType is typeOf with what archives are.
func mediaType(content []byte) string {
	t, _, _ := strings.Cut(http.DetectContentType(content), ";")
	if bytes.HasPrefix(content, oleHead) {
		return OLE
	}
	if t != ZIP {
		return t
	}
	names := entries(content)
	if !slices.Contains(names, "[Content_Types].xml") {
		return typeOf(content)
	}
	for _, o := range []struct{ part, is string }{{"word/document.xml", DOCX}, {"xl/workbook.xml", XLSX}, {"ppt/presentation.xml", PPTX}} {
		if slices.Contains(names, o.part) {
			return o.is
		}
	}
	return ZIP
}

// archive looks at everything an archive holds, as long as the limit lasts.
func (i *Inspection) archive(content []byte, depth int, left *int64) {
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		i.fault("is an archive that is broken")
		return
	}
	for _, f := range z.File {
		i.Entries = append(i.Entries, f.Name)
		const aes = 99
		if f.Flags&1 != 0 || f.Method == aes {
			i.Protected = "encrypted archive"
			return
		}
		if i.Program = programOf(f.Name); i.Program != "" {
			return
		}
	}
	if depth == deepest {
		i.Protected = "archive within archives, deeper than is looked"
		return
	}
	for _, f := range z.File {
		within, ok := unpack(f, left)
		if !ok {
			i.fault("is an archive that is broken, or larger than can be looked at")
			return
		}
		if f.Name == "[Content_Types].xml" && bytes.Contains(bytes.ToLower(within), []byte("vbaproject")) { // under whatever name
			i.Program = macros
			return
		}
		sub := inspect(within, depth+1, i.MediaType != ZIP, left)
		i.Entries = append(i.Entries, sub.Entries...)
		if sub.Protected == "" && sub.Program == "" && sub.Fault == "" {
			continue
		}
		if sub.Fault != "" { // what could not be looked at is not taken
			i.fault(fmt.Sprintf("holds %q, which cannot be looked at", f.Name))
		}
		if i.Protected = sub.Protected; i.Protected != "" {
			i.Protected += fmt.Sprintf(" (%s within)", f.Name)
		}
		if i.Program = sub.Program; i.Program != "" {
			i.Program += fmt.Sprintf(" (%s within)", f.Name)
		}
		return
	}
}

const macros = "an Office file with macros"

// programOf tells by a name in an archive what only programs have; empty: nothing.
func programOf(name string) string {
	name = strings.ToLower(name)
	if path.Base(name) == "vbaproject.bin" {
		return macros
	}
	return telling[name]
}

// unpack reads one file of an archive; false: it cannot be read, or the limit is used up.
func unpack(f *zip.File, left *int64) ([]byte, bool) {
	if f.UncompressedSize64 > uint64(*left) {
		return nil, false
	}
	r, err := f.Open()
	if err != nil {
		return nil, false
	}
	defer r.Close()
	within, err := io.ReadAll(io.LimitReader(r, *left+1))
	*left -= int64(len(within))
	return within, err == nil && *left >= 0
}
