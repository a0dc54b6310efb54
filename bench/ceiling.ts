// The ceiling of durable alert intake in one Node process: node:http, JSON.parse and one row per alert in node:sqlite
// (WAL, synchronous=FULL), group-committed as our own committer does. No validation, no deduplication, no runs.
//   node bench/ceiling.ts DATABASE        prints {"url": ...} when ready; takes Alertmanager v4 bodies at any path
import { DatabaseSync } from 'node:sqlite';
import { serveCeiling } from './ceiling-server.ts';
import type { IncomingBody } from './ceiling-server.ts';

const database = new DatabaseSync(process.argv[2] ?? ':memory:');
database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
  CREATE TABLE alerts (id INTEGER PRIMARY KEY, fingerprint TEXT, status TEXT, body TEXT, at INTEGER);
  CREATE INDEX alerts_by_fingerprint ON alerts (fingerprint)`);
const insert = database.prepare('INSERT INTO alerts (fingerprint, status, body, at) VALUES (?, ?, ?, ?)');

let waiting: IncomingBody[] = [];

function commit(): void {
  const batch = waiting;
  waiting = [];
  const at = Date.now();
  database.exec('BEGIN IMMEDIATE');
  for (const { alerts } of batch) {
    for (const alert of alerts) insert.run(alert.fingerprint ?? '', alert.status ?? '', JSON.stringify(alert), at);
  }
  database.exec('COMMIT');
  for (const body of batch) body.answer();
}

serveCeiling((body) => {
  if (waiting.push(body) === 1) setImmediate(commit);
});
