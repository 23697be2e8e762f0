package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
)

// document answers a file that is enclosed with a case or named by its form, whole and compared with its ID before the first
// octet leaves.
func (c *Console) document(w http.ResponseWriter, r *http.Request, _ person.Person) error {
	known, err := c.Reader.Case(r.Context(), r.PathValue("case"))
	if err != nil {
		return err
	}
	var form any
	if read, ok := forms[known.Kind]; ok {
		if form, err = read(r.Context(), c.Reader, known.Number); err != nil {
			return err
		}
	}
	found, err := caseDocuments(r.Context(), c.Reader, known.Number, form)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(found, func(d views.CaseDocument) bool { return d.Document == r.PathValue("document") })
	if i < 0 { // also what another case encloses
		return page.NotFound
	}
	_, content, err := c.Documents.Get(r.Context(), found[i].Document)
	if err != nil {
		return err
	}
	defer content.Close()
	return page.File(w, r, found[i].MediaType, found[i].Name, found[i].Document, content)
}

// caseDocuments are the files that are enclosed with a case, and those beside that its form names: a solution's materials, a
// tier's evidence, proofs.
func caseDocuments(ctx context.Context, r views.Reader, number string, form any) ([]views.CaseDocument, error) {
	found, err := r.CaseDocuments(ctx, number)
	if err != nil || form == nil {
		return found, err
	}
	names, err := named(form)
	if err != nil {
		return nil, err
	}
	var missing []string
	for id := range names {
		if !slices.ContainsFunc(found, func(d views.CaseDocument) bool { return d.Document == id }) {
			missing = append(missing, id)
		}
	}
	stored, err := r.StoredDocuments(ctx, missing)
	for _, d := range stored {
		d.Name = cmp.Or(names[d.Document], d.Document[:8])
		found = append(found, d)
	}
	return found, err
}
