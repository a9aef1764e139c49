import MillraceDatabase

/// The tables of a ``SQLiteStore``. Moments are microseconds since the epoch; JSON is text. The owner '' is nobody: what retention is about to
/// remove, which no query finds, for all of them go by an owner.
enum SQLiteStoreSchema {
    static let migrations = SQLiteMigrations([version1, version2, version3, version4, version5, version6])

    /// Up to where the log of a run is judged whose text is judged behind its readers.
    private static let version6 = "ALTER TABLE runs ADD COLUMN judged INTEGER;"

    /// What a run has used, and the versions of prompts and personas.
    private static let version5 = """
        ALTER TABLE runs ADD COLUMN prompts TEXT;

        CREATE TABLE prompts (
            id INTEGER PRIMARY KEY,
            owner TEXT NOT NULL,
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            newest_version INTEGER NOT NULL,
            active_version INTEGER,
            revision INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            UNIQUE (owner, kind, name)
        ) STRICT;
        CREATE INDEX prompts_by_kind ON prompts (owner, kind, id);

        CREATE TABLE prompt_versions (
            id INTEGER PRIMARY KEY,
            prompt INTEGER NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
            version INTEGER NOT NULL,
            title TEXT,
            description TEXT,
            text TEXT NOT NULL,
            hash TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            UNIQUE (prompt, version)
        ) STRICT;
        """

    /// An index for each list of runs. Those over the status hold only what has ended: a run enters them once, and does not move in them.
    private static let version4 = """
        DROP INDEX runs_unfinished;
        CREATE INDEX runs_unfinished ON runs (owner, id) WHERE status = 'running';
        CREATE INDEX runs_by_status ON runs (owner, status, id) WHERE status <> 'running';
        CREATE INDEX runs_by_task ON runs (owner, task, id);
        CREATE INDEX runs_by_task_and_status ON runs (owner, task, status, id) WHERE status <> 'running';
        """

    /// Which chats name which files, for those that none names may expire. `json_each` reads what earlier versions have stored.
    private static let version3 = """
        CREATE TABLE content_uses (
            content INTEGER NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
            chat INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
            PRIMARY KEY (content, chat)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX content_uses_by_chat ON content_uses (chat);
        ALTER TABLE contents ADD COLUMN expired_owner TEXT;
        INSERT OR IGNORE INTO content_uses (content, chat)
            SELECT c.id, m.chat FROM messages m, json_each(m.parts) p
            JOIN contents c ON c.content_id = substr(json_extract(p.value, '$.pointer'), 11) AND c.owner = m.owner
            WHERE m.parts LIKE '%content://%' AND json_extract(p.value, '$.pointer') GLOB 'content://*';
        """

    private static let version2 = """
        CREATE TABLE contents (
            id INTEGER PRIMARY KEY,
            owner TEXT NOT NULL,
            content_id TEXT NOT NULL UNIQUE,
            title TEXT,
            mime_type TEXT NOT NULL,
            length INTEGER NOT NULL,
            entity_tag TEXT NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX contents_by_owner ON contents (owner, id);
        """

    private static let version1 = """
        CREATE TABLE chats (
            id INTEGER PRIMARY KEY,
            owner TEXT NOT NULL,
            chat_id TEXT NOT NULL,
            title TEXT,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            newest_message_id TEXT,
            metadata TEXT,
            UNIQUE (owner, chat_id)
        ) STRICT;
        CREATE INDEX chats_by_change ON chats (owner, updated_at, id);

        CREATE TABLE messages (
            id INTEGER PRIMARY KEY,
            owner TEXT NOT NULL,
            message_id TEXT NOT NULL,
            chat INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
            parent_id TEXT,
            role TEXT NOT NULL,
            parts TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            model_id TEXT,
            usage TEXT,
            metadata TEXT,
            status TEXT NOT NULL,
            UNIQUE (owner, message_id)
        ) STRICT;
        CREATE INDEX messages_by_chat ON messages (chat);

        CREATE TABLE runs (
            id INTEGER PRIMARY KEY,
            owner TEXT NOT NULL,
            response_id TEXT NOT NULL,
            chat INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
            task TEXT NOT NULL,
            model_id TEXT,
            status TEXT NOT NULL,
            request_id TEXT NOT NULL,
            user_message_id TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            ended_at INTEGER,
            usage TEXT,
            last_sequence INTEGER NOT NULL,
            reserved INTEGER NOT NULL,
            recovery TEXT NOT NULL,
            UNIQUE (owner, response_id)
        ) STRICT;
        CREATE INDEX runs_by_owner ON runs (owner, id);
        CREATE INDEX runs_by_chat ON runs (chat);
        CREATE INDEX runs_unfinished ON runs (id) WHERE status = 'running';

        CREATE TABLE run_events (
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            first_sequence INTEGER NOT NULL,
            last_sequence INTEGER NOT NULL,
            reserved INTEGER NOT NULL,
            frames BLOB,
            hidden BLOB
        ) STRICT;
        CREATE INDEX run_events_by_run ON run_events (run, last_sequence);

        CREATE TABLE idempotency (
            owner TEXT NOT NULL,
            key TEXT NOT NULL,
            body_hash TEXT NOT NULL,
            response_id TEXT NOT NULL,
            expires_at INTEGER NOT NULL,
            PRIMARY KEY (owner, key)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

        CREATE TABLE task_handlers (
            owner TEXT NOT NULL,
            name TEXT NOT NULL,
            description TEXT NOT NULL,
            is_default INTEGER NOT NULL,
            configuration TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            PRIMARY KEY (owner, name)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE health (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            checked INTEGER NOT NULL
        ) STRICT;
        """
}
