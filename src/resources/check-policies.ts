import { parseDuration } from '../lib/duration.ts';
import type { AcceptedSource } from './check-source.ts';
import type { Issue } from './problem.ts';

/** Whoever is paged waits for it. */
const longestWaitMs = 10 * 60_000;

/** Policies that contradict each other, or have no effect on a Source of this kind. `given`: the spec as it was written. */
export function policyIssues(accepted: AcceptedSource, given: object): readonly Issue[] {
  return [...groupIssues(accepted, given), ...rateIssues(accepted)];
}

function groupIssues({ spec, definition }: AcceptedSource, given: object): readonly Issue[] {
  const { type, groupBy, groupWait, groupInterval } = spec;
  if (groupBy === undefined) {
    return ['groupWait', 'groupInterval']
      .filter((name) => Object.hasOwn(given, name))
      .map((name) => unused(name, `${name} belongs to groupBy, which is not there`, 'add groupBy, or remove it'));
  }
  if (!definition.hasAlerts)
    return [unused('groupBy', `groupBy is about alerts, and Sources of type ${type} have none`, 'remove it')];
  const waitMs = parseDuration(groupWait);
  if (waitMs > longestWaitMs) return [wrong('groupWait', `groupWait must be 10m at most, not ${groupWait}`)];
  if (waitMs < parseDuration(groupInterval)) return [];
  const field = Object.hasOwn(given, 'groupInterval') ? 'groupInterval' : 'groupWait';
  return [wrong(field, `groupInterval must be longer than groupWait, not ${groupInterval} with ${groupWait}`)];
}

function rateIssues({ spec, definition, compiled }: AcceptedSource): readonly Issue[] {
  const { type, rateLimit } = spec;
  const takesRequests =
    compiled.path !== null || (definition.receiveEvent !== null && !definition.runs(compiled.settings));
  if (rateLimit === undefined || takesRequests) return [];
  const message = `rateLimit is about requests, and this Source of type ${type} takes none`;
  return [unused('rateLimit', message, 'remove it; stormCapPerMinute bounds what it starts')];
}

function wrong(name: string, message: string): Issue {
  return { path: ['spec', name], severity: 'error', message };
}

/** Probably a mistake. */
function unused(name: string, message: string, next: string): Issue {
  return { path: ['spec', name], atKey: true, severity: 'warning', message, next };
}
