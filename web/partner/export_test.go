package partner

// Patterns are all routes, for the test that walks them.
func (c *Console) Patterns() []string {
	var all []string
	for pattern := range c.places() {
		all = append(all, pattern)
	}
	return all
}

// InvoicesEntered reads the lines of the form for invoices.
var InvoicesEntered = invoicesEntered
