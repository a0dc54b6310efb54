import { describe, expect, it } from 'vitest';
import type { NamespaceData } from '../../core/namespace-data.ts';
import { freshData, learnedForMs } from '../../core/namespace-data.ts';
import { addMs } from '../../core/time.ts';
import { lackOf } from './lack.ts';
import type { DataKnowledge } from './lack.ts';

const at = '2026-03-01T12:00:00.000Z';
const server = 'http://prometheus:9090';

function row(namespace: string, found: boolean, changes: Partial<NamespaceData> = {}): NamespaceData {
  return { server, namespace, kind: 'metrics', found, at, ...changes };
}

const known = (changes: Partial<DataKnowledge>): DataKnowledge => ({
  said: {},
  learned: [],
  servers: { metrics: server },
  ...changes,
});
const metrics = { kind: 'metrics', isLearned: true } as const;

describe('whether a tool has no data', () => {
  it.each<[string, readonly string[], Partial<DataKnowledge>, boolean]>([
    ['nothing is known', ['shop'], {}, false],
    ['no namespace is known', [], { learned: [row('shop', false)] }, false],
    ['none was found', ['shop'], { learned: [row('shop', false)] }, true],
    ['some was found', ['shop'], { learned: [row('shop', true)] }, false],
    ['of one of two nothing is known', ['shop', 'web'], { learned: [row('shop', false)] }, false],
    ['of neither of two there is', ['shop', 'web'], { learned: [row('shop', false), row('web', false)] }, true],
    ['another server had none', ['shop'], { learned: [row('shop', false, { server: 'http://other' })] }, false],
    ['there are no logs', ['shop'], { learned: [row('shop', false, { kind: 'logs' })] }, false],
    [
      'people say that there are',
      ['shop'],
      { said: { shop: { metrics: true } }, learned: [row('shop', false)] },
      false,
    ],
    [
      'people say that there are none',
      ['shop'],
      { said: { shop: { metrics: false } }, learned: [row('shop', true)] },
      true,
    ],
    ['people speak of logs', ['shop'], { said: { shop: { logs: false } } }, false],
    ['people speak of another namespace', ['shop'], { said: { web: { metrics: false } } }, false],
    [
      'people and earlier runs',
      ['shop', 'web'],
      { said: { web: { metrics: false } }, learned: [row('shop', false)] },
      true,
    ],
    ['a namespace has a name that JavaScript knows', ['constructor'], {}, false],
  ])('%s', (_name, namespaces, knowledge, isLack) => {
    expect(lackOf(metrics, namespaces, known(knowledge)) !== null).toBe(isLack);
  });

  it('of a tool whose server is not known only people can say', () => {
    const tool = { kind: 'metrics', isLearned: false } as const;
    expect(lackOf(tool, ['shop'], known({ learned: [row('shop', false)] }))).toBeNull();
    expect(lackOf(tool, ['shop'], known({ said: { shop: { metrics: false } } }))).not.toBeNull();
  });

  it('says why, the same to a model however old it is, and since when in the report', () => {
    const [first, second] = ['shop', 'web'].map((name, index) => row(name, false, { at: addMs(at, index * 1000) }));
    if (first === undefined || second === undefined) throw new Error('two rows');
    const lack = lackOf(metrics, ['web', 'shop'], known({ learned: [second, first] }));
    expect(lack?.reason).toBe('there are no metrics of namespaces shop, web: earlier runs found none');
    expect(lack?.gap).toMatchObject({
      what: 'the metrics of namespaces shop, web',
      reason: `${server} had none at 2026-03-01 12:00:00 UTC, so the model had no tool for them`,
      resource: 'metrics',
      namespace: null,
    });
    expect(lackOf(metrics, ['shop'], known({ said: { shop: { metrics: false } } }))?.gap).toMatchObject({
      what: 'the metrics of namespace shop',
      reason: 'spec.capabilities says so, so the model had no tool for them',
      namespace: 'shop',
    });
  });
});

it('what was learned is forgotten after a day, and so is what lies ahead of a clock that was put back', () => {
  const rows = [0, 1 - learnedForMs, -learnedForMs, learnedForMs].map((ms) =>
    row('shop', false, { at: addMs(at, ms) }),
  );
  expect(freshData(rows, Date.parse(at))).toEqual(rows.slice(0, 2));
});
