package activities

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/consumption"

	"github.com/jmoiron/sqlx"
)

// copied are the columns that an import writes, in the order in which copying.add does.
var copied = []string{
	"used_at", "posted_at", "import_id", "period", "line", "marketplace", "row_key", "partner_id", "customer_id", "order_id", "product",
	"billing_mode", "charge", "association", "region", "tier2", "currency", "original", "rate", "cash", "stored_value_card", "voucher", "excluded_coupon",
}

// copying is a COPY under way. A nil one has not begun.
type copying struct {
	conn   *sqlx.Conn
	stmt   copyStatement
	buffer []byte

	month     calendar.Date // of the last row
	monthText string
}

// copyStatement is what the driver makes of COPY ... FROM STDIN. Lines go to it as they are, many in one call: handing it
// value by value (pq.CopyIn) takes longer.
type copyStatement interface {
	driver.Stmt
	CopyData(ctx context.Context, line string) (driver.Result, error)
}

const copyAtOnce = 1 << 16 // octets

func beginCopy(ctx context.Context, conn *sqlx.Conn, table string) (*copying, error) {
	c := &copying{conn: conn, buffer: make([]byte, 0, copyAtOnce+4096)}
	err := conn.Raw(func(raw any) error {
		if traced, ok := raw.(interface{ Raw() driver.Conn }); ok { // a wrapped statement takes no lines
			raw = traced.Raw()
		}
		stmt, err := raw.(driver.ConnPrepareContext).PrepareContext(ctx, `COPY `+table+` (`+strings.Join(copied, ", ")+`) FROM STDIN`)
		if err != nil {
			return err
		}
		c.stmt = stmt.(copyStatement)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("copy into %s: %w", table, err)
	}
	return c, nil
}

// add sends one row, when enough have come together.
func (c *copying) add(ctx context.Context, number int64, r *consumption.Row, p consumption.Placed) error {
	if len(c.buffer) > 0 {
		c.buffer = append(c.buffer, '\n')
	}
	b := r.Used.AppendFormat(c.buffer, instantText)
	b = r.Posted.AppendFormat(append(b, '\t'), instantText)
	b = strconv.AppendInt(append(b, '\t'), number, 10)
	if p.Period != c.month { // mostly it is that of the row before
		c.month, c.monthText = p.Period, p.Period.String()
	}
	b = append(append(b, '\t'), c.monthText...)
	b = strconv.AppendInt(append(b, '\t'), int64(r.Line), 10)
	b = strconv.AppendBool(append(b, '\t'), r.Marketplace)
	b = hex.AppendEncode(append(b, `	\\x`...), r.Key[:])
	for _, text := range [...]string{
		p.Binding.Partner, p.Customer, r.Order, r.Product, string(r.Mode), string(r.Charge),
		string(p.Binding.Association), r.Region, p.Binding.Tier2, r.Currency,
	} {
		b = appendCopyText(append(b, '\t'), text)
	}
	for _, amount := range [...]rate{r.Amount, p.Rate, p.Parts.Cash, p.Parts.StoredValueCard, p.Parts.Voucher, p.Parts.ExcludedCoupon} {
		b = append(append(b, '\t'), consumption.AmountText(amount)...)
	}
	c.buffer = b
	if len(b) < copyAtOnce {
		return nil
	}
	return c.send(ctx)
}

const instantText = time.RFC3339Nano

// appendCopyText escapes what COPY's text format would take for its own.
func appendCopyText(b []byte, text string) []byte {
	for i := range len(text) {
		switch text[i] {
		case '\\':
			b = append(b, `\\`...)
		case '\t':
			b = append(b, `\t`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, text[i])
		}
	}
	return b
}

func (c *copying) send(ctx context.Context) error {
	if err := ctx.Err(); err != nil || len(c.buffer) == 0 {
		return err
	}
	err := c.conn.Raw(func(any) error {
		_, err := c.stmt.CopyData(ctx, string(c.buffer))
		return err
	})
	c.buffer = c.buffer[:0]
	if err != nil {
		return fmt.Errorf("copy: %w", knownRow(err))
	}
	return nil
}

// end sends the rest; only now the server's last word comes.
func (c *copying) end(ctx context.Context) error {
	if c == nil || c.stmt == nil {
		return nil
	}
	if err := c.send(ctx); err != nil {
		return err
	}
	err := c.conn.Raw(func(any) error { return c.stmt.Close() })
	c.stmt = nil
	if err != nil {
		return fmt.Errorf("end copy: %w", knownRow(err))
	}
	return nil
}

// abandon leaves a COPY whose transaction is rolled back. What the server says to it has been told, or no longer matters.
func (c *copying) abandon() {
	if c != nil && c.stmt != nil {
		_ = c.conn.Raw(func(any) error { return c.stmt.Close() }) // see above
		c.stmt = nil
	}
}
