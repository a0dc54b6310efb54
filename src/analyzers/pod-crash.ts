import type { ReadResult } from '../core/cluster.ts';
import { addMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { change, look, podQuestions } from './advice.ts';
import { defineAnalyzer } from './define.ts';
import type { AnalyzerIo, EvidenceDraft, FindingDraft, Period, Target } from './define.ts';
import { eventsEvidence, recentWarnings } from './events.ts';
import { between, plural, textAt, timeText } from './fields.ts';
import { logExcerpt, tellingLine } from './log-lines.ts';
import { containersOf, podEvidence, podFacts } from './pod-status.ts';
import type { ContainerView, Ending } from './pod-status.ts';

type Draft = FindingDraft<'oom-killed' | 'crash-loop' | 'container-failed'>;

/** An end longer ago than this says nothing about an alert of now, if the container has run since. */
const oldAfterMs = 24 * 3_600_000;
const tailLines = 200;

/** Containers that ended: OOMKilled, crash loops, failures for good; with current and previous logs. */
export const podCrash = defineAnalyzer({
  name: 'pod-crash',
  kinds: ['pod'],
  explains: ['BackOff', 'OOMKilling', 'Unhealthy'],
  categories: {
    'oom-killed': {
      meaning: 'The kernel killed a process of the container because memory ran out.',
      nearness: 90,
      answers: podQuestions,
      changes: /^(?:memory limit|image|command|environment|environment sources)$/,
      advice: (draft, { namespace, pod, container, workload }) => [
        look(
          `kubectl -n ${namespace} top pod ${pod} --containers`,
          'Shows whether memory grows for ever (a leak) or to a level that the limit should allow.',
        ),
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
    'crash-loop': {
      meaning: 'A container ends and is started again and again.',
      nearness: 74,
      answers: podQuestions,
      changes:
        /^(?:image|command|environment|environment sources|volumes|volume mounts|security context|service account|liveness probe|startup probe|lifecycle hooks|container|ports)$/,
      advice: (_, { namespace, pod, container }) => [
        look(
          `kubectl -n ${namespace} logs ${pod} -c ${container} --previous`,
          'Shows the whole log of the run that ended.',
        ),
        look(
          `kubectl -n ${namespace} get pod ${pod} -o yaml`,
          'Shows the command, variables and mounts that the process was given.',
        ),
      ],
    },
    'container-failed': {
      meaning: 'A container ended with an error and is not started again.',
      nearness: 72,
      answers: podQuestions,
      changes:
        /^(?:image|command|environment|environment sources|volumes|volume mounts|security context|service account|container)$/,
      advice: (_, { namespace, pod, container }) => [
        look(`kubectl -n ${namespace} logs ${pod} -c ${container}`, 'Shows the whole log of the run that failed.'),
      ],
    },
  },
  async run(io, target) {
    const findings = await Promise.all(
      containersOf(target.object).map((container) => analyzeContainer(io, target, container)),
    );
    return findings.flat();
  },
});

async function analyzeContainer(io: AnalyzerIo, target: Target, container: ContainerView): Promise<readonly Draft[]> {
  const ending = container.terminated ?? container.last;
  if (ending === null || isOld(ending, io.now, container)) return [];
  const killed = ending.reason === 'OOMKilled';
  const kind = crashKind(target, container, ending);
  if (!killed && kind === null) return [];
  const [logs, events] = await Promise.all([readLogs(io, target, container), io.events(target)]);
  const backOffs = recentWarnings(events, ['BackOff', 'OOMKilling'], io.now);
  const evidence: EvidenceDraft[] = [
    podEvidence(target),
    ...logs.evidence,
    ...(backOffs.length > 0 ? [eventsEvidence(target, events)] : []),
  ];
  const crash: Crash = { target, container, ending, evidence, log: logs.text };
  return [...(killed ? [outOfMemory(crash)] : []), ...(kind === null ? [] : [crashed(crash, kind, killed)])];
}

interface Crash {
  readonly target: Target;
  readonly container: ContainerView;
  readonly ending: Ending;
  readonly evidence: readonly EvidenceDraft[];
  /** Of the run that ended; null where no log could be read. */
  readonly log: string | null;
}

function isOld(ending: Ending, now: Timestamp, container: ContainerView): boolean {
  return container.running && ending.finishedAt !== null && ending.finishedAt < addMs(now, -oldAfterMs);
}

type CrashKind = 'loop' | 'repeated' | 'failed';

function crashKind(target: Target, container: ContainerView, ending: Ending): CrashKind | null {
  if (container.waiting?.reason === 'CrashLoopBackOff') return 'loop';
  if (ending.exitCode === 0 || ending.reason === 'Completed' || notStarted.has(ending.reason)) return null;
  if (container.terminated !== null)
    return textAt(target.object, 'spec', 'restartPolicy') === 'Always' ? 'repeated' : 'failed';
  return container.restarts >= 3 && container.running ? 'repeated' : null;
}

/** Ends of containers that never ran; pod-start explains them. */
const notStarted: ReadonlySet<string> = new Set(['StartError', 'ContainerCannotRun']);

/**
 * The log of the run that ended: the previous one where the container runs again or waits, else the current one. While
 * a container waits in its back-off the current log is that of the run that ended, so it stands in where the previous
 * one was not captured.
 */
async function readLogs(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
): Promise<{ readonly text: string | null; readonly evidence: readonly EvidenceDraft[] }> {
  const namespace = target.namespace ?? '';
  const read = async (previous: boolean): Promise<ReadResult<string>> =>
    io.logs({ namespace, pod: target.name, container: container.name, previous, tailLines });
  const draft = (previous: boolean, text: string): EvidenceDraft => ({
    read: { kind: 'logs', namespace, pod: target.name, container: container.name, previous },
    excerpt: logExcerpt(text),
  });
  const [previous, current] = await Promise.all([container.last === null ? null : read(true), read(false)]);
  const before = previous?.kind === 'ok' && previous.value !== '' ? previous.value : null;
  const now = current.kind === 'ok' && current.value !== '' ? current.value : null;
  const endedNow = container.terminated !== null || (before === null && !container.running);
  const evidence = [
    ...(before === null ? [] : [draft(true, before)]),
    ...(now === null || now === before ? [] : [draft(false, now)]),
  ];
  return { text: endedNow ? (now ?? before) : before, evidence };
}

/** From the first end that is known to the run that goes on since. */
function periodOf(container: ContainerView, ending: Ending): Period {
  const well = container.ready && container.running;
  return {
    from: ending.finishedAt,
    until: well ? container.runningSince : null,
    source: `status of ${container.label}`,
  };
}

function outOfMemory({ target, container, ending, evidence }: Crash): Draft {
  const limit = container.limits['memory'];
  const ran = between(ending.startedAt, ending.finishedAt);
  const exit = ending.exitCode === null ? '' : ` (exit code ${ending.exitCode})`;
  const memory = limit === undefined ? 'it has no memory limit, so the node ran out' : `its memory limit is ${limit}`;
  const run = ran === null ? '' : `, ${ran} after it started`;
  const description = `Container ${container.name} of pod ${target.name} was OOMKilled${exit} at ${timeText(ending.finishedAt)}${run}; ${memory}; ${plural(container.restarts, 'restart')}.`;
  return {
    category: 'oom-killed',
    severity: container.ready ? 'high' : 'critical',
    object: `pod/${target.namespace}/${target.name}`,
    description,
    cause:
      limit === undefined
        ? `Container ${container.name} was OOMKilled: it has no memory limit and the node ran out of memory.`
        : `Container ${container.name} was OOMKilled: it needs more than its memory limit of ${limit}.`,
    decisive: true,
    when: periodOf(container, ending),
    facts: {
      ...podFacts(target.object),
      container: container.name,
      reason: ending.reason,
      ...(ending.exitCode === null ? {} : { exit_code: String(ending.exitCode) }),
      ...(limit === undefined ? {} : { memory_limit: limit }),
      ...(ending.finishedAt === null ? {} : { finished_at: ending.finishedAt }),
      restarts: String(container.restarts),
    },
    evidence,
  };
}

function crashed({ target, container, ending, evidence, log }: Crash, kind: CrashKind, killed: boolean): Draft {
  const said = log === null ? null : tellingLine(log);
  const meaning = exitMeaning(ending, killed);
  const ran = between(ending.startedAt, ending.finishedAt);
  const how = `${ending.reason || 'ended'}${ending.exitCode === null ? '' : `, exit code ${ending.exitCode}`}${meaning === '' ? '' : ` (${meaning})`}${ran === null ? '' : `, ${ran} after its start`}`;
  const state =
    kind === 'loop' ? 'is in CrashLoopBackOff' : kind === 'failed' ? 'failed' : 'ended and is started again and again';
  const label = container.init ? 'Init container' : 'Container';
  const words = said === null || killed ? '' : ` Its log says: "${said.text}".`;
  return {
    category: kind === 'failed' ? 'container-failed' : 'crash-loop',
    severity: container.ready ? 'medium' : 'high',
    object: `pod/${target.namespace}/${target.name}`,
    description: `${label} ${container.name} of pod ${target.name} ${state}: ${plural(container.restarts, 'restart')}, last end at ${timeText(ending.finishedAt)}: ${how}.${words}`,
    // What the kernel killed did not end by itself: the memory is the cause.
    cause: killed ? null : `${label} ${container.name} ends with ${how}.${words}`,
    when: periodOf(container, ending),
    decisive: !killed && (said?.fatal === true || [126, 127, 139].includes(ending.exitCode ?? 0)),
    facts: {
      ...podFacts(target.object),
      container: container.name,
      reason: ending.reason,
      ...(ending.exitCode === null ? {} : { exit_code: String(ending.exitCode) }),
      ...(said === null ? {} : { log_line: said.text }),
      log: log === null ? 'not available' : 'read',
      restarts: String(container.restarts),
    },
    evidence,
  };
}

/** What the exit code means by convention (the shell's 126 and 127, 128 + signal). */
function exitMeaning(ending: Ending, killed: boolean): string {
  if (killed) return 'killed for its memory';
  const meanings: Readonly<Record<number, string>> = {
    126: 'the command cannot be executed',
    127: 'the command was not found',
    134: 'aborted, SIGABRT',
    137: 'killed, SIGKILL, not reported as out of memory',
    139: 'segmentation fault, SIGSEGV',
    143: 'asked to stop, SIGTERM',
  };
  return meanings[ending.exitCode ?? 0] ?? '';
}
