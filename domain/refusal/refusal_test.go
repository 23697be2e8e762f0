package refusal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
)

func TestGivenFailedGuards_WhenTheyAreReturned_ThenTheListIsTheErrorAndKeepsTheirOrder(t *testing.T) {
	list := refusal.List{
		refusal.New("WDR-04", "WDR_NAME", "account name", "Correct the account name %q.", "B Ltd"),
		refusal.New("WDR-05", "WDR_AMOUNT", "partner P1001", "Ask for less."),
	}
	wrapped := fmt.Errorf("open: %w", list.Err())
	var back refusal.List
	require.True(t, errors.As(wrapped, &back))
	require.Equal(t, list, back)
	require.Equal(t, []string{"WDR_NAME", "WDR_AMOUNT"}, list.Codes())
	require.Equal(t, `Correct the account name "B Ltd". (WDR-04, WDR_NAME) Ask for less. (WDR-05, WDR_AMOUNT)`, list.Error())

	text, err := json.Marshal(list[:1])
	require.NoError(t, err)
	require.JSONEq(t, `[{"rule":"WDR-04","code":"WDR_NAME","object":"account name","message":"Correct the account name \"B Ltd\"."}]`, string(text))
}

func TestGivenNoFailedGuard_WhenTheListIsReturned_ThenItIsNoError(t *testing.T) {
	require.NoError(t, refusal.List{}.Err())
	require.NoError(t, refusal.List(nil).Err())
}
