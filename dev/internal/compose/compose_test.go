// Package compose holds the test of docker-compose.yml and the Dockerfile: they are parsed where no Docker engine is.
package compose

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

type service struct {
	Image       string            `yaml:"image"`
	Build       string            `yaml:"build"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	Volumes []string `yaml:"volumes"`
	Deploy  struct {
		Replicas int `yaml:"replicas"`
	} `yaml:"deploy"`
}

type file struct {
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

// pinned is a tag that starts with at least two numbers of a version.
var pinned = regexp.MustCompile(`^[a-z0-9/-]+:\d+\.\d+[a-z0-9.-]*$`)

func parse(t *testing.T) file {
	t.Helper()
	text, err := os.ReadFile("../../../docker-compose.yml")
	require.NoError(t, err)
	var f file
	require.NoError(t, yaml.Unmarshal(text, &f))
	return f
}

func TestServices(t *testing.T) {
	f := parse(t)
	assert.ElementsMatch(t,
		[]string{"postgres", "temporal-schema", "temporal", "temporal-namespace", "temporal-ui", "migrate", "worker", "console", "codec", "starter"},
		slices.Collect(maps.Keys(f.Services)))
	assert.Equal(t, 2, f.Services["worker"].Deploy.Replicas, "workers")
}

func TestImagesArePinned(t *testing.T) {
	for name, s := range parse(t).Services {
		if s.Build == "" {
			assert.Regexp(t, pinned, s.Image, name)
		}
	}
	dockerfile, err := os.ReadFile("../../../Dockerfile")
	require.NoError(t, err)
	stages := regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(string(dockerfile), -1)
	require.NotEmpty(t, stages)
	for _, stage := range stages {
		assert.Regexp(t, pinned, stage[1])
	}
}

func TestNothingStartsTooEarly(t *testing.T) {
	f := parse(t)
	conditions := func(name string) map[string]string {
		found := make(map[string]string)
		for other, d := range f.Services[name].DependsOn {
			found[other] = d.Condition
		}
		return found
	}
	const healthy, done = "service_healthy", "service_completed_successfully"
	assert.Equal(t, map[string]string{"postgres": healthy, "temporal": healthy, "migrate": done}, conditions("worker"))
	assert.Equal(t, map[string]string{"postgres": healthy, "temporal-namespace": done}, conditions("migrate"))
	assert.Equal(t, map[string]string{"temporal-schema": done}, conditions("temporal"))
	for name := range f.Services {
		for other, condition := range conditions(name) {
			require.Contains(t, f.Services, other, name)
			if condition == healthy {
				assert.NotEmpty(t, f.Services[other].Healthcheck.Test, "%s waits for %s, which has no health check", name, other)
			}
		}
	}
	assert.NotEmpty(t, f.Services["worker"].Healthcheck.Test)
	assert.Equal(t, "http://127.0.0.1:8234", f.Services["temporal-ui"].Environment["TEMPORAL_CODEC_ENDPOINT"])
	assert.Equal(t, "true", f.Services["temporal-ui"].Environment["TEMPORAL_CODEC_INCLUDE_CREDENTIALS"])
	assert.Contains(t, f.Services["codec"].Command, "serve")
}

func TestStateIsOnNamedVolumes(t *testing.T) {
	f := parse(t)
	assert.Contains(t, f.Services["postgres"].Volumes, "postgres:/var/lib/postgresql/data")
	for name, s := range f.Services {
		for _, mount := range s.Volumes {
			volume, _, _ := strings.Cut(mount, ":")
			assert.Contains(t, f.Volumes, volume, name)
		}
	}
}

func TestNoSecretInTheFile(t *testing.T) {
	secret := regexp.MustCompile(`PASSWORD|PWD|SECRET|TOKEN|KEY`)
	fromOutside := regexp.MustCompile(`^\$\{[A-Z_]+:(\?[^}]+|-)\}$`) // what is not needed may be empty
	withPassword := regexp.MustCompile(`://[^/@]*:[^/@]*@`)
	for name, s := range parse(t).Services {
		for variable, value := range s.Environment {
			if secret.MatchString(variable) {
				assert.Regexp(t, fromOutside, value, "%s: %s", name, variable)
			}
			assert.NotRegexp(t, withPassword, value, "%s: %s", name, variable)
		}
	}
}
