package manifests

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	apps "k8s.io/api/apps/v1"
	scale "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	network "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const root = "../.."

// settings are the names that the program reads, as its source spells them.
func settings(t *testing.T) []string {
	t.Helper()
	var text []byte
	for _, file := range []string{"config.go", "push.go"} {
		some, err := os.ReadFile(filepath.Join(root, "config", file))
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, some...)
	}
	var out []string
	for _, m := range regexp.MustCompile(`(?:text\(|span\(|number\(|Flag: )"([a-z-]+)"`).FindAllSubmatch(text, -1) {
		name := "LUMBUNG_" + strings.ToUpper(strings.ReplaceAll(string(m[1]), "-", "_"))
		out = append(out, name, name+"_FILE")
	}
	if len(out) < 20 {
		t.Fatalf("found %q only", out)
	}
	return out
}

func known(t *testing.T, names []string, name string) {
	t.Helper()
	if strings.HasPrefix(name, "LUMBUNG_") && !slices.Contains(names, name) {
		t.Errorf("the program knows no %s", name)
	}
}

// TestComposeIsWhatComposeReads loads the file as docker compose does.
func TestComposeIsWhatComposeReads(t *testing.T) {
	o, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithEnv([]string{"LUMBUNG_PEPPER=" + strings.Repeat("p", 32)}), cli.WithName("lumbung"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var mongos, lumbungs int
	names := settings(t)
	for name, s := range p.Services {
		switch {
		case strings.HasPrefix(name, "mongo"):
			mongos++
			if !slices.Contains(s.Command, "--replSet") || len(s.Volumes) != 1 || s.HealthCheck == nil || len(s.Ports) > 0 {
				t.Errorf("%s: %v %v %v", name, s.Command, s.Volumes, s.Ports)
			}
		case strings.HasPrefix(name, "lumbung"):
			lumbungs++
			lumbung(t, names, name, s)
		}
	}
	if mongos != 3 || lumbungs != 2 || len(p.Services["proxy"].Ports) != 1 || p.Services["proxy"].Ports[0].HostIP != "127.0.0.1" {
		t.Errorf("%d of MongoDB, %d of Lumbung, proxy %v", mongos, lumbungs, p.Services["proxy"].Ports)
	}
	for _, v := range p.Services["proxy"].Volumes {
		if _, err := os.Stat(v.Source); err != nil {
			t.Error(err)
		}
	}
}

func lumbung(t *testing.T, names []string, name string, s types.ServiceConfig) {
	t.Helper()
	for v := range s.Environment {
		known(t, names, v)
	}
	if grace := s.StopGracePeriod; grace == nil || time.Duration(*grace) < 100*time.Second {
		t.Errorf("%s is killed after %v, it may need 90 s and its drain delay", name, grace)
	}
	if store := s.Environment["LUMBUNG_STORE"]; store == nil || !strings.Contains(*store, "replicaSet=") {
		t.Errorf("%s: store %v", name, store)
	}
	if !s.ReadOnly || s.MemLimit == 0 || s.DependsOn["replica-set"].Condition != types.ServiceConditionCompletedSuccessfully {
		t.Errorf("%s: read only %t, memory %d, waits for %v", name, s.ReadOnly, s.MemLimit, s.DependsOn)
	}
}

// TestManifestsAreWhatKubernetesReads decodes them strictly: a field that no type has
// is an error.
func TestManifestsAreWhatKubernetesReads(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy", "kubernetes", "lumbung.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var d apps.Deployment
	var s core.Service
	var b policy.PodDisruptionBudget
	var h scale.HorizontalPodAutoscaler
	var n network.NetworkPolicy
	to := map[string]any{"Deployment": &d, "Service": &s, "PodDisruptionBudget": &b, "HorizontalPodAutoscaler": &h, "NetworkPolicy": &n}
	for doc := range bytes.SplitSeq(text, []byte("\n---\n")) {
		var kind struct{ Kind string }
		if err := yaml.Unmarshal(doc, &kind); err != nil {
			t.Fatal(err)
		}
		if to[kind.Kind] == nil {
			t.Fatalf("kind %q is unknown, or there twice", kind.Kind)
		}
		if err := yaml.UnmarshalStrict(doc, to[kind.Kind]); err != nil {
			t.Errorf("%s: %v", kind.Kind, err)
		}
		delete(to, kind.Kind)
	}
	if len(to) > 0 {
		t.Fatalf("missing: %v", to)
	}
	labels := d.Spec.Template.Labels
	for who, selector := range map[string]map[string]string{"deployment": d.Spec.Selector.MatchLabels, "service": s.Spec.Selector, "budget": b.Spec.Selector.MatchLabels, "network": n.Spec.PodSelector.MatchLabels} {
		for k, v := range selector {
			if labels[k] != v || len(selector) == 0 {
				t.Errorf("%s selects %v", who, selector)
			}
		}
	}
	if int(*h.Spec.MinReplicas) <= b.Spec.MinAvailable.IntValue() || *d.Spec.Replicas < *h.Spec.MinReplicas || h.Spec.ScaleTargetRef.Name != d.Name {
		t.Errorf("replicas %d, at least %d, of which %d must stay", *d.Spec.Replicas, *h.Spec.MinReplicas, b.Spec.MinAvailable.IntValue())
	}
	pod(t, d.Spec.Template.Spec)
}

func pod(t *testing.T, p core.PodSpec) {
	t.Helper()
	c := p.Containers[0]
	values, names := map[string]string{}, settings(t)
	for _, e := range c.Env {
		known(t, names, e.Name)
		values[e.Name] = e.Value
	}
	stop := 0 * time.Second
	for _, name := range []string{"LUMBUNG_DRAIN_DELAY", "LUMBUNG_SHUTDOWN_GRACE"} {
		d, err := time.ParseDuration(values[name])
		if err != nil {
			t.Fatal(err)
		}
		stop += d
	}
	if time.Duration(*p.TerminationGracePeriodSeconds)*time.Second <= stop {
		t.Errorf("killed after %d s, a stop may take %s", *p.TerminationGracePeriodSeconds, stop)
	}
	for what, probe := range map[string]*core.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		if probe == nil || probe.HTTPGet.Path != what || probe.HTTPGet.Port.String() != c.Ports[0].Name {
			t.Errorf("probe %s: %+v", what, probe)
		}
	}
	if c.StartupProbe == nil || c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
		t.Error("no startup probe, or no resources")
	}
	if delay, _ := time.ParseDuration(values["LUMBUNG_DRAIN_DELAY"]); delay < time.Duration(c.ReadinessProbe.PeriodSeconds*c.ReadinessProbe.FailureThreshold)*time.Second {
		t.Errorf("a server stops taking connections before it is taken out: %s", delay)
	}
	if sc := c.SecurityContext; !*sc.ReadOnlyRootFilesystem || *sc.AllowPrivilegeEscalation || !*p.SecurityContext.RunAsNonRoot {
		t.Errorf("it may do more than it must: %+v", sc)
	}
}
