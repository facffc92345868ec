import { DatabaseSync } from 'node:sqlite';
import { StoreError } from './store.ts';

/** Marks the file as ours ("SKIF"). */
const applicationId = 0x534b4946;
const schemaVersion = 1;

/**
 * `log` holds every entry there is or was since the compacted revision, in the order of the writes. Its rowid `seq` is
 * revision * 2^16 + the place in the transaction, so no index on revisions is needed. `previous` is the row that this
 * one replaced (0: none): compaction walks the log once and drops what was replaced, a read in the past looks from
 * there backwards. A deletion has createRevision 0.
 * `current` points at the row of each living key. Rewriting a key appends to one table and changes a short row of the
 * other; the value is written once.
 */
const schema = `
  CREATE TABLE log (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL, create_revision INTEGER NOT NULL, previous INTEGER NOT NULL, value BLOB
  ) STRICT;
  CREATE TABLE current (
    key TEXT PRIMARY KEY, seq INTEGER NOT NULL, create_revision INTEGER NOT NULL, bytes INTEGER NOT NULL, lease TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX current_lease ON current (lease) WHERE lease IS NOT NULL;
  CREATE TABLE lease (id TEXT PRIMARY KEY, ttl_seconds REAL NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE state (compacted INTEGER NOT NULL) STRICT;
  INSERT INTO state VALUES (0);
`;

/** Opens the file, for this process alone; makes it when it is missing. Throws `locked`, `incompatible`, `unavailable`. */
export function openDatabase(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: false });
    // Pages of 8 KiB hold three small objects where 4 KiB hold one: a quarter less file at the same speed.
    db.exec('PRAGMA page_size = 8192');
    // Exclusive locking before WAL: then the index of the WAL lives in this process's memory and no -shm file is made.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    db.exec('PRAGMA journal_size_limit = 8388608; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048;');
    db.exec('BEGIN EXCLUSIVE');
    prepareSchema(db, file);
    db.exec('COMMIT');
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof StoreError ? error : openError(file, error);
  }
}

function prepareSchema(db: DatabaseSync, file: string): void {
  const version = pragma(db, 'user_version');
  if (version === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0) {
    db.exec(schema);
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`);
    return;
  }
  if (pragma(db, 'application_id') !== applicationId) {
    throw new StoreError('incompatible', `${file} is an SQLite file, but not a store of Skiff`);
  }
  if (version > schemaVersion) {
    throw new StoreError('incompatible', `${file} has store format ${version}; this version of Skiff knows ${schemaVersion}: use a newer one`);
  }
}

export function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

function openError(file: string, cause: unknown): StoreError {
  const code = sqliteCode(cause);
  if (code === sqliteBusy) return new StoreError('locked', `${file} is in use by another process`, { cause });
  if (code === sqliteNotADatabase) return new StoreError('incompatible', `${file} is not a store of Skiff`, { cause });
  return new StoreError('unavailable', `${file} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}

const sqliteBusy = 5;
const sqliteNotADatabase = 26;

/** The primary result code of an error of SQLite. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** SQLite's result code for a file system, or a file, that cannot grow. */
const sqliteFull = 13;

export function isDiskFull(error: unknown): boolean {
  return sqliteCode(error) === sqliteFull;
}
