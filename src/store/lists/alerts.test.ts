import { afterAll, beforeAll, expect, it } from 'vitest';
import { alertFixture } from '../../../test/support/rows.ts';
import { sha256Hex } from '../../lib/hash.ts';
import { parseMatchers } from '../../lib/matchers.ts';
import { openSqliteStore } from '../sqlite/store.ts';

const store = openSqliteStore({ path: ':memory:' });
afterAll(() => store.close());

/** Texts of x and y without an order, each another one. */
const label = (n: number) =>
  Array.from({ length: 4 }, (_, part) => sha256Hex(`${n} ${part}`))
    .join('')
    .replaceAll(/./g, (digit) => (digit < '8' ? 'x' : 'y'))
    .slice(0, 249);
const rows = Array.from({ length: 60 }, (_, n) => alertFixture({ fingerprint: `f${n}`, labels: { x: label(n) } }));
beforeAll(() => store.transaction('intake', (tx) => tx.alerts.insertAll(rows)));

it('lets others have their turn between rows whose expressions take long', async () => {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  const matchers = parseMatchers('x=~"(x|y|xy|yx)*x(x|y){0,40}(x|y)"');
  setImmediate(count);
  await store.read.lists.alerts({ matchers, limit: 60 });
  isOver = true;
  // Turns are of 10 ms; a single row may take longer.
  expect(turns).toBeGreaterThan(5);
});
