const HASH = (column: string) => `CHECK (length(${column}) = 64 AND ${column} NOT GLOB '*[^0-9a-f]*')`;

/**
 * Every schema there ever was, oldest first: `PRAGMA user_version` counts how many are applied. A published entry is never
 * edited; a change is a new entry. Sizes are bytes; times are whole milliseconds since 1970; booleans are 0 or 1.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- A filesystem or folder we have read from. The id is a hint, never identity: many cards share a UUID.
  CREATE TABLE volume (
    id    TEXT PRIMARY KEY,
    label TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- One insertion of a card with something new on it, and the gallery that came of it.
  CREATE TABLE session (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,   -- counts up and is never used again; no clock in it
    name         TEXT NOT NULL UNIQUE,                -- its folder in the library
    volume       TEXT NOT NULL REFERENCES volume (id),
    label        TEXT NOT NULL,
    day          TEXT NOT NULL,                       -- yyyy-mm-dd of its newest file, or 'undated'
    slug         TEXT NOT NULL UNIQUE,                -- unguessable name of its gallery
    store        TEXT,                                -- where that gallery is, once its delivery has begun
    is_offloaded INTEGER NOT NULL DEFAULT 0 CHECK (is_offloaded IN (0, 1)),
    is_published INTEGER NOT NULL DEFAULT 0 CHECK (is_published IN (0, 1))   -- its gallery opens and says it is complete
  ) STRICT;

  -- Content in the library: complete, proved and durable before its row is written. Kept once for each hash.
  CREATE TABLE original (
    hash         TEXT PRIMARY KEY ${HASH("hash")},
    size_bytes   INTEGER NOT NULL CHECK (size_bytes >= 0),
    path         TEXT NOT NULL UNIQUE,                -- below the library's root
    kind         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    session      INTEGER NOT NULL REFERENCES session (id)
  ) STRICT, WITHOUT ROWID;

  -- A file seen on a card during one session, and what is durably true of it.
  CREATE TABLE card_file (
    id          INTEGER PRIMARY KEY,                  -- in reading order
    session     INTEGER NOT NULL REFERENCES session (id),
    path        BLOB NOT NULL,                        -- the bytes the card's filesystem gave
    size_bytes  INTEGER NOT NULL CHECK (size_bytes >= 0),
    modified_ms INTEGER NOT NULL,
    state       TEXT NOT NULL DEFAULT 'found' CHECK (state IN (
                  'found', 'stored', 'rendered', 'uploaded', 'published', 'duplicate', 'failed')),
    hash        TEXT REFERENCES original (hash),
    failure     TEXT,
    reason      TEXT,
    UNIQUE (session, path),
    CHECK ((state IN ('found', 'failed')) = (hash IS NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL) AND (failure IS NULL) = (reason IS NULL))
  ) STRICT;
  -- What is left to do in a session, in reading order.
  CREATE INDEX card_file_by_state ON card_file (session, state, id);

  -- A path on a volume whose content is kept: saves reading it again, proves nothing.
  CREATE TABLE fingerprint (
    volume      TEXT NOT NULL REFERENCES volume (id),
    path        BLOB NOT NULL,
    size_bytes  INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    hash        TEXT NOT NULL REFERENCES original (hash),
    head_hash   TEXT NOT NULL ${HASH("head_hash")},   -- of the first 64 KiB
    PRIMARY KEY (volume, path)
  ) STRICT, WITHOUT ROWID;

  -- What one look into an original told. Written with its renditions.
  CREATE TABLE picture (
    hash           TEXT PRIMARY KEY REFERENCES original (hash),
    color          TEXT,                              -- rrggbb
    note           TEXT,                              -- for people, when something is wrong with it
    taken_ms       INTEGER,                           -- as the camera's clock showed it
    offset_minutes INTEGER,
    taken_from     TEXT NOT NULL CHECK (taken_from IN ('exif', 'file')),
    camera         TEXT,
    lens           TEXT,
    exposure       TEXT
  ) STRICT, WITHOUT ROWID;

  -- A picture made from an original; its file can always be made again.
  CREATE TABLE rendition (
    hash       TEXT NOT NULL REFERENCES picture (hash),
    preset     TEXT NOT NULL CHECK (preset IN ('share', 'thumb')),
    width      INTEGER NOT NULL CHECK (width > 0),
    height     INTEGER NOT NULL CHECK (height > 0),
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    sha256     TEXT NOT NULL ${HASH("sha256")},
    PRIMARY KEY (hash, preset)
  ) STRICT, WITHOUT ROWID;

  -- What a store holds under a key, put and seen there by us.
  CREATE TABLE object (
    store      TEXT NOT NULL,
    key        TEXT NOT NULL,
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    sha256     TEXT NOT NULL ${HASH("sha256")},
    PRIMARY KEY (store, key)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- When an original was last read back: a count of runs, since no clock can be trusted; and what was wrong with it then.
  ALTER TABLE original ADD COLUMN read_in INTEGER NOT NULL DEFAULT 0 CHECK (read_in >= 0);
  ALTER TABLE original ADD COLUMN finding TEXT CHECK (finding IN ('missing', 'changed', 'unreadable'));
  CREATE INDEX original_by_read ON original (read_in);

  -- The rows of the session were rebuilt from the library: what the store holds of it is asked of the store.
  ALTER TABLE session ADD COLUMN is_rebuilt INTEGER NOT NULL DEFAULT 0 CHECK (is_rebuilt IN (0, 1));
  `,
  `
  -- What stopped a session last, as the code of a failure, so that it can be said what it waits for.
  ALTER TABLE session ADD COLUMN waits_for TEXT;

  -- Another disk, known by a mark on it: an empty mount point is never taken for it.
  CREATE TABLE second_disk (
    id     TEXT PRIMARY KEY,
    folder TEXT NOT NULL UNIQUE                       -- where it was last
  ) STRICT, WITHOUT ROWID;

  -- A copy of an original on that disk: proved and durable before its row is written.
  CREATE TABLE second_copy (
    disk TEXT NOT NULL REFERENCES second_disk (id),
    hash TEXT NOT NULL REFERENCES original (hash),
    path TEXT NOT NULL,                               -- below the folder
    PRIMARY KEY (disk, hash)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX original_by_session ON original (session);

  -- A file that its card gave differently when it was read again. Both readings are kept, as far as they could be proved.
  CREATE TABLE card_doubt (
    session INTEGER NOT NULL REFERENCES session (id),
    path    BLOB NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (session, path)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What somebody is to be told of a session, once: written with the fact it tells.
  CREATE TABLE message (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,     -- the order in which a recipient hears
    key        TEXT NOT NULL UNIQUE,                  -- random; goes with it each time, so that a receiver can drop doubles
    session    INTEGER NOT NULL REFERENCES session (id),
    event      TEXT NOT NULL CHECK (event IN ('gallery-open', 'gallery-complete', 'trouble')),
    recipient  TEXT NOT NULL,                         -- a name without the address, which may be a secret
    words      TEXT NOT NULL,                         -- without the link, which is signed when it is sent
    state      TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'given-up')),
    unanswered INTEGER NOT NULL DEFAULT 0 CHECK (unanswered >= 0),   -- times it left and no answer was recorded
    receipt    TEXT,                                  -- what the provider calls it
    reason     TEXT,                                  -- why it was given up
    UNIQUE (session, event, recipient),
    CHECK (state = 'sent' OR receipt IS NULL),
    CHECK ((state = 'given-up') = (reason IS NOT NULL))
  ) STRICT;
  CREATE INDEX message_waiting ON message (recipient, id) WHERE state = 'waiting';
  `,
  `
  -- An upload in parts that a store has begun and not completed; what is recorded of it is not sent again.
  CREATE TABLE upload (
    store      TEXT NOT NULL,
    key        TEXT NOT NULL,
    id         TEXT NOT NULL,                         -- the store's own name of it
    sha256     TEXT NOT NULL ${HASH("sha256")},       -- of the whole object
    part_bytes INTEGER NOT NULL CHECK (part_bytes > 0),
    PRIMARY KEY (store, key)
  ) STRICT, WITHOUT ROWID;

  -- A part that the store has acknowledged.
  CREATE TABLE upload_part (
    store      TEXT NOT NULL,
    key        TEXT NOT NULL,
    number     INTEGER NOT NULL CHECK (number BETWEEN 1 AND 10000),
    size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
    sha256     TEXT NOT NULL ${HASH("sha256")},       -- of the bytes that were sent
    etag       TEXT NOT NULL,
    crc32      TEXT,                                  -- in base64, from stores that give one
    PRIMARY KEY (store, key, number),
    FOREIGN KEY (store, key) REFERENCES upload (store, key) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- A gallery that nobody may see any more, by the name in its links, in each store that has had a part of it. It never comes
  -- back: a session that is shared again gets another name.
  CREATE TABLE revoked_gallery (
    slug    TEXT NOT NULL,
    store   TEXT NOT NULL,
    session INTEGER NOT NULL REFERENCES session (id),
    is_gone INTEGER NOT NULL DEFAULT 0 CHECK (is_gone IN (0, 1)),   -- nothing of it was left there, and session.json says so
    PRIMARY KEY (slug, store)
  ) STRICT, WITHOUT ROWID;

  -- Which links the pages of the published gallery hold: changes when they would be signed differently.
  ALTER TABLE session ADD COLUMN signed_with TEXT;
  -- When the link ends that guests were given last; NULL when it does not, or none was given.
  ALTER TABLE session ADD COLUMN link_ends_ms INTEGER;
  -- The end that its owner was warned of.
  ALTER TABLE session ADD COLUMN warned_of_ms INTEGER;

  -- Messages as before, and one more of them: a link can end, be renewed, and end again.
  CREATE TABLE message_again (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,     -- the order in which a recipient hears
    key        TEXT NOT NULL UNIQUE,                  -- random; goes with it each time, so that a receiver can drop doubles
    session    INTEGER NOT NULL REFERENCES session (id),
    event      TEXT NOT NULL CHECK (event IN ('gallery-open', 'gallery-complete', 'link-ends', 'trouble')),
    occasion   TEXT NOT NULL DEFAULT '',              -- tells two events of one name apart
    recipient  TEXT NOT NULL,                         -- a name without the address, which may be a secret
    words      TEXT NOT NULL,                         -- without the link, which is signed when it is sent
    state      TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'given-up')),
    unanswered INTEGER NOT NULL DEFAULT 0 CHECK (unanswered >= 0),   -- times it left and no answer was recorded
    receipt    TEXT,                                  -- what the provider calls it
    reason     TEXT,                                  -- why it was given up
    UNIQUE (session, event, occasion, recipient),
    CHECK (state = 'sent' OR receipt IS NULL),
    CHECK ((state = 'given-up') = (reason IS NOT NULL))
  ) STRICT;
  INSERT INTO message_again (id, key, session, event, recipient, words, state, unanswered, receipt, reason)
    SELECT id, key, session, event, recipient, words, state, unanswered, receipt, reason FROM message;
  DROP TABLE message;
  ALTER TABLE message_again RENAME TO message;
  CREATE INDEX message_waiting ON message (recipient, id) WHERE state = 'waiting';
  `,
  `
  -- Whether what guests download at once is in the store as it should be. What was published before there was any stays without.
  ALTER TABLE session ADD COLUMN is_zipped INTEGER NOT NULL DEFAULT 0 CHECK (is_zipped IN (0, 1));
  UPDATE session SET is_zipped = is_published;

  -- A key that a zip is put under: written before that and dropped once it is deleted, so that none is forgotten in a store.
  CREATE TABLE zip (
    store   TEXT NOT NULL,
    key     TEXT NOT NULL,
    session INTEGER NOT NULL REFERENCES session (id),
    PRIMARY KEY (store, key)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- A gallery that several stations fill: its name, this one's part of it, and the slug they have agreed on in \`store\`.
  ALTER TABLE session ADD COLUMN gallery TEXT;
  ALTER TABLE session ADD COLUMN station TEXT CHECK ((station IS NULL) = (gallery IS NULL));
  ALTER TABLE session ADD COLUMN shared_slug TEXT;
  CREATE INDEX session_by_gallery ON session (gallery, station) WHERE gallery IS NOT NULL;
  `,
  `
  -- When the last round of upkeep ended: at which start of the machine, and how long after it, since no clock can be trusted.
  CREATE TABLE upkeep_round (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    boot           TEXT NOT NULL,
    uptime_seconds INTEGER NOT NULL CHECK (uptime_seconds >= 0)
  ) STRICT;
  `,
  `
  -- A file of a card that was read near an error: to be read again and compared, whoever was ended by that error.
  CREATE TABLE suspect (
    volume TEXT NOT NULL,
    path   BLOB NOT NULL,
    PRIMARY KEY (volume, path)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- A look at a volume when everything on it was kept, as the digest of what was listed. It saves comparing, proves nothing, and
  -- does not outlive what it was compared with.
  CREATE TABLE kept_listing (
    volume TEXT PRIMARY KEY REFERENCES volume (id),
    digest TEXT NOT NULL ${HASH("digest")},
    files  INTEGER NOT NULL CHECK (files > 0)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER kept_listing_after_insert AFTER INSERT ON fingerprint
    BEGIN DELETE FROM kept_listing WHERE volume = new.volume; END;
  CREATE TRIGGER kept_listing_after_update AFTER UPDATE ON fingerprint
    BEGIN DELETE FROM kept_listing WHERE volume IN (old.volume, new.volume); END;
  CREATE TRIGGER kept_listing_after_delete AFTER DELETE ON fingerprint
    BEGIN DELETE FROM kept_listing WHERE volume = old.volume; END;
  -- Of which cards it is an original does not matter: it happens once in years.
  CREATE TRIGGER kept_listing_after_finding AFTER UPDATE OF finding ON original WHEN new.finding IS NOT NULL
    BEGIN DELETE FROM kept_listing; END;
  `,
];
