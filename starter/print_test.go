package main

import (
	"os"
	"strings"
	"testing"

	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
)

func TestEachHintIsACommandForARefusalThatThereIs(t *testing.T) {
	sentences, err := os.ReadFile("../domain/refusal/zh.json")
	require.NoError(t, err)
	said, _, _ := strings.Cut(string(sentences), `"former":`)
	for _, h := range helpful {
		require.Contains(t, said, h.says)
		command, _, err := (&house{}).root().Find(strings.Fields(h.command))
		require.NoError(t, err)
		require.True(t, command.Runnable(), h.command)
		require.NotEqual(t, "starter", command.Name())
	}
	list := refusal.List{{Message: "The business information is none, it has to be certified first; look at it."}, {Message: "Ask for less."}}
	require.Equal(t, []string{"business show PARTNER"}, helping(append(list, list...)))
}
