import { timeText } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import { change, look, podQuestions } from '../advice.ts';
import { defineAnalyzer } from '../define.ts';
import type { AnalyzerIo, EvidenceDraft, EventView, FindingDraft, Target } from '../define.ts';
import { eventsEvidence, recentWarnings } from '../reading/events.ts';
import { exitMeaning } from './exit-codes.ts';
import { commandLineOf } from '../reading/command-line.ts';
import { between, textAt } from '../reading/fields.ts';
import { endedBy, readySince, unwellSince, wellSince } from './pod-end.ts';
import type { EndedBy } from './pod-end.ts';
import { containersOf, endingFacts, isOldEnding, podEvidence } from './pod-status.ts';
import type { ContainerView, Ending } from './pod-status.ts';
import { quote } from '../reading/quote.ts';
import { claimHolders } from './shared-claim.ts';
import { specNote } from './spec-notes.ts';
import { hasPort, loopbackOf } from './loopback.ts';
import { behind } from './behind.ts';
import type { Behind } from './behind.ts';
import { logOfEndedRun, saidText } from './run-log.ts';
import type { RunLog } from './run-log.ts';

type Draft = FindingDraft<'crash-loop' | 'container-failed' | 'ends-at-once'>;

const templateChanges =
  /^(?:image|command|environment|environment sources|volumes|volume mounts|security context|service account|service account token|working directory|runtime class|liveness probe|startup probe|lifecycle hooks|container|ports)$/;

/** Containers that ended by themselves: crash loops, failures for good, commands that end at once; with both logs. */
export const podCrash = defineAnalyzer({
  name: 'pod-crash',
  kinds: ['pod'],
  explains: ['BackOff'],
  categories: {
    'crash-loop': {
      meaning: 'A container ends and is started again and again.',
      happened: 'crashed again and again',
      nearness: 74,
      answers: podQuestions,
      changes: templateChanges,
      advice: (draft, { namespace, pod, container }) => [
        look(
          `kubectl -n ${namespace} logs ${pod} -c ${draft.facts['server'] ?? container} --previous`,
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
      happened: 'ended with an error',
      nearness: 72,
      answers: podQuestions,
      changes: templateChanges,
      advice: (_, { namespace, pod, container }) => [
        look(`kubectl -n ${namespace} logs ${pod} -c ${container}`, 'Shows the whole log of the run that failed.'),
      ],
    },
    'ends-at-once': {
      meaning: 'The command of a container that should go on ends without an error, and is started again and again.',
      happened: 'ended without an error again and again',
      nearness: 76,
      answers: podQuestions,
      changes: /^(?:image|command|environment|environment sources|container)$/,
      advice: (_, { namespace, pod, container, workload }) => [
        look(
          `kubectl -n ${namespace} get pod ${pod} -o jsonpath='{.spec.containers[?(@.name=="${container}")].command}{.spec.containers[?(@.name=="${container}")].args}'`,
          'Shows the command of the container: it has to stay in the foreground.',
        ),
        ...(workload === null
          ? []
          : [
              change(
                `kubectl -n ${namespace} edit ${workload}`,
                'Give the container a command that goes on, or make it a Job, which may end.',
              ),
            ]),
      ],
    },
  },
  async run(io, target) {
    const events = await io.events(target);
    const crashes = await Promise.all(
      containersOf(target.object).map((container) => crashOf(io, target, container, events)),
    );
    return withinPod(crashes.flat());
  },
});

/** Ends of which another analyzer tells. */
const isOthers: ReadonlySet<EndedBy> = new Set(['deletion', 'disruption', 'node', 'change']);

interface Crash {
  readonly target: Target;
  readonly container: ContainerView;
  readonly ending: Ending;
  readonly kind: CrashKind;
  readonly by: EndedBy;
  readonly log: RunLog;
  readonly behind: Behind;
  /** When the kubelet first waited before it started the container again, of a loop that goes on. */
  readonly loopSince: Timestamp | null;
  /** Who else mounts the data, where a lock on it is held. */
  readonly holders: string;
  /** Since when the container is ready again; null where it is not. */
  readonly readyAgain: Timestamp | null;
  readonly evidence: readonly EvidenceDraft[];
}

async function crashOf(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
  events: readonly EventView[],
): Promise<readonly Crash[]> {
  const ending = endingOf(container);
  if (ending === null || isOldEnding(container, ending, io.now)) return [];
  const kind = crashKind(target, container, ending);
  const by = endedBy(target.object, container, ending, events);
  if (kind === null || isOthers.has(by)) return [];
  const log = await logOfEndedRun(io, target, container, ending);
  const backOffs = recentWarnings(events, ['BackOff'], io.now);
  const readyAgain = readySince(target.object, container, backOffs);
  return [
    {
      target,
      container,
      ending,
      kind,
      by,
      log,
      behind: await behind(io, target, container, log.telling),
      loopSince: kind === 'loop' ? (backOffs.find((event) => isBackOffOf(event, container))?.first ?? null) : null,
      holders: log.telling?.kind === 'locked' ? await claimHolders(io, target) : '',
      readyAgain,
      evidence: [
        podEvidence(target),
        ...log.evidence,
        // Those of a spell that is over say nothing of now.
        ...(backOffs.length > 0 && readyAgain === null ? [eventsEvidence(target, events)] : []),
      ],
    },
  ];
}

const isBackOffOf = ({ container, message }: EventView, { name }: ContainerView): boolean =>
  message.includes(`restarting failed container ${name} `) || (container === name && message.includes('restarting'));

const draftFor = (crash: Crash): Draft =>
  crash.ending.exitCode === 0 && crash.by === 'itself' ? endsAtOnce(crash) : crashed(crash);

/** A container that finds nothing at the address of the pod itself ends because the container ended that serves there. */
function withinPod(crashes: readonly Crash[]): readonly Draft[] {
  const drafts = crashes.map((crash) => ({ crash, draft: draftFor(crash) }));
  return drafts.map(({ crash, draft }): Draft => {
    const peer = crash.log.telling?.kind === 'refused' ? loopbackOf(crash.log.telling.text) : null;
    if (peer === null || draft.cause === null) return draft;
    const server = drafts.find(
      (one) => one.crash !== crash && one.draft.cause !== null && serves(one.crash, peer.port),
    );
    if (server === undefined) return draft;
    return {
      ...draft,
      cause: `${server.draft.cause} ${nameOf(crash.container)} finds nothing at ${peer.address} for it and ends too.`,
      decisive: server.draft.decisive,
      facts: { ...draft.facts, server: server.crash.container.name },
      evidence: [...draft.evidence, ...server.crash.log.evidence],
      pointers: server.draft.pointers ?? [],
    };
  });
}

function serves({ container, log }: Crash, port: number): boolean {
  const lines = log.records.flatMap((record) => record.lines);
  return log.telling?.kind !== 'refused' && hasPort(container, lines, port);
}

/** How the last run ended; of a container that waits for the next one it may not be captured. */
function endingOf({ terminated, last, waiting }: ContainerView): Ending | null {
  if (terminated !== null || last !== null || waiting?.reason !== 'CrashLoopBackOff') return terminated ?? last;
  return { reason: '', exitCode: null, message: '', startedAt: null, finishedAt: null };
}

type CrashKind = 'loop' | 'repeated' | 'failed';

function crashKind(target: Target, container: ContainerView, ending: Ending): CrashKind | null {
  if (notStarted.has(ending.reason)) return null;
  if (container.waiting?.reason === 'CrashLoopBackOff') return 'loop';
  if (ending.exitCode === 0 || ending.reason === 'Completed')
    return container.restarts >= 3 && container.running && !container.init ? 'repeated' : null;
  if (container.terminated !== null)
    return textAt(target.object, 'spec', 'restartPolicy') === 'Always' ? 'repeated' : 'failed';
  return container.restarts >= 3 && container.running ? 'repeated' : null;
}

/** Ends of containers that never ran; pod-start explains them. */
const notStarted: ReadonlySet<string> = new Set(['StartError', 'ContainerCannotRun']);

const nameOf = ({ init, name }: ContainerView): string => `${init ? 'Init container' : 'Container'} ${name}`;

function crashed(crash: Crash): Draft {
  const { target, container, ending, kind, by, log, behind, holders, readyAgain } = crash;
  const meaning = exitMeaning(ending.exitCode);
  const why =
    by === 'memory'
      ? 'killed for its memory'
      : by === 'probe'
        ? 'killed for its probe'
        : by === 'hook'
          ? 'killed because its postStart hook failed'
          : isOwnException(crash)
            ? ''
            : meaning.text;
  const ran = between(ending.startedAt, ending.finishedAt);
  const how = `${ending.reason || 'ended'}${ending.exitCode === null ? '' : `, exit code ${ending.exitCode}`}${why === '' ? '' : ` (${why})`}${ran === null ? '' : `, ${ran} after its start`}`;
  const again = readyAgain === null ? '' : ` It was started again and is ready since ${timeText(readyAgain)}.`;
  const state =
    readyAgain !== null
      ? 'ended'
      : kind === 'loop'
        ? 'is in CrashLoopBackOff'
        : kind === 'failed'
          ? 'failed'
          : 'ended and is started again and again';
  const own = by === 'itself';
  const words = own
    ? `${saidText(log.telling)}${behind.note}${holders}${specNote(target.object, container, log.telling)}`
    : '';
  const left = ending.message === '' || !own ? '' : ` It left the message: "${quote(ending.message, 300)}".`;
  return {
    ...draftOf(crash),
    category: kind === 'failed' ? 'container-failed' : 'crash-loop',
    description: `${nameOf(container)} of pod ${target.name} ${state}: ${plural(container.restarts, 'restart')}, last end at ${timeText(ending.finishedAt)}: ${how}.${words}${left}${again}`,
    // What somebody else ended did not end by itself; a code that may mean anything is no cause either.
    cause:
      own && (log.telling !== null || left !== '' || meaning.tells)
        ? `${nameOf(container)} of pod ${target.name} ${readyAgain === null ? 'ends' : 'ended'} with ${how}.${words}${left}${again}`
        : null,
    decisive: own && (log.telling?.certain === true || (meaning.tells && [126, 127].includes(ending.exitCode ?? 0))),
    pointers: own ? behind.pointers : [],
  };
}

/** .NET ends with the code of a segmentation fault also for an exception that nobody caught. */
function isOwnException({ ending, log: { telling } }: Crash): boolean {
  return (
    ending.exitCode === 139 &&
    telling?.record.ends === true &&
    !/\bSIGSEGV\b|segmentation/i.test(telling.record.lines.join('\n'))
  );
}

/** A command that ends without an error is no server; why it ended may be on purpose. */
function endsAtOnce(crash: Crash): Draft {
  const { target, container, ending, kind, log } = crash;
  const ran = between(ending.startedAt, ending.finishedAt);
  const command = commandLineOf(container.spec);
  const what = command.length === 0 ? 'the command of its image' : `its command (${quote(command.join(' '), 120)})`;
  const words = saidText(log.telling);
  const how = `${what} runs to its end without an error (Completed, exit code 0${ran === null ? '' : `, ${ran} after its start`})`;
  return {
    ...draftOf(crash),
    category: 'ends-at-once',
    description: `${nameOf(container)} of pod ${target.name} ${kind === 'loop' ? 'is in CrashLoopBackOff' : 'ends and is started again and again'}: ${how}; ${plural(container.restarts, 'restart')}.${words}`,
    cause: `${nameOf(container)} of pod ${target.name} does not stay: ${how} and is started again and again.${words === '' ? ' It is not a server, or does not stay in the foreground.' : words}`,
    decisive: kind === 'loop',
  };
}

function draftOf({
  target,
  container,
  ending,
  by,
  log,
  loopSince,
  evidence,
}: Crash): Omit<Draft, 'category' | 'description' | 'cause' | 'decisive'> {
  const line = by === 'itself' ? log.telling : null;
  return {
    severity: container.ready ? 'medium' : 'high',
    object: `pod/${target.namespace}/${target.name}`,
    when: {
      // A pod of a loop is ready now and then: its condition may be younger than the loop.
      from: [unwellSince(target.object, ending), loopSince].flatMap((moment) => moment ?? []).sort()[0] ?? null,
      until: wellSince(target.object, container),
      source: `status of ${container.label}`,
    },
    facts: {
      ...endingFacts(target.object, container, ending),
      ...(line === null ? {} : { log_line: line.text, ...(line.kind === null ? {} : { log_kind: line.kind }) }),
      ...(line === null || line.count < 2 ? {} : { log_count: String(line.count) }),
      log: log.read ? 'read' : 'not available',
    },
    evidence,
  };
}
