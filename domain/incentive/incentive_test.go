package incentive_test

import (
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/incentive"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func percent(t *testing.T, s string) (p incentive.Percent) {
	t.Helper()
	require.NoError(t, p.UnmarshalText([]byte(s)))
	return p
}

// Rule: INC-05
func TestGivenACountedAmount_WhenItsIncentiveIsTaken_ThenItIsRoundedHalfUpOnce(t *testing.T) {
	for counted, want := range map[string]string{"333.33": "16.67", "-333.33": "-16.67", "0.1": "0.01", "0.0999": "0.00", "100": "5.00"} {
		require.Equal(t, want, percent(t, "5").Of(decimal.RequireFromString(counted)).String(), counted)
	}
}

// Rule: INC-06
func TestGivenALadder_WhenAThresholdIsReached_ThenTheHighestStepGivesTheRate(t *testing.T) {
	step := func(from, rate string) incentive.Step {
		return incentive.Step{From: incentive.Number{Decimal: decimal.RequireFromString(from)}, Rate: percent(t, rate)}
	}
	l := incentive.Ladder{Base: incentive.Performance, Threshold: incentive.Performance, Steps: []incentive.Step{step("1000000", "2"), step("2000000", "3")}}
	for reached, want := range map[string]string{"1200000.00": "24000.00", "999999.99": "0.00", "1000000": "20000.00", "2000000": "60000.00"} {
		base := decimal.RequireFromString(reached)
		require.Equal(t, want, l.Rate(base).Of(base).String(), reached)
	}
	d := decimal.RequireFromString
	require.Equal(t, "50", incentive.Growth.Indicate(d("150"), d("100")).String())
	require.Equal(t, "50", incentive.GrowthPercent.Indicate(d("150"), d("100")).String())
	require.True(t, incentive.GrowthPercent.Indicate(d("150"), d("0")).IsZero(), "growth over nothing has no percentage")
}

// Rule: INC-21
func TestGivenMay2024_WhenItsReconciliationHasToStart_ThenThatIs7JuneAtTheLatest(t *testing.T) {
	may, err := incentive.ParsePeriod("2024-05")
	require.NoError(t, err)
	last, err := incentive.StartBy(calendar.China(), may)
	require.NoError(t, err)
	require.Equal(t, "2024-06-07", last.String())
	require.True(t, may.End().Equal(calendar.Date{Year: 2024, Month: 6, Day: 1}.Start()), "the schedule's first run is the 1st, at 09:00")
}

// Rule: PERF-10
func TestGivenADayAndAnOrder_WhenTheyMayBeRead_ThenThatIsAWorkingDayAndTwoHoursLater(t *testing.T) {
	paid := time.Date(2024, 11, 1, 10, 0, 0, 0, calendar.Zone)
	require.Equal(t, "12:00", incentive.OrderReadable(paid).Format("15:04"))
	readable, err := incentive.DayReadable(calendar.China(), calendar.DateOf(paid))
	require.NoError(t, err)
	require.Equal(t, "2024-11-04 00:00", readable.Format("2006-01-02 15:04"))
}

// Rule: ENG-04
func TestGivenPeriodsInText_WhenTheyAreRead_ThenOnlyWhatIsWrittenBackTheSameIsTaken(t *testing.T) {
	for text, want := range map[string]string{"2024-05": "2024-05-01 2024-06-01", "2024-Q2": "2024-04-01 2024-07-01", "2024": "2024-01-01 2025-01-01", "2024-12": "2024-12-01 2025-01-01"} {
		p, err := incentive.ParsePeriod(text)
		require.NoError(t, err, text)
		require.Equal(t, want, p.First.String()+" "+p.After().String())
		require.Equal(t, text, p.String())
	}
	for _, text := range []string{"", "2024-5", "2024-13", "2024-00", "2024-Q5", "2024Q2", "2024-05-01", "24", "May"} {
		_, err := incentive.ParsePeriod(text)
		require.Error(t, err, text)
	}
	june, err := incentive.ParsePeriod("2024-06")
	require.NoError(t, err)
	require.Equal(t, "2024-Q2 2024 2024-05 2023-06", june.Of(incentive.Quarterly).String()+" "+june.Of(incentive.Yearly).String()+" "+june.Before().String()+" "+june.YearBefore().String())
}

func TestGivenEveryReason_WhenItIsExplained_ThenItHasARuleAndASentence(t *testing.T) {
	for _, d := range append(incentive.Details(), "") {
		rule, sentence := incentive.Why(incentive.NoIncentive, d)
		require.NotEmpty(t, rule)
		require.NotEmpty(t, sentence)
	}
	rule, _ := incentive.Why(incentive.NextPeriod, "")
	require.Equal(t, "INC-03", rule)
}
