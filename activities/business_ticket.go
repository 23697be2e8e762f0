package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/business"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// Ticket is a partner's question about a failed certification.
type Ticket struct {
	ID         int64      `db:"ticket_id"   json:"ticket_id"`
	Partner    string     `db:"partner_id"  json:"partner"`
	Version    int        `db:"version"     json:"version"`
	Question   string     `db:"question"    json:"question"`
	OpenedBy   string     `db:"opened_by"   json:"opened_by"`
	OpenedAt   time.Time  `db:"opened_at"   json:"opened_at"`
	DueAt      time.Time  `db:"due_at"      json:"due_at"` // the closing instant: out
	Answer     string     `db:"answer"      json:"answer,omitempty"`
	AnsweredBy *string    `db:"answered_by" json:"answered_by,omitempty"`
	AnsweredAt *time.Time `db:"answered_at" json:"answered_at,omitempty"`
}

const ticketSQL = `SELECT ticket_id, partner_id, version, question, opened_by, opened_at, due_at, answer, answered_by, answered_at FROM certification_tickets `

// Tickets lists a partner's tickets, the newest first.
func (b *Businesses) Tickets(ctx context.Context, partner string) ([]Ticket, error) {
	tickets := []Ticket{}
	if err := b.DB.SelectContext(ctx, &tickets, ticketSQL+`WHERE partner_id = $1 ORDER BY ticket_id DESC`, partner); err != nil {
		return nil, Final(fmt.Errorf("read tickets: %w", err))
	}
	return tickets, nil
}

// OpenTicketInput asks about a failed certification.
type OpenTicketInput struct {
	Partner, Person, Question, Key string
	At                             time.Time
}

// OpenTicket opens a ticket, due three working days later (AUT-07). The same key answers the first ticket.
func (b *Businesses) OpenTicket(ctx context.Context, in OpenTicketInput) (Ticket, error) {
	in.At = stored(in.At)
	var t Ticket
	_, err := b.command(ctx, in.Partner, refusedRequest{
		Key: fmt.Sprintf("business/%s/ticket/%s/%s", in.Partner, in.Key, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: "business", Action: "ticket",
		Person: in.Person, Partner: in.Partner, RequestKey: in.Key,
	}, func(tx *sqlx.Tx, f business.Facts) (refusal.List, error) {
		key := in.Partner + "/" + in.Key
		err := tx.GetContext(ctx, &t, ticketSQL+`WHERE key = $1`, key)
		switch {
		case err == nil && t.Question == in.Question && t.OpenedBy == in.Person:
			return nil, nil
		case err == nil:
			return refusal.List{disbursementRules["com_20_ticket_key"]}, nil
		case !errors.Is(err, sql.ErrNoRows):
			return nil, fmt.Errorf("look for ticket: %w", err)
		}
		by, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		if list := business.JudgeTicket(by, in.Person, in.Question, f); len(list) > 0 {
			return list, nil
		}
		due, list, err := closes(ctx, tx, business.TicketTerm, in.At)
		if err != nil || len(list) > 0 {
			return list, err
		}
		if err := tx.GetContext(ctx, &t.ID, `
			INSERT INTO certification_tickets (partner_id, version, key, question, opened_by, opened_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ticket_id`,
			in.Partner, f.Latest.Version, key, in.Question, in.Person, in.At, due); err != nil {
			return nil, fmt.Errorf("open ticket: %w", err)
		}
		return nil, tx.GetContext(ctx, &t, ticketSQL+`WHERE ticket_id = $1`, t.ID)
	})
	return t, err
}

// AnswerTicketInput answers a ticket.
type AnswerTicketInput struct {
	Ticket         int64
	Person, Answer string
	At             time.Time
}

// AnswerTicket closes a ticket with its answer, which the partner's person who asked is told. The same answer of the same
// person again changes nothing.
func (b *Businesses) AnswerTicket(ctx context.Context, in AnswerTicketInput) (Ticket, error) {
	in.At = stored(in.At)
	var t Ticket
	err := judged(ctx, b.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		err := tx.GetContext(ctx, &t, ticketSQL+`WHERE ticket_id = $1 FOR UPDATE`, in.Ticket)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, unknown("ticket", fmt.Sprint(in.Ticket))
		}
		if err != nil {
			return nil, fmt.Errorf("read ticket: %w", err)
		}
		if t.AnsweredBy != nil && *t.AnsweredBy == in.Person && t.Answer == in.Answer {
			return nil, nil
		}
		by, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		if list := business.JudgeAnswer(by, in.Person, in.Answer, t.AnsweredBy != nil); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE certification_tickets SET answer = $2, answered_by = $3, answered_at = $4 WHERE ticket_id = $1`,
			in.Ticket, in.Answer, in.Person, in.At); err != nil {
			return nil, fmt.Errorf("answer ticket: %w", err)
		}
		t.Answer, t.AnsweredBy, t.AnsweredAt = in.Answer, &in.Person, &in.At
		_, err = tx.ExecContext(ctx, `INSERT INTO outbox (key, person_id, subject, body, written_at, next_at) VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (key) DO NOTHING`,
			fmt.Sprintf("business/ticket/%d", t.ID), t.OpenedBy, "工单已答复 / Your ticket was answered", t.Question+"\n\n"+in.Answer+"\n", in.At)
		return nil, err
	}, func(tx *sqlx.Tx, list refusal.List) error { // ENG-03: refused and recorded
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("business/ticket/%d/%s/%s", in.Ticket, in.Person, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: "business", Action: "answer",
			Person: in.Person, Partner: t.Partner,
		}, list)
		return err
	})
	return t, Final(err)
}
