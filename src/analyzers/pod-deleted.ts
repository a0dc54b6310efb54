import type { Timestamp } from '../core/time.ts';
import { addMs } from '../core/time.ts';
import { describeCommand, look, podQuestions } from './advice.ts';
import { defineAnalyzer } from './define.ts';
import type { AnalyzerIo, EvidenceDraft, FindingDraft, Pointer, Target } from './define.ts';
import { between, textAt, timeText } from './fields.ts';
import { deletionOf, endedBy, wellSince } from './pod-end.ts';
import type { Deletion } from './pod-end.ts';
import { containersOf, isOldEnding, podEvidence, podFacts } from './pod-status.ts';
import type { ContainerView } from './pod-status.ts';
import { quote } from './quote.ts';

type Draft = FindingDraft<'terminating' | 'stuck-terminating' | 'node-restart'>;

/** Pods that somebody deleted, and containers that ended with their node. */
export const podDeleted = defineAnalyzer({
  name: 'pod-deleted',
  kinds: ['pod'],
  explains: ['NodeNotReady', 'TaintManagerEviction', 'FailedKillPod'],
  categories: {
    terminating: {
      meaning: 'A pod was deleted and is within its grace period.',
      nearness: 10,
      answers: [],
      changes: null,
      advice: (draft) => [look(describeCommand(draft), 'Shows when the pod was deleted and what it waits for.')],
    },
    'stuck-terminating': {
      meaning: 'A pod was deleted and is still there after its grace period.',
      nearness: 89,
      answers: podQuestions,
      changes: null,
      advice: (draft, { namespace, pod }) => [
        look(
          `kubectl -n ${namespace} get pod ${pod} -o jsonpath='{.metadata.deletionTimestamp} {.metadata.finalizers}'`,
          'Shows since when the pod waits and whose finalizers hold it.',
        ),
        draft.facts['finalizers'] === undefined
          ? look(
              `kubectl describe node ${draft.facts['node'] ?? ''}`,
              'Shows whether the kubelet that has to end the containers still reports.',
            )
          : look(
              'Look at the controller that sets the finalizer.',
              'Only it knows what is left to do; a finalizer that is taken away by hand skips that.',
            ),
      ],
    },
    'node-restart': {
      meaning: 'A container ended with its node: the runtime lost it in a restart.',
      nearness: 87,
      answers: podQuestions,
      changes: null,
      advice: (draft) => [
        look(
          `kubectl describe node ${draft.facts['node'] ?? ''}`,
          'Shows when the node restarted and in which state it is.',
        ),
      ],
    },
  },
  async run(io, target) {
    const deletion = deletionOf(target.object);
    if (deletion !== null) return [deleted(target, deletion, io.now)];
    const lost = await Promise.all(containersOf(target.object).map((container) => lostWithNode(io, target, container)));
    return lost.flat();
  },
});

function deleted(target: Target, deletion: Deletion, now: Timestamp): Draft {
  const { finalizers, askedAt, graceSeconds, overAt } = deletion;
  const waited = between(askedAt, now);
  const began = `Pod ${target.name} was deleted at ${timeText(askedAt)}${waited === null ? '' : `, ${waited} before`}`;
  const common = {
    object: `pod/${target.namespace}/${target.name}`,
    when: { from: askedAt, until: null, source: 'deletionTimestamp' },
    evidence: [podEvidence(target), deletionEvidence(target, deletion)],
  };
  if (now <= overAt)
    return {
      ...common,
      category: 'terminating',
      severity: 'info',
      description: `${began}: its containers have ${graceSeconds}s to end (grace period). How they end in that time is no fault.`,
      cause: null,
      decisive: false,
      facts: podFacts(target.object),
    };
  const running = containersOf(target.object).filter((container) => container.running);
  const node = textAt(target.object, 'spec', 'nodeName');
  const held = finalizers.map((name) => quote(name, 100)).join(', ');
  const why =
    finalizers.length > 0
      ? `it stays because ${finalizers.length === 1 ? `finalizer ${held} is` : `the finalizers ${held} are`} not removed`
      : running.length > 0
        ? `its grace period of ${graceSeconds}s is over and ${running.map(({ name }) => name).join(', ')} still runs by the last word of the kubelet of node ${node}`
        : `its grace period of ${graceSeconds}s is over, its containers have ended, and the kubelet of node ${node} has not taken it away`;
  const pointers: readonly Pointer[] =
    finalizers.length > 0 || node === '' ? [] : [{ kind: 'node', namespace: null, name: node }];
  return {
    ...common,
    category: 'stuck-terminating',
    severity: 'high',
    description: `${began}, and is still there: ${why}.`,
    cause: `${began}, and hangs in Terminating: ${why}.`,
    decisive: finalizers.length > 0,
    facts: {
      ...podFacts(target.object),
      ...(held === '' ? {} : { finalizers: held }),
      ...(node === '' ? {} : { node }),
    },
    pointers,
  };
}

function deletionEvidence({ namespace, name, object }: Target, { finalizers, graceSeconds }: Deletion): EvidenceDraft {
  return {
    read: { kind: 'object', of: 'pod', namespace, name },
    excerpt: [
      `deletionTimestamp: ${textAt(object, 'metadata', 'deletionTimestamp')}`,
      `deletionGracePeriodSeconds: ${graceSeconds}`,
      ...(finalizers.length === 0 ? [] : [`finalizers: ${finalizers.join(', ')}`]),
    ].join('\n'),
  };
}

/** Whether an init container that ran again and failed is what a container waits for: how it ended before is over. */
function isHeldByInit({ object }: Target, { waiting, init }: ContainerView): boolean {
  return (
    !init &&
    waiting?.reason === 'PodInitializing' &&
    containersOf(object).some(
      (one) => one.init && (one.waiting?.reason === 'CrashLoopBackOff' || (one.terminated?.exitCode ?? 0) !== 0),
    )
  );
}

/** Ends that the runtime cannot account for; the node's own events tell of its restart. */
async function lostWithNode(io: AnalyzerIo, target: Target, container: ContainerView): Promise<readonly Draft[]> {
  const ending = container.terminated ?? container.last;
  if (ending === null || isOldEnding(container, ending, io.now)) return [];
  if (endedBy(target.object, container, ending, []) !== 'node') return [];
  const node = textAt(target.object, 'spec', 'nodeName');
  const events = node === '' ? [] : await io.events({ kind: 'node', namespace: null, name: node });
  const restart = events.findLast(
    ({ reason, last }) =>
      ['Rebooted', 'Starting', 'NodeReady', 'Shutdown'].includes(reason) &&
      (last === null || ending.finishedAt === null || last >= addMs(ending.finishedAt, -1_800_000)),
  );
  const rebooted = restart?.reason === 'Rebooted';
  const proof =
    restart === undefined
      ? ''
      : ` The node says: ${restart.reason}, ${quote(restart.message, 200)} (${timeText(restart.last)}).`;
  const words = ending.message === '' ? '' : ` ${quote(ending.message, 200)}`;
  return [
    {
      category: 'node-restart',
      severity: isHeldByInit(target, container) ? 'low' : container.ready ? 'medium' : 'high',
      object: `pod/${target.namespace}/${target.name}`,
      description: `Container ${container.name} of pod ${target.name} ended at ${timeText(ending.finishedAt)} and the runtime does not know how (${ending.reason}, exit code ${ending.exitCode ?? 'unknown'}).${words}${proof}`,
      cause: rebooted
        ? `Node ${node} was restarted, and container ${container.name} of pod ${target.name} ended with it.${proof}`
        : `Container ${container.name} of pod ${target.name} was lost with the runtime of node ${node} (${ending.reason}, exit code ${ending.exitCode ?? 'unknown'}).${words}${proof}`,
      decisive: rebooted,
      when: {
        from: ending.finishedAt,
        until: wellSince(target.object, container),
        source: `status of ${container.label}`,
      },
      facts: { ...podFacts(target.object), container: container.name, ...(node === '' ? {} : { node }) },
      evidence: [
        podEvidence(target),
        ...(restart === undefined
          ? []
          : [
              {
                read: { kind: 'events' as const, of: 'node' as const, namespace: null, name: node },
                excerpt: `${restart.last ?? 'unknown time'}  ${restart.reason}  ${restart.message}`,
              },
            ]),
      ],
      pointers: node === '' ? [] : [{ kind: 'node', namespace: null, name: node }],
    },
  ];
}
