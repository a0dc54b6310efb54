import { addMs, timeText } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import { change, describeCommand, look, podQuestions } from '../advice.ts';
import { defineAnalyzer } from '../define.ts';
import type { AnalyzerIo, EvidenceDraft, EventView, FindingDraft, Target } from '../define.ts';
import { eventsEvidence, recentWarnings } from '../reading/events.ts';
import { at, conditionOf, listAt, textAt } from '../reading/fields.ts';
import { loopbackOnly } from './listening.ts';
import { deletionOf, graceOf } from './pod-end.ts';
import { containersOf, podEvidence, podFacts } from './pod-status.ts';
import type { ContainerView } from './pod-status.ts';
import { failuresOf, numbersOf, probeKillOf, probeOf } from './probe.ts';
import type { Probe, ProbeKill, ProbeKind } from './probe.ts';
import { faultOf, probeOutput } from './probe-fault.ts';
import type { ProbeFault } from './probe-fault.ts';
import { behind } from './behind.ts';
import { logOfRun, noLog, saidText } from './run-log.ts';

type Draft = FindingDraft<'probe-kill' | 'probe-failure'>;

/** Kills of a probe within this time before now are why a container is where it is. */
const killCountsMs = 2 * 3_600_000;

const listenEverywhere =
  'Make the program listen at all addresses (0.0.0.0 or ::): the kubelet and Services ask at the address of the pod.';

/** Probes: those for which the kubelet kills a container, and those for which a pod gets no traffic. */
export const podProbe = defineAnalyzer({
  name: 'pod-probe',
  kinds: ['pod'],
  explains: ['Unhealthy', 'ProbeWarning', 'Killing', 'BackOff'],
  categories: {
    'probe-kill': {
      meaning: 'The kubelet kills a container because its liveness or startup probe fails.',
      happened: 'was killed for a failing probe, again and again',
      nearness: 91,
      answers: podQuestions,
      changes:
        /(?:liveness|startup) probe|^(?:image|command|environment|environment sources|ports|cpu limit|container)$/,
      advice: (draft, { namespace, pod, container, workload }) => [
        look(
          `kubectl -n ${namespace} get pod ${pod} -o jsonpath='{.spec.containers[?(@.name=="${container}")].${draft.facts['probe']}Probe}'`,
          `Shows the ${draft.facts['probe']} probe: what it asks for, how long it waits and how many failures it allows.`,
        ),
        ...(workload === null
          ? []
          : [
              change(
                `kubectl -n ${namespace} edit ${workload}`,
                draft.facts['listens'] === 'loopback'
                  ? listenEverywhere
                  : `Make the ${draft.facts['probe']} probe of container ${container} ask for what the program answers, or give it more time (timeoutSeconds, failureThreshold; a startupProbe for slow starts).`,
              ),
            ]),
      ],
    },
    'probe-failure': {
      meaning: 'A probe of a container fails, and the pod gets no traffic or its container will be killed.',
      happened: 'failed its probe',
      nearness: 60,
      answers: podQuestions,
      changes: /probe|^(?:image|command|environment|environment sources|ports|cpu limit|container)$/,
      advice: (draft, { namespace, pod, container, workload }) => [
        look(
          `kubectl -n ${namespace} logs ${pod}${container === '' ? '' : ` -c ${container}`}`,
          'Shows what the process did while the probe failed.',
        ),
        look(describeCommand(draft), 'Shows the probe: path, port, time-out, threshold.'),
        ...(draft.facts['listens'] === 'loopback' && workload !== null
          ? [change(`kubectl -n ${namespace} edit ${workload}`, listenEverywhere)]
          : []),
      ],
    },
  },
  async run(io, target) {
    if (
      deletionOf(target.object) !== null ||
      ['Succeeded', 'Failed'].includes(textAt(target.object, 'status', 'phase'))
    )
      return [];
    const events = await io.events(target);
    const containers = containersOf(target.object);
    const findings = await Promise.all(
      containers.map((container) => analyzeContainer(io, target, container, events, containers.length === 1)),
    );
    return findings.flat();
  },
});

async function analyzeContainer(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
  events: readonly EventView[],
  alone: boolean,
): Promise<readonly Draft[]> {
  const ending = container.terminated ?? container.last;
  const recent = events.filter(({ last }) => last === null || last >= addMs(io.now, -killCountsMs));
  const kill = probeKillOf(recent, container, ending, graceOf(target.object));
  if (kill !== null && !(container.ready && hasRecovered(container, kill, io.now)))
    return [await killed({ io, target, container, events, alone }, kill)];
  const kinds: readonly ProbeKind[] = ['liveness', 'startup', 'readiness'];
  const drafts = await Promise.all(kinds.map((kind) => failing({ io, target, container, events, alone }, kind)));
  return drafts.flat();
}

/** Whether a container has been ready for some time since the kubelet last killed it. */
function hasRecovered(container: ContainerView, kill: ProbeKill, now: Timestamp): boolean {
  return kill.last !== null && container.runningSince !== null && kill.last < addMs(now, -1_800_000);
}

interface Look {
  readonly io: AnalyzerIo;
  readonly target: Target;
  readonly container: ContainerView;
  readonly events: readonly EventView[];
  readonly alone: boolean;
}

async function killed({ io, target, container, events, alone }: Look, kill: ProbeKill): Promise<Draft> {
  const { kind } = kill;
  const probe = probeOf(container.spec, kind);
  const failures = failuresOf(events, container, kind, alone);
  const output = probeOutput(failures.at(-1)?.message ?? '');
  const log = await logOfRun(io, target, container, container.last !== null, statusIn(output));
  const bound = probe === null ? null : loopbackOnly(probe, container, output, log.records);
  const fault = boundFault(bound) ?? faultOf(probe, container, output, log.records);
  const known = log.telling?.kind == null ? null : log.telling;
  const { pointers, note } = await behind(io, target, container, known);
  const times = `${plural(kill.count, 'time')}${kill.last === null ? '' : `, last at ${timeText(kill.last)}`}`;
  const numbers = probe === null ? '' : `; ${numbersOf(probe)}${startNote(container, kind)}`;
  const said = fault.wrong ? '' : `${saidText(known)}${note}`;
  return {
    category: 'probe-kill',
    // A program that ran out of memory answers no probe either.
    severity:
      (container.terminated ?? container.last)?.reason === 'OOMKilled'
        ? 'medium'
        : container.ready
          ? 'high'
          : 'critical',
    object: `pod/${target.namespace}/${target.name}`,
    description: `The kubelet kills container ${container.name} of pod ${target.name} for its ${kind} probe (${times}). The probe ${probeName(probe)}${fault.text}${numbers}. ${plural(container.restarts, 'restart')}. The kubelet restarts the container for it.${said}`,
    cause: `The kubelet kills container ${container.name} of pod ${target.name} because its ${kind} probe fails (${times}): the probe ${probeName(probe)}${fault.text}${numbers}.${tooSoon(container, probe, kind)}${said}`,
    decisive: true,
    when: { from: kill.first, until: container.ready ? container.runningSince : null, source: 'event Killing' },
    facts: {
      ...podFacts(target.object),
      container: container.name,
      probe: kind,
      kills: String(kill.count),
      output,
      ...(bound === null ? {} : { listens: 'loopback' }),
      ...(log.telling === null ? {} : { log_line: log.telling.text }),
    },
    evidence: [eventsEvidence(target, events), podEvidence(target), ...log.evidence],
    pointers: fault.wrong ? [] : pointers,
  };
}

const probeName = (probe: Probe | null): string => (probe === null ? '' : `(${probe.what}) `);

function startNote(container: ContainerView, kind: ProbeKind): string {
  return kind === 'liveness' && at(container.spec, 'startupProbe') === undefined ? '; there is no startup probe' : '';
}

/** Where each run ends about when the probe may first do so, the program has not started by then. */
function tooSoon(container: ContainerView, probe: Probe | null, kind: ProbeKind): string {
  const ending = container.terminated ?? container.last;
  if (probe !== null && kind === 'startup')
    return ` It gives the program ${probe.delay + probe.period * probe.failures}s to start.`;
  if (probe === null || kind !== 'liveness' || ending?.startedAt == null || ending.finishedAt === null) return '';
  const ranMs = Date.parse(ending.finishedAt) - Date.parse(ending.startedAt);
  const allowed = probe.delay + probe.period * probe.failures + probe.timeout;
  return ranMs <= (allowed + 35) * 1000 && at(container.spec, 'startupProbe') === undefined
    ? ` The last run was killed ${Math.round(ranMs / 1000)}s after its start: a program that needs longer to start never does.`
    : '';
}

async function failing({ io, target, container, events, alone }: Look, kind: ProbeKind): Promise<readonly Draft[]> {
  const failures = recentWarnings(failuresOf(events, container, kind, alone), ['Unhealthy'], io.now);
  const last = failures.at(-1);
  const probe = probeOf(container.spec, kind);
  const ready = container.ready || (container.init && textAt(container.spec, 'restartPolicy') !== 'Always');
  // A ready container whose probe failed while it started is well.
  if (kind !== 'liveness' && ready) return [];
  const started =
    at(statusOf(target, container), 'started') !== false || at(container.spec, 'startupProbe') === undefined;
  const silent = last === undefined && kind === 'readiness' && container.running && probe !== null && started;
  if (last === undefined && !silent) return [];
  const ended = container.waiting !== null || container.terminated !== null;
  const output = probeOutput(last?.message ?? '');
  const since = kind === 'readiness' ? unreadySince(target, container) : (last?.first ?? null);
  const log = ended ? noLog : await logOfRun(io, target, container, false, statusIn(output), since);
  // What was ready once listened where the kubelet asks.
  const wasReady = since !== null && container.runningSince !== null && since > addMs(container.runningSince, 60_000);
  const bound = probe === null || wasReady ? null : loopbackOnly(probe, container, output, log.records);
  const fault: ProbeFault =
    last === undefined
      ? { text: 'has not passed; no event of the last hour says why', wrong: false }
      : (boundFault(bound) ?? faultOf(probe, container, output, log.records));
  const told = log.telling?.kind == null ? null : log.telling;
  const { pointers, note } = await behind(io, target, container, told);
  return [
    draftOf(
      { target, container, events, kind, probe, fault, bound, ended, output, last },
      fault.wrong ? '' : `${saidText(told)}${note}`,
      {
        pointers: fault.wrong ? [] : pointers,
        evidence: log.evidence,
        certain: fault.wrong,
      },
    ),
  ];
}

/** The fault of a probe that asks at the address of the pod, where the program does not listen. */
function boundFault(bound: string | null): ProbeFault | null {
  return bound === null ? null : { text: `finds nothing that listens (connection refused): ${bound}`, wrong: true };
}

const statusIn = (output: string): string | null => /statuscode: (\d{3})/.exec(output)?.[1] ?? null;

interface Failing {
  readonly target: Target;
  readonly container: ContainerView;
  readonly events: readonly EventView[];
  readonly kind: ProbeKind;
  readonly probe: Probe | null;
  readonly fault: ProbeFault;
  /** How it is known that the program listens for its own pod only; null where it is not. */
  readonly bound: string | null;
  readonly ended: boolean;
  readonly output: string;
  readonly last: EventView | undefined;
}

function draftOf(
  { target, container, events, kind, probe, fault, bound, ended, output, last }: Failing,
  said: string,
  more: {
    readonly pointers: Draft['pointers'];
    readonly evidence: readonly EvidenceDraft[];
    readonly certain: boolean;
  },
): Draft {
  const since = kind === 'readiness' ? unreadySince(target, container) : null;
  const from = since ?? last?.first ?? null;
  const consequence =
    kind === 'readiness' ? ' The pod gets no traffic.' : kind === 'startup' ? ' The other probes wait for it.' : '';
  const times = last === undefined ? '' : ` (${plural(last.count, 'time')}, last at ${timeText(last.last)})`;
  const numbers = probe === null ? '' : `; ${numbersOf(probe)}`;
  const unready = since === null ? '' : ` since ${timeText(since)}`;
  return {
    category: 'probe-failure',
    severity: ended ? 'low' : container.ready ? 'medium' : 'high',
    object: `pod/${target.namespace}/${target.name}`,
    description: `The ${kind} probe of container ${container.name} of pod ${target.name} ${probeName(probe)}${fault.text}${times}${numbers}.${consequence}${said}`,
    cause: ended
      ? null
      : `${kind === 'readiness' ? `Container ${container.name} of pod ${target.name} is not ready${unready}: its readiness` : `The ${kind}`} probe ${kind === 'readiness' ? '' : `of container ${container.name} of pod ${target.name} `}${probeName(probe)}${fault.text}.${said}`,
    decisive: more.certain,
    when: {
      from,
      until: null,
      source: since === null ? 'event Unhealthy' : 'condition ContainersReady',
    },
    facts: {
      ...podFacts(target.object),
      container: container.name,
      probe: kind,
      ...(last === undefined ? {} : { count: String(last.count) }),
      output,
      ...(bound === null ? {} : { listens: 'loopback' }),
    },
    evidence: [eventsEvidence(target, events), podEvidence(target), ...more.evidence].filter(
      ({ excerpt }) => excerpt !== '',
    ),
    pointers: more.pointers ?? [],
  };
}

function statusOf({ object }: Target, container: ContainerView): unknown {
  return listAt(object, 'status', container.init ? 'initContainerStatuses' : 'containerStatuses').find(
    (item) => textAt(item, 'name') === container.name,
  );
}

/** Since when the containers are not all ready; null where the run itself is younger. */
function unreadySince({ object }: Target, container: ContainerView): Timestamp | null {
  const condition = conditionOf(object, 'ContainersReady') ?? conditionOf(object, 'Ready');
  if (condition?.status !== 'False') return null;
  return container.runningSince !== null && condition.since !== null && condition.since < container.runningSince
    ? container.runningSince
    : condition.since;
}
