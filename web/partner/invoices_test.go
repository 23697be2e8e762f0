package partner_test

import (
	"net/url"
	"testing"

	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/web/page"
	"countersign/web/partner"

	"github.com/stretchr/testify/require"
)

// Rule: INV-03
func TestAnInvoicesFileIsTheOneOfItsLineWhicheverLinesAreLeftEmpty(t *testing.T) {
	list := invoice.List{Amount: money.Must("10300.00"), Currency: money.CNY, Rate: invoice.SmallScaleRate}
	file := func(field string) page.Uploaded { return page.Uploaded{Field: field} }
	entered, lines := partner.InvoicesEntered(list, url.Values{"number": {"", "2", "", "4", ""}, "net": {"", "1.00", "", "3.00", ""}}, []page.Uploaded{file("1"), file("3"), file("4"), file("list")})
	require.Equal(t, []int{1, 3, 4}, lines, "a line with nothing but a file is one, too: the rules ask for its number")
	require.Equal(t, []string{"2", "4", ""}, []string{entered[0].Number, entered[1].Number, entered[2].Number})
	require.Equal(t, []string{"1.00", "3.00", ""}, []string{entered[0].Net, entered[1].Net, entered[2].Net})
	entered, lines = partner.InvoicesEntered(list, url.Values{"number": {"", "2"}}, []page.Uploaded{file("1")})
	require.Equal(t, []int{1}, lines)
	require.Equal(t, "10300.00", entered[0].Total, "the only invoice is over the whole list")
}
