import { timeText } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import { change, describeNode, look, podQuestions } from '../advice.ts';
import { defineAnalyzer } from '../define.ts';
import type { AnalyzerIo, EventView, FindingDraft, Pointer, Target } from '../define.ts';
import { between, mapAt, textAt } from '../reading/fields.ts';
import { endedBy, unwellSince, wellSince } from './pod-end.ts';
import { containersOf, endingFacts, isOldEnding, podEvidence } from './pod-status.ts';
import type { ContainerView, Ending } from './pod-status.ts';
import { kernelReport } from './kernel-report.ts';
import type { KernelReport } from './kernel-report.ts';
import { quote } from '../reading/quote.ts';
import { logOfEndedRun } from './run-log.ts';
import type { RunLog } from './run-log.ts';
import type { TellingLine } from '../log/telling.ts';

type Draft = FindingDraft<'oom-killed' | 'pod-memory-limit' | 'child-oom' | 'node-oom'>;

/** Memory: kills by the limit of a container, of the whole pod, for want of memory on the node, and kills of a child process. */
export const podMemory = defineAnalyzer({
  name: 'pod-memory',
  kinds: ['pod'],
  explains: ['OOMKilling', 'BackOff'],
  categories: {
    'oom-killed': {
      meaning: 'The kernel killed a process of the container because memory ran out.',
      happened: 'was killed for its memory (OOMKilled)',
      nearness: 90,
      answers: podQuestions,
      changes: /^(?:memory limit|image|command|environment|environment sources)$/,
      advice: (draft, { namespace, pod, container, workload }) => [
        usage(namespace, pod),
        ...(workload === null || draft.facts['memory_limit'] === undefined
          ? []
          : [
              change(
                `kubectl -n ${namespace} set resources ${workload} -c ${container} --limits=memory=<more than ${draft.facts['memory_limit']}>`,
                'The container is killed whenever it needs more memory than its limit; if the need is real, the limit has to be higher.',
              ),
            ]),
      ],
    },
    'pod-memory-limit': {
      meaning: 'The kernel killed a container because the memory limit of the whole pod was reached.',
      happened: 'was killed for its memory (OOMKilled)',
      nearness: 90,
      answers: podQuestions,
      changes: /^(?:memory limit|image|command|environment|environment sources)$/,
      advice: (draft, { namespace, pod }) => [
        usage(namespace, pod),
        change(
          `Raise spec.resources.limits.memory of the pod template above ${draft.facts['memory_limit'] ?? 'what it is'}, if the containers together need more.`,
          'All containers of the pod share this limit; a limit of one container changes nothing about it.',
        ),
      ],
    },
    'child-oom': {
      meaning: 'The kernel killed a process inside a container for memory, and the container ended because of that.',
      happened: 'lost a process to the kernel, for its memory',
      nearness: 88,
      answers: podQuestions,
      changes: /^(?:memory limit|image|command|environment|environment sources)$/,
      advice: (_, { namespace, pod }) => [usage(namespace, pod)],
    },
    'node-oom': {
      meaning: 'The node itself ran out of memory, and the kernel killed a process of the container.',
      happened: 'was killed because its node ran out of memory',
      nearness: 93,
      answers: podQuestions,
      changes: null,
      advice: (draft) => [
        describeNode(draft, 'Shows what the pods of the node ask for and what they may use together.'),
      ],
    },
  },
  async run(io, target) {
    const containers = containersOf(target.object);
    if (containers.every(({ terminated, last }) => (terminated ?? last) === null)) return [];
    const events = await io.events(target);
    const findings = await Promise.all(containers.map((container) => analyzeContainer(io, target, container, events)));
    return findings.flat();
  },
});

const usage = (namespace: string, pod: string) =>
  look(
    `kubectl -n ${namespace} top pod ${pod} --containers`,
    'Shows whether memory grows for ever (a leak) or to a level that the limit should allow.',
  );

interface Kill {
  readonly target: Target;
  readonly container: ContainerView;
  readonly ending: Ending;
  readonly log: RunLog;
  readonly report: KernelReport | null;
}

async function analyzeContainer(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
  events: readonly EventView[],
): Promise<readonly Draft[]> {
  const ending =
    container.terminated?.reason === 'OOMKilled' ? container.terminated : (container.last ?? container.terminated);
  if (ending === null || isOldEnding(container, ending, io.now)) return [];
  const by = endedBy(target.object, container, ending, events);
  if (by !== 'memory' && (by !== 'itself' || ending.exitCode === 0)) return [];
  const readLog = () => logOfEndedRun(io, target, container, ending);
  const readReport = () => kernelReport(io, target, events, ending);
  if (by === 'memory') {
    const [log, report] = await Promise.all([readLog(), readReport()]);
    return [outOfMemory({ target, container, ending, log, report })];
  }
  if (ending.exitCode === 137) {
    const report = await readReport();
    return report === null ? [] : [killedUnseen({ target, container, ending, log: await readLog(), report }, report)];
  }
  const log = await readLog();
  const told = log.telling?.kind === 'child-killed' ? log.telling : null;
  return told === null ? [] : childKilled({ target, container, ending, log, report: await readReport() }, told);
}

function outOfMemory(kill: Kill): Draft {
  const { target, container, ending, report } = kill;
  const limit = container.limits['memory'];
  const ofPod = mapAt(target.object, 'spec', 'resources', 'limits')['memory'];
  const ran = between(ending.startedAt, ending.finishedAt);
  const exit = ending.exitCode === null ? '' : ` (exit code ${ending.exitCode})`;
  const run = ran === null ? '' : `, ${ran} after it started`;
  const began = `Container ${container.name} of pod ${target.name} was OOMKilled${exit} at ${timeText(ending.finishedAt)}${run}`;
  const end = `; ${plural(container.restarts, 'restart')}.`;
  const common = draftOf(kill);
  const node = textAt(target.object, 'spec', 'nodeName');
  // Who was killed more often than the node reports has reached a limit of its own before.
  const fits = report !== null && report.same && container.restarts <= report.event.count;
  const ofNode = report !== null && report.system && (fits || (limit ?? ofPod) === undefined);
  if (ofNode) {
    const said = `${report.event.reason}: ${quote(report.event.message, 200)}`;
    const own =
      (limit ?? ofPod) === undefined
        ? 'It has no memory limit of its own.'
        : `Nothing says that its ${limit === undefined ? 'pod' : 'own'} limit of ${limit ?? ofPod} was reached.`;
    return {
      ...common,
      category: 'node-oom',
      description: `${began}; node ${node} had no memory left (${said})${end}`,
      cause: `Container ${container.name} was OOMKilled because its node ${node} was out of memory (${said}). ${own}`,
      decisive: (limit ?? ofPod) === undefined,
      facts: { ...common.facts, node },
      pointers: [nodePointer(node)],
    };
  }
  if (limit !== undefined)
    return {
      ...common,
      category: 'oom-killed',
      description: `${began}; its memory limit is ${limit}${end}`,
      cause: `Container ${container.name} was OOMKilled: it needs more than its memory limit of ${limit}.`,
      facts: { ...common.facts, memory_limit: limit },
    };
  if (ofPod !== undefined)
    return {
      ...common,
      category: 'pod-memory-limit',
      description: `${began}; it has no limit of its own, the memory limit of the whole pod is ${ofPod}${end}`,
      cause: `Container ${container.name} was OOMKilled: the containers of the pod together need more than the pod-level memory limit of ${ofPod} (spec.resources.limits).`,
      facts: { ...common.facts, memory_limit: ofPod },
    };
  return {
    ...common,
    category: 'oom-killed',
    description: `${began}; no memory limit is set on it, and nothing that was read says whose memory ran out${end}`,
    cause: `Container ${container.name} was OOMKilled. No memory limit is set on it or on its pod, and nothing that was read says whose memory ran out.`,
    pointers: node === '' ? [] : [nodePointer(node)],
  };
}

const nodePointer = (name: string): Pointer => ({ kind: 'node', namespace: null, name });

/** SIGKILL without the word of the kubelet, while the kernel reports a kill for memory: that of another pod it may be. */
function killedUnseen(kill: Kill, report: KernelReport): Draft {
  const { target, container } = kill;
  const node = textAt(target.object, 'spec', 'nodeName');
  const common = draftOf(kill);
  const cause = `Container ${container.name} of pod ${target.name} was killed with SIGKILL (exit code 137) when ${report.system ? `its node ${node} was out of memory` : `the kernel of node ${node} killed a process for memory`} (${report.event.reason}: ${quote(report.event.message, 200)}).`;
  return {
    ...common,
    category: report.system ? 'node-oom' : 'child-oom',
    description: `${cause} ${plural(container.restarts, 'restart')}.`,
    cause,
    decisive: false,
    facts: { ...common.facts, node },
    pointers: report.system ? [nodePointer(node)] : [],
  };
}

/** A process below the first one was killed: the kernel or the log says so, the container ended with an error. */
function childKilled(kill: Kill, told: TellingLine): readonly Draft[] {
  const { target, container, ending, report } = kill;
  if (report === null && !/memory/i.test(told.text)) return [];
  const limit = container.limits['memory'] ?? mapAt(target.object, 'spec', 'resources', 'limits')['memory'];
  const limited = limit === undefined ? '' : ` The memory limit is ${limit}.`;
  const proof =
    report === null
      ? ''
      : ` The kernel reports: ${quote(report.event.message, 200)}${report.event.count === 1 ? '' : ` (${plural(report.event.count, 'time')})`}.`;
  const process = report === null || report.process === '' ? 'A process' : `A process (${report.process})`;
  const common = draftOf(kill);
  const cause = `${process} in container ${container.name} was killed ${report === null ? "with SIGKILL, by its parent's words perhaps for memory" : 'by the kernel for memory'}, and the container then ended with exit code ${ending.exitCode ?? 'unknown'}. Its log says: "${told.text}".${proof}${limited}`;
  return [
    {
      ...common,
      category: 'child-oom',
      description: `Pod ${target.name}: ${cause} ${plural(container.restarts, 'restart')}.`,
      cause,
      decisive: report !== null,
      facts: { ...common.facts, log_line: told.text, ...(limit === undefined ? {} : { memory_limit: limit }) },
    },
  ];
}

function draftOf({ target, container, ending, log, report }: Kill): Omit<
  Draft,
  'category' | 'description' | 'cause'
> & {
  readonly facts: Record<string, string>;
} {
  return {
    severity: container.ready ? 'high' : 'critical',
    object: `pod/${target.namespace}/${target.name}`,
    decisive: true,
    when: {
      from: container.ready ? ending.finishedAt : unwellSince(target.object, ending),
      until: wellSince(target.object, container),
      source: `status of ${container.label}`,
    },
    facts: {
      ...endingFacts(target.object, container, ending),
      ...(ending.finishedAt === null ? {} : { finished_at: ending.finishedAt }),
    },
    evidence: [podEvidence(target), ...log.evidence, ...(report === null ? [] : [report.evidence])],
  };
}
