package mail

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAMalformedAddressSaysHowToWriteIt(t *testing.T) {
	for _, bad := range []string{"", "host:25", "http://host?from=a@b.example", "smtp://host", "smtp://?from=a@b.example", "smtp://host:many?from=a@b.example"} {
		_, err := NewSMTP(bad)
		require.ErrorContains(t, err, "SMTP_URL", bad)
	}
	for _, good := range []string{"smtp://127.0.0.1:2525?from=a@b.example", "smtps://u:p@mail.example?from=a@b.example", "smtp://mail.example?from=a@b.example&tls=mandatory"} {
		_, err := NewSMTP(good)
		require.NoError(t, err, good)
	}
}
