package chromium

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGivenABrowserOnPATH_WhenItIsLookedFor_ThenItIsFoundAndSaysItsVersion(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(folder, "chromium-browser")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho 'Chromium 148.0.1 built on Debian GNU/Linux 12'\n"), 0o755))
	t.Setenv("PATH", folder)
	t.Setenv(Variable, "")
	found, err := Find()
	require.NoError(t, err)
	assert.Equal(t, program, found)
	version, err := Version(t.Context(), found)
	require.NoError(t, err)
	assert.Equal(t, "Chromium 148.0.1", version)
}

func TestGivenABrowserThatIsNamed_WhenItIsNotThere_ThenTheErrorNamesTheVariableAndNoOtherIsTaken(t *testing.T) {
	t.Setenv(Variable, filepath.Join(t.TempDir(), "gone"))
	_, err := Find()
	require.ErrorContains(t, err, Variable)
}

func TestGivenNoBrowser_WhenItIsLookedFor_ThenTheErrorSaysHowToGetOne(t *testing.T) {
	if _, err := os.Stat(names[len(names)-1]); err == nil {
		t.Log("this machine has one outside PATH")
		return
	}
	t.Setenv("PATH", t.TempDir())
	t.Setenv(Variable, "")
	_, err := Find()
	require.ErrorIs(t, err, ErrNone)
	require.ErrorContains(t, err, "apt-get install chromium")
}
