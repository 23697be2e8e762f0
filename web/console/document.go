package console

import (
	"net/http"
	"slices"

	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
)

// document answers a file that is enclosed with a case, whole and compared with its ID before the first octet leaves.
func (c *Console) document(w http.ResponseWriter, r *http.Request, _ person.Person) error {
	enclosed, err := c.Reader.CaseDocuments(r.Context(), r.PathValue("case"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(enclosed, func(d views.CaseDocument) bool { return d.Document == r.PathValue("document") })
	if i < 0 { // also what another case encloses
		return page.NotFound
	}
	_, content, err := c.Documents.Get(r.Context(), enclosed[i].Document)
	if err != nil {
		return err
	}
	defer content.Close()
	return page.File(w, r, enclosed[i].MediaType, enclosed[i].Name, enclosed[i].Document, content)
}
