package said_test

import (
	"testing"

	"countersign/domain/person"
	"countersign/domain/said"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGivenTextsOfTheProgramme_WhenTheyAreReadInChinese_ThenTheyAreChinese(t *testing.T) {
	for english, chinese := range map[string]string{
		"May partner P1001 withdraw 500.00 CNY by BANK_CARD to Alpha Cloud Ltd, 6222, ICBC? Decide: approve, reject or return with a reason.": "是否同意伙伴 P1001 以银行账户方式提现 500.00 CNY，付至 Alpha Cloud Ltd, 6222, ICBC？请处理：批准，或说明理由拒绝或退回修改。",
		"the amount is at least 500.00":                   "金额不少于 500.00",
		"it is not so that the amount is at least 500.00": "不满足：金额不少于 500.00",
		"either (the amount is more than 5.00 and the route is ORIGINAL or BANK_CARD) or the contracting entity is x": "（金额大于 5.00，且提现方式为 原路退回 或 银行账户），或签约主体为 x",
		"the route is neither ORIGINAL nor BANK_CARD":                                                                 "提现方式不是 原路退回、银行账户",
		"either the application by the vendor on the partner's behalf is set or the kind of partner is distributor":   "厂商代伙伴申请，或伙伴类型为 总经销商",
		"role vendor-finance":                              "财务",
		"all of role vendor-finance, role finance-manager": "须全部同意：财务、财务经理",
		"2 of li, role finance-manager":                    "任意 2 人：li、财务经理",
		"role vendor-finance, then li":                     "财务，然后 li",
		"1. review: vendor-finance; reminded after 1 working day; overdue after 2 working days, then finance-manager may decide as well":                                                           "1. 审核：财务；1 个工作日后提醒；2 个工作日后逾期，之后财务经理也可处理",
		"2. manager: the partner's ecosystem manager, if either the application by the vendor on the partner's behalf is set or the kind of partner is distributor, together with the step before": "2. 经理：伙伴的生态经理，条件：厂商代伙伴申请，或伙伴类型为 总经销商，与上一步同时进行",
		"3. sign: by amount (vendor-finance up to 5000.00; finance-manager above that), if the amount is at least 5000.00; after 10 working days the deadline decides: reject":                     "3. 签批：按金额（5000.00 以内由财务；以上由财务经理），条件：金额不少于 5000.00；10 个工作日后按期限自动处理：拒绝",
		"due: 2 working days from Mon 3 Nov: Tue 4, Wed 5 → closes Thu 6 Nov 00:00":                                                                                                                "到期：自11月3日（周一）起 2 个工作日：4日（周二）、5日（周三） → 11月6日（周四）00:00截止",
		"due: 4 working hours from Mon 3 Nov 16:00: Mon 3 2h, Tue 4 2h30m (not Wed 1 Oct, National Day; Sat 4 Oct is worked for Mid-Autumn) → closes Tue 4 Nov 11:00":                              "",
		"reminder: 7 days from Mon 3 Nov 16:00 → closes Mon 10 Nov 16:00 (kept as Tue 11 Nov 16:00; the calendar has changed since)":                                                               "",
		"W000001/review still waits":                                            "W000001/review 仍在等待处理",
		"W000001/review is overdue; finance-manager may decide":                 "W000001/review 已逾期；财务经理也可处理",
		"BANK_CARD to PAURORA Ltd":                                              "",
		"merged-all of 1 bill by BANK":                                          "合并全部，1 份账单，以银行转账方式",
		"PREFERRED to LEADING":                                                  "优选级 → 领先级",
		"B000006, B000007 until 2026-11-30":                                     "B000006, B000007，截止 2026-11-30",
		"2 bills of 2026-10, 130.00 CNY":                                        "2026-10 的 2 份账单，共 130.00 CNY",
		"3 bills of 2024-05, 1 bill":                                            "",
		"10300.00 CNY by BANK for 1 bill":                                       "10300.00 CNY，以银行转账方式，1 份账单",
		"pre-sales of 2026-11, 100.00 CNY":                                      "2026-11 售前，100.00 CNY",
		"Alpha: project done, designing":                                        "Alpha：项目完成、设计中",
		"review: skipped, it is not so that the amount is at least 500.00":      "审核：跳过，不满足：金额不少于 500.00",
		"review (at the same time): role vendor-finance, within 2 working days": "审核（同时进行）：财务，限 2 个工作日",
		"  ecs: 10 % of ECS, resale":                                            "",
		`Cloud 2024: plan "Cloud", from 2024-01-01 to 2024-12-31, billed monthly; partners have 5 days to check a bill, output tax 6 %. Text: https://example.com/a`: `Cloud 2024：计划 "Cloud"，2024-01-01 至 2024-12-31，按月出账；伙伴核对账单 5 天，销项税 6 %。原文：https://example.com/a`,
	} {
		out := said.In("zh-Hans", english)
		t.Log(out)
		if chinese != "" {
			assert.Equal(t, chinese, out, english)
		}
		require.Equal(t, person.InWords(english), said.In("en", english))
	}
}

func TestGivenPeoplesOwnWords_WhenTheyStandWhereNotesStand_ThenTheyStay(t *testing.T) {
	for _, own := range []string{
		"approve", "return", "please look, and call me", "wait until Monday", "for approval", "to be clear: the stamp is missing", "the amount is wrong", "two of them by mail", "Li to Wang", "see reference 12",
		"open or closed", "a: b", "the contract", "round and round", "account closed", "bill me", "reference missing", "until then", "Beta Ltd to Alpha Ltd", "%s %d", "merged-all",
	} {
		require.Equal(t, own, said.Note("zh-Hans", own))
	}
	require.Equal(t, "提现 W000003 冻结", said.Note("zh", "held for withdrawal W000003"))
	require.Equal(t, "代 li：转给 wang：最多 500.00：流水号 2026-1：please", said.Note("zh", "on behalf of li: goes to wang: at most 500.00: with reference 2026-1: please"))
	require.Equal(t, "ab 已逾期", said.Note("zh", "ab is overdue"))
	require.Equal(t, `没有伙伴 "P9"；请核对伙伴编号。 (COM-17, CBC.5001)`, said.Note("zh", `There is no partner "P9"; check the partner's number. (COM-17, CBC.5001)`))
}
