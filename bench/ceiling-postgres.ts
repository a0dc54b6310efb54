// The ceiling of durable alert intake on PostgreSQL: as bench/ceiling.ts, with plain `pg` and one multi-row INSERT for all
// alerts that arrived while the last one was under way. One statement is one transaction; synchronous_commit is on.
//   node bench/ceiling-postgres.ts URL        prints {"url": ...} when ready; takes Alertmanager v4 bodies at any path
import { Client } from 'pg';
import { serveCeiling } from './ceiling-server.ts';
import type { IncomingBody } from './ceiling-server.ts';

const client = new Client({ connectionString: process.argv[2] ?? '' });
await client.connect();
await client.query(`CREATE TABLE alerts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, fingerprint text, status text, body text, at bigint);
  CREATE INDEX alerts_by_fingerprint ON alerts (fingerprint)`);
const mostRows = 2000;

let waiting: IncomingBody[] = [];
let busy = false;

async function commit(): Promise<void> {
  busy = true;
  while (waiting.length > 0) {
    const batch = waiting;
    waiting = [];
    const rows = batch.flatMap(({ alerts }) => alerts);
    const at = Date.now();
    for (let start = 0; start < rows.length; start += mostRows) {
      const part = rows.slice(start, start + mostRows);
      const values: unknown[] = [];
      const places = part.map((alert) => {
        values.push(alert.fingerprint ?? '', alert.status ?? '', JSON.stringify(alert), at);
        return `($${values.length - 3}, $${values.length - 2}, $${values.length - 1}, $${values.length})`;
      });
      await client.query(`INSERT INTO alerts (fingerprint, status, body, at) VALUES ${places.join(', ')}`, values);
    }
    for (const body of batch) body.answer();
  }
  busy = false;
}

serveCeiling((body) => {
  waiting.push(body);
  if (busy) return;
  busy = true;
  setImmediate(() => void commit());
});
