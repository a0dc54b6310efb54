import { describe, expect, test } from 'vitest';
import { catalogOptions } from '../../test/support/resources.ts';
import type { Catalog } from '../core/catalog.ts';
import { buildCatalog } from './catalog.ts';
import { lintText } from './lint.ts';
import type { ResourceObject } from './object.ts';

/** `day`: a younger one has a larger one. */
function source(place: string, path: string, day = 1, more: object = {}): ResourceObject {
  const [namespace = '', name = ''] = place.split('/');
  const spec = { type: 'webhook', triggerWorkflow: 'triage', config: { path, ...more } };
  return { kind: 'Source', namespace, name, spec, origin: '', createdAt: `2026-01-0${day}T00:00:00Z` };
}

type Served = Readonly<Record<string, readonly string[]>>;

/** `served`: by place, what a status says. */
function build(sources: readonly ResourceObject[], served: Served = {}): Catalog {
  const servedAt = ({ namespace, name }: ResourceObject) => served[`${namespace}/${name}`] ?? [];
  const triage = { kind: 'Workflow', name: 'triage', origin: '', createdAt: null } as const;
  const spec = { steps: [{ name: 'look', type: 'agent', goal: 'why' }] };
  const namespaces = [...new Set(sources.map(({ namespace }) => namespace))];
  const workflows = namespaces.map((namespace) => ({ ...triage, namespace, spec }));
  return buildCatalog([...sources, ...workflows], catalogOptions({ servedAt }));
}

/** `Ready`, and what is told of paths. */
function told(catalog: Catalog, place: string): readonly string[] {
  const [namespace = '', name = ''] = place.split('/');
  return (catalog.source(namespace, name)?.conditions ?? [])
    .filter(({ type }) => type === 'Ready' || type === 'PathConflict')
    .map(({ type, status, reason, message }) =>
      type === 'Ready' ? `${status} ${reason}` : `${type}=${status} ${reason}: ${message}`,
    );
}

const addresses = (catalog: Catalog, place: string) => {
  const [namespace = '', name = ''] = place.split('/');
  return catalog.source(namespace, name)?.addresses;
};

describe('what a Source takes behind its path', () => {
  const ruler = source('blue/ruler', 'ruler');
  const below = 'ruler/api/v2/alerts';
  const taker = source('green/taker', below, 2);

  test('no other namespace can have by declaring it; both say so', () => {
    const both = build([taker, ruler]);
    expect(addresses(both, 'green/taker')).toEqual(['/webhook/@green/ruler/api/v2/alerts']);
    expect(both.sourceByPath(below)).toBeUndefined();
    expect(both.sourceByPath('ruler')?.name).toBe('ruler');
    expect(told(both, 'green/taker')).toEqual([
      'True PathConflict',
      'PathConflict=True PathConflict: /webhook/ruler/api/v2/alerts belongs to Source blue/ruler, whose path is ruler; this one takes what comes to /webhook/@green/ruler/api/v2/alerts alone',
    ]);
    expect(told(both, 'blue/ruler')).toEqual([
      'True Accepted',
      'PathConflict=False PathKept: Source green/taker wants /webhook/ruler/api/v2/alerts as well; this one keeps it',
    ]);
  });

  test('is its own however old the other one is, where it is served', () => {
    const young = source('blue/ruler', 'ruler', 3);
    const served = { 'blue/ruler': ['/webhook/@blue/ruler', '/webhook/ruler'] };
    expect(build([taker, young], served).sourceByPath(below)).toBeUndefined();
    // Who has not the short path has nothing behind it.
    const first = source('red/first', 'ruler', 1, { format: 'grafana' });
    expect(build([taker, young, first]).sourceByPath(below)?.name).toBe('taker');
  });

  test('belongs to whoever declared it before, or is served there; then it has the rest', () => {
    const older = source('green/taker', below, 1);
    const young = source('blue/ruler', 'ruler', 2);
    const paths = ['/webhook/@green/ruler/api/v2/alerts', '/webhook/ruler/api/v2/alerts'];
    const shortPaths = ['/webhook/@blue/ruler', '/webhook/ruler'];
    for (const both of [
      build([young, older]),
      build([ruler, taker], { 'green/taker': paths }),
      build([ruler, taker], { 'green/taker': paths, 'blue/ruler': shortPaths }),
    ]) {
      expect(both.sourceByPath(below)?.name).toBe('taker');
      expect(addresses(both, 'blue/ruler')).toEqual(shortPaths);
      expect(told(both, 'blue/ruler')).toEqual([
        'True PathConflict',
        'PathConflict=True PathConflict: /webhook/ruler/api/v2/alerts belongs to Source green/taker; this one takes what comes to /webhook/@blue/ruler/api/v2/alerts alone',
      ]);
      expect(told(both, 'green/taker')).toEqual([
        'True Accepted',
        'PathConflict=False PathKept: Source blue/ruler wants /webhook/ruler/api/v2/alerts as well; this one keeps it',
      ]);
    }
  });

  test('is a path of its namespace: another Source there that declares it takes nothing', () => {
    const both = build([ruler, source('blue/taker', below, 2)]);
    expect(both.source('blue', 'taker')).toMatchObject({ path: null, addresses: [], ready: false });
    expect(told(both, 'blue/taker')).toEqual([
      'False PathConflict',
      'PathConflict=True PathConflict: path ruler/api/v2/alerts belongs to Source blue/ruler, whose path is ruler; choose another one',
    ]);
    const older = build([source('blue/taker', below, 1), source('blue/ruler', 'ruler', 2)]);
    expect(older.sourceByPath(`@blue/${below}`)?.name).toBe('taker');
    expect(told(older, 'blue/ruler')).toEqual([
      'True PathConflict',
      'PathConflict=True PathConflict: /webhook/@blue/ruler/api/v2/alerts belongs to Source blue/taker; this one takes nothing that comes there; /webhook/ruler/api/v2/alerts belongs to Source blue/taker; this one takes nothing that comes there',
    ]);
  });

  test('is free where its format has nothing there, and below it goes on', () => {
    const grafana = source('blue/ruler', 'ruler', 1, { format: 'grafana' });
    expect(build([grafana, taker]).sourceByPath(below)?.name).toBe('taker');
    // What the loser would take behind its path is nobody's.
    const third = source('red/third', `${below}/api/v2/alerts`, 3);
    expect(build([ruler, taker, third]).sourceByPath(`${below}/api/v2/alerts`)?.name).toBe('third');
    expect(build([grafana, taker, third]).sourceByPath(`${below}/api/v2/alerts`)).toBeUndefined();
  });

  test('lint says it', () => {
    const document = ({ namespace, name, spec }: ResourceObject) =>
      JSON.stringify({
        apiVersion: 'punchingfist.io/v1alpha1',
        kind: 'Source',
        metadata: { namespace, name },
        spec,
      });
    const lint = (...sources: readonly ResourceObject[]) =>
      lintText('a.yaml', sources.map(document).join('\n---\n'))
        .filter(({ field }) => field === 'spec.config.path')
        .map(({ severity, message, next }) => `${severity} ${message} -> ${next ?? ''}`);
    expect(lint(ruler, taker)).toEqual([
      'warning /webhook/ruler/api/v2/alerts belongs to Source blue/ruler (a.yaml:1) -> its senders have to use /webhook/@green/ruler/api/v2/alerts, or choose another path',
    ]);
    expect(lint(ruler, source('blue/taker', below))).toEqual([
      'error path ruler/api/v2/alerts belongs to Source blue/ruler (a.yaml:1) -> choose another path',
    ]);
    expect(lint(ruler, source('blue/a', below))).toEqual([
      'warning /webhook/@blue/ruler/api/v2/alerts belongs to Source blue/a (a.yaml:3) -> choose another path',
      'warning /webhook/ruler/api/v2/alerts belongs to Source blue/a (a.yaml:3) -> choose another path',
    ]);
  });
});

describe('a Source whose spec cannot be used', () => {
  const broken = source('blue/old', 'alerts', 1, { format: 'nosuch' });
  const both = ['/webhook/@blue/alerts', '/webhook/alerts'];
  const ofBlue = { 'blue/old': both };

  test.each([
    ['an older one of another namespace', 'green/other', 0],
    ['one that comes later', 'green/other', 2],
  ])('keeps the paths at which it is served, and takes nothing there: %s does not have them', (_, place, day) => {
    const other = source(place, 'alerts', day);
    const catalog = build([broken, other], ofBlue);
    expect(addresses(catalog, 'blue/old')).toEqual(both);
    expect(catalog.sourceByPath('alerts')).toMatchObject({ name: 'old', path: null });
    expect(catalog.sourceByPath('@blue/alerts')).toMatchObject({ name: 'old', path: null });
    expect(catalog.sourceByPath('@green/alerts')?.name).toBe('other');
    expect(told(catalog, 'blue/old')).toEqual([
      'False InvalidSpec',
      'PathConflict=False PathKept: Source green/other wants /webhook/alerts as well; this one keeps it',
    ]);
    expect(told(catalog, 'green/other')).toEqual([
      'True PathConflict',
      'PathConflict=True PathConflict: /webhook/alerts belongs to Source blue/old; this one takes what comes to /webhook/@green/alerts alone',
    ]);
    const mended = build([source('blue/old', 'alerts'), other], ofBlue);
    expect(mended.sourceByPath('alerts')?.name).toBe('old');
  });

  test('keeps what is taken behind them, and those of its namespace', () => {
    const below = 'alerts/api/v2/alerts';
    const catalog = build([broken, source('green/below', below), source('blue/second', 'alerts', 2)], ofBlue);
    expect(catalog.sourceByPath(below)).toBeUndefined();
    expect(told(catalog, 'blue/second')[0]).toBe('False PathConflict');
    // What another one is served at behind them is its own.
    const served = { ...ofBlue, 'green/below': [`/webhook/@green/${below}`, `/webhook/${below}`] };
    expect(build([broken, source('green/below', below)], served).sourceByPath(below)?.name).toBe('below');
  });

  test('wants no more than that', () => {
    const other = source('green/other', 'alerts', 2);
    expect(build([broken, other]).sourceByPath('alerts')?.name).toBe('other');
    const ownAlone = build([broken, other], { 'blue/old': ['/webhook/@blue/alerts'] });
    expect(addresses(ownAlone, 'blue/old')).toEqual(['/webhook/@blue/alerts']);
    expect(ownAlone.sourceByPath('alerts')?.name).toBe('other');
    expect(told(ownAlone, 'blue/old')).toEqual(['False InvalidSpec']);
    expect(
      addresses(build([broken], { 'blue/old': ['/webhook/@green/alerts', '/webhook/alerts'] }), 'blue/old'),
    ).toEqual([]);
    expect(addresses(build([broken], { 'blue/old': ['/webhook/@blue/alerts'] }), 'blue/old')).toEqual([
      '/webhook/@blue/alerts',
    ]);
  });
});
