import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { KubernetesObject } from '../../core/cluster.ts';
import { finish } from '../../lib/turns.ts';
import { newestTime, observationOf, observationOfNodes } from './dump-clock.ts';

const node = (name: string, heartbeat: string, ready = 'True'): KubernetesObject => ({
  kind: 'Node',
  metadata: { name, creationTimestamp: '2026-01-01T00:00:00Z' },
  status: { conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: heartbeat }] },
});
const event = (name: string, last: string, extra: object = {}): KubernetesObject => ({
  kind: 'Event',
  metadata: { name, namespace: 'shop' },
  lastTimestamp: last,
  ...extra,
});
const newestOf = (objects: readonly KubernetesObject[]): string =>
  [...JSON.stringify(objects).matchAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/g)]
    .map(([time]) => `${time}.000Z`)
    .sort()
    .at(-1) ?? '';
const observe = (...objects: readonly KubernetesObject[]) => observationOf(newestOf(objects), objects);

describe('the clock of a dump', () => {
  test('is its newest time', () => {
    expect(
      observe(
        node('n1', '2026-01-01T11:58:00Z'),
        node('n2', '2026-01-01T12:00:00Z'),
        event('a', '2026-01-01T12:20:00Z'),
      ),
    ).toEqual({ at: '2026-01-01T12:20:00.000Z', ahead: [] });
  });

  test.each([
    ['two nodes', []],
    ['three nodes', [node('n3', '2026-01-01T11:59:00Z')]],
  ])('is not that of one of %s which is far ahead, nor of its pods and events', (_, more) => {
    const pod = {
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'shop' },
      spec: { nodeName: 'n2' },
      status: { startTime: '2026-01-01T14:31:00Z' },
    };
    const late = event('b', '2026-01-01T14:32:00Z', { source: { host: 'n2' } });
    const { at, ahead } = observe(
      node('n1', '2026-01-01T12:00:00Z'),
      ...more,
      node('n2', '2026-01-01T14:30:00Z'),
      event('a', '2026-01-01T12:01:00Z'),
      pod,
      late,
    );
    expect(at).toBe('2026-01-01T12:01:00.000Z');
    expect(ahead.at(-1)).toBe(
      'Is the clock behind node/n2 right? Its times are 149 minutes ahead of all others, and were not taken for the time of the evidence.',
    );
  });

  test('is that of the node with which the rest agrees, where another one is behind', () => {
    expect(
      observe(
        node('n1', '2026-01-01T09:00:00Z'),
        node('n2', '2026-01-01T12:00:00Z'),
        event('a', '2026-01-01T11:40:00Z'),
      ).at,
    ).toBe('2026-01-01T12:00:00.000Z');
  });

  test('is not asked of a node that does not report any more', () => {
    expect(observe(node('n1', '2026-01-01T08:00:00Z', 'Unknown'), node('n2', '2026-01-01T12:00:00Z'))).toEqual({
      at: '2026-01-01T12:00:00.000Z',
      ahead: [],
    });
  });

  test('is not that of one object that is ahead of every node; three of them are right', () => {
    const nodes = [node('n1', '2026-01-01T12:00:00Z'), node('n2', '2026-01-01T11:58:00Z')];
    const late = ['a', 'b', 'c'].map((name) => event(name, '2026-01-02T12:00:00Z'));
    const one = observe(...nodes, ...late.slice(0, 1));
    expect(one.at).toBe('2026-01-01T12:00:00.000Z');
    expect(one.ahead[0]).toContain('event/shop/a');
    expect(observe(...nodes, ...late).at).toBe('2026-01-02T12:00:00.000Z');
  });

  test('odd objects have no report', () => {
    const odd = ['', {}, [null], [{}], null].map((conditions): KubernetesObject => {
      return { kind: 'Node', metadata: { name: 'n9' }, status: { conditions }, source: null };
    });
    const late = event('a', '2026-01-01T20:00:00Z');
    expect(observe(...odd, node('n1', '2026-01-01T12:00:00Z'), late).at).toBe('2026-01-01T12:00:00.000Z');
  });

  test('without reports of nodes only a day is far', () => {
    const rest = ['a', 'b', 'c'].map((name) => event(name, '2026-01-01T12:00:00Z'));
    expect(observe(...rest, event('d', '2026-01-01T20:00:00Z')).at).toBe('2026-01-01T20:00:00.000Z');
    expect(observe(...rest, event('d', '2026-01-09T20:00:00Z')).at).toBe('2026-01-01T12:00:00.000Z');
  });
});

describe('what is found without parsing', () => {
  test.each(['JSON', 'YAML'] as const)('the newest time of a file of %s', (format) => {
    const times = ['2026-01-01T12:00:00Z', '2026-01-01T12:20:00.5Z', '2026-01-01T11:00:00Z'];
    const items = times.map((time, at) => ({
      metadata: { name: `e${at}` },
      lastTimestamp: time,
      note: 'startedAt: "2027',
    }));
    const text = format === 'JSON' ? JSON.stringify({ items }, null, 2) : stringify({ items });
    const padded = (before: number) => Buffer.from((format === 'JSON' ? ' ' : '#\n').repeat(before) + text);
    expect(finish(newestTime(padded(0), format))).toBe('2026-01-01T12:20:00.500Z');
    // A field that stands where two parts meet.
    for (const before of [524_200, 524_238, 1_048_476])
      expect(finish(newestTime(padded(before), format))).toBe('2026-01-01T12:20:00.500Z');
    expect(finish(newestTime(Buffer.from('{}'), format))).toBe('');
  });

  test('nodes that agree with it are enough; else all objects have to be looked at', () => {
    const nodes = [node('n1', '2026-01-01T12:00:00Z'), node('n2', '2026-01-01T11:58:00Z')];
    const at = '2026-01-01T12:20:00.000Z';
    expect(observationOfNodes(at, nodes)).toEqual({ at, ahead: [] });
    expect(observationOfNodes('2026-01-01T13:20:00.000Z', nodes)).toBeNull();
    expect(observationOfNodes(at, [...nodes, node('n3', '2026-01-01T14:00:00Z')])).toBeNull();
    expect(observationOfNodes(at, [])).toBeNull();
  });
});
