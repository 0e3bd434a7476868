/// The tables of the ledger, version 5; docs/formats/store.md explains them to people.
enum Schema {
  static let version: Int64 = 5
  // "rung" in ASCII: `file` and `PRAGMA application_id` tell a ledger from another database.
  static let applicationID: Int64 = 0x7275_6e67

  // STRICT, because a column of loose type turns the key `007` into the number 7. Digests are blobs of 32 bytes, times
  // are nanoseconds.
  static let create = """
    CREATE TABLE action (\(actionColumns)) STRICT, WITHOUT ROWID;
    CREATE TABLE record (
      record BLOB PRIMARY KEY CHECK (length(record) = 32), project TEXT NOT NULL, instance TEXT NOT NULL,
      pipeline TEXT NOT NULL, step TEXT NOT NULL, key BLOB NOT NULL, run TEXT NOT NULL, outcome TEXT NOT NULL,
      started INTEGER NOT NULL, duration INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE output (
      digest BLOB NOT NULL CHECK (length(digest) = 32), record BLOB NOT NULL, name TEXT NOT NULL,
      PRIMARY KEY (digest, record, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE history (
      sequence INTEGER PRIMARY KEY, project TEXT NOT NULL, instance TEXT NOT NULL, run TEXT NOT NULL,
      key BLOB NOT NULL, record BLOB, outcome TEXT NOT NULL, at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX history_by_instance ON history (project, instance, sequence);
    CREATE TABLE latest (
      project TEXT NOT NULL, instance TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (project, instance)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE stat (
      project TEXT NOT NULL, path TEXT NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
      size INTEGER NOT NULL, modified INTEGER NOT NULL, changed INTEGER NOT NULL, mode INTEGER NOT NULL,
      digest BLOB NOT NULL, hashed_at INTEGER NOT NULL, PRIMARY KEY (project, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE duration (
      project TEXT NOT NULL, step TEXT NOT NULL, nanoseconds INTEGER NOT NULL, samples INTEGER NOT NULL,
      PRIMARY KEY (project, step)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE run (
      id TEXT PRIMARY KEY, project TEXT NOT NULL, started INTEGER NOT NULL, finished INTEGER,
      arguments TEXT NOT NULL, ran INTEGER NOT NULL, unchanged INTEGER NOT NULL, restored INTEGER NOT NULL,
      failed INTEGER NOT NULL, skipped INTEGER NOT NULL, git_commit TEXT, dirty INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX run_by_start ON run (project, started);
    CREATE TABLE published (
      project TEXT NOT NULL, path TEXT NOT NULL, digest BLOB NOT NULL, instance TEXT NOT NULL,
      output TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY (project, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE probe (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
    \(addedIn3)
    \(addedIn4)
    \(addedIn5)
    PRAGMA application_id = \(applicationID);
    PRAGMA user_version = \(version);
    """

  // What decides how long results are kept.
  private static let addedIn3 = """
    CREATE TABLE pin (
      run TEXT PRIMARY KEY, project TEXT NOT NULL, at INTEGER NOT NULL, because TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE used (
      record BLOB PRIMARY KEY CHECK (length(record) = 32), at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE displaced (
      digest BLOB NOT NULL CHECK (length(digest) = 32), project TEXT NOT NULL, path TEXT NOT NULL,
      tree INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (digest, project, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE collected (
      record BLOB PRIMARY KEY CHECK (length(record) = 32), at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """

  // What audits need: copies that carry a stamp, the records of runs, what was executed under one key or for one instance,
  // what was verified and accepted. Copies and runs of before have neither.
  private static let addedIn4 = """
    ALTER TABLE published ADD COLUMN copy BLOB;
    ALTER TABLE run ADD COLUMN record BLOB;
    CREATE INDEX record_by_instance ON record (project, instance, started);
    CREATE INDEX record_by_key ON record (key);
    CREATE TABLE verification (
      digest BLOB PRIMARY KEY CHECK (length(digest) = 32), record BLOB NOT NULL, instance TEXT NOT NULL,
      key BLOB NOT NULL, host TEXT NOT NULL, at INTEGER NOT NULL, verdict TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX verification_by_record ON verification (record);
    CREATE TABLE acceptance (
      digest BLOB PRIMARY KEY CHECK (length(digest) = 32), project TEXT NOT NULL, instance TEXT NOT NULL,
      key BLOB NOT NULL, record BLOB NOT NULL, at INTEGER NOT NULL, revoked INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX acceptance_by_key ON acceptance (key);
    """

  // How often something was written that can change what is up to date: whoever has noted the count need not look again
  // while it stays. The name tells a ledger that was made anew from the one before.
  private static let addedIn5 = """
    CREATE TABLE generation (id TEXT NOT NULL, count INTEGER NOT NULL) STRICT;
    INSERT INTO generation VALUES (lower(hex(randomblob(16))), 0);
    """
  static let advance = "UPDATE generation SET count = count + 1"
  static let generation = "SELECT id, count FROM generation"

  // An empty set is none: a column of the primary key cannot be NULL.
  private static let actionColumns = """
    key BLOB NOT NULL CHECK (length(key) = 32),
      project_set BLOB NOT NULL CHECK (length(project_set) IN (0, 32)),
      system_set BLOB NOT NULL CHECK (length(system_set) IN (0, 32)),
      watch TEXT NOT NULL, made INTEGER NOT NULL, record BLOB NOT NULL CHECK (length(record) = 32),
      outputs BLOB NOT NULL, PRIMARY KEY (key, project_set, system_set)
    """

  // What the rows of version 1, whose actions were key, record and outputs, are in version 2.
  private static let fromVersion1 = """
    SELECT key, x'' AS project_set, x'' AS system_set, 'declared' AS watch, 0 AS made, record, outputs FROM main.action
    """

  /// Makes this version of version 1, keeping every row. For one transaction.
  static let migrateFrom1 = """
    CREATE TABLE action_2 (\(actionColumns)) STRICT, WITHOUT ROWID;
    INSERT INTO action_2 \(fromVersion1);
    DROP TABLE action;
    ALTER TABLE action_2 RENAME TO action;
    \(addedIn3)
    \(addedIn4)
    \(addedIn5)
    PRAGMA user_version = \(version);
    """

  /// Makes this version of version 2, keeping every row. For one transaction.
  static let migrateFrom2 = """
    \(addedIn3)
    \(addedIn4)
    \(addedIn5)
    PRAGMA user_version = \(version);
    """

  /// Makes this version of version 3, keeping every row. For one transaction.
  static let migrateFrom3 = """
    \(addedIn4)
    \(addedIn5)
    PRAGMA user_version = \(version);
    """

  /// Makes this version of version 4, keeping every row. For one transaction.
  static let migrateFrom4 = """
    \(addedIn5)
    PRAGMA user_version = \(version);
    """

  /// Lets a connection that may not write read version 1 as if it were this one. Nothing of it is in the file. When
  /// another process brings the file to this version meanwhile there are no actions: rows without their observations would
  /// be results that hold whatever was changed.
  static let readVersion1 = """
    CREATE TEMP VIEW action AS \(fromVersion1) WHERE (SELECT user_version FROM pragma_user_version) = 1;
    \(readVersion2)
    """

  /// The same for version 2, in which nothing was pinned, used, displaced or collected.
  static let readVersion2 = """
    CREATE TEMP VIEW pin AS SELECT '' AS run, '' AS project, 0 AS at, NULL AS because WHERE 0;
    CREATE TEMP VIEW used AS SELECT x'' AS record, 0 AS at WHERE 0;
    CREATE TEMP VIEW displaced AS SELECT x'' AS digest, '' AS project, '' AS path, 0 AS tree, 0 AS at WHERE 0;
    CREATE TEMP VIEW collected AS SELECT x'' AS record, 0 AS at WHERE 0;
    \(readVersion3)
    """

  /// The same for version 3, in which copies carried no stamp and nothing was verified or accepted.
  static let readVersion3 = """
    CREATE TEMP VIEW published AS SELECT *, NULL AS copy FROM main.published;
    CREATE TEMP VIEW run AS SELECT *, NULL AS record FROM main.run;
    CREATE TEMP VIEW verification AS SELECT x'' AS digest, x'' AS record, '' AS instance, x'' AS key, '' AS host,
      0 AS at, '' AS verdict WHERE 0;
    CREATE TEMP VIEW acceptance AS SELECT x'' AS digest, '' AS project, '' AS instance, x'' AS key, x'' AS record,
      0 AS at, NULL AS revoked WHERE 0
    """
}
