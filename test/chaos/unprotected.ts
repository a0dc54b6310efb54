// The program with one protection taken out, for control runs: the crash tests must notice what is missing.
//   node test/chaos/unprotected.ts VARIANT serve ...
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

interface Variant {
  /** File below src. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** What each variant changes in the text of one file, in memory only. */
const variants: Readonly<Record<string, Variant>> = {
  /** Callers hear of their commit a moment before it is made. */
  'acknowledges-early': {
    file: 'store/sqlite/committer.ts',
    from: 'hooks.beforeCommit?.(names);',
    to: 'for (const settle of settles.splice(0)) settle(); await new Promise((r) => setTimeout(r, 30)); hooks.beforeCommit?.(names);',
  },
  /** A run that is taken up again does its committed steps once more. */
  'repeats-committed': {
    file: 'workflows/engine/claim.ts',
    from: 'await tx.runs.steps(run.id) : [];',
    to: `(await tx.runs.steps(run.id)).map((row) => row.status === 'succeeded'
      ? { ...row, status: 'failed' as const, errorCode: 'Interrupted' as const, retryable: true } : row) : [];`,
  },
};

const [name = '', ...args] = process.argv.slice(2);
const variant = variants[name];
if (variant === undefined) throw new Error(`${name} is not one of ${Object.keys(variants).join(', ')}`);
let changed = 0;
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:') || !fileURLToPath(url).endsWith(`/src/${variant.file}`)) return loaded;
    const text = Buffer.from(loaded.source as Uint8Array).toString('utf8');
    if (!text.includes(variant.from)) throw new Error(`${variant.file} no longer holds ${variant.from}`);
    changed += 1;
    return { ...loaded, source: text.replace(variant.from, variant.to) };
  },
});

const { run } = await import('../../src/main.ts');
const running = run(args);
process.on('exit', () => {
  if (changed !== 1) process.stderr.write(`variant ${name} changed nothing\n`);
});
await running;
