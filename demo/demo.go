// Package demo is the programme that the demo and a developer's stack begin with.
package demo

import _ "embed" // the files below

// Programme is programme.yaml, as `starter load` takes it.
//
//go:embed programme.yaml
var Programme []byte

// Incentives is incentives.yaml: the partners of the story's second part. An @ stands for what tells playings apart.
//
//go:embed incentives.yaml
var Incentives []byte

// IncentivePolicy is incentive_policy.yaml, as `starter policy set incentive` takes it.
//
//go:embed incentive_policy.yaml
var IncentivePolicy []byte

// Members is members.yaml: the partner of the story's last part, with the same sign.
//
//go:embed members.yaml
var Members []byte

// FocusSample is 1,000 rows of a real FOCUS 1.0 billing export; see focus_sample.NOTICE.
//
//go:embed focus_sample.csv
var FocusSample []byte
