-- Portable between SQLite and PostgreSQL: only TEXT and BIGINT. Times are Unix seconds.

CREATE TABLE users (
    id              TEXT   NOT NULL PRIMARY KEY,
    -- A user is who this issuer says under this subject, and nothing else (OpenID Connect Core 1.0, section 5.7).
    -- The e-mail address is no key: it changes, and another account may carry the same one.
    issuer          TEXT   NOT NULL,
    subject         TEXT   NOT NULL,
    email           TEXT,
    email_verified  BIGINT NOT NULL DEFAULT 0,
    name            TEXT,
    given_name      TEXT,
    disabled        BIGINT NOT NULL DEFAULT 0,
    created_at      BIGINT NOT NULL,
    signed_in_at    BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);

CREATE TABLE sessions (
    -- SHA-256 of the cookie's value: whoever reads this table cannot sign in with it.
    token_hash  TEXT   NOT NULL PRIMARY KEY,
    user_id     TEXT   NOT NULL REFERENCES users (id),
    -- The authorization server's name for its own session, for back-channel and front-channel sign-out.
    sid         TEXT,
    -- Kept on the server only; sent back as id_token_hint at sign-out.
    id_token    TEXT   NOT NULL,
    claims      TEXT   NOT NULL,
    checks      TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL
);

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_sid ON sessions (sid);

-- Things that may happen once only: a finished sign-in attempt, a logout token's jti.
CREATE TABLE seen_once (
    what        TEXT   NOT NULL PRIMARY KEY,
    expires_at  BIGINT NOT NULL
);
