import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mostModelChecks } from '../../src/core/model-check.ts';
import type { ModelCheckRecord } from '../../src/core/model-check.ts';
import { mostNamespaceData } from '../../src/core/namespace-data.ts';
import type { NamespaceData } from '../../src/core/namespace-data.ts';
import { mostVerdicts } from '../../src/core/verdict.ts';
import type { VerdictRecord } from '../../src/core/verdict.ts';
import { addMs } from '../../src/core/time.ts';
import { createFakeClock } from '../support/clock.ts';
import { modelCheckFixture, someTime, verdictFixture } from '../support/rows.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

describe.each(contractStores)('what is learned, on $name', ({ open }) => {
  let opened: ContractStore;
  beforeEach(async () => {
    opened = await open({ clock: createFakeClock(someTime) });
  });
  afterEach(() => opened.close());

  const reader = () => opened.store.read.learned;

  async function say(changes: Partial<VerdictRecord> = {}): Promise<VerdictRecord> {
    const verdict = verdictFixture(changes);
    await opened.store.transaction('verdict', (tx) => tx.learned.insertVerdict(verdict));
    return verdict;
  }

  test('verdicts come back as they went in, those of a run in their order', async () => {
    const first = await say({ cause: 'a "quoted" ü', note: 'n', by: 'ada' });
    const second = await say({ sequence: 2, verdict: 'refuted' });
    const bare = await say({
      runId: 'r2',
      judged: { object: null, cause: null, at: someTime },
      alertName: null,
      fingerprint: null,
      objectNamespace: null,
    });
    await say({ runId: 'r3' });
    expect(await reader().verdictsOf(['r2', 'r1', 'absent'])).toEqual([first, second, bare]);
    expect(await reader().verdictsOf([])).toEqual([]);
  });

  test('those on alerts of a name in a namespace come newest first, bounded', async () => {
    const later = (minutes: number) => addMs(someTime, minutes * 60_000);
    const old = await say({ runId: 'old' });
    const newer = await say({ runId: 'new', at: later(2) });
    const newest = await say({ runId: 'new', sequence: 2, at: later(2), verdict: 'withdrawn' });
    await say({ runId: 'elsewhere', namespace: 'other' });
    await say({ runId: 'other', alertName: 'Other' });
    await say({ runId: 'none', alertName: null });
    const about = { namespace: 'default', alertName: 'TestAlert' };
    expect(await reader().verdictsOnAlerts(about, 10)).toEqual([newest, newer, old]);
    expect(await reader().verdictsOnAlerts(about, 2)).toEqual([newest, newer]);
  });

  test('of a run only the newest few are kept', async () => {
    await say({ runId: 'r2' });
    for (let sequence = 1; sequence <= mostVerdicts + 2; sequence++) await say({ sequence });
    const kept = await reader().verdictsOf(['r1', 'r2']);
    expect(kept.map(({ runId, sequence }) => `${runId} ${sequence}`)).toEqual([
      ...Array.from({ length: mostVerdicts }, (_, index) => `r1 ${index + 3}`),
      'r2 1',
    ]);
  });

  test('the last check of a model holds, and the newest few hundred are kept', async () => {
    const save = (changes: Partial<ModelCheckRecord>) =>
      opened.store.transaction('model-check', (tx) => tx.learned.saveModelCheck(modelCheckFixture(changes)));
    expect(await reader().lastModelCheck()).toBeNull();
    await save({});
    expect(await reader().lastModelCheck()).toBe(someTime);
    const later = modelCheckFixture({
      result: 'fit',
      endpoint: null,
      message: 'ü',
      checks: [],
      at: addMs(someTime, 1000),
    });
    await save(later);
    await save({ hash: 'h2' });
    expect(await reader().modelChecks(['h1', 'absent'])).toEqual([later]);
    expect(await reader().modelChecks([])).toEqual([]);
    for (let n = 0; n < mostModelChecks; n++) await save({ hash: `n${n}`, at: addMs(someTime, 2000) });
    expect(await reader().modelChecks(['h1', 'h2', 'n0', `n${mostModelChecks - 1}`])).toHaveLength(2);
  });

  test('what servers answered last holds, of the newest rows', async () => {
    const row = (namespace: string, changes: Partial<NamespaceData> = {}): NamespaceData => ({
      server: 'http://prometheus:9090',
      namespace,
      kind: 'metrics',
      found: true,
      at: someTime,
      ...changes,
    });
    const save = (...rows: readonly NamespaceData[]) =>
      opened.store.transaction('namespace-data', (tx) => tx.learned.saveNamespaceData(rows));
    await save();
    await save(
      row('shop'),
      row('billing', { found: false }),
      row('shop', { kind: 'logs', server: 'http://loki:3100' }),
    );
    const later = row('shop', { found: false, at: addMs(someTime, 1000) });
    await save(later);
    expect(await reader().namespaceData(['http://prometheus:9090'])).toEqual([row('billing', { found: false }), later]);
    expect(await reader().namespaceData(['http://loki:3100', 'http://prometheus:9090'])).toHaveLength(3);
    expect(await reader().namespaceData([])).toEqual([]);
    const many = Array.from({ length: mostNamespaceData }, (_, n) => row(`n${n}`, { at: addMs(someTime, 2000) }));
    await save(...many);
    expect(await reader().namespaceData(['http://loki:3100'])).toEqual([]);
    expect(await reader().namespaceData(['http://prometheus:9090'])).toHaveLength(mostNamespaceData);
  });
});
