import { statSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import type { Catalog } from '../core/catalog.ts';
import { toAppError } from '../core/errors.ts';
import type { Clock, Log, Secrets } from '../core/ports.ts';
import { createComplaints } from '../lib/complaints.ts';
import { finish, finishInTurns } from '../lib/turns.ts';
import type { Pieces } from '../lib/turns.ts';
import { buildCatalogInPieces } from './catalog.ts';
import type { CatalogOptions } from './catalog.ts';
import { vanishedType } from './conditions.ts';
import { isOverdue, objectIssues, keepLastGood, nothingKept, objectsInUse } from './last-good.ts';
import type { Kept } from './last-good.ts';
import { createCopies } from './holder.ts';
import type { LoadedResources, ResourceHolder } from './holder.ts';
import type { Problem } from './problem.ts';
import { listFiles, readResourcesInPieces } from './read.ts';
import { createSecrets, secretValues } from './secrets.ts';
import { tellVanished } from './vanished.ts';

export interface ResourceFolderOptions {
  /** A folder with YAML files, or one file. */
  readonly path: string;
  /** `--secrets-dir`; null = none. */
  readonly secretsDirectory: string | null;
  readonly loopback: boolean;
  readonly allowInsecureSources: boolean;
  readonly asksForCertificates: boolean;
  /** What the server says of models. */
  readonly models?: CatalogOptions['models'];
  readonly mcpCommands?: CatalogOptions['mcpCommands'];
  readonly runsCommands?: CatalogOptions['runsCommands'];
  readonly accounts?: CatalogOptions['accounts'];
  /** Where senders reach the server, for messages; null = only paths are told. */
  readonly publicUrl: string | null;
  readonly clock: Clock;
  readonly log: Log;
  /** Hears each value of a Secret before anybody uses it, also twice. */
  readonly noteSecret?: ((value: string) => void) | undefined;
  /** The longest time until a change is seen where the system announces none. */
  readonly pollMs?: number;
}

/** The state after a load. */
export interface LoadedFolder extends LoadedResources {
  readonly problems: readonly Problem[];
}

export interface ResourceFolder extends ResourceHolder {
  loaded(): LoadedFolder;
  /** Reads again now. True where something had changed. */
  reload(): Promise<boolean>;
}

const defaultPollMs = 2000;
/** Editors write a file in several strokes. */
const settleMs = 100;

/**
 * Loads the resources of `serve` and follows their changes. A reload swaps one whole catalog; a broken edit keeps the
 * last good version of that object, with a condition. Throws InvalidInput where the path cannot be read at the start.
 */
export function openResourceFolder(options: ResourceFolderOptions): ResourceFolder {
  const { path, log, clock } = options;
  const complain = createComplaints(log, clock);
  let kept: Kept = nothingKept;
  let generation = 0;
  let seen = '';
  const secrets = createSecrets(() => kept.secrets, options.secretsDirectory, options.noteSecret);

  function* load(): Pieces<LoadedFolder> {
    const read = yield* readResourcesInPieces(path);
    for (const object of read.objects) {
      // What is found here is asked for again.
      objectIssues(object);
      yield;
    }
    const before = kept;
    kept = keepLastGood(before, read, clock.monotonic());
    for (const value of kept.secrets.flatMap(({ values }) => Object.values(values))) {
      options.noteSecret?.(value);
      yield;
    }
    const objects = objectsInUse(kept, clock.monotonic(), clock.now());
    generation += 1;
    const catalog = yield* buildCatalogInPieces(objects, { ...options, generation, secrets });
    yield* report(log, read.problems, catalog);
    tellVanished(log, before, kept, catalog, options.publicUrl);
    return { catalog, objects, problems: read.problems };
  }

  seen = fingerprint(path);
  let state = finish(load());

  async function reload(): Promise<boolean> {
    try {
      const now = fingerprint(path);
      const isSame = now === seen && !isOverdue(kept, clock.monotonic());
      if (isSame && !secretsChanged(state.catalog, secrets)) return false;
      state = await finishInTurns(load());
      seen = now;
      return true;
    } catch (error) {
      const fields = { path, error: toAppError(error).message, next: `fist lint ${path}` };
      complain('error', 'reload', fields, 'resources were not reloaded; those of before stay in use');
      return false;
    }
  }

  const copies = createCopies(() => state, complain);
  const follower = follow(
    path,
    async () => {
      const hasChanged = await reload();
      await copies.keep();
      return hasChanged;
    },
    clock,
    options.pollMs ?? defaultPollMs,
  );
  return {
    current: () => state.catalog,
    loaded: () => state,
    secrets,
    secretValues: () => secretValues(kept.secrets, options.secretsDirectory),
    reload: () => follower.reload(),
    mirrorTo: (write) => follower.inTurn(() => copies.begin(write)),
    stop: () => follower.stop(),
  };
}

/** Runs `reload` after announced changes and every `pollMs`, one at a time. */
function follow(path: string, reload: () => Promise<boolean>, clock: Clock, pollMs: number) {
  const stopping = new AbortController();
  let queue: Promise<unknown> = Promise.resolve();
  let wake = new AbortController();
  const watcher = watchPath(path, () => wake.abort());

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = queue.then(work);
    queue = next.catch(() => undefined);
    return next;
  }
  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const announced = await sleptThrough(clock, pollMs, AbortSignal.any([stopping.signal, wake.signal]));
      if (announced) await sleptThrough(clock, settleMs, stopping.signal);
      wake = new AbortController();
      if (!stopping.signal.aborted) await inTurn(reload);
    }
  }
  const running = loop();
  return {
    inTurn,
    reload: () => inTurn(reload),
    async stop(): Promise<void> {
      stopping.abort();
      watcher?.close();
      await running;
      await queue;
    },
  };
}

/** Sleeps; true where the signal ended it early. */
function sleptThrough(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(milliseconds, signal).then(
    () => false,
    () => true,
  );
}

/** Watching is a hint and polling is the truth: some file systems announce nothing. */
function watchPath(path: string, changed: () => void): FSWatcher | null {
  try {
    const watcher = watch(path, { persistent: false }, changed);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}

/** Whether a Secret that was missing is there now, or the other way round: the conditions would not be true. */
function secretsChanged({ sources }: Catalog, secrets: Secrets): boolean {
  return sources.some(({ namespace, authentication, conditions }) => {
    if (authentication === null) return false;
    const wasMissing = conditions.some(({ reason }) => reason === 'SecretMissing');
    return wasMissing !== authentication.secrets.some((secret) => secrets.get(namespace, secret) === null);
  });
}

/** Changes when a file comes, goes or is written. */
function fingerprint(path: string): string {
  return listFiles(path)
    .map((file) => {
      const { mtimeMs, size, ino } = statSync(file);
      return `${file}\0${mtimeMs}\0${size}\0${ino}`;
    })
    .join('\n');
}

/** Lines of each kind about one load. */
const mostLines = 100;

function* report(log: Log, problems: readonly Problem[], catalog: Catalog): Pieces<void> {
  for (const { file, line, column, severity, message, next } of problems.slice(0, mostLines)) {
    yield;
    log[severity === 'error' ? 'error' : 'warn']({ at: `${file}:${line}:${column}`, next }, message);
  }
  if (problems.length > mostLines)
    log.warn({ next: 'fist lint shows all' }, `the resources have ${problems.length - mostLines} more problems`);
  const all = [
    ...catalog.sources.map((object) => ({ kind: 'Source', object })),
    ...catalog.workflows.map((object) => ({ kind: 'Workflow', object })),
    ...catalog.sinks.map((object) => ({ kind: 'Sink', object })),
  ];
  const conditions = all.flatMap(({ kind, object }) =>
    object.conditions
      // What vanished is told in one line.
      .filter(({ type, status }) => (type === 'Ready' ? status !== 'True' : type !== vanishedType))
      .map(({ reason, message }) => ({ kind, object, reason, message })),
  );
  for (const { kind, object, reason, message } of conditions.slice(0, mostLines)) {
    yield;
    log.warn({ object: `${kind} ${object.namespace}/${object.name}`, at: object.origin, reason }, message);
  }
  if (conditions.length > mostLines)
    log.warn(
      { next: 'fist get workflows -o wide' },
      `${conditions.length - mostLines} more conditions are not as they should be`,
    );
  const { generation, sources, workflows, sinks } = catalog;
  log.info(
    { generation, sources: sources.length, workflows: workflows.length, sinks: sinks.length },
    'resources loaded',
  );
}
