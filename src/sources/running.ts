import { openStatuses } from '../core/alert.ts';
import { sourceDuty } from '../core/catalog.ts';
import type { Catalog, CatalogSource } from '../core/catalog.ts';
import { toAppError } from '../core/errors.ts';
import type { AppError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import type { Timestamp } from '../core/time.ts';
import type { ClusterWatch } from '../core/watch.ts';
import { backOffMs } from '../lib/back-off.ts';
import { createComplaints } from '../lib/complaints.ts';
import type { Complain } from '../lib/complaints.ts';
import { canonicalSha256 } from '../lib/hash.ts';
import type { OpenAlert, SourceDefinition, SourceIo, SourceWorld } from './define.ts';
import { holdJob } from './hold.ts';

export interface RunningSourcesOptions extends SourceWorld {
  readonly definitions: readonly SourceDefinition[];
  readonly store: Store;
  readonly random: () => number;
  /** What Sources of a namespace may watch; null: the server has no live cluster. */
  readonly watchOf: (namespace: string) => ClusterWatch | null;
  /** No other process shares the store, so there is nobody to be told apart from. */
  readonly isAlone: boolean;
}

export interface RunningSources {
  /** Ends all of them and resolves when they have ended. */
  stop(): Promise<void>;
}

/** How long a change of the catalog may go unseen. Milliseconds. */
const lookMs = 1000;
const pause = { firstMs: 1000, mostMs: 60_000 } as const;
/** What went well for so long is no failure in a row. */
const settledMs = 60_000;

interface Running {
  /** Changes where it has to be started anew. */
  readonly key: string;
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Runs the Sources that look for events themselves, each for as long as it is in the catalog: after a reload those that are
 * unchanged go on, changed ones begin anew, gone ones end. What is wrong with one is a condition, a metric and a line of the
 * log, and it is tried again after a pause.
 */
export function startSources(options: RunningSourcesOptions): RunningSources {
  const { catalog, clock } = options;
  const complain = createComplaints(options.log, clock);
  const stopping = new AbortController();
  const running = new Map<string, Running>();

  let seen: Catalog | null = null;

  function adjust(): void {
    const now = catalog.current();
    if (now === seen) return;
    seen = now;
    const wanted: ReadonlyMap<string, Wanted> = new Map(
      now.sources.flatMap((source) => wantedOf(options.definitions, source)),
    );
    for (const [name, { key, stopping: ending }] of running) if (wanted.get(name)?.key !== key) ending.abort();
    for (const [name, { key, definition }] of wanted) {
      const before = running.get(name);
      if (before?.key === key && !before.stopping.signal.aborted) continue;
      const ending = new AbortController();
      const isNew = before !== undefined;
      const ended = (before?.ended ?? Promise.resolve()).then(() =>
        runSource(options, complain, { fullName: name, definition, isNew, signal: ending.signal }),
      );
      running.set(name, { key, stopping: ending, ended });
    }
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      adjust();
      await clock.sleep(lookMs, stopping.signal).catch(() => undefined);
    }
  }

  const looking = loop();
  return {
    async stop() {
      stopping.abort();
      await looking;
      for (const { stopping: ending } of running.values()) ending.abort();
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}

interface Wanted {
  readonly key: string;
  readonly definition: SourceDefinition;
}

/** One that does not fit its schema runs nothing. */
function wantedOf(
  definitions: readonly SourceDefinition[],
  source: CatalogSource,
): readonly (readonly [string, Wanted])[] {
  const definition = definitions.find(({ type }) => type === source.type);
  if (definition === undefined || source.triggerWorkflow === '' || !definition.runs(source.settings)) return [];
  const { namespace, name, type, config } = source;
  return [[`${namespace}/${name}`, { key: canonicalSha256({ type, config }), definition }]];
}

interface Run {
  readonly fullName: string;
  readonly definition: SourceDefinition;
  readonly isNew: boolean;
  readonly signal: AbortSignal;
}

/** On every replica, or on the one that holds it. */
async function runSource(options: RunningSourcesOptions, complain: Complain, run: Run): Promise<void> {
  const { clock, random, store } = options;
  const { fullName, definition, signal } = run;
  if (definition.runsOn === 'all' || options.isAlone) return runHere(options, complain, run);
  const claim = (at: Timestamp) => store.transaction('tick', (tx) => tx.duties.claim(`hold source ${fullName}`, at));
  return holdJob({ clock, random, signal, claim }, (held) => runHere(options, complain, { ...run, signal: held }));
}

async function runHere(options: RunningSourcesOptions, complain: Complain, run: Run): Promise<void> {
  const { definitions: _types, store: _store, isAlone: _alone, watchOf, ...world } = options;
  const { clock, metrics, random } = world;
  const { fullName, definition, signal } = run;
  const [namespace = '', name = ''] = fullName.split('/');
  const note = failureNotes(options, { namespace, source: name });
  const log = options.log.child({ source: fullName });
  let known: CatalogSource | undefined;
  const current = (): CatalogSource | undefined => (known = options.catalog.current().source(namespace, name) ?? known);
  let { isNew } = run;
  async function trouble(error: AppError): Promise<void> {
    const reason = error.reason ?? error.code;
    metrics.increment('fist_source_failures_total', { source: name, reason });
    const fields =
      error.code === 'Internal' ? { error } : { reason, why: error.message, next: nextOf(error, fullName) };
    complain(
      'warn',
      `${fullName} ${reason}`,
      { source: fullName, ...fields },
      'a Source has trouble; it is tried again',
    );
    await note(`${reason}: ${withNext(error)}`);
  }
  const io: Omit<SourceIo, 'source'> = {
    ...world,
    cluster: watchOf(namespace),
    log,
    signal,
    isNew: () => isNew,
    works() {
      isNew = false;
      return note(null);
    },
    trouble,
    openAlerts: () => openAlerts(options, namespace, name),
    ...ticks(options, fullName),
  };
  let failures = 0;
  while (!signal.aborted) {
    const beganMs = clock.monotonic();
    const error = await attempt(definition, io, current);
    if (signal.aborted) return;
    failures = clock.monotonic() - beganMs > settledMs ? 1 : failures + 1;
    await trouble(error);
    await clock.sleep(backOffMs(pause, failures, random()), signal).catch(() => undefined);
  }
}

/** Of all open alerts of the namespace so many are looked at. */
const mostOpenPages = 100;

async function openAlerts({ store }: RunningSourcesOptions, namespace: string, name: string): Promise<OpenAlert[]> {
  const open: OpenAlert[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostOpenPages; page += 1) {
    const position = cursor === undefined ? {} : { cursor };
    const { items, nextCursor } = await store.read.lists.alerts({
      limit: 500,
      statuses: openStatuses,
      namespace,
      ...position,
    });
    open.push(...items.filter(({ source }) => source === name));
    if (nextCursor === null) return open;
    cursor = nextCursor;
  }
  return open;
}

function nextOf({ next }: AppError, fullName: string): string {
  return next ?? `fist describe source/${fullName}`;
}

function withNext({ message, next }: AppError): string {
  return next === undefined ? message : `${message}; next: ${next}`;
}

/** Why it ended. */
async function attempt(
  definition: SourceDefinition,
  io: Omit<SourceIo, 'source'>,
  current: () => CatalogSource | undefined,
): Promise<AppError> {
  const settings = current()?.settings;
  try {
    await definition.run?.(settings, { ...io, source: () => current() as CatalogSource });
    return toAppError(new Error('it ended without being asked to'));
  } catch (thrown) {
    return toAppError(thrown);
  }
}

function ticks({ store }: RunningSourcesOptions, fullName: string): Pick<SourceIo, 'lastTick' | 'passTick'> {
  const [namespace = '', name = ''] = fullName.split('/');
  const duty = sourceDuty({ namespace, name });
  return {
    lastTick: () => store.transaction('tick', (tx) => tx.duties.last(duty)),
    passTick: (tick) => store.transaction('tick', (tx) => tx.duties.claim(duty, tick)),
  };
}

/** Writes why it does not work to the status, where that has changed; what an earlier process wrote is not known. */
function failureNotes(
  { store, log }: RunningSourcesOptions,
  source: { readonly namespace: string; readonly source: string },
): (failure: string | null) => Promise<void> {
  let told: string | null | undefined;
  return async (failure) => {
    if (failure === told) return;
    try {
      await store.transaction('tick', (tx) => tx.events.noteFailure(source, failure));
      told = failure;
    } catch (error) {
      log.debug({ ...source, error }, 'the status of a Source was not written');
    }
  };
}
