import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import { planOf, step } from '../../test/support/engine.ts';
import type { NamespaceData } from '../core/namespace-data.ts';
import type { PlanRuntime } from '../core/plan.ts';
import { createKnownData, knownNow } from './known-data.ts';

const at = '2026-03-01T12:00:00.000Z';
const servers = { metrics: 'http://prometheus:9090', logs: 'http://loki:3100' };

function row(changes: Partial<NamespaceData> = {}): NamespaceData {
  return { server: servers.metrics, namespace: 'shop', kind: 'metrics', found: false, at, ...changes };
}

describe('what is known of where there are data', () => {
  it('is what people say, then what was learned of the server that is read, by namespace and kind', () => {
    const said = { web: { traces: false }, shop: { metrics: true } };
    const rows = [
      row(),
      row({ kind: 'logs', server: servers.logs }),
      row({ namespace: 'billing' }),
      row({ namespace: 'other', server: 'http://another' }),
    ];
    expect(knownNow(said, rows, servers)).toEqual([
      { namespace: 'billing', kind: 'metrics', found: false, by: 'learned', server: servers.metrics, at },
      { namespace: 'shop', kind: 'metrics', found: true, by: 'spec', server: null, at: null },
      { namespace: 'shop', kind: 'logs', found: false, by: 'learned', server: servers.logs, at },
      { namespace: 'web', kind: 'traces', found: false, by: 'spec', server: null, at: null },
    ]);
  });

  const known = (runtime: Partial<PlanRuntime>, type = 'agent', now = at) => {
    const asked: (readonly string[])[] = [];
    const data = createKnownData({
      learned: {
        async namespaceData(of) {
          asked.push(of);
          return [row()];
        },
      },
      clock: createFakeClock(now),
      readers: { prometheus: { url: `${servers.metrics}/`, token: null }, loki: null },
    });
    const plan = planOf([step('look', { type })]);
    return { asked, rows: data.of({ ...plan, runtime: { ...plan.runtime, ...runtime } }) };
  };

  it('is looked up at the address of the Workflow, else of the program; what is old is not known', async () => {
    const own = known({});
    expect(await own.rows).toHaveLength(1);
    expect(own.asked).toEqual([[servers.metrics]]);
    const other = known({
      prometheus: { url: 'http://another', tokenSecret: null },
      loki: { url: 'x', tokenSecret: null },
    });
    expect(await other.rows).toEqual([]);
    expect(other.asked).toEqual([['http://another']]);
    expect(await known({}, 'agent', '2026-03-02T12:00:00.000Z').rows).toEqual([]);
    expect(await known({}, 'cli').rows).toEqual([]);
  });
});
