// Package deploycheck holds the test of the Kubernetes manifests: they are built and validated where no cluster is.
package deploycheck

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kubectl-validate/pkg/openapiclient"
	"sigs.k8s.io/kubectl-validate/pkg/validator"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const (
	root       = "../.."
	kubernetes = root + "/deploy/kubernetes"
)

// built is what kustomize makes of a folder.
func built(t *testing.T, folder string) resmap.ResMap {
	t.Helper()
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	require.NoError(t, err)
	return objects
}

var folders = []string{"base", "overlays/versioned", "overlays/ingress"}

// all is every object of every folder, by folder and name.
func all(t *testing.T) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for _, folder := range folders {
		for _, r := range built(t, filepath.Join(kubernetes, folder)).Resources() {
			text, err := r.AsYAML()
			require.NoError(t, err)
			found[folder+"/"+r.GetKind()+"/"+r.GetName()] = text
		}
	}
	require.NotEmpty(t, found)
	return found
}

func newValidator(t *testing.T) *validator.Validator {
	t.Helper()
	versions := openapiclient.HardcodedBuiltinVersions
	v, err := validator.New(openapiclient.NewHardcodedBuiltins(versions[len(versions)-1]))
	require.NoError(t, err)
	return v
}

func validate(v *validator.Validator, text []byte) error {
	_, object, err := v.Parse(text)
	if err != nil {
		return err
	}
	return v.Validate(object)
}

func TestGivenTheManifests_WhenTheyAreCheckedAgainstKubernetesOwnSchema_ThenEveryFieldAndValueIsKnown(t *testing.T) {
	v := newValidator(t)
	for name, text := range all(t) {
		require.NoError(t, validate(v, text), name)
	}
}

func TestGivenAManifestWithAMistake_WhenItIsChecked_ThenItIsFound(t *testing.T) {
	v := newValidator(t)
	worker := string(all(t)["base/Deployment/worker"])
	require.NoError(t, validate(v, []byte(worker)))
	for name, mistake := range map[string][2]string{
		"a field that is not there":   {"terminationGracePeriodSeconds", "terminationGraceSeconds"},
		"a word instead of a number":  {"replicas: 2", "replicas: two"},
		"a part that has to be there": {"selector:\n", "selectors:\n"},
		"an unknown kind":             {"kind: Deployment", "kind: Deploy"},
	} {
		require.Contains(t, worker, mistake[0], name)
		require.Error(t, validate(v, []byte(strings.Replace(worker, mistake[0], mistake[1], 1))), name)
	}
}

// The published schema leaves enumerations out: what the manifests use of them is held against Kubernetes' own constants.
func TestGivenEveryPod_WhenItsChoicesAreRead_ThenKubernetesKnowsThem(t *testing.T) {
	for name, pod := range pods(t) {
		require.Contains(t, []corev1.RestartPolicy{"", corev1.RestartPolicyAlways, corev1.RestartPolicyNever, corev1.RestartPolicyOnFailure}, pod.Spec.RestartPolicy, name)
		for _, s := range pod.Spec.TopologySpreadConstraints {
			require.Contains(t, []corev1.UnsatisfiableConstraintAction{corev1.DoNotSchedule, corev1.ScheduleAnyway}, s.WhenUnsatisfiable, name)
		}
		for _, c := range pod.Spec.Containers {
			require.Contains(t, []corev1.PullPolicy{corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever}, c.ImagePullPolicy, name)
		}
	}
	for name, text := range all(t) {
		switch {
		case strings.Contains(name, "/NetworkPolicy/"):
			var n networkingv1.NetworkPolicy
			require.NoError(t, yaml.UnmarshalStrict(text, &n))
			require.Equal(t, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}, n.Spec.PolicyTypes, name)
			for _, rule := range n.Spec.Ingress {
				for _, p := range rule.Ports {
					require.Contains(t, []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP}, *p.Protocol, name)
				}
			}
		case strings.Contains(name, "/CronJob/"):
			var c batchv1.CronJob
			require.NoError(t, yaml.UnmarshalStrict(text, &c))
			require.Contains(t, []batchv1.ConcurrencyPolicy{batchv1.AllowConcurrent, batchv1.ForbidConcurrent, batchv1.ReplaceConcurrent}, c.Spec.ConcurrencyPolicy, name)
		}
	}
}

// pods are the pod templates of all objects, decoded strictly.
func pods(t *testing.T) map[string]corev1.PodTemplateSpec {
	t.Helper()
	found := map[string]corev1.PodTemplateSpec{}
	for name, text := range all(t) {
		decode := func(into any) { require.NoError(t, yaml.UnmarshalStrict(text, into), name) }
		switch kind := path.Base(path.Dir(name)); kind {
		case "Deployment":
			var d appsv1.Deployment
			decode(&d)
			require.Equal(t, d.Spec.Selector.MatchLabels, subset(d.Spec.Template.Labels, d.Spec.Selector.MatchLabels), name)
			found[name] = d.Spec.Template
		case "Job":
			var j batchv1.Job
			decode(&j)
			found[name] = j.Spec.Template
		case "CronJob":
			var c batchv1.CronJob
			decode(&c)
			found[name] = c.Spec.JobTemplate.Spec.Template
		case "Service":
			decode(&corev1.Service{})
		case "ServiceAccount":
			decode(&corev1.ServiceAccount{})
		case "ConfigMap":
			decode(&corev1.ConfigMap{})
		case "NetworkPolicy":
			decode(&networkingv1.NetworkPolicy{})
		case "PodDisruptionBudget":
			decode(&policyv1.PodDisruptionBudget{})
		case "Ingress":
			decode(&networkingv1.Ingress{})
		default:
			t.Errorf("%s: nobody checks objects of kind %s", name, kind)
		}
	}
	require.NotEmpty(t, found)
	return found
}

func subset(of, keys map[string]string) map[string]string {
	found := maps.Clone(keys)
	for key := range keys {
		found[key] = of[key]
	}
	return found
}

func TestGivenEveryPod_WhenItIsRead_ThenItMayDoNothingItDoesNotNeed(t *testing.T) {
	for name, pod := range pods(t) {
		require.NotNil(t, pod.Spec.AutomountServiceAccountToken, name)
		require.False(t, *pod.Spec.AutomountServiceAccountToken, "%s: no pod talks to Kubernetes", name)
		require.True(t, *pod.Spec.SecurityContext.RunAsNonRoot, name)
		require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.Spec.SecurityContext.SeccompProfile.Type, name)
		for _, c := range pod.Spec.Containers {
			require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem, name)
			require.False(t, *c.SecurityContext.AllowPrivilegeEscalation, name)
			require.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop, name)
			require.False(t, c.Resources.Requests.Cpu().IsZero(), name)
			require.False(t, c.Resources.Limits.Memory().IsZero(), name)
			require.Contains(t, []string{"worker", "starter", "server"}, c.Command[0], "%s: the image has no other commands", name)
			require.Regexp(t, `^countersign:[a-z0-9.-]+$`, c.Image, name)
		}
	}
}

// known are the variables that the programme reads, as its configuration declares them.
func known(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(root + "/internal/config/config.go")
	require.NoError(t, err)
	var names []string
	for _, found := range regexp.MustCompile(`env:"([A-Z_]+)"`).FindAllStringSubmatch(string(text), -1) {
		names = append(names, found[1])
	}
	require.Contains(t, names, "DATABASE_URL")
	return append(names,
		"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "TEMPORAL_TLS", "TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH",
		"TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_SERVER_NAME", "GOMEMLIMIT")
}

func TestGivenEveryVariable_WhenItIsSet_ThenTheProgrammeKnowsItAndSecretsComeFromSecrets(t *testing.T) {
	variables := known(t)
	secret := regexp.MustCompile(`DATABASE|KEY|PASSWORD|TOKEN|SECRET|SMTP`)
	for name, text := range all(t) {
		if !strings.Contains(name, "/ConfigMap/") {
			continue
		}
		var c corev1.ConfigMap
		require.NoError(t, yaml.UnmarshalStrict(text, &c), name)
		for variable, value := range c.Data {
			require.Contains(t, variables, variable, name)
			require.NotRegexp(t, `://[^/@]*:[^/@]*@`, value, name)
			require.False(t, secret.MatchString(variable) && !strings.HasSuffix(variable, "_FILE"), "%s: %s belongs into the Secret", name, variable)
		}
	}
	for name, pod := range pods(t) {
		for _, c := range pod.Spec.Containers {
			for _, e := range c.Env {
				require.Contains(t, variables, e.Name, name)
				if secret.MatchString(e.Name) && !strings.HasSuffix(e.Name, "_FILE") {
					require.Empty(t, e.Value, "%s: %s belongs into the Secret", name, e.Name)
				}
			}
		}
	}
}

func TestGivenTheSecrets_WhenAPodStarts_ThenItHasThoseItNeedsAndOnlyItsUserReadsKeyFiles(t *testing.T) {
	for name, pod := range pods(t) {
		whole, single := []string{}, []string{}
		for _, c := range pod.Spec.Containers {
			for _, from := range c.EnvFrom {
				if from.SecretRef != nil {
					whole = append(whole, from.SecretRef.Name)
				}
			}
			for _, e := range c.Env {
				if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
					require.Equal(t, e.Name, e.ValueFrom.SecretKeyRef.Key, name)
					single = append(single, e.Name)
				}
			}
		}
		switch part := pod.Labels["app.kubernetes.io/name"]; part {
		case "worker":
			require.Equal(t, []string{"countersign"}, whole, name)
		case "console":
			require.Empty(t, whole, "%s: browsers reach it, mail is none of its business", name)
			require.Equal(t, []string{"DATABASE_URL", "PAYLOAD_KEYS", "TEMPORAL_API_KEY", "CONSOLE_OIDC_CLIENT_SECRET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}, single, name)
		case "migrate":
			require.Equal(t, []string{"countersign", "countersign-owner"}, whole, name)
		case "codec":
			require.Empty(t, whole, "%s: browsers reach it, databases and mail are none of its business", name)
			require.Equal(t, []string{"PAYLOAD_KEYS"}, single, name)
		case "ledger-verify":
			require.Empty(t, whole, name)
			require.Equal(t, []string{"DATABASE_URL"}, single, name)
		default:
			t.Errorf("%s: nobody says which secrets %q needs", name, part)
		}
		for _, v := range pod.Spec.Volumes {
			if v.Secret != nil {
				require.NotNil(t, v.Secret.DefaultMode, name)
				require.Zero(t, *v.Secret.DefaultMode&0o7, "%s: %s is for the pod's group", name, v.Name)
				require.NotNil(t, pod.Spec.SecurityContext.FSGroup, name)
			}
		}
	}
	var settings corev1.ConfigMap
	require.NoError(t, yaml.UnmarshalStrict(all(t)["base/ConfigMap/countersign"], &settings))
	for _, variable := range []string{"CODEC_OIDC_ISSUER", "CODEC_OIDC_AUDIENCE", "CODEC_OIDC_CLAIM"} {
		require.NotEmpty(t, settings.Data[variable], "without it links to sign in lie in the pods' logs")
	}
}

func TestGivenTheWorker_WhenKubernetesAsksIt_ThenPortsAndTimesFitTheProgramme(t *testing.T) {
	drain := inSource(t, "worker/main.go", `drainLimit = (\d+) \* time\.Second`)
	for name, pod := range pods(t) {
		if !strings.Contains(name, "/Deployment/worker") {
			continue
		}
		require.Greater(t, *pod.Spec.TerminationGracePeriodSeconds, int64(drain), "%s: it drains before it is killed", name)
		c := pod.Spec.Containers[0]
		require.Equal(t, []string{"worker"}, c.Command)
		for path, p := range map[string]*corev1.Probe{"/readyz": c.ReadinessProbe, "/livez": c.LivenessProbe, "/livez ": c.StartupProbe} {
			require.Equal(t, strings.TrimSpace(path), p.HTTPGet.Path, name)
			require.Equal(t, "metrics", p.HTTPGet.Port.String(), name)
		}
		require.Greater(t, c.ReadinessProbe.TimeoutSeconds, int32(2), "%s: its questions are bounded by 2 seconds", name)
		i := slices.IndexFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == "metrics" })
		require.GreaterOrEqual(t, i, 0, name)
		require.Equal(t, strconv.Itoa(int(c.Ports[i].ContainerPort)), pod.Annotations["prometheus.io/port"], name)
	}
	var settings corev1.ConfigMap
	require.NoError(t, yaml.UnmarshalStrict(all(t)["base/ConfigMap/countersign"], &settings))
	require.Equal(t, "0.0.0.0:9464", settings.Data["METRICS_ADDRESS"])
}

func TestGivenTheConsole_WhenKubernetesAsksAndStopsIt_ThenPortsAndTimesFitTheProgrammeAndBrowsersComeByTLS(t *testing.T) {
	console, there := pods(t)["base/Deployment/console"]
	require.True(t, there)
	server, err := os.ReadFile(root + "/server/main.go")
	require.NoError(t, err)
	require.Contains(t, string(server), "grace = desk.Patience + 5*time.Second")
	require.Greater(t, *console.Spec.TerminationGracePeriodSeconds, int64(inSource(t, "desk/desk.go", `Patience += (\d+) \* time\.Second`)+5), "a decision waits so long")
	c := console.Spec.Containers[0]
	require.Equal(t, []string{"server"}, c.Command)
	ports, env := map[string]int32{}, map[string]string{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	require.Equal(t, map[string]int32{"http": 8080, "metrics": 9464}, ports)
	require.Equal(t, "0.0.0.0:8080", env["CONSOLE_ADDRESS"])
	require.Equal(t, "0.0.0.0:9464", env["CONSOLE_METRICS_ADDRESS"], "what is not ready is told there, and not to browsers")
	require.Equal(t, "9464", console.Annotations["prometheus.io/port"])
	for path, p := range map[string]*corev1.Probe{"/readyz": c.ReadinessProbe, "/livez": c.LivenessProbe, "/livez ": c.StartupProbe} {
		require.Equal(t, strings.TrimSpace(path), p.HTTPGet.Path)
		require.Equal(t, "http", p.HTTPGet.Port.String())
	}
	require.Greater(t, c.ReadinessProbe.TimeoutSeconds, int32(4), "it may wait for an answer under way, and then for its own")

	var policy networkingv1.NetworkPolicy
	require.NoError(t, yaml.UnmarshalStrict(all(t)["base/NetworkPolicy/console"], &policy))
	reach := map[string]string{}
	for _, rule := range policy.Spec.Ingress {
		reach[rule.Ports[0].Port.String()] = rule.From[0].NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"]
	}
	require.Equal(t, map[string]string{"http": "ingress", "metrics": "monitoring"}, reach)
	var settings corev1.ConfigMap
	require.NoError(t, yaml.UnmarshalStrict(all(t)["base/ConfigMap/countersign"], &settings))
	require.Regexp(t, `^https://`, settings.Data["CONSOLE_URL"], "cookies go over TLS alone")
	require.NotEmpty(t, settings.Data["CONSOLE_PROXIES"], "else everybody comes from the ingress, and sixty wrong passwords lock all out")
}

// inSource is the number that the source writes at the pattern's group.
func inSource(t *testing.T, file, pattern string) int {
	t.Helper()
	text, err := os.ReadFile(root + "/" + file)
	require.NoError(t, err)
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	require.NotNil(t, found, "%s: %s", file, pattern)
	n, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return n
}

func TestGivenTheIngress_WhenBrowsersComeByIt_ThenItsHostIsTheConsolesByTLSAndFilesAndAnswersFitThrough(t *testing.T) {
	overlay := t.TempDir()
	require.NoError(t, os.CopyFS(overlay, os.DirFS(kubernetes)))
	settings := filepath.Join(overlay, "overlays/ingress/kustomization.yaml")
	text, err := os.ReadFile(settings)
	require.NoError(t, err)
	changed := strings.Replace(string(text), "https://console.example.com", "https://partners.acme.example", 1)
	require.NotEqual(t, string(text), changed)
	require.NoError(t, os.WriteFile(settings, []byte(changed), 0o600))

	var in networkingv1.Ingress
	for _, r := range built(t, filepath.Join(overlay, "overlays/ingress")).Resources() {
		if r.GetKind() == "Ingress" {
			text, err := r.AsYAML()
			require.NoError(t, err)
			require.NoError(t, yaml.UnmarshalStrict(text, &in))
		}
	}
	require.Len(t, in.Spec.Rules, 1)
	require.Equal(t, "partners.acme.example", in.Spec.Rules[0].Host, "the one that CONSOLE_URL names")
	require.Equal(t, []networkingv1.IngressTLS{{Hosts: []string{"partners.acme.example"}, SecretName: "console-tls"}}, in.Spec.TLS)
	require.Len(t, in.Spec.Rules[0].HTTP.Paths, 1)
	way := in.Spec.Rules[0].HTTP.Paths[0]
	require.Equal(t, "/", way.Path)
	require.Equal(t, networkingv1.PathTypePrefix, *way.PathType)
	var service corev1.Service
	require.NoError(t, yaml.UnmarshalStrict(all(t)["overlays/ingress/Service/"+way.Backend.Service.Name], &service))
	require.Equal(t, service.Spec.Ports[0].Name, way.Backend.Service.Port.Name)

	says := func(annotation string) string {
		return in.Annotations["nginx.ingress.kubernetes.io/"+annotation]
	}
	require.Equal(t, strconv.Itoa(inSource(t, "web/page/file.go", `uploadLimit += (\d+) << 20`))+"m", says("proxy-body-size"))
	require.Equal(t, strconv.Itoa(60*inSource(t, "web/page/file.go", `transfer = (\d+) \* time\.Minute`)), says("proxy-send-timeout"))
	require.Equal(t, strconv.Itoa(60*inSource(t, "server/main.go", `answerTime, idleTime += 5 \* time\.Second, 30 \* time\.Second, (\d+) \* time\.Minute`)), says("proxy-read-timeout"))
}

func TestGivenThePodSelectors_WhenTheyAreRead_ThenEachMeetsAPod(t *testing.T) {
	templates := pods(t)
	meets := func(folder string, labels map[string]string) bool {
		for name, pod := range templates {
			if strings.HasPrefix(name, folder) && maps.Equal(labels, subset(pod.Labels, labels)) {
				return true
			}
		}
		return false
	}
	for name, text := range all(t) {
		folder := folders[slices.IndexFunc(folders, func(f string) bool { return strings.HasPrefix(name, f) })]
		switch {
		case strings.Contains(name, "/PodDisruptionBudget/"):
			var b policyv1.PodDisruptionBudget
			require.NoError(t, yaml.UnmarshalStrict(text, &b))
			require.True(t, meets(folder, b.Spec.Selector.MatchLabels), name)
		case strings.Contains(name, "/NetworkPolicy/"):
			var n networkingv1.NetworkPolicy
			require.NoError(t, yaml.UnmarshalStrict(text, &n))
			require.True(t, meets(folder, n.Spec.PodSelector.MatchLabels), name)
		case strings.Contains(name, "/Service/"):
			var s corev1.Service
			require.NoError(t, yaml.UnmarshalStrict(text, &s))
			require.True(t, meets(folder, s.Spec.Selector), name)
		}
	}
}

// A rollout runs two builds side by side: their Deployments need names, and builds, of their own.
func TestGivenTheVersionedOverlay_WhenItIsBuilt_ThenTheWorkerIsABuildOfItsOwn(t *testing.T) {
	var worker *corev1.PodTemplateSpec
	for name, pod := range pods(t) {
		if strings.HasPrefix(name, "overlays/versioned/Deployment/worker-") {
			worker = &pod
			require.Equal(t, pod.Labels["countersign/build"], strings.TrimPrefix(name, "overlays/versioned/Deployment/worker-"))
		}
	}
	require.NotNil(t, worker)
	env := map[string]corev1.EnvVar{}
	for _, e := range worker.Spec.Containers[0].Env {
		env[e.Name] = e
	}
	require.Equal(t, "true", env["WORKER_VERSIONING"].Value)
	require.Equal(t, "metadata.labels['countersign/build']", env["WORKER_BUILD_ID"].ValueFrom.FieldRef.FieldPath)
	require.True(t, strings.HasSuffix(worker.Spec.Containers[0].Image, ":"+worker.Labels["countersign/build"]), "the image of that build")
}
