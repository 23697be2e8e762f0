package partner

import (
	"bytes"
	"net/http"
	"time"

	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
)

// certificates lists what the partner holds, and when each of its solutions can be certified anew.
func (c *Console) certificates(w http.ResponseWriter, req *http.Request, p person.Person) error {
	ctx, now := req.Context(), time.Now()
	var data struct {
		Found     []views.Certificate
		Solutions []views.Solution
		Now       time.Time
	}
	data.Now = now
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		if data.Found, err = r.Certificates(ctx, views.CertificateFilter{Partner: p.PartnerID}, now); err != nil {
			return err
		}
		data.Solutions, err = r.Solutions(ctx, views.SolutionFilter{Partner: p.PartnerID}, now)
		return err
	})
	if err != nil {
		return err
	}
	c.Pages.Render(w, req, http.StatusOK, "partner-certificates", c.Pages.Text(req, "partner.nav.certificates"), data)
	return nil
}

// printCertificate prints an own one.
func (c *Console) printCertificate(w http.ResponseWriter, req *http.Request, p person.Person) error {
	var found views.Certificate
	err := c.read(req.Context(), p, func(r views.Reader) (err error) {
		found, err = r.Certificate(req.Context(), req.PathValue("number"), time.Now())
		return err
	})
	if err != nil {
		return err
	}
	printed, err := found.Print(c.Certificate)
	if err != nil {
		return err
	}
	return page.File(w, req, "application/pdf", found.Number+".pdf", "", bytes.NewReader(printed))
}
