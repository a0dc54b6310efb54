import { capital } from '../../lib/words.ts';
import { change, describeCommand, look, podQuestions } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, Category, EventView, FindingDraft, Target } from '../define.ts';
import { eventsEvidence, eventsOfContainer } from '../reading/events.ts';
import { at, textAt } from '../reading/fields.ts';
import { containersOf, downSince, podEvidence, podFacts } from './pod-status.ts';
import type { ContainerView } from './pod-status.ts';
import { keysOf, missingReference, missingText, makersOf } from '../reading/references.ts';
import { ownWords } from './runtime-words.ts';
import { startProblem } from './start-words.ts';
import type { StartCategory } from './start-words.ts';

/** Reasons with which a container waits that could not be created or started. */
const startReasons: ReadonlySet<string> = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'StartError',
  'ContainerCannotRun',
  'PreCreateHookError',
  'PreStartHookError',
  'PostStartHookError',
  'VerifyNonRootError',
  'CreatePodSandboxError',
  'ConfigPodSandboxError',
]);

const start = (meaning: string, happened: string, changes: RegExp, rationale: string): Category => ({
  meaning,
  happened,
  nearness: 93,
  answers: podQuestions,
  changes,
  advice: (draft) => [look(describeCommand(draft), rationale)],
});

const categories: Readonly<Record<StartCategory | 'config-missing', Category>> = {
  'config-missing': {
    meaning: 'A config map, a secret or a key that a container refers to does not exist.',
    happened: 'could not start its container',
    nearness: 94,
    answers: podQuestions,
    changes: /^(?:environment|environment sources|volumes|volume mounts|container)$/,
    advice: (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} get ${draft.facts['missing_kind'] === 'secret' ? 'secrets' : 'configmaps'}`,
        'Shows which ones exist: a wrong name is more common than a lost object.',
      ),
      change(
        `Create ${draft.facts['missing'] ?? 'what is missing'} in namespace ${namespace}, or correct the reference.`,
        'The container cannot be started before it exists.',
      ),
    ],
  },
  'command-not-found': {
    ...start(
      'The command of a container does not exist or cannot be executed.',
      'could not start its command',
      /^(?:command|working directory|image|container)$/,
      'Shows the command, the arguments and the error of the container runtime.',
    ),
    advice: (draft, { namespace, pod }) => [
      look(
        `kubectl -n ${namespace} get pod ${pod} -o jsonpath='{range .spec.containers[*]}{.name}: {.command} {.args} in image {.image}{"\\n"}{end}'`,
        'Shows the command and the arguments; compare them with what the image holds.',
      ),
      look(describeCommand(draft), 'Shows the error of the container runtime.'),
    ],
  },
  'security-refused': start(
    'The security settings of a container do not fit its image or its node.',
    'could not start for its security settings',
    /^(?:security context|image|container)$/,
    'Shows the error; compare it with the securityContext of the container and the pod.',
  ),
  'mount-refused': start(
    'A volume cannot be mounted into a container.',
    'could not mount a volume',
    /^(?:volume mounts|volumes|image|container)$/,
    'Shows the mount and the error of the container runtime.',
  ),
  'device-missing': start(
    'A device that a container needs is not there.',
    'could not get its device',
    /(?:limit|request)$/,
    'Shows the error of the device or its driver.',
  ),
  'hook-failed': start(
    'The postStart hook of a container fails.',
    'failed in its postStart hook',
    /^(?:lifecycle hooks|image|container)$/,
    'Shows the hook and what it said.',
  ),
  'start-error': start(
    'The container runtime cannot create or start a container.',
    'could not start its container',
    /^(?:command|working directory|image|container|security context|volume mounts|volume devices|runtime class|memory limit)$/,
    'Shows the error of the container runtime.',
  ),
};

type Draft = FindingDraft<StartCategory | 'config-missing'>;

/** Containers that cannot be created or started: what they refer to, their command, their security settings, hooks. */
export const podStart = defineAnalyzer({
  name: 'pod-start',
  kinds: ['pod'],
  explains: ['Failed', 'BackOff', 'FailedPostStartHook'],
  categories,
  async run(io, target) {
    if (textAt(target.object, 'status', 'phase') === 'Succeeded') return [];
    if (target.object.metadata.deletionTimestamp !== undefined) return [];
    const containers = containersOf(target.object);
    if (containers.every(({ waiting, terminated, last }) => (waiting ?? terminated ?? last) === null)) return [];
    const events = await io.events(target);
    const failing = containers.flatMap((container) => {
      const failure = failureOf(container) ?? hookFailure(container, events);
      return failure === null ? [] : [{ container, ...failure }];
    });
    return Promise.all(
      failing.map(({ container, reason, message }) => finding(io, target, container, reason, message, events)),
    );
  },
});

/** The reason and the message with which a container could not be started; null where it could. */
function failureOf({
  waiting,
  terminated,
  last,
  running,
}: ContainerView): { readonly reason: string; readonly message: string } | null {
  if (waiting !== null && startReasons.has(waiting.reason)) {
    const ended = last !== null && startReasons.has(last.reason) ? last.message : '';
    return { reason: waiting.reason, message: waiting.message || ended };
  }
  const ending = terminated ?? last;
  return ending !== null && startReasons.has(ending.reason) && !running
    ? { reason: ending.reason, message: ending.message }
    : null;
}

/** The kubelet ends a container whose postStart hook fails; afterwards only an event tells of the hook. */
function hookFailure(
  { name, waiting, spec }: ContainerView,
  events: readonly EventView[],
): { readonly reason: string; readonly message: string } | null {
  if (waiting?.reason !== 'CrashLoopBackOff' || at(spec, 'lifecycle', 'postStart') === undefined) return null;
  const event = eventsOfContainer(events, name).findLast(
    ({ reason, message }) =>
      reason === 'FailedPostStartHook' && (message.includes(`"${name}"`) || !/ontainer "/.test(message)),
  );
  return event === undefined ? null : { reason: 'PostStartHookError', message: event.message };
}

async function finding(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
  reason: string,
  status: string,
  events: readonly EventView[],
): Promise<Draft> {
  const { object: pod, namespace, name } = target;
  const { message, event } = withEvents(reason, status, eventsOfContainer(events, container.name));
  const missing = missingReference(message);
  const keys = await keysOf(io, target, missing);
  const problem = startProblem(reason, message);
  const words = missing === null ? problem.words : missingText(missing, namespace);
  const said = message === '' ? '' : ` (${ownWords(message)})`;
  const { label } = container;
  return {
    category: missing === null ? problem.category : 'config-missing',
    severity: 'high',
    object: objectName('pod', namespace, name),
    description: `${capital(label)} of pod ${name} cannot be started (${reason}): ${words}${said}.${keys.note}`,
    cause:
      message === '' && problem.category === 'start-error'
        ? null
        : `${capital(label)} of pod ${name} cannot be started: ${words}${said}.`,
    decisive: message !== '',
    when: downSince(pod, container, event),
    facts: {
      ...podFacts(pod),
      container: container.name,
      reason,
      message: words,
      ...(missing === null
        ? {}
        : { missing_kind: missing.kind, missing: `${missing.kind} ${missing.name}${keyText(missing.key)}` }),
    },
    evidence: [podEvidence(target), ...(event === null ? [] : [eventsEvidence(target, events)]), ...keys.evidence],
    pointers: makersOf(missing, namespace),
  };
}

const keyText = (key: string | null): string => (key === null ? '' : ` with key ${key}`);

/** The status has the words, or the newest event: of hooks always the event, of others where the status has none. */
function withEvents(
  reason: string,
  status: string,
  events: readonly EventView[],
): { readonly message: string; readonly event: EventView | null } {
  const isHook = reason.includes('Hook');
  const event =
    events.findLast((one) =>
      isHook
        ? one.reason === 'FailedPostStartHook' || one.reason === 'FailedPreStopHook'
        : one.reason === 'Failed' && /^Error: (?!ErrImage|ImagePull)/.test(one.message),
    ) ?? null;
  if (status !== '' && !(isHook && event !== null)) return { message: status, event };
  return { message: event?.message ?? '', event };
}
