import type { AcceptedSource } from './check-source.ts';
import type { Issue } from './problem.ts';

/** Policies that have no effect on a Source of this kind: probably a mistake. */
export function policyIssues({ spec, definition, compiled }: AcceptedSource): readonly Issue[] {
  const { type, rateLimit } = spec;
  const takesRequests =
    compiled.path !== null || (definition.receiveEvent !== null && !definition.runs(compiled.settings));
  if (rateLimit === undefined || takesRequests) return [];
  return [
    {
      path: ['spec', 'rateLimit'],
      atKey: true,
      severity: 'warning',
      message: `rateLimit is about requests, and this Source of type ${type} takes none`,
      next: 'remove it; stormCapPerMinute bounds what it starts',
    },
  ];
}
