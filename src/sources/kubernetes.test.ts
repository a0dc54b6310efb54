import { beforeEach, describe, expect, test } from 'vitest';
import { contractStores } from '../../test/contract/stores.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import type { FakeClock } from '../../test/support/clock.ts';
import { createMemoryWatch, listOf } from '../../test/support/memory-watch.ts';
import type { MemoryWatch } from '../../test/support/memory-watch.ts';
import { compiled, createSourceWorld } from '../../test/support/sources.ts';
import type { SourceWorld } from '../../test/support/sources.ts';
import { waitFor } from '../../test/support/wait.ts';
import { AppError } from '../core/errors.ts';
import type { CatalogSource } from '../core/catalog.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import { addMs } from '../core/time.ts';
import type { WatchSignal } from '../core/watch.ts';
import { walledWatch } from '../app/walls.ts';
import { kubernetes } from './kubernetes.ts';

const minuteMs = 60_000;
const start = '2026-03-01T12:00:00.000Z';

/** So many minutes after the start. */
function at(minutes: number): string {
  return addMs(start, minutes * minuteMs);
}

interface EventChanges {
  readonly name?: string;
  readonly reason?: string;
  readonly pod?: string;
  readonly message?: string;
  readonly count?: number;
  readonly first?: string;
  readonly last?: string;
}

function warning(changes: EventChanges = {}): KubernetesObject {
  const { reason = 'BackOff', pod = 'web-1', count = 1, first = at(0), last = first, message = 'Back-off' } = changes;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: changes.name ?? `${pod}.${reason}`, namespace: 'shop', creationTimestamp: first },
    involvedObject: { kind: 'Pod', namespace: 'shop', name: pod },
    type: 'Warning',
    reason,
    message,
    count,
    firstTimestamp: first,
    lastTimestamp: last,
  };
}

function deployment(name: string, generation: number, more: object = {}): KubernetesObject {
  const metadata = { name, namespace: 'shop', uid: `uid-${name}`, generation, creationTimestamp: at(-600), ...more };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata };
}

describe('the config', () => {
  test.each([
    ['event', { resource: 'events', event: 'added' }],
    ['event', { resource: 'pods', event: 'Warning' }],
    ['quietFor', { resource: 'events', event: 'Warning', quietFor: '10s' }],
    ['labelSelector', { resource: 'events', event: 'Warning', labelSelector: 'app=x' }],
  ])('wrong %s: %j', (field, config) => {
    expect(kubernetes.config.safeParse(config).error?.issues.map(({ path }) => path.join('.'))).toEqual([field]);
  });

  test('matchers that do not parse', () => {
    const accepted = kubernetes.config.parse({ resource: 'events', event: 'Warning', matchers: 'a==' });
    expect(() => kubernetes.compile(accepted)).toThrow(
      expect.objectContaining({ code: 'InvalidResource', field: 'matchers', reason: 'Matchers' }),
    );
  });

  test.each([
    { resource: 'secrets' },
    { resource: 'Pod' },
    { resource: 'a/b' },
    { resource: 'secrets.v1' },
    { event: 'failed' },
    { namespace: '../x' },
  ])('%j does not fit the schema', (changes) => {
    expect(kubernetes.config.safeParse({ resource: 'pods', event: 'added', ...changes }).success).toBe(false);
  });
});

describe.each(contractStores)('a kubernetes Source on $name', ({ open }) => {
  let world: SourceWorld;
  let clock: FakeClock;
  let cluster: MemoryWatch;
  beforeEach(async () => {
    clock = createFakeClock(start);
    const opened = await open({ clock });
    world = createSourceWorld(opened.store, clock, [kubernetes]);
    cluster = createMemoryWatch();
    return async () => {
      await world.stop();
      await opened.close();
    };
  });

  function source(config: object = {}): CatalogSource {
    return compiled(kubernetes, { resource: 'events', event: 'Warning', ...config }, { name: 'cluster' });
  }

  async function begin(config: object = {}): Promise<void> {
    world.sources = [source(config)];
    await restart();
  }

  /** The process ends and another one begins. */
  async function restart(): Promise<void> {
    await world.stop();
    cluster = createMemoryWatch();
    world.start({ watchOf: () => cluster, isAlone: true });
    await clock.advance(0);
  }

  const send = async (...signals: readonly WatchSignal[]) => {
    cluster.send(...signals);
    await clock.advance(2000);
  };

  /** Names, statuses and episodes. */
  async function alerts(): Promise<readonly string[]> {
    const found = await world.alerts();
    return found.map(({ name, labels, status, episode }) => `${name} ${labels['name']} ${status} ${episode}`).sort();
  }

  describe('Warning Events', () => {
    test('many of one object and reason are one alert with one run', async () => {
      await begin();
      expect(cluster.queries).toEqual([{ resource: 'events', namespace: null, fieldSelector: 'type=Warning' }]);
      await send(...listOf(warning({ first: at(-1) })));
      for (let count = 2; count < 30; count += 1)
        await send({
          kind: 'changed',
          type: 'modified',
          object: warning({ first: at(-1), last: addMs(start, count * 2000), count }),
        });
      await send({
        kind: 'changed',
        type: 'added',
        object: warning({ name: 'other', message: 'again', first: at(1) }),
      });
      await clock.advance(minuteMs);
      await send({ kind: 'changed', type: 'added', object: warning({ reason: 'Unhealthy', first: at(2) }) });
      expect(await alerts()).toEqual(['BackOff web-1 received 1', 'Unhealthy web-1 received 1']);
      expect(await world.runs()).toHaveLength(2);
      const alert = (await world.alerts()).find(({ name }) => name === 'BackOff');
      expect(alert).toMatchObject({
        externalId: 'Pod/shop/web-1/BackOff',
        severity: 'warning',
        labels: {
          alertname: 'BackOff',
          severity: 'warning',
          reason: 'BackOff',
          kind: 'Pod',
          namespace: 'shop',
          name: 'web-1',
          pod: 'web-1',
        },
        annotations: { summary: 'Pod shop/web-1: BackOff', description: 'again' },
        startsAt: at(-1),
      });
      // Told when it began, and once a minute while it goes on.
      expect(alert?.receiveCount).toBe(3);
    });

    test('it ends when the reason was quiet for a time, and the next is another episode', async () => {
      await begin({ quietFor: '5m' });
      await send(...listOf());
      await send({ kind: 'changed', type: 'added', object: warning({ first: at(0) }) });
      await clock.advance(4 * minuteMs);
      await send({ kind: 'alive' });
      expect(await alerts()).toEqual(['BackOff web-1 received 1']);
      await clock.advance(minuteMs);
      await send({ kind: 'alive' });
      expect(await alerts()).toEqual(['BackOff web-1 resolved 1']);
      expect((await world.alerts())[0]?.endsAt).toBe(at(0));
      const again = { first: at(0), last: at(5.1), count: 2 };
      await send({ kind: 'changed', type: 'modified', object: warning(again) });
      expect(await alerts()).toEqual(['BackOff web-1 received 2']);
      expect((await world.alerts())[0]?.startsAt).toBe(at(5.1));
      expect(await world.runs()).toHaveLength(2);
    });

    test('where the Source calls it otherwise from now on, the alert by its old labels ends', async () => {
      await begin();
      await send(...listOf(warning()));
      await begin({ severity: 'critical' });
      await send(...listOf(warning({ last: at(1), count: 2 })));
      await clock.advance(2 * minuteMs);
      await send({ kind: 'changed', type: 'modified', object: warning({ last: at(2), count: 3 }) });
      const told = (await world.alerts()).map(({ severity, status }) => `${severity} ${status}`);
      expect(told.sort()).toEqual(['critical received', 'warning resolved']);
    });

    test('while the API server is away nothing counts as quiet', async () => {
      await begin({ quietFor: '1m' });
      await send(...listOf(warning()));
      await clock.advance(60 * minuteMs);
      expect(await alerts()).toEqual(['BackOff web-1 received 1']);
    });

    test('a list that comes again tells nothing again, not even what has ended', async () => {
      await begin({ quietFor: '1m' });
      const events = [warning(), warning({ reason: 'Unhealthy' })];
      await send(...listOf(...events));
      await clock.advance(2 * minuteMs);
      await send({ kind: 'alive' });
      await send(...listOf(...events));
      expect(await alerts()).toEqual(['BackOff web-1 resolved 1', 'Unhealthy web-1 resolved 1']);
      expect(await world.runs()).toHaveLength(2);
      expect(await world.events()).toHaveLength(2);
    });

    test('a new Source tells what goes on, and not what is long over', async () => {
      await begin({ quietFor: '10m' });
      await send(
        ...listOf(warning({ first: at(-50), last: at(-30) }), warning({ pod: 'web-2', first: at(-50), last: at(-2) })),
      );
      expect(await alerts()).toEqual(['BackOff web-2 received 1']);
    });

    test('after a restart: what was told is not told again, what came and went meanwhile is, and what is quiet ends', async () => {
      await begin({ quietFor: '10m' });
      const known = warning({ pod: 'known', first: at(-1) });
      const quiet = warning({ pod: 'quiet', first: at(-1) });
      await send(...listOf(known, quiet));
      await clock.advance(minuteMs);
      await send({ kind: 'alive' });
      await world.stop();
      await clock.advance(40 * minuteMs);
      await restart();
      const meanwhile = warning({ pod: 'meanwhile', first: at(5) });
      const goesOn = { ...known, lastTimestamp: at(40), count: 9 };
      // The Event of `quiet` is deleted by now.
      await send(...listOf(goesOn, meanwhile));
      expect(await alerts()).toEqual([
        'BackOff known received 1',
        'BackOff meanwhile resolved 1',
        'BackOff quiet resolved 1',
      ]);
      expect(new Set((await world.runs()).map(({ input }) => input.alert?.labels['pod']))).toEqual(
        new Set(['known', 'meanwhile', 'quiet']),
      );
      expect(await world.runs()).toHaveLength(3);
    });

    test('only those that the matchers take, and of the others no trace', async () => {
      await begin({
        matchers: 'alertname!="Unhealthy"',
        namespace: 'shop',
        severity: 'critical',
        alertName: 'Trouble',
      });
      expect(cluster.queries[0]?.namespace).toBe('shop');
      world.sources = [source({ matchers: 'reason!="Unhealthy"', severity: 'critical', alertName: 'Trouble' })];
      await clock.advance(1000);
      await send(...listOf(warning(), warning({ reason: 'Unhealthy' })));
      expect(await alerts()).toEqual(['Trouble web-1 received 1']);
      expect((await world.alerts())[0]?.severity).toBe('critical');
      expect((await world.events()).map(({ outcome }) => outcome)).toEqual([{ Opened: 1, RunCreated: 1 }]);
    });

    test('a thousand at once are told in parts', async () => {
      await begin();
      const events = Array.from({ length: 1000 }, (_, place) => warning({ pod: `web-${place}` }));
      await send(...listOf(...events));
      expect((await world.events()).length).toBe(4);
      expect(await world.runs()).toHaveLength(500);
    });

    test('what is no Event of an object is left out', async () => {
      await begin();
      const none = { ...warning(), involvedObject: {} };
      await send(...listOf(none, { ...warning(), type: 'Normal' }, { ...warning(), reason: '' }));
      expect(await alerts()).toEqual([]);
    });

    test('what a Sink of this program said is no news', async () => {
      await begin();
      const own = { ...warning(), reportingComponent: 'punching-fist' };
      await send(...listOf(own));
      await send({ kind: 'changed', type: 'added', object: { ...own, reason: 'IncidentExplained' } });
      expect(await alerts()).toEqual([]);
    });

    test('an Event of the newer form, of a clock that is ahead', async () => {
      await begin();
      const {
        involvedObject: regarding,
        message: note,
        firstTimestamp: _f,
        lastTimestamp: _l,
        count: _c,
        ...rest
      } = warning();
      const object = { ...rest, regarding, note, eventTime: at(60), series: { count: 7, lastObservedTime: at(61) } };
      await send(...listOf());
      await send({ kind: 'changed', type: 'added', object });
      expect((await world.alerts())[0]).toMatchObject({
        annotations: { count: '7', description: 'Back-off' },
        startsAt: addMs(start, 2000),
      });
    });
  });

  describe('objects', () => {
    const changed = (type: 'added' | 'modified' | 'deleted', object: KubernetesObject) =>
      ({ kind: 'changed', type, object }) as const;

    test('added: from its creation until it is deleted; what was there before is no news', async () => {
      await begin({ resource: 'deployments', event: 'added', labelSelector: 'app=web' });
      expect(cluster.queries).toEqual([{ resource: 'deployments', namespace: null, labelSelector: 'app=web' }]);
      await send(...listOf(deployment('old', 1)));
      await send(changed('added', deployment('new', 1, { creationTimestamp: at(0) })));
      expect(await alerts()).toEqual(['DeploymentAdded new received 1']);
      expect((await world.alerts())[0]).toMatchObject({
        startsAt: at(0),
        labels: { deployment: 'new', kind: 'Deployment', namespace: 'shop' },
      });
      await clock.advance(minuteMs);
      await send(changed('deleted', deployment('new', 1, { creationTimestamp: at(0) })));
      expect(await alerts()).toEqual(['DeploymentAdded new resolved 1']);
    });

    test('added, after a restart: what came meanwhile is told, what went meanwhile ends', async () => {
      await begin({ resource: 'deployments', event: 'added' });
      await send(...listOf());
      const gone = deployment('gone', 1, { creationTimestamp: at(0) });
      const stays = deployment('stays', 1, { creationTimestamp: at(0) });
      await send(changed('added', gone), changed('added', stays));
      await clock.advance(2 * minuteMs);
      await send({ kind: 'alive' });
      await world.stop();
      await clock.advance(30 * minuteMs);
      await restart();
      await send(...listOf(stays, deployment('new', 1, { creationTimestamp: at(20) })));
      expect(await alerts()).toEqual([
        'DeploymentAdded gone resolved 1',
        'DeploymentAdded new received 1',
        'DeploymentAdded stays received 1',
      ]);
      expect(await world.runs()).toHaveLength(3);
    });

    test('deleted: until there is one of its name again, also where only the next list tells', async () => {
      await begin({ resource: 'deployments', event: 'deleted', alertName: 'WebIsGone' });
      await send(...listOf(deployment('a', 1), deployment('b', 1)));
      await send(changed('deleted', deployment('a', 1)));
      await send(...listOf());
      expect(await alerts()).toEqual(['WebIsGone a received 1', 'WebIsGone b received 1']);
      await clock.advance(minuteMs);
      await send(changed('added', deployment('a', 1, { uid: 'other', creationTimestamp: at(1) })));
      expect(await alerts()).toEqual(['WebIsGone a resolved 1', 'WebIsGone b received 1']);
    });

    test('modified: a change of what is wanted, until it was left alone', async () => {
      await begin({ resource: 'deployments', event: 'modified', quietFor: '5m' });
      await send(...listOf(deployment('a', 1), deployment('b', 1)));
      await send(changed('modified', deployment('a', 1, { resourceVersion: '2' })));
      expect(await alerts()).toEqual([]);
      await send(changed('modified', deployment('a', 2)));
      await send(...listOf(deployment('a', 2), deployment('b', 7)));
      expect(await alerts()).toEqual(['DeploymentModified a received 1', 'DeploymentModified b received 1']);
      await clock.advance(6 * minuteMs);
      await send({ kind: 'alive' });
      expect(await alerts()).toEqual(['DeploymentModified a resolved 1', 'DeploymentModified b resolved 1']);
    });
  });

  test('without a live cluster the Source says what is missing, and nothing else stops', async () => {
    world.sources = [source()];
    world.start({ isAlone: true });
    await clock.advance(minuteMs);
    expect(await world.problem('cluster')).toBe(
      'Failing: ClusterUnavailable: there is no live cluster to watch; next: start the server with --context NAME',
    );
    expect(world.counted.get('fist_source_failures_total cluster ClusterUnavailable')).toBeGreaterThan(3);
  });

  test('behind the wall of its namespace it watches that alone, and says why it watches no other one', async () => {
    world.sources = [
      source(),
      { ...source({ namespace: 'shop' }), name: 'other' },
      { ...source({ resource: 'nodes', event: 'added' }), name: 'nodes' },
    ];
    await world.stop();
    world.start({ watchOf: (namespace) => walledWatch(cluster, namespace), isAlone: true });
    await waitFor('both to watch', () => cluster.queries.length === 2);
    // Each begins as soon as the store has told it where it was.
    expect(cluster.queries.toSorted((one, other) => one.resource.localeCompare(other.resource))).toEqual([
      { resource: 'events', namespace: 'default', fieldSelector: 'type=Warning' },
      { resource: 'nodes', namespace: null },
    ]);
    expect(await waitFor('why the other one does not', () => world.problem('other'))).toBe(
      'Failing: Forbidden: a Source in namespace default may not watch namespace shop; next: leave namespace out, or start the operator with --investigate-from default',
    );
  });

  test('trouble of the watch is told until it works again', async () => {
    await begin();
    const failing: MemoryWatch = {
      ...cluster,
      async *watch(query, io) {
        await io.onTrouble(new AppError('Forbidden', 'events is forbidden', { next: 'allow it' }));
        yield* cluster.watch(query, io);
      },
    };
    await world.stop();
    world.start({ watchOf: () => failing, isAlone: true });
    await clock.advance(1000);
    expect(await world.problem('cluster')).toBe('Failing: Forbidden: events is forbidden; next: allow it');
    await send(...listOf());
    expect(await world.problem('cluster')).toBeNull();
  });

  test('what was seen once is told when the store takes it, and the trouble is told until then', async () => {
    world.sources = [source({ resource: 'deployments', event: 'deleted' })];
    let isAway = true;
    const away = new AppError('StoreUnavailable', 'the database is away', { next: 'send it again' });
    const intake: typeof world.intake = {
      ...world.intake,
      accept: (...notified) => (isAway ? Promise.reject(away) : world.intake.accept(...notified)),
    };
    world.start({ watchOf: () => cluster, isAlone: true, intake });
    await clock.advance(0);
    await send(...listOf(deployment('a', 1), deployment('b', 1)));
    await send({ kind: 'changed', type: 'deleted', object: deployment('a', 1) });
    await clock.advance(5 * minuteMs);
    await send({ kind: 'changed', type: 'deleted', object: deployment('b', 1) });
    expect(await world.problem('cluster')).toContain('StoreUnavailable: the database is away');
    isAway = false;
    await clock.advance(minuteMs);
    expect(await alerts()).toEqual(['DeploymentDeleted a received 1', 'DeploymentDeleted b received 1']);
    expect(await world.problem('cluster')).toBeNull();
  });

  test('a suspended Source stores what it sees and starts nothing', async () => {
    world.sources = [{ ...source(), suspend: true }];
    await restart();
    await send(...listOf(warning()));
    expect(await alerts()).toEqual(['BackOff web-1 received 1']);
    expect(await world.runs()).toEqual([]);
  });

  test('of three replicas one watches, and after it was killed another, which tells nothing twice', async () => {
    world.sources = [source()];
    const clusters = [cluster, createMemoryWatch(), createMemoryWatch()];
    const stopped = new AbortController();
    for (const [place, one] of clusters.entries()) {
      // The first one loses its store, as one that is cut off does.
      const store: typeof world.store = {
        ...world.store,
        transaction: (name, work) =>
          place === 0 && stopped.signal.aborted
            ? Promise.reject(new Error('cut off'))
            : world.store.transaction(name, work),
      };
      world.start({ watchOf: () => one, store });
      await clock.advance(100);
    }
    expect(clusters.map((one) => one.watchers())).toEqual([1, 0, 0]);
    await send(...listOf(warning()));
    await clock.advance(minuteMs);
    expect(clusters.map((one) => one.watchers())).toEqual([1, 0, 0]);
    stopped.abort();
    await clock.advance(31_000);
    const [, second, third] = clusters.map((one) => one.watchers());
    expect([clusters[0]?.watchers(), (second ?? 0) + (third ?? 0)]).toEqual([0, 1]);
    for (const one of clusters.slice(1)) one.send(...listOf(warning(), warning({ reason: 'Unhealthy', first: at(1) })));
    await clock.advance(2000);
    expect(await alerts()).toEqual(['BackOff web-1 received 1', 'Unhealthy web-1 received 1']);
    expect(await world.runs()).toHaveLength(2);
  });
});
