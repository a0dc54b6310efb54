import type { AgentResult } from './finding.ts';
import type { JsonObject } from './json.ts';
import type { StepRecord } from './run.ts';

// Of reports as the store has them: JSON, perhaps of another version.

const longestCause = 200;

/** The cause that a report states, for one line of a list; empty where it states none. */
export function shortCause(report: JsonObject): string {
  const { cause = null, root_cause: text } = report;
  const sentence = cause !== null && typeof cause === 'object' && 'sentence' in cause ? cause['sentence'] : text;
  if (typeof sentence !== 'string') return '';
  const characters = Array.from(sentence);
  return characters.length <= longestCause ? sentence : `${characters.slice(0, longestCause - 1).join('')}…`;
}

/** The last report (an {@link AgentResult}) among ended attempts, oldest first, whatever the step's type. */
export function lastReport(steps: readonly StepRecord[]): JsonObject | null {
  for (const { status, result } of [...steps].reverse()) {
    if (status !== 'succeeded' && status !== 'failed') continue;
    if (result === null || typeof result !== 'object' || Array.isArray(result)) continue;
    if (typeof result['report'] === 'string' && Array.isArray(result['findings'])) return result;
  }
  return null;
}

/** Longer than names of Kubernetes make it. */
const longestIncident = 600;

/**
 * Names what a report found to be the cause, the same for every alert of one incident: the category of the cause's finding and
 * its object, in its cluster. Pods of one replica set have one template, so they count as one object. Where the cluster has no name,
 * it is the same for alerts of such clusters alone. Null where no cause was found.
 */
export function incidentOf(report: JsonObject | null): string | null {
  if (report === null) return null;
  const { cause, findings, cluster = null } = report as unknown as Partial<AgentResult>;
  if (cause === null || cause === undefined) return null;
  const { category, object } = cause;
  const owner = findings?.[0]?.object === object ? (findings[0].evidence['owner'] ?? '') : '';
  const [kind, namespace] = object.split('/');
  const whole = kind === 'pod' && owner.startsWith('ReplicaSet/') ? `${namespace}/${owner}` : object;
  const place = cluster === null || cluster === '' ? '' : ` in cluster ${cluster}`;
  return `${`${category} ${whole}`.slice(0, longestIncident)}${place}`;
}
