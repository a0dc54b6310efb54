import type { Timestamp } from '../../core/time.ts';
import { addMs, timeText } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import { describeCommand, describeNode, look, podQuestions } from '../advice.ts';
import { defineAnalyzer } from '../define.ts';
import type { AnalyzerIo, EventView, EvidenceDraft, FindingDraft, Pointer, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { between, textAt } from '../reading/fields.ts';
import { networkAgents } from '../nodes/node-agents.ts';
import type { NodeAgents } from '../nodes/node-agents.ts';
import { deletionOf, endedBy, wellSince } from './pod-end.ts';
import type { Deletion } from './pod-end.ts';
import { containersOf, isOldEnding, podEvidence, podFacts } from './pod-status.ts';
import type { ContainerView } from './pod-status.ts';
import { quote } from '../reading/quote.ts';
import { ownWords } from './runtime-words.ts';

type Draft = FindingDraft<'terminating' | 'stuck-terminating' | 'kill-failed' | 'node-restart'>;

/** Pods that somebody deleted, and containers that ended with their node. */
export const podDeleted = defineAnalyzer({
  name: 'pod-deleted',
  kinds: ['pod'],
  explains: ['NodeNotReady', 'TaintManagerEviction', 'FailedKillPod'],
  categories: {
    terminating: {
      meaning: 'A pod was deleted and is within its grace period.',
      happened: 'was deleted',
      nearness: 10,
      answers: [],
      changes: null,
      advice: (draft) => [look(describeCommand(draft), 'Shows when the pod was deleted and what it waits for.')],
    },
    'stuck-terminating': {
      meaning: 'A pod was deleted and is still there after its grace period.',
      happened: 'was deleted and did not go',
      nearness: 89,
      answers: podQuestions,
      changes: null,
      advice: (draft, { namespace, pod }) => [
        look(
          `kubectl -n ${namespace} get pod ${pod} -o jsonpath='{.metadata.deletionTimestamp} {.metadata.finalizers}'`,
          'Shows since when the pod waits and whose finalizers hold it.',
        ),
        draft.facts['finalizers'] === undefined
          ? describeNode(draft, 'Shows whether the kubelet that has to end the containers still reports.')
          : look(
              'Look at the controller that sets the finalizer.',
              'Only it knows what is left to do; a finalizer that is taken away by hand skips that.',
            ),
      ],
    },
    'kill-failed': {
      meaning: 'A pod was deleted, and the container runtime or the network plugin cannot end it.',
      happened: 'was deleted and could not be ended',
      nearness: 90,
      answers: podQuestions,
      changes: null,
      advice: (draft, { pod }) => {
        const { node = '' } = draft.facts;
        return [
          look(
            `On ${node}: crictl ps -a | grep ${pod}, and journalctl -u kubelet -u containerd --since -1h | grep ${pod}`,
            'Shows what the container runtime still knows of the pod, and what keeps it from ending it.',
          ),
          look(
            `kubectl get pods -A -o wide --field-selector spec.nodeName=${node}`,
            'Shows whether other pods of the node hang too, and whether the pods of its network plugin run.',
          ),
        ];
      },
    },
    'node-restart': {
      meaning: 'A container ended with its node: the runtime lost it in a restart.',
      happened: 'ended with its node',
      nearness: 87,
      answers: podQuestions,
      changes: null,
      advice: (draft) => [describeNode(draft, 'Shows when the node restarted and in which state it is.')],
    },
  },
  async run(io, target) {
    const deletion = deletionOf(target.object);
    if (deletion !== null) return [await deleted(io, target, deletion)];
    const lost = await Promise.all(containersOf(target.object).map((container) => lostWithNode(io, target, container)));
    return lost.flat();
  },
});

async function deleted(io: AnalyzerIo, target: Target, deletion: Deletion): Promise<Draft> {
  const { now } = io;
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
  const node = textAt(target.object, 'spec', 'nodeName');
  const events = await io.events(target);
  const failure = events.findLast((event) => isKillFailure(event, deletion, now));
  if (failure !== undefined) {
    const { words, agents } = await killProblem(io, node, failure);
    const text = `${began}, and hangs in Terminating: ${words}${agents?.note ?? ''}`;
    return {
      ...common,
      category: 'kill-failed',
      severity: 'high',
      description: `${text} (${failure.reason}, ${plural(failure.count, 'time')}, last at ${timeText(failure.last)}).`,
      cause: text,
      decisive: true,
      facts: { ...podFacts(target.object), reason: failure.reason, ...(node === '' ? {} : { node }) },
      evidence: [...common.evidence, eventsEvidence(target, events), ...(agents?.evidence ?? [])],
      pointers: [
        ...(agents?.pointers ?? []),
        ...(node === '' ? [] : [{ kind: 'node', namespace: null, name: node } as const]),
      ],
    };
  }
  const running = containersOf(target.object).filter((container) => container.running);
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

/** The kubelet tries again all the time: what it has not said for so long it does not say any more. */
const killRetriesMs = 1_800_000;

function isKillFailure({ type, reason, last }: EventView, { askedAt }: Deletion, now: Timestamp): boolean {
  return (
    type === 'Warning' &&
    ['FailedKillPod', 'ExceededGracePeriod'].includes(reason) &&
    (last === null || (last >= askedAt && last >= addMs(now, -killRetriesMs)))
  );
}

/** What the kubelet says of an end that fails, and whose end it is: of a container, or of the network of the pod. */
async function killProblem(
  io: AnalyzerIo,
  node: string,
  { message, reason }: EventView,
): Promise<{ readonly words: string; readonly agents: NodeAgents | null }> {
  const said = reasonOf(message);
  if (reason === 'ExceededGracePeriod')
    return { words: `the container runtime of node ${node} does not end it ("${quote(message, 200)}").`, agents: null };
  const names = [...message.matchAll(/"KillContainer" for "([^"]{1,63})"/g)].map(([, name = '']) => name);
  if (names.length > 0)
    return {
      words: `the container runtime of node ${node} cannot kill container ${[...new Set(names)].join(', ')} (${said}).`,
      agents: null,
    };
  const isNetwork = /cni|networkplugin|network for sandbox|destroy network|plugin type=/i.test(message);
  return isNetwork
    ? {
        words: `the network plugin of node ${node} cannot take down its network (${said}).`,
        agents: await networkAgents(io, node, message),
      }
    : { words: `the container runtime of node ${node} cannot end its sandbox (${said}).`, agents: null };
}

/** The error that the container runtime gave, without the kubelet's words around it. */
function reasonOf(message: string): string {
  const inner = /with Kill(?:Container|PodSandbox)Error: "((?:[^"\\]|\\.){1,2000})"/.exec(message)?.[1];
  return ownWords(inner === undefined ? message : inner.replace(/\\(.)/g, '$1'), 320);
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
