import { afterEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { createFakeClock } from '../../../test/support/clock.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { changes, page, pod, startWatchServer, status } from '../../../test/support/watch-server.ts';
import type { Log } from '../../core/ports.ts';
import { createInformers, keyOf } from './informer.ts';
import type { InformerChange } from './informer.ts';
import { kinds } from '../kinds/kinds.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function world() {
  const server = await startWatchServer(cleanup);
  const clock = createFakeClock();
  const logged: string[] = [];
  const note = (_fields: object, message: string): void => void logged.push(message);
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  const informers = createInformers(server.client, { clock, random: () => 0, log });
  cleanup.defer(() => informers.stop());
  return { server, clock, logged, informers };
}

const pods = { kind: kinds.pod, namespaces: ['shop'] } as const;

function record(changes: InformerChange[]) {
  return (change: InformerChange): void => void changes.push(change);
}

const short = (list: readonly InformerChange[]): readonly string[] =>
  list.map(({ type, key, object }) => `${type} ${key} ${object.metadata.resourceVersion}`);

describe('an informer', () => {
  test('has what is there, hears of changes with what was before, and keeps nothing that nobody reads', async () => {
    const { server, informers } = await world();
    const informer = informers.of(pods);
    const heard: InformerChange[] = [];
    informer.onChange(record(heard));
    expect(informer.synced).toBe(false);
    const noise = {
      managedFields: [{ manager: 'kubelet', fieldsV1: {} }],
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', team: 'a' },
    };
    server.answer(
      page([pod('a', '1', noise)], '9', 'next'),
      page([pod('b', '2')], '9'),
      changes([
        ['ADDED', pod('c', '10')],
        ['MODIFIED', pod('a', '11')],
        ['DELETED', pod('b', '12')],
      ]),
    );
    await informer.whenSynced();
    await waitFor('the changes', () => heard.length === 5);
    expect(short(heard)).toEqual([
      'added shop/a 1',
      'added shop/b 2',
      'added shop/c 10',
      'updated shop/a 11',
      'deleted shop/b 12',
    ]);
    expect(heard[0]?.object.metadata).toEqual({
      name: 'a',
      namespace: 'shop',
      uid: 'uid-a',
      resourceVersion: '1',
      annotations: { team: 'a' },
    });
    expect(heard[3]).toMatchObject({ before: { metadata: { resourceVersion: '1' } } });
    expect(informer.list().map(keyOf).sort()).toEqual(['shop/a', 'shop/c']);
    expect(informer.get('shop/a')?.kind).toBe('Pod');
    expect(informer.size).toBe(2);
    const later: InformerChange[] = [];
    informer.onChange(record(later))();
    expect(short(later)).toEqual(['added shop/a 11', 'added shop/c 10']);
  });

  test('one watch for all that ask for the same; a listener that throws harms nobody', async () => {
    const { server, informers, logged } = await world();
    const informer = informers.of(pods);
    expect(informers.of({ kind: kinds.pod, namespaces: ['shop', 'shop'] })).toBe(informer);
    expect(informers.of({ kind: kinds.job, namespaces: ['shop'] })).not.toBe(informer);
    const heard: InformerChange[] = [];
    informer.onChange(() => {
      throw new Error('a defect');
    });
    informer.onChange(record(heard));
    server.answer(page([pod('a', '1')], '9'), page([], '9'), changes([]), changes([]));
    await waitFor('all', () => heard.length === 1);
    await waitFor('both watches', () => server.asked.length === 4);
    expect(server.asked.filter(({ path }) => path === '/api/v1/namespaces/shop/pods')).toHaveLength(2);
    expect(logged).toEqual(['a listener failed']);
  });

  test('what was missed is found by the next list: gone, changed, made anew under the same name', async () => {
    const { server, clock, informers } = await world();
    const informer = informers.of(pods);
    const heard: InformerChange[] = [];
    server.answer(page([pod('same', '1'), pod('gone', '2'), pod('changed', '3'), pod('anew', '4')], '9'));
    server.answer(status(410));
    await informer.whenSynced();
    informer.onChange(record(heard));
    heard.length = 0;
    await waitFor('the second request', () => server.asked.length === 2);
    await waitFor('the pause', () => clock.sleeping() > 0);
    await clock.advance(2000);
    server.answer(
      page([pod('same', '1'), pod('changed', '13'), pod('anew', '14', { uid: 'other' })], '20'),
      changes([]),
    );
    await waitFor('the list', () => heard.length === 4);
    expect(short(heard)).toEqual([
      'updated shop/changed 13',
      'deleted shop/anew 4',
      'added shop/anew 14',
      'deleted shop/gone 2',
    ]);
    expect(informer.synced).toBe(true);
  });

  test('a list that begins again takes nothing away that it has not had to its end', async () => {
    const { server, informers } = await world();
    const informer = informers.of(pods);
    const heard: InformerChange[] = [];
    informer.onChange(record(heard));
    server.answer(page([pod('a', '1')], '5', 'next'), status(410), page([pod('b', '2')], '9'), changes([]));
    await informer.whenSynced();
    expect(short(heard)).toEqual(['added shop/a 1', 'added shop/b 2', 'deleted shop/a 1']);
  });

  test('several namespaces are one store, synced when each is', async () => {
    const { server, informers } = await world();
    const informer = informers.of({ kind: kinds.pod, namespaces: ['shop', 'bank'] });
    await waitFor('two lists', () => server.asked.length === 2);
    const of = (namespace: string) => page([pod('a', '1', { namespace })], '9');
    const places = server.asked.map(({ path }) => (path.includes('/bank/') ? 'bank' : 'shop'));
    server.answer(of(places[0] ?? ''));
    await waitFor('one', () => informer.size === 1);
    expect(informer.synced).toBe(false);
    await waitFor('its watch', () => server.asked.length === 3);
    server.answer(of(places[1] ?? ''), changes([]), changes([]));
    await waitFor('both', () => informer.size === 2);
    await informer.whenSynced();
    expect(informer.list().map(keyOf).sort()).toEqual(['bank/a', 'shop/a']);
  });

  test('says why it does not get on, and goes on', async () => {
    const { server, clock, informers, logged } = await world();
    const informer = informers.of(pods);
    const refused = status(403, 'User "x" cannot list resource "pods"');
    server.answer(refused, refused);
    const trouble = await waitFor('trouble', () => informer.trouble);
    expect(trouble).toMatchObject({
      code: 'Forbidden',
      next: 'allow it: a Role in namespace shop with the rule {apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"]}',
    });
    expect(logged).toEqual(['objects could not be watched; it goes on']);
    await waitFor('the pause', () => clock.sleeping() > 0);
    server.answer(page([], '9'), changes([]));
    await clock.advance(2000);
    await informer.whenSynced();
    await waitFor('the watch', () => informer.trouble === null);
  });

  test('whoever waits may give up', async () => {
    const { informers } = await world();
    const giveUp = new AbortController();
    const waiting = informers.of(pods).whenSynced(giveUp.signal);
    giveUp.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(informers.of(pods).whenSynced(AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  });

  test('Secrets are not watched', async () => {
    const { informers } = await world();
    expect(() => informers.of({ kind: kinds.secret, namespaces: null })).toThrow('secrets are not watched');
  });
});
