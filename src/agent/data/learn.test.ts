import { describe, expect, it } from 'vitest';
import { memoryMetrics } from '../../../test/support/memory-metrics.ts';
import type { NamespaceData } from '../../core/namespace-data.ts';
import type { LogRange, LogReader, LogStream } from '../../core/readers.ts';
import { addMs } from '../../core/time.ts';
import { learnedData } from './learn.ts';
import { createDataObserver } from './observe.ts';

const now = '2026-03-01T12:00:00.000Z';
const { signal } = new AbortController();
const series = (labels: Readonly<Record<string, string>>) => [{ labels, value: () => 1 }];

/** Streams by expression; any other one has none. */
function memoryLogs(streams: Readonly<Record<string, readonly LogStream[] | Error>>): LogReader & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    description: 'memory',
    url: 'http://loki:3100',
    async query({ expression }: LogRange) {
      asked.push(expression);
      const found = streams[expression] ?? [];
      if (found instanceof Error) throw found;
      return { streams: found };
    },
  };
}

type Expressions = Parameters<typeof memoryMetrics>[0];

/** What is learned of questions at a Prometheus that answers so, in words. */
async function learnedOf(
  expressions: Expressions,
  questions: readonly string[],
  known: readonly NamespaceData[] = [],
): Promise<readonly string[]> {
  const metrics = memoryMetrics(expressions);
  const observer = createDataObserver();
  const observed = observer.metrics(metrics);
  for (const question of questions) await observed.query(question, now, signal).catch(() => undefined);
  const rows = await learnedData(observer, { metrics, logs: null }, known, now, signal);
  expect(rows.every(({ server, at }) => server === metrics.url && at === now)).toBe(true);
  return rows.map(({ namespace, kind, found }) => `${namespace} ${kind} ${found}`);
}

const up = 'up{namespace="shop"}';
const refused = new Error('refused');

/** The questions after which there is nothing. */
const anything = [
  '{namespace="shop"}',
  '{exported_namespace="shop"}',
  '{kubernetes_namespace="shop"}',
  '{kubernetes_namespace_name="shop"}',
  '{k8s_namespace_name="shop"}',
];

describe('what answers of metrics say', () => {
  it.each<[string, Expressions, readonly string[], readonly string[]]>([
    [
      'series have the namespace that they are of',
      { up: series({ namespace: 'shop' }) },
      ['up'],
      ['shop metrics true'],
    ],
    ['or another label of it', { up: series({ kubernetes_namespace: 'shop' }) }, ['up'], ['shop metrics true']],
    [
      'a sum over one namespace is of that',
      { 'sum(up{namespace="shop"})': series({}) },
      ['sum(up{namespace="shop"})'],
      ['shop metrics true'],
    ],
    [
      'a sum over two says nothing',
      {
        'sum(up{namespace=~"shop|web"})': series({}),
        '{namespace="shop"}': series({}),
        '{namespace="web"}': series({}),
      },
      ['sum(up{namespace=~"shop|web"})'],
      ['shop metrics true', 'web metrics true'],
    ],
    [
      'one question that found nothing proves nothing',
      { '{namespace="shop"}': series({}) },
      [up],
      ['shop metrics true'],
    ],
    ...anything.map((selector): [string, Expressions, readonly string[], readonly string[]] => [
      `nor where ${selector} finds something`,
      { [selector]: series({}) },
      [up],
      ['shop metrics true'],
    ]),
    ['that nothing at all is there proves it', {}, [up], ['shop metrics false']],
    [
      'what another question found counts',
      { 'x{namespace="shop"}': series({ namespace: 'shop' }) },
      [up, 'x{namespace="shop"}'],
      ['shop metrics true'],
    ],
    ['an error is no answer', { [up]: refused }, [up], []],
    ['nor is one to the question for anything', { '{namespace="shop"}': refused }, [up], []],
    [
      'absent() answers where there is nothing',
      { 'absent(up{namespace="shop"})': series({ namespace: 'shop' }) },
      ['absent(up{namespace="shop"})'],
      [],
    ],
    ['what names no namespace says nothing', {}, ['up'], []],
    ['what is no name of a namespace is not kept', { up: series({ namespace: 'Sh op' }) }, ['up'], []],
    ['what is not understood says nothing', {}, ['up{'], []],
  ])('%s', async (_name, expressions, questions, expected) => {
    expect(await learnedOf(expressions, questions)).toEqual(expected);
  });

  it('what is known and not old is neither asked nor written again', async () => {
    const row = (found: boolean, ago = 0): NamespaceData => ({
      server: 'http://prometheus:9090',
      namespace: 'shop',
      kind: 'metrics',
      found,
      at: addMs(now, -ago),
    });
    const there = { [up]: series({ namespace: 'shop' }) };
    expect(await learnedOf({ '{namespace="shop"}': refused }, [up], [row(true)])).toEqual([]);
    expect(await learnedOf({}, [up], [row(false)])).toEqual([]);
    expect(await learnedOf(there, [up], [row(true)])).toEqual([]);
    expect(await learnedOf(there, [up], [row(true, 2 * 3_600_000)])).toEqual(['shop metrics true']);
    expect(await learnedOf(there, [up], [row(false)])).toEqual(['shop metrics true']);
  });

  it('of many namespaces a few are asked for', async () => {
    const questions = Array.from({ length: 9 }, (_, n) => `up{namespace="n${n}"}`);
    expect(await learnedOf({}, questions)).toHaveLength(5);
  });
});

describe('what answers of logs say', () => {
  const stream = (labels: Readonly<Record<string, string>>): LogStream => ({ labels, lines: [[1, 'x']] });
  const learn = async (logs: ReturnType<typeof memoryLogs>, ...questions: readonly string[]) => {
    const observer = createDataObserver();
    const observed = observer.logs(logs);
    const range = { from: addMs(now, -1000), to: now, limit: 10 };
    for (const expression of questions) await observed.query({ expression, ...range }, signal).catch(() => undefined);
    const rows = await learnedData(observer, { metrics: null, logs }, [], now, signal);
    return rows.map(({ server, namespace, kind, found }) => `${server} ${namespace} ${kind} ${found}`);
  };
  const question = '{namespace="shop"} |= "error"';

  it('lines are data, and none at all in a day are none', async () => {
    expect(await learn(memoryLogs({ [question]: [stream({ namespace: 'shop' })] }), question)).toEqual([
      'http://loki:3100 shop logs true',
    ]);
    expect(await learn(memoryLogs({ '{namespace="shop"}': [stream({})] }), question)).toEqual([
      'http://loki:3100 shop logs true',
    ]);
    for (const selector of anything)
      expect(await learn(memoryLogs({ [selector]: [stream({})] }), question)).toEqual([
        'http://loki:3100 shop logs true',
      ]);
    const none = memoryLogs({});
    expect(await learn(none, question)).toEqual(['http://loki:3100 shop logs false']);
    expect(none.asked).toEqual([question, ...anything]);
  });

  it('an error says nothing', async () => {
    expect(await learn(memoryLogs({ [question]: refused }), question)).toEqual([]);
    expect(await learn(memoryLogs({ '{namespace="shop"}': refused }), question)).toEqual([]);
  });
});
