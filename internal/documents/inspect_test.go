package documents

import (
	"archive/zip"
	"bytes"
	"slices"
	"strings"
	"testing"

	"codeberg.org/go-pdf/fpdf"
	"github.com/stretchr/testify/require"
)

type packed struct{ name, content string }

func archiveOf(t *testing.T, flags uint16, files ...packed) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		if flags != 0 {
			raw, err := w.CreateRaw(&zip.FileHeader{Name: f.name, Flags: flags, UncompressedSize64: uint64(len(f.content)), CompressedSize64: uint64(len(f.content))})
			require.NoError(t, err)
			_, err = raw.Write([]byte(f.content))
			require.NoError(t, err)
			continue
		}
		e, err := w.Create(f.name)
		require.NoError(t, err)
		_, err = e.Write([]byte(f.content))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func printedPDF(t *testing.T, protect bool) []byte {
	t.Helper()
	p := fpdf.New("P", "mm", "A4", "")
	if protect {
		p.SetProtection(0, "user", "owner")
	}
	p.AddPage()
	var out bytes.Buffer
	require.NoError(t, p.Output(&out))
	return out.Bytes()
}

var word = []packed{{"[Content_Types].xml", "<Types/>"}, {"word/document.xml", "<w/>"}}

func TestGivenAnyContent_WhenItIsInspected_ThenWhatNobodyCanLookIntoAndWhatRunsIsTold(t *testing.T) {
	open, locked := printedPDF(t, false), printedPDF(t, true)
	ole := string(oleHead) + strings.Repeat("\x00", 600)
	for name, c := range map[string]struct {
		content []byte
		want    Inspection
	}{
		"PDF":                         {open, Inspection{MediaType: PDF}},
		"encrypted PDF":               {locked, Inspection{MediaType: PDF, Protected: "encrypted PDF"}},
		"PDF, hidden name":            {bytes.Replace(locked, []byte("/Encrypt "), []byte("/#45ncrypt "), 1), Inspection{MediaType: PDF, Protected: "encrypted PDF"}},
		"text":                        {[]byte("feature,status\na,available\n"), Inspection{MediaType: Plain}},
		"archive":                     {archiveOf(t, 0, packed{"a/read.txt", "hello"}, packed{"b.pdf", string(open)}), Inspection{MediaType: ZIP, Entries: []string{"a/read.txt", "b.pdf"}}},
		"encrypted archive":           {archiveOf(t, 1, packed{"a.txt", "xxxx"}), Inspection{MediaType: ZIP, Protected: "encrypted archive", Entries: []string{"a.txt"}}},
		"encrypted PDF in an archive": {archiveOf(t, 0, packed{"b.pdf", string(locked)}), Inspection{MediaType: ZIP, Protected: "encrypted PDF (b.pdf within)", Entries: []string{"b.pdf"}}},
		"encrypted archive in one": {archiveOf(t, 0, packed{"i.zip", string(archiveOf(t, 1, packed{"a.txt", "x"}))}), Inspection{
			MediaType: ZIP, Protected: "encrypted archive (i.zip within)", Entries: []string{"i.zip", "a.txt"},
		}},
		"program by another name": {archiveOf(t, 0, packed{"notes.txt", "MZ\x90\x00 program"}), Inspection{MediaType: ZIP, Program: "a program for Windows (notes.txt within)", Entries: []string{"notes.txt"}}},
		"script":                  {[]byte("#!/bin/sh\n"), Inspection{MediaType: Plain, Program: "a script"}},
		"program":                 {[]byte("\x7fELF\x02\x01\x01"), Inspection{MediaType: "application/octet-stream", Program: "a program for Linux"}},
		"Word":                    {archiveOf(t, 0, word...), Inspection{MediaType: DOCX, Entries: []string{"[Content_Types].xml", "word/document.xml"}}},
		"Word with an embedded part": {archiveOf(t, 0, append(slices.Clone(word), packed{"word/embeddings/o.bin", ole})...), Inspection{
			MediaType: DOCX, Entries: []string{"[Content_Types].xml", "word/document.xml", "word/embeddings/o.bin"},
		}},
		"Word with macros": {archiveOf(t, 0, append(slices.Clone(word), packed{"word/vbaProject.bin", "x"})...), Inspection{
			MediaType: DOCX, Program: "an Office file with macros", Entries: []string{"[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"},
		}},
		"encrypted Word": {append([]byte(ole), package16...), Inspection{MediaType: OLE, Protected: "encrypted Office file"}},
		"old Word":       {[]byte(ole), Inspection{MediaType: OLE, Protected: "Office file of the old format, which does not show whether it is protected"}},
		"broken archive": {archiveOf(t, 0, packed{"a.txt", strings.Repeat("abc", 100)})[:60], Inspection{MediaType: ZIP, Fault: "The file is an archive that is broken; make it anew."}},
	} {
		require.Equal(t, c.want, Inspect(c.content), name)
	}
}

func TestGivenAnArchiveThatUnpacksToMoreThanTheLimit_WhenItIsInspected_ThenItIsRefusedUnread(t *testing.T) {
	bomb := archiveOf(t, 0, packed{"a.txt", strings.Repeat("\n", unpacked+1)})
	require.Less(t, len(bomb), 1<<20)
	require.Contains(t, Inspect(bomb).Fault, "larger than can be looked at")
	deep := archiveOf(t, 0, packed{"a.txt", "x"})
	for range 3 {
		deep = archiveOf(t, 0, packed{"a.zip", string(deep)})
	}
	require.Contains(t, Inspect(deep).Protected, "deeper than is looked")
}

// Rule: CERT-26
func TestCERT26GivenSomethingHiddenInAnArchive_WhenItCannotBeLookedAt_ThenItIsToldAndNotTaken(t *testing.T) {
	big := archiveOf(t, 0, packed{"a.txt", strings.Repeat("\n", unpacked+1)}, packed{"b.bin", "MZ\x90\x00"})
	whole := archiveOf(t, 0, packed{"a.txt", strings.Repeat("abc", 100)})
	locked := printedPDF(t, true)
	for name, c := range map[string]struct {
		content                   []byte
		fault, protected, program string
	}{
		"an archive within that is too large":  {archiveOf(t, 0, packed{"annex.dat", string(big)}), `holds "annex.dat", which cannot be looked at`, "", ""},
		"a broken archive within":              {archiveOf(t, 0, packed{"annex.dat", string(whole[:60])}), `holds "annex.dat", which cannot be looked at`, "", ""},
		"two within that are too large":        {archiveOf(t, 0, packed{"a", strings.Repeat("\n", unpacked/2)}, packed{"b", strings.Repeat("\n", unpacked/2+1)}), "larger than can be looked at", "", ""},
		"a RAR archive":                        {archiveOf(t, 0, packed{"annex.dat", "Rar!\x1a\x07\x01\x00"}), "", "archive of a kind that is not looked into (annex.dat within)", ""},
		"a 7z archive":                         {archiveOf(t, 0, packed{"annex.dat", "7z\xBC\xAF\x27\x1C\x00\x04"}), "", "archive of a kind that is not looked into (annex.dat within)", ""},
		"a compressed file":                    {archiveOf(t, 0, packed{"annex.dat", "\x1f\x8b\x08\x00"}), "", "archive of a kind that is not looked into (annex.dat within)", ""},
		"macros, in capitals":                  {archiveOf(t, 0, append(slices.Clone(word), packed{"word/VBAPROJECT.BIN", "x"})...), "", "", "an Office file with macros"},
		"macros, by another name":              {archiveOf(t, 0, packed{"[Content_Types].xml", `<Override ContentType="application/vnd.ms-office.vbaProject" PartName="/word/x.bin"/>`}, word[1], packed{"word/x.bin", "x"}), "", "", "an Office file with macros"},
		"a Java program":                       {archiveOf(t, 0, packed{"meta-inf/MANIFEST.MF", "x"}), "", "", "a Java program"},
		"a PDF whose dictionary has a comment": {bytes.Replace(locked, []byte("/Encrypt "), []byte("/Encrypt%x\n"), 1), "", "encrypted PDF", ""},
	} {
		i := Inspect(c.content)
		require.Equal(t, []string{c.protected, c.program}, []string{i.Protected, i.Program}, name)
		require.Contains(t, i.Fault, c.fault, name)
		require.Equal(t, c.fault == "", i.Fault == "", name)
	}
	drawing := append(slices.Clone(word), packed{"word/media/image1.emz", "\x1f\x8b\x08\x00"})
	require.Empty(t, Inspect(archiveOf(t, 0, drawing...)).Protected, "a drawing in a Word file")
}
