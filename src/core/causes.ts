import type { AlertSummary, ListReader } from './lists.ts';

/**
 * Of these alerts, those of which who may look at the namespace `within` alone is told no cause: a run of another namespace may have
 * found it. null = all may be looked at.
 */
export async function causesElsewhere(
  lists: Pick<ListReader, 'foundWithin'>,
  alerts: readonly Pick<AlertSummary, 'id' | 'workflowId' | 'cause'>[],
  within: string | null,
): Promise<ReadonlySet<string>> {
  if (within === null) return new Set();
  const told = alerts.filter(({ workflowId, cause }) => workflowId !== null || cause !== null).map(({ id }) => id);
  return new Set(told).difference(await lists.foundWithin(within, told));
}
