import type { ReadResult } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import type { Reads } from '../../investigation/reads.ts';
import type { ToolAnswer, ToolWorld } from './define.ts';

/** The answer where a read was not answered: that says nothing about whether the thing exists. */
export function unread(
  what: string,
  { kind, reason }: Exclude<ReadResult<never>, { kind: 'ok' }>,
  command: string | null,
): ToolAnswer {
  const text =
    kind === 'forbidden'
      ? `${what} may not be read: ${reason}`
      : `${what} could not be read: ${reason}. Whether there is one is not known.`;
  return { status: 'error', reason: kind === 'forbidden' ? 'Forbidden' : 'NotCaptured', text, command, evidence: null };
}

const noCluster = 'there is no cluster to look at';

/** Why no tool of the cluster can be offered; null = they can. */
export function withoutCluster({ reads }: Pick<ToolWorld, 'reads'>): string | null {
  return reads === null ? noCluster : null;
}

/** The cluster of a tool that is offered. */
export function readsOf({ reads }: Pick<ToolWorld, 'reads'>): Reads {
  if (reads === null) throw new AppError('ClusterUnavailable', noCluster);
  return reads;
}
