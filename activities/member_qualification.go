package activities

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/qualification"
	"countersign/domain/refusal"
	"countersign/domain/specialist"

	"github.com/jmoiron/sqlx"
)

// MemberQualifications keeps what members and the vendor record of a member's employment, certificates, trainings and projects. No
// case waits for it, so it is done without Temporal.
type MemberQualifications struct{ DB *sqlx.DB }

// ChangeQualificationInput adds a record, or changes or removes one.
type ChangeQualificationInput struct {
	Member  string // who speaks, as a natural person
	Person  string // who speaks, as one of the programme's people; one of the two
	Account string // whose record; of a record that is there it is known
	Record  string // empty: a new one
	Kind    qualification.Kind
	Remove  bool
	Content qualification.Content
	Key     string
	At      time.Time
}

// MemberRecord is one record as it stands.
type MemberRecord struct {
	Record  string               `db:"record_no" json:"record"`
	Version int                  `db:"version"   json:"version"`
	Account string               `db:"account_id" json:"account"`
	Kind    qualification.Kind   `db:"kind"      json:"kind"`
	Origin  qualification.Origin `db:"origin"    json:"origin"`
	Removed bool                 `db:"removed"   json:"removed,omitempty"`
	qualification.Content
	Digest []byte `db:"digest" json:"-"`
}

// ChangeQualification writes the next version of a record (ORG-45). The same request key answers the first time; a refusal is
// one row in refusals.
func (q *MemberQualifications) ChangeQualification(ctx context.Context, in ChangeQualificationInput) (MemberRecord, error) {
	in.At, in.Key, in.Content = stored(in.At), domain.Marked(in.Key, 64, 64), in.Content.Storable()
	in.Account, in.Record = domain.Marked(in.Account, 64, 64), domain.Marked(in.Record, 64, 64)
	var now MemberRecord
	err := judged(ctx, q.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		s, err := findSpeaker(ctx, tx, in.Member, in.Person)
		if err != nil {
			return nil, err
		}
		var before MemberRecord
		if in.Record != "" {
			if before, err = latestRecord(ctx, tx, in.Record); err != nil {
				return nil, err
			}
			in.Account, in.Kind = before.Account, before.Kind
		}
		res, err := tx.ExecContext(ctx, `SELECT 1 FROM personal_accounts WHERE account_id = $1 FOR NO KEY UPDATE`, in.Account) // one change at a time
		if err != nil {
			return nil, fmt.Errorf("lock account: %w", err)
		}
		known, err := res.RowsAffected()
		if err != nil {
			return nil, err
		}
		if in.Record != "" {
			if before, err = latestRecord(ctx, tx, in.Record); err != nil { // as it is under the lock
				return nil, err
			}
		}
		digest := in.Content.Digest(in.Record, in.Kind, in.Remove)
		list := qualification.Judge(s, qualification.Change{
			Key: in.Key, Account: in.Account, Known: known == 1, Record: in.Record, Kind: in.Kind, Origin: before.Origin, Remove: in.Remove, Content: in.Content,
		})
		if len(list) > 0 {
			return list, nil
		}
		err = tx.GetContext(ctx, &now, recordSQL+` WHERE account_id = $1 AND request_key = $2`, in.Account, in.Key)
		switch {
		case err == nil && bytes.Equal(now.Digest, digest):
			return nil, nil // written by this very request
		case err == nil:
			return refusal.List{specialistRules["com_20_qualification_key"]}, nil
		case !errors.Is(err, sql.ErrNoRows):
			return nil, fmt.Errorf("look for request: %w", err)
		case before.Removed:
			return refusal.List{specialistRules["org_45_version"]}, nil
		}
		content, origin := in.Content, before.Origin
		if in.Remove { // it stays as it was
			content = before.Content
		}
		if in.Record == "" {
			if origin = qualification.Members; !s.Account {
				origin = qualification.Vendors
			}
		}
		if err := tx.GetContext(ctx, &now, `
			INSERT INTO member_qualifications (record_no, version, account_id, kind, title, organisation, level, from_on, until_on, removed, origin, made_by, made_at, request_key, digest)
			SELECT coalesce(nullif($1, ''), numbered('Q', nextval('member_qualification_numbers'))), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12, ''), $13, $14, $15
			RETURNING record_no, version, account_id, kind, title, organisation, level, from_on, until_on, origin, removed`,
			in.Record, before.Version+1, in.Account, in.Kind, content.Title, content.Organisation, content.Level, content.From, content.Until, in.Remove, origin, in.Person,
			in.At, in.Key, digest); err != nil {
			return nil, fmt.Errorf("write record: %w", err)
		}
		return nil, nil
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("qualification/%s%s/%s", in.Member, in.Person, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: specialist.Kind, Action: "change qualification", Person: in.Person,
		}, list)
		return err
	})
	return now, Final(err)
}

const recordSQL = `SELECT record_no, version, account_id, kind, title, organisation, level, from_on, until_on, origin, removed, digest FROM member_qualifications`

func latestRecord(ctx context.Context, tx *sqlx.Tx, record string) (MemberRecord, error) {
	var r MemberRecord
	err := tx.GetContext(ctx, &r, recordSQL+` WHERE record_no = $1 ORDER BY version DESC LIMIT 1`, record)
	if errors.Is(err, sql.ErrNoRows) {
		return r, unknown("record", record)
	}
	if err != nil {
		return r, fmt.Errorf("read record %s: %w", record, err)
	}
	return r, nil
}

// findSpeaker reads who speaks: a natural person by the account, or one of the people.
func findSpeaker(ctx context.Context, tx sqlx.QueryerContext, member, id string) (s qualification.Speaker, err error) {
	if member != "" {
		return qualification.Speaker{ID: member, Account: true}, nil
	}
	var p *person.Person
	p, err = findPerson(ctx, tx, id)
	return qualification.Speaker{ID: id, Person: p}, err
}

// MayReadQualification checks who reads a member's records now; nothing is written, a refusal is the error (ORG-45).
func (q *MemberQualifications) MayReadQualification(ctx context.Context, account, member, id string) error {
	s, err := findSpeaker(ctx, q.DB, member, id)
	if err != nil {
		return Final(err)
	}
	var administers, linked bool
	if s.Person != nil && s.Person.PartnerID != "" {
		of, err := readOrganisationPerson(ctx, q.DB, id)
		if err != nil {
			return Final(err)
		}
		administers = len(organisation.JudgeAdministrator(of, id, s.Person.PartnerID)) == 0
		if err := q.DB.GetContext(ctx, &linked, `SELECT EXISTS (SELECT 1 FROM member_links WHERE account_id = $1 AND partner_id = $2 AND unlinked_at IS NULL)`, account, s.Person.PartnerID); err != nil {
			return Final(fmt.Errorf("read link of %s: %w", account, err))
		}
	}
	return Final(qualification.JudgeReading(s, account, administers && linked, administers).Err())
}
