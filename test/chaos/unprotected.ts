// The program with something changed. With a protection taken out, for control runs: the tests must notice what is
// missing. Or with something that takes long, or is rare, made short or frequent.
//   node test/chaos/unprotected.ts VARIANT[,VARIANT] serve ...
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

interface Edit {
  /** File below src. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** What each variant changes in the text of the files, in memory only. Of two databases one is loaded. */
const variants: Readonly<Record<string, readonly Edit[]>> = {
  /** Whoever sends an alert hears of a commit that is not made as long as the process lives. */
  'acknowledges-early': [
    {
      file: 'store/sqlite/committer.ts',
      from: 'hooks.beforeCommit?.(names);',
      to: `if (names.includes('intake')) {
        for (const settle of settles) settle();
        await new Promise(() => undefined);
      }
      hooks.beforeCommit?.(names);`,
    },
    {
      file: 'store/postgres/store.ts',
      from: 'shares.pass(name, () => withRetries(name, work))',
      to: `name !== 'intake' ? shares.pass(name, () => withRetries(name, work)) : new Promise((resolve, reject) => {
        withRetries(name, async (tx) => {
          resolve(await work(tx));
          await new Promise(() => undefined);
        }).catch(reject);
      })`,
    },
  ],
  /** A run that is taken up again does its committed steps once more. */
  'repeats-committed': [
    {
      file: 'workflows/engine/claim.ts',
      from: 'await tx.runs.steps(run.id) : [];',
      to: `(await tx.runs.steps(run.id)).map((row) => row.status === 'succeeded'
        ? { ...row, status: 'failed' as const, errorCode: 'Interrupted' as const, retryable: true } : row) : [];`,
    },
  ],
  /** What is done to the files of a database from outside is not seen. */
  'notices-no-damage': [
    {
      file: 'store/sqlite/file-watch.ts',
      from: 'before: Look, now: Look): Trouble | null {',
      to: 'before: Look, now: Look): Trouble | null { return null;',
    },
  ],
  /** A database has one lock for each of its names. */
  'locks-path-only': [
    {
      file: 'store/sqlite/lock.ts',
      from: 'function isOpenElsewhere(path: string): boolean {',
      to: 'function isOpenElsewhere(path: string): boolean { return false;',
    },
  ],
  /** SQLite never waits for the disk. */
  'synchronous-off': [{ file: 'store/sqlite/open.ts', from: 'PRAGMA synchronous=FULL', to: 'PRAGMA synchronous=OFF' }],
  /** SQLite waits for the disk at checkpoints only. */
  'synchronous-normal': [
    { file: 'store/sqlite/open.ts', from: 'PRAGMA synchronous=FULL', to: 'PRAGMA synchronous=NORMAL' },
  ],
  /** A checkpoint each 100 pages of log, so that a short test sees many. */
  'checkpoints-often': [{ file: 'store/sqlite/open.ts', from: 'logPages = 3000', to: 'logPages = 100' }],
  /** A worker whose run was taken over writes all the same, and does not notice that it is late. */
  'ignores-fences': [
    // Of renew, lock (with and without progress) and finish.
    ...Array.from({ length: 4 }, () => ({
      file: 'store/runs/leases.ts',
      from: ".where('fence', '=', marker('fence'))",
      to: '',
    })),
    { file: 'store/runs/leases.ts', from: ".set({ fence: marker('fence') })", to: '.set({ current_step: null })' },
    { file: 'workflows/engine/watch.ts', from: 'nowMs - heldSinceMs >= giveUpAfterMs', to: 'false' },
    { file: 'workflows/engine/watch.ts', from: 'else abort(new AppError(', to: 'else void (new AppError(' },
  ],
  /** Leases a tenth as long: what a dead process had is taken over soon, so that a test need not wait. */
  'leases-short': [
    { file: 'workflows/engine/claim.ts', from: 'leaseMs = 30_000', to: 'leaseMs = 3000' },
    { file: 'workflows/engine/watch.ts', from: 'renewEveryMs = 10_000', to: 'renewEveryMs = 1000' },
    { file: 'workflows/engine/watch.ts', from: 'giveUpAfterMs = 20_000', to: 'giveUpAfterMs = 2000' },
    { file: 'sinks/outbox.ts', from: 'leaseMs = 20_000', to: 'leaseMs = 6000' },
    { file: 'sinks/attempt.ts', from: 'attemptLimitMs = 12_000', to: 'attemptLimitMs = 3000' },
    { file: 'sinks/attempt.ts', from: 'requestTimeoutMs = 10_000', to: 'requestTimeoutMs = 1000' },
  ],
  /** What is done each minute is done each second. */
  'minutes-short': [{ file: 'app/ticker.ts', from: 'minuteMs = 60_000', to: 'minuteMs = 1000' }],
};

const [names = '', ...args] = process.argv.slice(2);
const edits = names.split(',').map((name) => {
  const variant = variants[name];
  if (variant === undefined) throw new Error(`${name} is not one of ${Object.keys(variants).join(', ')}`);
  return variant;
});
const changed = new Set<readonly Edit[]>();
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:')) return loaded;
    const path = fileURLToPath(url);
    let text: string | null = null;
    for (const variant of edits) {
      for (const { file, from, to } of variant) {
        if (!path.endsWith(`/src/${file}`)) continue;
        text ??= Buffer.from(loaded.source as Uint8Array).toString('utf8');
        if (!text.includes(from)) throw new Error(`${file} no longer holds ${from}`);
        text = text.replace(from, to);
        changed.add(variant);
      }
    }
    return text === null ? loaded : { ...loaded, source: text };
  },
});

const { run } = await import('../../src/main.ts');
const running = run(args);
process.on('exit', () => {
  if (changed.size !== edits.length) process.stderr.write(`one of ${names} changed nothing\n`);
});
await running;
