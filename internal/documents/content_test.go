package documents_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"countersign/internal/documents"

	"github.com/stretchr/testify/require"
)

func picture(t *testing.T, mediaType string) []byte {
	t.Helper()
	var out bytes.Buffer
	img := image.NewGray(image.Rect(0, 0, 8, 8))
	if mediaType == documents.PNG {
		require.NoError(t, png.Encode(&out, img))
	} else {
		require.NoError(t, jpeg.Encode(&out, img, nil))
	}
	return out.Bytes()
}

func archive(t *testing.T, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range names {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(w, "<ofd:OFD/>")
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return out.Bytes()
}

func TestGivenAFileOfEachType_WhenItIsTaken_ThenItsContentSaysTheTypeAndItsHashTheID(t *testing.T) {
	for mediaType, content := range map[string][]byte{
		documents.PDF:  pdf("invoice"),
		documents.PNG:  picture(t, documents.PNG),
		documents.JPEG: picture(t, documents.JPEG),
		documents.OFD:  archive(t, "OFD.xml", "Doc_0/Document.xml", "Doc_0/Res/seal.png"),
	} {
		d, err := rules.Take(iotest.OneByteReader(bytes.NewReader(content)))
		require.NoError(t, err, mediaType)
		sum := sha256.Sum256(content)
		require.Equal(t, hex.EncodeToString(sum[:]), d.ID)
		require.Equal(t, mediaType, d.MediaType)
		require.EqualValues(t, len(content), d.Size())
	}
}

func TestGivenAContentThatIsNotTaken_WhenItIsRead_ThenTheFaultSaysWhatToDo(t *testing.T) {
	pngs, jpegs := picture(t, documents.PNG), picture(t, documents.JPEG)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	small := documents.Rules{Limit: 100, Types: []string{documents.PDF}}
	for name, c := range map[string]struct {
		rules   documents.Rules
		content []byte
		kind    documents.FaultKind
		says    string
	}{
		"nothing":                        {rules, nil, documents.Empty, "empty"},
		"one octet too many":             {small, append(pdf(""), make([]byte, 101-len(pdf("")))...), documents.TooLarge, "100 bytes"},
		"endless":                        {rules, make([]byte, 3<<20), documents.TooLarge, "1 MB"},
		"a type that is not taken here":  {documents.Rules{Limit: 1 << 20, Types: []string{documents.PDF}}, pngs, documents.WrongType, "image/png"},
		"text":                           {rules, []byte("invoice.pdf"), documents.WrongType, "text/plain"},
		"web page":                       {rules, []byte("<html><script>"), documents.WrongType, "text/html"},
		"program of Windows":             {rules, []byte("MZ\x90\x00\x03"), documents.WrongType, "octet-stream"},
		"program of Linux":               {rules, []byte("\x7fELF\x02\x01"), documents.WrongType, "octet-stream"},
		"plain zip":                      {rules, archive(t, "invoice.exe"), documents.WrongType, "application/zip"},
		"PDF behind other octets":        {rules, join([]byte("MZ\x00\x00"), pdf("x")), documents.WrongType, "octet-stream"},
		"PDF that is cut off":            {rules, pdf("x")[:40], documents.Unsafe, "cut off"},
		"PDF with JavaScript":            {rules, pdf(") /OpenAction <</S /JavaScript /JS (app.alert)>> ("), documents.Unsafe, "JavaScript"},
		"PDF with hidden JavaScript":     {rules, pdf(") /S /Java#53cript ("), documents.Unsafe, "JavaScript"},
		"PDF that launches":              {rules, pdf(") /S /Launch /F (cmd.exe) ("), documents.Unsafe, "Launch"},
		"PDF whose medium runs a script": {rules, pdf(") /S /Rendition /JS (app.alert\\(1\\)) ("), documents.Unsafe, "Rendition"},
		"PDF and zip":                    {rules, join(pdf("x"), archive(t, "a.class"), []byte("%%EOF")), documents.Unsafe, "also an archive"},
		"PDF that begins with a script":  {rules, pdf("<SCRIPT>"), documents.Unsafe, "script"},
		"PNG that is cut off":            {rules, pngs[:len(pngs)-6], documents.Unsafe, "cut off"},
		"PNG header only":                {rules, pngs[:12], documents.Unsafe, "broken"},
		"PNG and more":                   {rules, join(pngs, []byte("more")), documents.Unsafe, "after the end"},
		"PNG and PHP":                    {rules, join(pngs, []byte("<?php")), documents.Unsafe, "script"},
		"JPEG that is cut off":           {rules, jpegs[:len(jpegs)-2], documents.Unsafe, "cut off"},
		"JPEG and zip":                   {rules, join(jpegs, archive(t, "a.jar")), documents.Unsafe, "also an archive"},
		"JPEG and PDF":                   {rules, join(jpegs[:20], []byte("%PDF-1.4"), jpegs[20:]), documents.Unsafe, "PDF at once"},
		"OFD with a program":             {rules, archive(t, "OFD.xml", "Doc_0/run.EXE"), documents.Unsafe, "run.EXE"},
		"OFD that climbs":                {rules, archive(t, "OFD.xml", "../../etc/cron.d/x"), documents.Unsafe, "cron"},
	} {
		d, err := c.rules.Take(bytes.NewReader(c.content))
		var fault *documents.Fault
		require.ErrorAs(t, err, &fault, name)
		require.Equal(t, c.kind, fault.Kind, "%s: %s", name, fault)
		require.Contains(t, fault.Message, c.says, name)
		require.Nil(t, d)
	}

	d, err := small.Take(strings.NewReader(string(pdf("")) + strings.Repeat(" ", 100-len(pdf("")))))
	require.NoError(t, err, "as much as allowed")
	require.EqualValues(t, 100, d.Size())
	_, err = rules.Take(iotest.ErrReader(errors.New("disk on fire")))
	var fault *documents.Fault
	require.False(t, errors.As(err, &fault), "a reader that fails is no fault of the content")
	require.ErrorContains(t, err, "disk on fire")
}

// counted is an endless reader that tells how much was read of it.
type counted struct{ n int }

func (c *counted) Read(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

func TestGivenAnEndlessUpload_WhenItIsTaken_ThenNoMoreIsReadThanTheLimitAllows(t *testing.T) {
	var endless counted
	_, err := rules.Take(&endless)
	require.Error(t, err)
	require.LessOrEqual(t, int64(endless.n), rules.Limit+1)
}

func TestSizesAreWrittenForPeople(t *testing.T) {
	for n, want := range map[int64]string{1: "1 bytes", 1023: "1023 bytes", 1024: "1 KB", 1536: "1.5 KB", 10 << 20: "10 MB", 10<<20 + 700<<10: "10.6 MB"} {
		require.Equal(t, want, documents.Octets(n))
	}
}

func FuzzTake(f *testing.F) {
	f.Add(pdf("x"))
	f.Add([]byte("\x89PNG\x0D\x0A\x1A\x0A"))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := rules.Take(bytes.NewReader(content))
		var fault *documents.Fault
		if (err == nil) == (d == nil) || err != nil && !errors.As(err, &fault) {
			t.Fatalf("%v, %v", d, err)
		}
	})
}
