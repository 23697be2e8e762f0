package partner

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"countersign/activities"
	"countersign/domain/kinds"
	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
)

// draftsData is what the organisation prepares: whoever may act in cases of its kind sees a draft and carries it on (ORG-11).
type draftsData struct {
	asked
	Found []views.Draft
	Open  views.Draft // that the form is about; 0: a new one
	Kinds []string    // in which the reader may act
}

func (c *Console) drafts(w http.ResponseWriter, req *http.Request, p person.Person, a asked) error {
	data := draftsData{asked: a, Kinds: kinds.ActedIn(p, p.PartnerID)}
	err := c.read(req.Context(), p, func(r views.Reader) (err error) {
		data.Found, err = r.Drafts(req.Context(), p.ID)
		return err
	})
	if err != nil {
		return err
	}
	title := c.Pages.Text(req, "partner.nav.drafts")
	if name := req.PathValue("draft"); name != "" {
		i := slices.IndexFunc(data.Found, func(d views.Draft) bool { return strconv.FormatInt(d.ID, 10) == name })
		if i < 0 {
			return page.NotFound
		}
		data.Open = data.Found[i]
		title = data.Open.Title + " · " + title
	}
	c.Pages.Render(w, req, data.status(), "partner-drafts", title, data)
	return nil
}

// saveDraft writes a draft, a new one or the one that is named.
func (c *Console) saveDraft(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.toDraft(w, req, p, func(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked, id int64) error {
		_, err := o.SaveDraft(ctx, activities.SaveDraftInput{ID: id, Partner: p.PartnerID, Kind: form.Get("kind"), Title: form.Get("title"), Body: form.Get("body"), Asked: asked})
		return err
	})
}

func (c *Console) deleteDraft(w http.ResponseWriter, req *http.Request, p person.Person) error {
	return c.toDraft(w, req, p, func(ctx context.Context, o *activities.Organisation, _ url.Values, asked activities.Asked, id int64) error {
		return o.DeleteDraft(ctx, activities.DeleteDraftInput{ID: id, Asked: asked})
	})
}

// toDraft does something with a draft that the reader sees, or with a new one.
func (c *Console) toDraft(w http.ResponseWriter, req *http.Request, p person.Person, do func(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked, id int64) error) error {
	var id int64
	if name := req.PathValue("draft"); name != "" {
		var err error
		if id, err = strconv.ParseInt(name, 10, 64); err != nil {
			return page.NotFound
		}
		var found []views.Draft
		if err := c.read(req.Context(), p, func(r views.Reader) (err error) {
			found, err = r.Drafts(req.Context(), p.ID)
			return err
		}); err != nil {
			return err
		}
		if !slices.ContainsFunc(found, func(d views.Draft) bool { return d.ID == id }) {
			return page.NotFound
		}
	}
	return c.ordered(w, req, p, c.drafts, "/partner/drafts", func(ctx context.Context, o *activities.Organisation, form url.Values, asked activities.Asked) error {
		return do(ctx, o, form, asked, id)
	})
}
