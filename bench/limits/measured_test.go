package main

import (
	"path/filepath"
	"testing"

	"countersign/bench/frame"

	"github.com/stretchr/testify/require"
)

func TestARunOfTheBenchmarkGivesItsFigures_WhatItDidNotMeasureStays_AndASmokeIsRefused(t *testing.T) {
	r := frame.Report{Sections: []frame.Section{
		{ID: "a-postgres", Series: frame.AllSeries{
			{Name: "Countersign", Rounds: []frame.Figures{{frame.Rate: 7, frame.WAL: 70}, {frame.Rate: 8, frame.WAL: 72}, {frame.Rate: 9, frame.WAL: 74}}},
			{Name: "bare workflow, ordinary activities", Rounds: []frame.Figures{{frame.Rate: 100, frame.WAL: 100}}},
		}},
		{ID: "e", Series: frame.AllSeries{
			{Name: "500 parked", Rounds: []frame.Figures{{"Temporal's store kB per case": 20}}},
			{Name: "2,500 parked", Rounds: []frame.Figures{{"Temporal's store kB per case": 12}}},
			{Name: "300 more, opened and lapsed", Rounds: []frame.Figures{{"Temporal's store kB per case": 15}}},
		}},
	}}
	dir := t.TempDir()
	require.NoError(t, r.Write(dir, "engine"))
	m := measured{TimersPerSecond: figure{37, "parking.md"}}
	require.NoError(t, m.take(filepath.Join(dir, "engine.json")))
	require.Equal(t, measured{
		StepsPerSecond: figure{32, "engine.md (a-postgres), Countersign"}, WALPerStep: figure{72 * 256, "engine.md (a-postgres), Countersign"},
		SleeperBytes: figure{12 * 1024, "engine.md (e), 2,500 parked"}, TimersPerSecond: figure{37, "parking.md"},
	}, m)

	r.Quick = true
	require.NoError(t, r.Write(dir, "smoke"))
	require.ErrorContains(t, m.take(filepath.Join(dir, "smoke.json")), "smoke run")
}
