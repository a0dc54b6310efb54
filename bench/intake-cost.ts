import { statSync } from 'node:fs';
import type { AlertItem } from '../src/core/alert.ts';
import { systemClock } from '../src/lib/clock.ts';
import { openPostgresStore } from '../src/store/postgres/store.ts';
import { openSqliteStore } from '../src/store/sqlite/store.ts';
import { createWorld, firing } from '../test/support/intake.ts';
import { isOfWork, listenToStatements } from '../test/support/statements.ts';
import { alertmanagerBody } from './bodies.ts';
import type { DatabaseKind, World } from './world.ts';

const batches = 50;
const alertsPerBatch = 10;
/** Of SQLite's log: a page and its header. */
const frameBytes = 4096 + 24;
const pageBytes = 4096;

/** What new alerts cost the database, counted: notifications of ten alerts with a run each, one after the other. */
export async function measureIntakeCost(world: World, kind: DatabaseKind): Promise<object> {
  const database = await world.database(kind);
  const store =
    kind === 'SQLite'
      ? openSqliteStore({ path: database })
      : await openPostgresStore({ url: database, clock: systemClock(), onError: () => undefined });
  const intake = createWorld(store);
  const logBytes = async (): Promise<number> => {
    if (kind === 'SQLite') return (statSync(`${database}-wal`).size / frameBytes) * pageBytes;
    const [row] = await world.query(database, "SELECT pg_current_wal_lsn() - '0/0' AS bytes");
    return Number(row?.['bytes']);
  };
  const heard: string[] = [];
  try {
    await intake.take(0, itemsOf(batches));
    const before = await logBytes();
    const stop = listenToStatements((text) => heard.push(text));
    for (let batch = 0; batch < batches; batch++) await intake.take(0, itemsOf(batch));
    stop();
    const bytes = (await logBytes()) - before;
    return {
      database: kind,
      batches,
      'alerts/batch': alertsPerBatch,
      'statements/batch': (heard.filter(isOfWork).length / batches).toFixed(1),
      'commits/batch': (heard.filter((text) => text === 'COMMIT').length / batches).toFixed(1),
      'log pages/new alert': (bytes / pageBytes / (batches * alertsPerBatch)).toFixed(1),
    };
  } finally {
    await store.close();
  }
}

/** The alerts of a body of the benchmarks. */
function itemsOf(seed: number): readonly AlertItem[] {
  const { alerts } = JSON.parse(alertmanagerBody(seed, alertsPerBatch)) as {
    readonly alerts: readonly (Pick<AlertItem, 'fingerprint' | 'labels'> & {
      readonly annotations: { readonly summary: string; readonly description: string };
    })[];
  };
  return alerts.map(({ fingerprint, labels, annotations }) =>
    firing({ fingerprint, externalId: fingerprint, labels, annotations, ...annotations }),
  );
}
