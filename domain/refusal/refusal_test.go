package refusal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"countersign/domain/person"
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

func TestGivenRefusals_WhenTheyAreReadInChinese_ThenSentenceWordsAndObjectAre(t *testing.T) {
	for name, given := range map[string]struct {
		refused          refusal.Refusal
		sentence, object string
	}{
		"a sentence without arguments": {refusal.New("COM-20", "C", "request key", "A request key has 1 to 64 characters."), "请求标识须为 1 到 64 个字符。", "请求标识"},
		"a name stays, a role is a word": {
			refusal.New("COM-16", "C", "person li", "%s does not hold the role %s; somebody with that role decides.", "general", "vendor-finance"),
			"general 没有「财务」角色；请由具有该角色的人决定。", "人员 li",
		},
		"the order differs": {
			refusal.New("LAB-11", "C", "case C000001", "%d points are more than the credit has: %s of %d remain.", 71, "70", 100),
			"71 积分超过余额：共 100，剩余 70。", "单据 C000001",
		},
		"an error within": {
			refusal.New("COM-02", "C", "amount", "%s.", `The amount "x; 1" is not written as digits with at most two decimals; write it like 1234.50`),
			`金额 "x; 1" 格式有误，须为数字且最多两位小数；请按 1234.50 的格式填写。`, "金额",
		},
		"a list": {
			refusal.New("CERT-02", "C", "owed entry O1", "These parts are missing: %s. Enter them and submit again.", "name, version, materials"),
			"缺少以下内容：名称、版本、材料。请填写后重新提交。", "欠票 O1",
		},
		"parts within parts": {
			refusal.New("COM-16", "C", "task W1/review", "%s %s; somebody of these decides: %s.", "Li", "does not hold the role vendor-finance or finance-manager", "the role vendor-finance or wang"),
			"Li 没有「财务 或 财务经理」角色；可由以下人员决定：角色财务 或 wang。", "任务 W1/review",
		},
		"what was never translated": {refusal.New("X", "C", "thing T1", "Ask %s.", "Li"), "Ask Li.", "thing T1"},
		"a sentence that is said no more": {
			refusal.Refusal{Object: "partner P1", Message: "The business information is in-review, it has to be certified first; see: starter business show P1"},
			"业务信息当前为「审核中」，须先通过认证；请查看并补全公司信息。", "伙伴 P1",
		},
		"an old record": {refusal.Refusal{Object: "case W1", Message: "The task was answered meanwhile; look at the case."}, "该任务已在此期间处理；请查看单据。", "单据 W1"},
		"percent signs of a person": {
			refusal.New("COM-17", "C", "partner %s", "There is no partner %q; check the partner's number.", "%d%W"), `没有伙伴 "%d%W"；请核对伙伴编号。`, "伙伴 %s",
		},
	} {
		require.Equal(t, given.sentence, given.refused.In("zh-Hans"), name)
		require.Equal(t, given.object, given.refused.About("zh"), name)
		require.Equal(t, person.InWords(given.refused.Message), given.refused.In("en"), name)
		require.Equal(t, given.refused.Object, given.refused.About("en"), name)
	}
}

func TestGivenAListOfBefore_WhenItIsRead_ThenItIsAsItWasAndItsChineseIsFound(t *testing.T) {
	const old = `[{"rule":"COM-17","code":"CBC.5001","object":"partner P9","message":"There is no partner \"P9\"; check the partner's number."}]`
	var list refusal.List
	require.NoError(t, json.Unmarshal([]byte(old), &list))
	again, err := json.Marshal(list)
	require.NoError(t, err)
	require.JSONEq(t, old, string(again))
	require.Equal(t, `没有伙伴 "P9"；请核对伙伴编号。`, list[0].In("zh"))
	require.Equal(t, list[0].Message, list[0].In("en"))
}
