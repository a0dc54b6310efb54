import { afterEach, describe, expect, test } from 'vitest';
import type { Kysely } from 'kysely';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { contractStores } from '../../../test/contract/stores.ts';
import type { ContractStore } from '../../../test/contract/stores.ts';
import { deliveryFixture } from '../../../test/support/deliveries.ts';
import { addMs } from '../../core/time.ts';
import { createPlaces, roomOf, waitingOf } from './places.ts';
import { noHints } from '../commit/hints.ts';
import { createStatementNames, executeOn, openPool, queryOn } from '../postgres/connection.ts';
import type { Database } from '../tables/all.ts';
import { openDatabase } from '../sqlite/open.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const now = '2026-01-01T00:00:00.000Z';

/** A connection that notes the text of its statements. */
function recording({ name, database }: { name: string; database: string }, texts: Set<string>): Kysely<Database> {
  if (name === 'SQLite') {
    const connection = openDatabase(database);
    cleanup.defer(() => connection.close());
    const { raw, query } = connection;
    const prepare = raw.prepare.bind(raw);
    raw.prepare = (text) => {
      texts.add(text);
      return prepare(text);
    };
    return query;
  }
  const pool = openPool(database, 1, () => undefined);
  cleanup.defer(() => pool.end());
  const execute = executeOn(pool);
  return queryOn((text, values, statement) => {
    texts.add(text);
    return execute(text, values, statement);
  }, createStatementNames());
}

async function planOf(opened: ContractStore, name: string, text: string): Promise<string> {
  if (name === 'SQLite') {
    const rows = await opened.execute(`EXPLAIN QUERY PLAN ${text}`, text.match(/\?/g)?.map(() => '1') ?? []);
    return rows.map((row) => String(row['detail'])).join('\n');
  }
  const rows = await opened.execute(`EXPLAIN (GENERIC_PLAN) ${text}`);
  return rows.map((row) => String(row['QUERY PLAN'])).join('\n');
}

describe.each(contractStores)('places on $name', (database) => {
  test('every statement finds its rows by an index, however many are pending', async () => {
    const opened = await database.open();
    cleanup.defer(() => opened.close());
    const many = Array.from({ length: 20_000 }, (_, index) => {
      const status = index % 2 === 0 ? 'pending' : 'sent';
      const wakeAt = status === 'sent' ? null : addMs(now, index);
      const waitingFor = index % 4 === 0 ? 'place' : null;
      return deliveryFixture({
        id: `d${index}`,
        alertId: `a${index % 500}`,
        sinkName: index % 10 === 0 ? 'out' : `s${index % 10}`,
        status,
        wakeAt,
        waitingFor,
      });
    });
    await opened.store.transaction('run-end', (tx) => tx.deliveries.insert(many));
    await opened.execute('ANALYZE');
    const texts = new Set<string>();
    const places = createPlaces(recording({ name: database.name, database: opened.database }, texts), noHints());
    const sink = { namespace: 'shop', sinkName: 'out' };
    const limits = { maxConcurrent: 2, ratePerMinute: null };
    const delivery = waitingOf(deliveryFixture({ id: 'd0', alertId: 'a0' }));
    await places.isDue('d0', now);
    const last = await places.lock(sink);
    const room = roomOf(limits, now, await places.leases(delivery, now), last);
    await places.noteClaim(sink, now);
    await places.hasEarlier(delivery);
    await places.waitFor('order', delivery, now);
    await places.waitForPlace(sink, now);
    await places.wakeNext(sink, 'a0', now);
    await places.wakeWaiters(sink, now, limits, room);
    const asked = [...texts].filter((text) => text.includes('sink_outputs'));
    expect(asked).toHaveLength(7);
    let all = '';
    for (const text of asked) {
      // Takes 500 rows at once: PostgreSQL weighs that against reading a small table whole.
      if (database.name === 'PostgreSQL' && text.includes('limit 500')) continue;
      const plan = await planOf(opened, database.name, text);
      expect(plan).not.toMatch(/\bSCAN (?:sink_outputs|due)\b|Seq Scan|TEMP B-TREE|\bSort\b/);
      all += plan;
    }
    for (const index of ['order', 'queue', 'held']) expect(all).toContain(`sink_outputs_${index}`);
    if (database.name === 'SQLite') expect(all).toContain('sink_outputs_due_by_sink');
  });
});
