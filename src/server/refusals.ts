import type { CatalogSource } from '../core/catalog.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Clock } from '../core/ports.ts';
import { toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import type { Complain } from '../lib/complaints.ts';
import type { Refusal } from './refusal.ts';

/** What a Source refused in the last minutes, in this process. */
export interface RefusedBySource {
  readonly count: number;
  /** Counts by reason, the most frequent first. */
  readonly reasons: readonly (readonly [reason: string, count: number])[];
  readonly lastTime: Timestamp;
}

/** Counts requests that were refused, for the metric too, and tells of them, whoever is to blame. */
export interface Refusals {
  /** `source` null: the path is no Source's. `from` is the address of the sender. */
  note(source: CatalogSource | null, path: string, from: string, refusal: Refusal): void;
  /** In the last minutes, five unless said, sixty at most; null = nothing was refused. */
  of(namespace: string, name: string, minutes?: number): RefusedBySource | null;
}

/** How far back the counts go that a Source shows. */
export const refusalMinutes = 5;
/** How far back they are kept. */
const keptMinutes = 60;
const minuteMs = 60_000;
/** Paths of nobody that are told by name in a minute; anybody can make up more. */
const mostPaths = 20;
const longestPath = 200;

interface Minute {
  readonly minute: number;
  readonly counts: Map<string, number>;
}

/** One warning a minute for each Source (or path) and reason. */
export function createRefusals(clock: Clock, metrics: Pick<Metrics, 'increment'>, complain: Complain): Refusals {
  const sources = new Map<string, { minutes: Minute[]; lastTime: Timestamp }>();
  const paths = { minute: -1, names: new Set<string>() };
  const minuteOf = () => Math.floor(clock.monotonic() / minuteMs);

  function count(key: string, reason: string): number {
    const known = sources.get(key) ?? { minutes: [], lastTime: '' };
    sources.set(key, known);
    const minute = minuteOf();
    known.lastTime = toTimestamp(clock.now());
    known.minutes = known.minutes.filter((each) => each.minute > minute - keptMinutes);
    if (known.minutes.at(-1)?.minute !== minute) known.minutes.push({ minute, counts: new Map() });
    const counts = known.minutes.at(-1)?.counts;
    counts?.set(reason, (counts.get(reason) ?? 0) + 1);
    const lately = known.minutes.filter((each) => each.minute > minute - refusalMinutes);
    return lately.reduce((sum, each) => sum + (each.counts.get(reason) ?? 0), 0);
  }

  /** The path as it is told; null where too many were told in this minute. */
  function told(path: string): string | null {
    const minute = minuteOf();
    if (paths.minute !== minute) paths.names.clear();
    paths.minute = minute;
    const name = path.length > longestPath ? `${path.slice(0, longestPath)}...` : path;
    if (!paths.names.has(name) && paths.names.size >= mostPaths) return null;
    paths.names.add(name);
    return name;
  }

  return {
    note(source, path, from, { reason, status, body, isLogged }) {
      metrics.increment('fist_webhook_refused_total', { source: source?.name ?? '', reason });
      const { message: why, next } = body;
      const fields = { reason, status, from, why, next };
      if (source === null) {
        const name = told(path);
        return complain(
          'warn',
          `${name ?? ''} ${reason}`,
          { path: name ?? 'many', ...fields },
          'requests are refused that no Source takes',
        );
      }
      const key = `${source.namespace}/${source.name}`;
      const lastMinutes = count(key, reason);
      if (isLogged === true) return;
      complain('warn', `${key} ${reason}`, { source: key, ...fields, lastMinutes }, 'a Source refuses requests');
    },
    of(namespace, name, minutes = refusalMinutes) {
      const known = sources.get(`${namespace}/${name}`);
      if (known === undefined) return null;
      const oldest = minuteOf() - minutes;
      const sums = new Map<string, number>();
      for (const { counts } of known.minutes.filter((each) => each.minute > oldest))
        for (const [reason, more] of counts) sums.set(reason, (sums.get(reason) ?? 0) + more);
      if (sums.size === 0) return null;
      const reasons = [...sums].sort(([, left], [, right]) => right - left);
      return { count: reasons.reduce((sum, [, more]) => sum + more, 0), reasons, lastTime: known.lastTime };
    },
  };
}
