package consumption

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// What the files name.
const (
	partners  = 200
	customers = 5000
)

// first is when the first row was used; the rows lie in one month of UTC+8 and some hours of the next.
var first = time.Date(2024, time.August, 31, 16, 0, 0, 0, time.UTC)

// write makes a file of a first line and rows.
func write(name, header string, rows int, line func(w io.Writer, i int, draw *rand.Rand)) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, header)
	draw := rand.New(rand.NewPCG(1, 2))
	for i := range rows {
		line(w, i, draw)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Close()
}

func writeProgramme(name string, rows int) error {
	return write(name, "customer,partner,order,product,charge,billing_mode,region,amount,currency,cash,voucher,used_at,posted_at", rows, func(w io.Writer, i int, draw *rand.Rand) {
		customer, amount := draw.IntN(customers), draw.IntN(1_000_000)
		used := first.Add(time.Duration(draw.IntN(30*24*3600)) * time.Second)
		fmt.Fprintf(w, "C%d,P%d,ORDER-%08d,product-%d,usage,pay-per-use,cn-north-%d,%d.%02d,CNY,%d.%02d,0,%s,%s\n",
			customer, customer%partners, i, draw.IntN(40), draw.IntN(9), amount/100, amount%100, amount/100, amount%100,
			used.Format(time.RFC3339), used.Add(time.Hour).Format(time.RFC3339))
	})
}

// writeFocus writes rows of the width of a real export.
func writeFocus(name string, rows int) error {
	const header = `"AvailabilityZone","BilledCost","BillingAccountId","BillingAccountName","BillingCurrency","BillingPeriodEnd","BillingPeriodStart","ChargeCategory","ChargeClass","ChargeDescription","ChargeFrequency","ChargePeriodEnd","ChargePeriodStart","CommitmentDiscountCategory","CommitmentDiscountId","CommitmentDiscountName","CommitmentDiscountStatus","CommitmentDiscountType","ConsumedQuantity","ConsumedUnit","ContractedCost","ContractedUnitPrice","EffectiveCost","InvoiceIssuerName","ListCost","ListUnitPrice","PricingCategory","PricingQuantity","PricingUnit","ProviderName","PublisherName","RegionId","RegionName","ResourceId","ResourceName","ResourceType","ServiceCategory","ServiceName","SkuId","SkuPriceId","SubAccountId","SubAccountName","Tags"`
	return write(name, header, rows, func(w io.Writer, i int, draw *rand.Rand) {
		cost := draw.IntN(1_000_000_000)
		used := first.Add(time.Duration(draw.IntN(30*24)) * time.Hour)
		fmt.Fprintf(w, `NULL,0.%011d,"1234567890123","SunBird","USD","2024-10-01 00:00:00","2024-09-01 00:00:00","Usage",NULL,"$0.085 per GB - next 40 TB / month data transfer out","Usage-Based","%s","%s",NULL,NULL,NULL,NULL,NULL,0.002007490000000,"GB",0.00000000000,0.00000000000,0.00000000000,"Amazon Web Services, Inc.",0.%011d,"0.085","Standard",0.00200749000,"GB","AWS","Amazon Web Services, Inc.","us-west-2","US West (Oregon)","arn:aws:elasticloadbalancing:us-west-2:586597448978:loadbalancer/app/%012x",NULL,NULL,"Networking","Product %d","2ETY8Y426S4237JU","2ETY8Y426S4237JU.JRTCKXETXF.6YS6EN2CT7","C%d","Zenith Eclipse","{""application"": ""BrightLensMatrix"", ""environment"": ""dev"", ""business_unit"": ""ViennaAI""}"`+"\n",
			cost, used.Add(time.Hour).Format(time.DateTime), used.Format(time.DateTime), cost, i, draw.IntN(40), draw.IntN(customers))
	})
}

// appendLine makes another file of a file: an empty line at its end is no row.
func appendLine(name string) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := file.WriteString("\n"); err != nil {
		return err
	}
	return file.Close()
}

const columns = `used_at, posted_at, import_id, period, line, marketplace, row_key, partner_id, customer_id, order_id, product, billing_mode, charge, association, region, tier2, currency, original, rate, cash, stored_value_card, voucher, excluded_coupon`

// writeLines writes the rows as COPY takes them, in the order of the file.
func writeLines(ctx context.Context, db *sqlx.DB, name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	var texts []string
	for column := range strings.SplitSeq(columns, ", ") {
		texts = append(texts, column+"::text")
	}
	rows, err := db.QueryContext(ctx, `SELECT concat_ws(E'\t', `+strings.Join(texts, ", ")+`) FROM consumption ORDER BY line`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var line sql.RawBytes
		if err := rows.Scan(&line); err != nil {
			return err
		}
		fmt.Fprintln(w, strings.ReplaceAll(string(line), `\`, `\\`)) // nothing else in these rows needs it
	}
	return errors.Join(rows.Err(), w.Flush())
}

// copyLines is the bare COPY: ready lines through the driver, 64 kB at once, committed.
func copyLines(ctx context.Context, url, name string) (float64, error) {
	db, err := sqlx.Open("postgres", url)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	began := time.Now()
	conn, err := db.Connx(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	tx, err := conn.BeginTxx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if err := conn.Raw(func(raw any) error { return copyIn(ctx, raw.(driver.ConnPrepareContext), file) }); err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	return time.Since(began).Seconds(), nil
}

func copyIn(ctx context.Context, conn driver.ConnPrepareContext, from io.Reader) error {
	stmt, err := conn.PrepareContext(ctx, `COPY consumption (`+columns+`) FROM STDIN`)
	if err != nil {
		return err
	}
	copying := stmt.(interface {
		CopyData(ctx context.Context, line string) (driver.Result, error)
	})
	lines := bufio.NewReaderSize(from, 1<<16)
	var some strings.Builder
	for {
		line, err := lines.ReadString('\n')
		some.WriteString(line)
		if end := errors.Is(err, io.EOF); end || some.Len() > 1<<16 {
			if text := strings.TrimSuffix(some.String(), "\n"); text != "" {
				if _, err := copying.CopyData(ctx, text); err != nil {
					return err
				}
			}
			if end {
				return stmt.Close()
			}
			some.Reset()
		} else if err != nil {
			return err
		}
	}
}
