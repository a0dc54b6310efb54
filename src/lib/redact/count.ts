import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import type { MaskedKind, MaskedValues } from '../../core/finding.ts';

/** Hashes of values by kind: the values themselves are kept nowhere. */
type Seen = Map<MaskedKind, Set<string>>;

/** Redaction is called from everywhere that text is shown; who counts is known by what called it. */
const seen = new AsyncLocalStorage<Seen>();
/** More are not told apart. */
const mostValues = 10_000;

/** Does the work, and counts what is masked meanwhile: each value once, however often it stands somewhere. */
export function countingMasked<T>(work: () => Promise<T>): Promise<T> {
  return seen.run(new Map(), work);
}

/** What was masked so far by the work that this is a part of; none of what masked nothing. */
export function maskedSoFar(): readonly MaskedValues[] {
  return [...(seen.getStore() ?? [])]
    .map(([kind, values]) => ({ kind, count: values.size }))
    .sort((one, other) => (one.kind < other.kind ? -1 : 1));
}

/** Notes that a value was masked, where somebody counts. */
export function noteMasked(kind: MaskedKind, value: string): void {
  const store = seen.getStore();
  if (store === undefined || value === '') return;
  const values = store.get(kind) ?? new Set();
  if (values.size >= mostValues) return;
  store.set(kind, values.add(createHash('sha256').update(value).digest('base64')));
}

/** The larger count of each kind: of work that another process began only its part is known. */
export function mostMasked(one: readonly MaskedValues[], other: readonly MaskedValues[]): readonly MaskedValues[] {
  const counts = new Map<MaskedKind, number>();
  for (const { kind, count } of [...one, ...other]) counts.set(kind, Math.max(counts.get(kind) ?? 0, count));
  return [...counts].map(([kind, count]) => ({ kind, count })).sort((a, b) => (a.kind < b.kind ? -1 : 1));
}
