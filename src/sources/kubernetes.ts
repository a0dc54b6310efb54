import { z } from 'zod';
import { severities } from '../core/alert.ts';
import type { AlertItem } from '../core/alert.ts';
import { AppError, toAppError } from '../core/errors.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import type { WatchQuery, WatchSignal } from '../core/watch.ts';
import { backOffMs } from '../lib/back-off.ts';
import { parseDuration } from '../lib/duration.ts';
import { rule } from '../lib/rule.ts';
import { atLeast, duration, namespaceName } from '../lib/schema.ts';
import { defineSource } from './define.ts';
import type { SourceIo } from './define.ts';
import { compileFilters, filters, matchers } from './filters.ts';
import { createBoard, notificationOf } from './kubernetes/board.ts';
import type { Board } from './kubernetes/board.ts';
import { watchEvents, withMargin } from './kubernetes/events.ts';
import { watchObjects } from './kubernetes/objects.ts';
import type { Watcher } from './kubernetes/watcher.ts';

/** What was seen is told so soon. Milliseconds. */
const tellMs = 2000;
/** How far the Source has got is written so often. */
const passMs = 60_000;
/** Alerts of one notification. */
const mostOfNotification = 250;
/** Where the store does not take it. */
const pause = { firstMs: 1000, mostMs: 30_000 } as const;

interface Settings {
  readonly query: WatchQuery;
  readonly watcher: (board: Board) => Watcher;
}

const settings = z
  .strictObject({
    resource: z
      .string()
      .regex(
        /^[a-z][a-z0-9-]*(\.v[0-9][a-z0-9]*(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+)?$/,
        'must be a plural name, pods; or plural.version.group, certificates.v1.cert-manager.io',
      )
      .max(253)
      .check(rule("self != 'secrets'", 'must not be secrets: they are never read', (name) => name !== 'secrets'))
      .meta({ description: 'What to watch: events, pods, nodes, ...; or certificates.v1.cert-manager.io.' }),
    event: z
      .string()
      .regex(
        /^(warning|Warning|WARNING|added|Added|ADDED|modified|Modified|MODIFIED|deleted|Deleted|DELETED)$/,
        'must be Warning (of events), or added, modified or deleted',
      )
      .max(16)
      .meta({ description: 'What happens to it: Warning of events; added, modified or deleted of all else.' }),
    labelSelector: z
      .string()
      .max(4096)
      .optional()
      .meta({ description: 'Only objects with these labels, app=checkout.' }),
    namespace: namespaceName
      .optional()
      .meta({ description: 'Only in this namespace. Absent = in all, or in its own where it may watch no others.' }),
    alertName: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .meta({ description: 'Name of its alerts. Absent = the reason of the Events, or PodAdded.' }),
    severity: z.enum(severities).default('warning').meta({ description: 'Severity of its alerts.' }),
    quietFor: duration.check(atLeast('1m')).default('15m').meta({
      description: 'What was not heard of for so long is over: a Warning, or a change. From 1m on.',
    }),
    filters: filters.optional(),
    matchers: matchers.optional(),
  })
  .check(
    rule(
      "self.resource != 'events' || self.event.lowerAscii() == 'warning'",
      'of events must be Warning',
      ({ resource, event }) => resource !== 'events' || event.toLowerCase() === 'warning',
      ['event'],
    ),
    rule(
      "self.resource == 'events' || self.event.lowerAscii() != 'warning'",
      'is Warning, which is for the resource events',
      ({ resource, event }) => resource === 'events' || event.toLowerCase() !== 'warning',
      ['event'],
    ),
    rule(
      "self.resource != 'events' || !has(self.labelSelector)",
      'is for no Events: they have no labels of what they are about; write matchers: pod=~"checkout-.*"',
      ({ resource, labelSelector }) => resource !== 'events' || labelSelector === undefined,
      ['labelSelector'],
    ),
  );

/** Starts workflows from changes in the cluster. */
export const kubernetes = defineSource({
  type: 'kubernetes',
  description: 'Starts a Workflow from Events of the cluster, or from changes of its objects.',
  config: settings,
  compile(config) {
    const { resource, labelSelector, namespace, severity, alertName = null } = config;
    const event = config.event.toLowerCase() as 'warning' | 'added' | 'modified' | 'deleted';
    const quietMs = parseDuration(config.quietFor);
    const settings: Settings = {
      query: {
        resource,
        namespace: namespace ?? null,
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(event === 'warning' ? { fieldSelector: 'type=Warning' } : {}),
      },
      watcher: (board) =>
        event === 'warning'
          ? watchEvents(board, { severity, alertName, quietMs })
          : watchObjects(board, { event, severity, alertName, quietMs }),
    };
    return { accepts: compileFilters(config.filters, config.matchers), settings };
  },
  run,
  runsOn: 'one',
  // Events are enough for most; what else is watched, a role has to allow.
  permissions: [{ apiGroups: [''], resources: ['events'], verbs: ['list', 'watch'] }],
});

/**
 * Watches, and tells what it saw every two seconds. What happened until the watch was last known to live is passed, so that a
 * later process tells what came after, and not again what came before.
 */
async function run({ query, watcher: watcherOf }: Settings, io: SourceIo): Promise<void> {
  const { cluster, clock, random, trouble } = io;
  if (cluster === null)
    throw new AppError('ClusterUnavailable', 'there is no live cluster to watch', {
      next: 'start the server with --context NAME',
    });
  const board = createBoard(await io.openAlerts(), (labels) => io.source().accepts(labels) === null);
  const watcher = watcherOf(board);
  const teller = createTeller(io, board);
  const last = await io.lastTick();
  const ending = new AbortController();
  const signal = AbortSignal.any([io.signal, ending.signal]);
  const passed = {
    at: last === null ? watcher.firstPassed(clock.now()) : withMargin(last),
    aliveMs: null as number | null,
  };

  async function read(): Promise<void> {
    let listedFromMs = 0;
    const take: { readonly [Kind in WatchSignal['kind']]: (told: Extract<WatchSignal, { kind: Kind }>) => unknown } = {
      list() {
        listedFromMs = clock.now();
        watcher.listing();
      },
      page: ({ objects }) => objects.forEach((object) => watcher.listed(object, passed.at, clock.now())),
      listed() {
        watcher.endOfList(clock.now());
        alive(listedFromMs);
      },
      watching: () => io.works(),
      changed({ type, object }) {
        watcher.changed(type, object, clock.now());
        alive(clock.now());
      },
      alive: () => alive(clock.now()),
    };
    for await (const told of cluster?.watch(query, { clock, random, signal, onTrouble: trouble }) ?? []) {
      await take[told.kind](told as never);
      if (board.pending() >= mostOfNotification) await teller.tell();
    }
  }

  function alive(atMs: number): void {
    passed.aliveMs = atMs;
    passed.at = toTimestamp(Math.max(toEpochMs(passed.at), toEpochMs(withMargin(toTimestamp(atMs)))));
  }

  async function tell(): Promise<void> {
    let writtenMs = 0;
    while (!signal.aborted) {
      await clock.sleep(tellMs, signal).catch(() => undefined);
      const { aliveMs } = passed;
      if (signal.aborted || aliveMs === null) continue;
      watcher.judge(aliveMs);
      await teller.tell();
      if (aliveMs - writtenMs < passMs) continue;
      writtenMs = aliveMs;
      await io.passTick(toTimestamp(aliveMs));
    }
  }

  try {
    await Promise.all([read(), tell()].map((part) => part.finally(() => ending.abort())));
  } finally {
    ending.abort();
  }
}

/** Until the store has it: that an object was deleted is not seen again. What went in without an answer is a repeat. */
async function tellOnce(io: SourceIo, items: readonly AlertItem[]): Promise<void> {
  const { intake, source, clock, random, signal } = io;
  for (let failures = 1; ; failures += 1) {
    try {
      await intake.accept(source(), notificationOf(items));
      if (failures > 1) await io.works();
      return;
    } catch (thrown) {
      const error = toAppError(thrown);
      if (!error.retryable || signal.aborted) throw error;
      await io.trouble(error);
      await clock.sleep(backOffMs(pause, failures, random()), signal).catch(() => undefined);
    }
  }
}

/** Tells what waits on the board, one notification after the other. */
function createTeller(io: SourceIo, board: Board) {
  const { clock } = io;
  let telling: Promise<void> = Promise.resolve();
  async function tellAll(): Promise<void> {
    const items = board.take(clock.now());
    for (let from = 0; from < items.length; from += mostOfNotification)
      await tellOnce(io, items.slice(from, from + mostOfNotification));
  }
  return { tell: () => (telling = telling.then(tellAll)) };
}
