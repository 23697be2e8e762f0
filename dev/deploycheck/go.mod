module countersign/dev/deploycheck

go 1.26.8

require (
	github.com/stretchr/testify v1.12.1
	k8s.io/api v0.30.1
	sigs.k8s.io/kubectl-validate v0.0.4
	sigs.k8s.io/kustomize/api v0.20.1
	sigs.k8s.io/kustomize/kyaml v0.20.1
	sigs.k8s.io/yaml v1.3.0
)
