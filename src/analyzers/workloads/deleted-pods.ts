import type { AnalyzerIo, EventView, Target } from '../define.ts';

/** What kept a pod from running, in words that name the cause; that a container failed does not. */
const telling: ReadonlySet<string> = new Set([
  'FailedScheduling',
  'FailedMount',
  'FailedAttachVolume',
  'FailedCreatePodSandBox',
  'InspectFailed',
  'ErrImageNeverPull',
  'Evicted',
  'Preempted',
  'OutOfcpu',
  'OutOfmemory',
  'OutOfpods',
]);

/** A warning about a pod that its owner made and that is deleted since. */
export interface LastWarning {
  readonly pod: string;
  readonly event: EventView;
  readonly events: readonly EventView[];
}

/** The last telling warning about the pods that the events of their owner name; null where there is none. */
export async function lastWarningOfPods(
  io: AnalyzerIo,
  { namespace }: Target,
  ownerEvents: readonly EventView[],
): Promise<LastWarning | null> {
  const names = ownerEvents.flatMap(
    ({ message }) => /^(?:Created|Deleted) pod: ([a-z0-9.-]+)$/.exec(message)?.[1] ?? [],
  );
  for (const pod of [...new Set(names)].toReversed().slice(0, 5)) {
    const events = await io.events({ kind: 'pod', namespace, name: pod });
    const event = events.findLast(({ type, reason, message }) => type === 'Warning' && isTelling(reason, message));
    if (event !== undefined) return { pod, event, events };
  }
  return null;
}

function isTelling(reason: string, message: string): boolean {
  return (
    telling.has(reason) ||
    (reason === 'Failed' && /^(?:Failed to pull image|Error: (?!ErrImagePull|ImagePullBackOff))/.test(message))
  );
}
