import type { AcceptedSource } from './check-source.ts';
import type { Issue } from './problem.ts';

/** Policies that have no effect on a Source of this kind. `given`: the spec as it was written. */
export function policyIssues(accepted: AcceptedSource, given: object): readonly Issue[] {
  return [...groupIssues(accepted, given), ...rateIssues(accepted)];
}

function groupIssues({ spec, definition }: AcceptedSource, given: object): readonly Issue[] {
  const { type, groupBy } = spec;
  if (groupBy === undefined) {
    return ['groupWait', 'groupInterval']
      .filter((name) => Object.hasOwn(given, name))
      .map((name) => unused(name, `${name} belongs to groupBy, which is not there`, 'add groupBy, or remove it'));
  }
  if (definition.hasAlerts) return [];
  return [unused('groupBy', `groupBy is about alerts, and Sources of type ${type} have none`, 'remove it')];
}

function rateIssues({ spec, definition, compiled }: AcceptedSource): readonly Issue[] {
  const { type, rateLimit } = spec;
  const takesRequests =
    compiled.path !== null || (definition.receiveEvent !== null && !definition.runs(compiled.settings));
  if (rateLimit === undefined || takesRequests) return [];
  const message = `rateLimit is about requests, and this Source of type ${type} takes none`;
  return [unused('rateLimit', message, 'remove it; stormCapPerMinute bounds what it starts')];
}

/** Probably a mistake. */
function unused(name: string, message: string, next: string): Issue {
  return { path: ['spec', name], atKey: true, severity: 'warning', message, next };
}
