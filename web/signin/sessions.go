package signin

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/web/page"

	"github.com/alexedwards/scs/v2"
	"github.com/jmoiron/sqlx"
)

// How long a session lasts without anybody doing anything, and in all.
const (
	idle     = 30 * time.Minute
	lifetime = 12 * time.Hour
	halfway  = 5 * time.Minute // between the password and the code
	fresh    = time.Minute     // a session that was prolonged within it is left as it is: most requests write nothing
)

// What a session holds.
const (
	personKey = "person" // who is signed in
	sinceKey  = "since"  // when, in RFC 3339
	issuerKey = "issuer" // of the identity provider that they came from, if one
	halfKey   = "half"   // whose password was right; the code is awaited
	factorKey = "factor" // sealed secret of an authenticator that is being set, as base64
	nextKey   = "next"   // page that was wanted
)

func manager(db *sqlx.DB, secure bool) *scs.SessionManager {
	s := scs.New()
	s.Store, s.Codec, s.HashTokenInStore = store{db}, jsonCodec{}, true
	s.IdleTimeout, s.Lifetime = idle, lifetime
	s.Cookie.Name, s.Cookie.Secure, s.Cookie.Persist = page.CookieName("session", secure), secure, false // HttpOnly, SameSite=Lax: the way back from an identity provider
	return s
}

// visit is what the store knows of a request's session, so that one that did not change is not written.
type visit struct {
	background bool   // the page refreshed itself: nobody did anything
	token      string // as it came; hashed
	found      string
	expires    time.Time
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

// store keeps sessions in Postgres.
type store struct{ db *sqlx.DB }

func (s store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	v := visitOf(ctx)
	err := s.db.QueryRowContext(ctx, `SELECT data, expires_at FROM sessions WHERE token = $1 AND expires_at > $2`, token, time.Now()).Scan(&v.found, &v.expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read session: %w", err)
	}
	v.token = token
	return []byte(v.found), true, nil
}

// CommitCtx writes a session that changed, or that somebody used. One that was ended meanwhile stays so.
func (s store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	v := visitOf(ctx)
	query, args := `INSERT INTO sessions (token, expires_at, data) VALUES ($1, $2, $3)`, []any{token, expiry, string(data)}
	switch same := string(data) == v.found; {
	case token != v.token:
	case same && (v.background || expiry.Sub(v.expires) < fresh):
		return nil
	case same: // another request may have changed the data meanwhile
		query, args = `UPDATE sessions SET expires_at = $2 WHERE token = $1`, args[:2]
	default:
		query = `UPDATE sessions SET expires_at = $2, data = $3 WHERE token = $1`
	}
	if _, err := s.db.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("write session: %w", err)
	}
	return nil
}

func (s store) DeleteCtx(ctx context.Context, token string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE token = $1`, token); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// sweep removes sessions that are over; whoever signs in pays for it.
func (s store) sweep(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE expires_at <= $1`, time.Now())
	return err
}

// What scs asks of stores that know no context.

func (s store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s store) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// jsonCodec writes what a session holds, which is text only, so that the same session is the same text.
type jsonCodec struct{}

type sessionText struct {
	Deadline time.Time      `json:"deadline"`
	Values   map[string]any `json:"values"`
}

func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(sessionText{deadline, values})
}

func (jsonCodec) Decode(text []byte) (time.Time, map[string]any, error) {
	var s sessionText
	err := json.Unmarshal(text, &s)
	return s.Deadline, s.Values, err
}
