import type { CatalogSource, Grouping, RateLimit } from '../core/catalog.ts';
import { parseDuration } from '../lib/duration.ts';
import { usualGroup } from './source.ts';
import type { SourceSpec } from './source.ts';

type Policies = Pick<
  CatalogSource,
  'suspend' | 'expireAfterMs' | 'cooldownMs' | 'flapCapPerHour' | 'stormCapPerMinute' | 'rateLimit' | 'grouping'
>;

/** What a Source says of how much comes of its alerts, compiled. Pure. */
export function policiesOf(spec: SourceSpec): Policies {
  const { suspend, expireAfter, cooldown, flapCapPerHour, stormCapPerMinute } = spec;
  return {
    suspend,
    expireAfterMs: parseDuration(expireAfter),
    cooldownMs: parseDuration(cooldown),
    flapCapPerHour,
    stormCapPerMinute,
    rateLimit: rateLimitOf(spec),
    grouping: groupingOf(spec),
  };
}

function rateLimitOf({ rateLimit }: SourceSpec): RateLimit | null {
  if (rateLimit === undefined) return null;
  const { requestsPerMinute, burst = requestsPerMinute } = rateLimit;
  return { requestsPerMinute, burst };
}

function groupingOf({
  groupBy,
  groupWait = usualGroup.wait,
  groupInterval = usualGroup.interval,
}: SourceSpec): Grouping | null {
  if (groupBy === undefined) return null;
  return { labels: groupBy.toSorted(), waitMs: parseDuration(groupWait), intervalMs: parseDuration(groupInterval) };
}
