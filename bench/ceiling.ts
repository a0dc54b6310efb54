// The ceiling of durable alert intake in one Node process: node:http, JSON.parse and one row per alert in node:sqlite
// (WAL, synchronous=FULL), group-committed as our own committer does. No validation, no deduplication, no runs.
//   node bench/ceiling.ts DATABASE        prints {"url": ...} when ready; takes Alertmanager v4 bodies at any path
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';

interface IncomingAlert {
  readonly fingerprint?: string;
  readonly status?: string;
}

const database = new DatabaseSync(process.argv[2] ?? ':memory:');
database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
  CREATE TABLE alerts (id INTEGER PRIMARY KEY, fingerprint TEXT, status TEXT, body TEXT, at INTEGER);
  CREATE INDEX alerts_by_fingerprint ON alerts (fingerprint)`);
const insert = database.prepare('INSERT INTO alerts (fingerprint, status, body, at) VALUES (?, ?, ?, ?)');

let waiting: { alerts: readonly IncomingAlert[]; response: ServerResponse }[] = [];

function commit(): void {
  const batch = waiting;
  waiting = [];
  const at = Date.now();
  database.exec('BEGIN IMMEDIATE');
  for (const { alerts } of batch) {
    for (const alert of alerts) insert.run(alert.fingerprint ?? '', alert.status ?? '', JSON.stringify(alert), at);
  }
  database.exec('COMMIT');
  for (const { response } of batch) answer(response, 200);
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': 2 }).end('{}');
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    try {
      const { alerts } = JSON.parse(Buffer.concat(chunks).toString()) as { alerts: readonly IncomingAlert[] };
      if (waiting.push({ alerts, response }) === 1) setImmediate(commit);
    } catch {
      answer(response, 400);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stderr.write(`${JSON.stringify({ msg: 'ready', url: `http://127.0.0.1:${port}` })}\n`);
});
process.on('SIGTERM', () => process.exit(0));
