package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"countersign/activities"
	"countersign/domain/document"
	"countersign/internal/documents"
	"countersign/views"

	"github.com/spf13/cobra"
)

func (h *house) documentCommand() *cobra.Command {
	g := group("document", "Scans and files enclosed with cases",
		h.documentAddCommand(), h.documentListCommand(), h.documentGetCommand(), h.documentVerifyCommand())
	g.Long = `Scans and files enclosed with cases. A document's ID is the SHA-256 of its content: the same file is kept once, and what comes
back is compared with it. DOCUMENTS says where new contents go: postgres (the default), file:///folder, or
s3://bucket/prefix?endpoint=https://host&region=… with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`
	return g
}

// documents opens the place where documents are kept.
func (h *house) documents(ctx context.Context) (*activities.Documents, error) {
	c, err := h.config()
	if err != nil {
		return nil, err
	}
	db, err := h.database(ctx)
	if err != nil {
		return nil, err
	}
	store, err := c.DocumentStore(db)
	return &activities.Documents{DB: db, Store: store}, err
}

func (h *house) documentAddCommand() *cobra.Command {
	var in activities.AddDocumentInput
	var kind string
	c := &cobra.Command{
		Use: "add CASE FILE --kind KIND --as PERSON", Short: "Enclose a file with a case", Args: exactly("CASE", "FILE"),
		Long: `Enclose a file with a case, as one of: ` + document.Words() + `.

What the file contains decides its type: PDF, PNG, JPEG and OFD are taken, up to 10 MB (DOCUMENT_TYPES, DOCUMENT_LIMIT). Empty and
broken files are refused, and so is what is two things at once or would run something. The same file again changes nothing.`,
		RunE: func(c *cobra.Command, args []string) error {
			d, err := h.documents(c.Context())
			if err != nil {
				return err
			}
			file, err := os.Open(args[1])
			if err != nil {
				return err
			}
			defer file.Close()
			if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
				return errors.Join(fmt.Errorf("%s is not a file", args[1]), err)
			}
			in.Case, in.Kind, in.Content, in.At = args[0], document.Kind(kind), file, time.Now()
			if in.Name == "" {
				in.Name = filepath.Base(args[1])
			}
			added, err := d.AddDocument(c.Context(), in)
			if err != nil {
				return err
			}
			return h.show(added, func() {
				h.say("%s %q (%s, %s) is enclosed with %s, by %s at %s. Its ID: %s", capital(string(added.Kind)), oneLine(added.Name),
					added.MediaType, documents.Octets(added.Size), added.Case, added.AddedBy, shown(added.AddedAt), added.Document)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&kind, "kind", "", "what it is: "+document.Words())
	f.StringVar(&in.Name, "name", "", "what it is called (default: the file's name)")
	f.StringVar(&in.Person, "as", "", "who adds it: of the case's partner or of the vendor")
	return needs(c, "kind", "as")
}

func (h *house) documentListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list CASE", Short: "List what is enclosed with a case", Args: exactly("CASE"),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := h.reader(c.Context())
			if err != nil {
				return err
			}
			found, err := r.CaseDocuments(c.Context(), args[0])
			if err != nil {
				return err
			}
			return h.show(map[string]any{"documents": found}, func() {
				t := newTable("DOCUMENT", "KIND", "NAME", "TYPE", "SIZE>", "BY", "ADDED")
				for _, d := range found {
					t.add(d.Document[:12], d.Kind, d.Name, d.MediaType, documents.Octets(d.Size), d.AddedBy, shown(d.AddedAt))
				}
				t.printOr(h.out, "Nothing is enclosed.")
			})
		},
	}
}

func (h *house) documentGetCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "get DOCUMENT --out FILE", Short: "Save a document as a file, once it was compared with its ID", Args: exactly("DOCUMENT"),
		Long: "Save a document as a file. Eight digits of its ID are enough. A file that exists is not overwritten.",
		RunE: func(c *cobra.Command, args []string) error {
			d, err := h.documents(c.Context())
			if err != nil {
				return err
			}
			id, err := views.Reader{DB: d.DB}.DocumentID(c.Context(), args[0])
			if err != nil {
				return err
			}
			info, err := save(c.Context(), d.Store, id, out)
			if err != nil {
				return err
			}
			return h.show(info, func() { h.say("%s: %s, %s, as it was uploaded.", out, info.MediaType, documents.Octets(info.Size)) })
		},
	}
	c.Flags().StringVar(&out, "out", "", "the file to write")
	return needs(c, "out")
}

// save writes a document's content, compared with its ID, to a file that does not exist yet.
func save(ctx context.Context, s *documents.Store, id, out string) (documents.Info, error) {
	if err := vacant(out); err != nil {
		return documents.Info{}, err
	}
	info, content, err := s.Get(ctx, id)
	if err != nil {
		return info, err
	}
	defer content.Close()
	return info, place(out, content)
}

// vacant refuses a name that stands for something.
func vacant(out string) error {
	if _, err := os.Lstat(out); err == nil {
		return fmt.Errorf("%s exists and is not overwritten; name another file", out)
	}
	return nil
}

// place writes beside and gives the file its name at the end, so that nothing stands there that is not whole.
func place(out string, content io.Reader) error {
	beside, err := os.CreateTemp(filepath.Dir(out), ".download-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(beside, content)
	err = errors.Join(err, beside.Close())
	if err == nil {
		err = os.Rename(beside.Name(), out)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(beside.Name()))
	}
	return err
}

func (h *house) documentVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Read every document and compare it with its ID", Args: exactly(),
		Long: `Read every document, wherever it is kept, and compare it with its ID. Exit code 2 when one is missing or was changed;
adding the same file again puts its content back where contents are kept outside of Postgres.`,
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := h.documents(c.Context())
			if err != nil {
				return err
			}
			progress, end := h.progress()
			v, err := d.Store.Verify(c.Context(), progress)
			end()
			if err != nil {
				return err
			}
			if err := h.show(v, func() { h.verifiedDocuments(v) }); err != nil {
				return err
			}
			if len(v.Bad) > 0 {
				return stopped(2)
			}
			return nil
		},
	}
}

func (h *house) verifiedDocuments(v documents.Verification) {
	if len(v.Bad) > 0 {
		t := newTable("DOCUMENT", "STORED IN", "SIZE>", "PROBLEM")
		for _, b := range v.Bad {
			t.add(b.ID[:12], b.StoredIn, documents.Octets(b.Size), b.Problem)
		}
		t.print(h.out)
	}
	h.say("%s read, %s; %d bad.", counted(v.Documents, "document"), documents.Octets(v.Bytes), len(v.Bad))
}
