// Package baseline says how a joint (baseline) solution is brought to its release (CERT-21, CERT-25 to CERT-31): a project that
// the vendor reviews, and beside it tracks of their own for design and verification, goods and configurator.
package baseline

import (
	"slices"
	"strings"

	"countersign/domain"
	"countersign/domain/person"
	"countersign/domain/solution"
)

// Kind is this process's name in cases, policies, workflow IDs and keys.
const Kind = "baseline-solution"

// State is where the main line of a joint solution stands: its project, then its release. What was never submitted is a
// draft and no case.
type State = domain.State

// The states.
const (
	ProjectReview   State = "PROJECT_REVIEW"
	ProjectRejected State = "PROJECT_REJECTED" // can be corrected and sent again (CERT-27)
	ProjectDone     State = "PROJECT_DONE"
	ReleaseReview   State = "RELEASE_REVIEW"
	ReleaseRejected State = "RELEASE_REJECTED" // likewise (CERT-30)
	Released        State = "RELEASED"
)

// Move is one lawful step; From is empty for an opening.
type Move struct{ From, To State }

// Moves lists every lawful step of the main line (ENG-03); the table "moves" repeats it.
var Moves = []Move{
	{"", ProjectReview},
	{ProjectReview, ProjectDone},
	{ProjectReview, ProjectRejected},
	{ProjectRejected, ProjectReview},
	{ProjectDone, ReleaseReview},
	{ReleaseReview, Released},
	{ReleaseReview, ReleaseRejected},
	{ReleaseRejected, ReleaseReview},
}

// CanMove tells whether a step is lawful.
func CanMove(from, to State) bool { return slices.Contains(Moves, Move{from, to}) }

// Done tells whether the joint project of a case in this state is completed (CERT-29).
func Done(s State) bool { return s != "" && s != ProjectReview && s != ProjectRejected }

// Track is what runs beside the main line.
type Track string

// The tracks.
const (
	Design       Track = "DESIGN" // joint design, then verification (CERT-28)
	Goods        Track = "GOODS"  // the joint goods are listed (CERT-29)
	Configurator Track = "CONFIGURATOR"
)

// Tracks in the order they are shown.
var Tracks = []Track{Design, Goods, Configurator}

// The states of tracks; one that has not begun has none.
const (
	Designing              State = "DESIGNING"
	Verifying              State = "VERIFYING"
	Verified               State = "VERIFIED"
	GoodsListing           State = "GOODS_LISTING"
	GoodsListed            State = "GOODS_LISTED"
	ConfiguratorInProgress State = "CONFIGURATOR_IN_PROGRESS"
	ConfiguratorDone       State = "CONFIGURATOR_DONE"
)

// TrackMoves lists every lawful step of each track; the table "moves" repeats it under the kind and the track.
var TrackMoves = map[Track][]Move{
	Design:       {{"", Designing}, {Designing, Verifying}, {Verifying, Verified}},
	Goods:        {{"", GoodsListing}, {GoodsListing, GoodsListed}},
	Configurator: {{"", ConfiguratorInProgress}, {ConfiguratorInProgress, ConfiguratorDone}},
}

// CanTrack tells whether a step of a track is lawful.
func CanTrack(t Track, from, to State) bool { return slices.Contains(TrackMoves[t], Move{from, to}) }

// Said are a state and the states of the tracks as people read them: "project refused, designing" (CERT-28).
func Said(s State, tracks map[Track]State) string {
	words := []string{stateWords[s]}
	for _, t := range Tracks {
		if w := stateWords[tracks[t]]; w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

var stateWords = map[State]string{
	ProjectReview: "project under review", ProjectRejected: "project refused", ProjectDone: "project done",
	ReleaseReview: "release under review", ReleaseRejected: "release refused", Released: "released",
	Designing: "designing", Verifying: "verifying", Verified: "verified", GoodsListing: "listing goods", GoodsListed: "goods listed",
	ConfiguratorInProgress: "configurator in progress", ConfiguratorDone: "configurator done",
}

// The roles that the default policy asks.
const (
	Reviewer           person.Role = "certification-reviewer"
	SolutionArchitect  person.Role = "solution-architect"  // the vendor's, who helps with the configurator (CERT-29)
	PartnerDevelopment person.Role = "partner-development" // manages the partner's development and lists goods (CERT-29)
)

// Applicants may act for their own partner, as for its other solutions.
var Applicants = solution.Applicants

// MayAct tells whether a person may act for a partner (COM-16, PGM-07).
func MayAct(p person.Person, partnerID string) bool { return solution.MayAct(p, partnerID) }
