import { change, describeCommand, look, unreadyQuestions } from './advice.ts';
import { defineAnalyzer } from './define.ts';
import type { AnalyzerIo, EvidenceDraft, EventView, FindingDraft, Period, Target } from './define.ts';
import { eventsEvidence, recentWarnings } from './events.ts';
import { between, conditionOf, listAt, plural, textAt } from './fields.ts';
import { containersOf, podEvidence, podFacts } from './pod-status.ts';
import type { ContainerView } from './pod-status.ts';
import { quote } from './quote.ts';

type Draft = FindingDraft<'image-pull' | 'config-error' | 'volume-mount' | 'sandbox-error'>;

const imageReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);
const configReasons: ReadonlySet<string> = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'PreCreateHookError',
  'PreStartHookError',
  'PostStartHookError',
  'CreatePodSandboxError',
  'ConfigPodSandboxError',
]);

/** Containers that cannot start: images, missing config and secrets, volumes, sandboxes. */
export const podStart = defineAnalyzer({
  name: 'pod-start',
  kinds: ['pod'],
  explains: [
    'Failed',
    'BackOff',
    'FailedMount',
    'FailedAttachVolume',
    'FailedCreatePodSandBox',
    'InspectFailed',
    'ErrImageNeverPull',
    'FailedPostStartHook',
  ],
  categories: {
    'image-pull': {
      meaning: 'The image of a container cannot be pulled.',
      nearness: 92,
      answers: [...unreadyQuestions, 'exits'],
      changes: /^(?:image|image pull secrets|service account)$/,
      advice: (draft, { namespace, container, workload }) => [
        look(describeCommand(draft), 'Shows the answer of the registry for each attempt.'),
        ...(workload === null
          ? []
          : [
              change(
                `kubectl -n ${namespace} set image ${workload} ${container}=<an image that can be pulled>`,
                `Image ${draft.facts['image'] ?? ''} cannot be pulled: ${draft.facts['problem'] ?? 'see the finding'}.`,
              ),
            ]),
      ],
    },
    'config-error': {
      meaning: 'A container cannot be created: something that its spec refers to is missing or wrong.',
      nearness: 92,
      answers: [...unreadyQuestions, 'exits'],
      changes: /^(?:environment|environment sources|volumes|volume mounts|command|image|container|security context)$/,
      advice: (draft, { namespace }) => [
        look(describeCommand(draft), 'Shows which config map, secret or key the container refers to.'),
        change(
          `Create what is missing in namespace ${namespace}, or correct the reference.`,
          'The container cannot be started before it exists.',
        ),
      ],
    },
    'volume-mount': {
      meaning: 'A volume of the pod cannot be attached or mounted.',
      nearness: 88,
      answers: unreadyQuestions,
      changes: /^(?:volumes|volume mounts)$/,
      advice: (draft) => [look(describeCommand(draft), 'Shows the volume and the error of the mount.')],
    },
    'sandbox-error': {
      meaning: 'The sandbox of the pod (its network) cannot be created.',
      nearness: 86,
      answers: unreadyQuestions,
      changes: null,
      advice: (draft) => [
        look(describeCommand(draft), 'Shows the error of the network plug-in or the container runtime.'),
      ],
    },
  },
  async run(io, target) {
    const phase = textAt(target.object, 'status', 'phase');
    if (phase === 'Succeeded') return [];
    const events = await io.events(target);
    const containers = await Promise.all(
      containersOf(target.object).map((container) => analyzeContainer(io, target, container, events)),
    );
    const findings = containers.flat();
    return findings.length > 0 ? findings : stuckCreating(io, target, events);
  },
});

async function analyzeContainer(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
  events: readonly EventView[],
): Promise<readonly Draft[]> {
  const reason = container.waiting?.reason ?? '';
  if (imageReasons.has(reason)) return [imagePull(io, target, container, events)];
  if (configReasons.has(reason))
    return [await configError(io, target, container, reason, container.waiting?.message ?? '')];
  const ending = container.terminated ?? container.last;
  if (
    ending !== null &&
    (ending.reason === 'StartError' || ending.reason === 'ContainerCannotRun') &&
    !container.ready
  ) {
    return [await configError(io, target, container, ending.reason, ending.message)];
  }
  return [];
}

function sinceCreation({ object }: Target): Period {
  return { from: object.metadata.creationTimestamp ?? null, until: null, source: 'creation of the pod' };
}

function imagePull(io: AnalyzerIo, target: Target, container: ContainerView, events: readonly EventView[]): Draft {
  const failures = recentWarnings(events, ['Failed', 'InspectFailed', 'ErrImageNeverPull'], io.now, 24 * 3_600_000);
  const detail = [container.waiting?.message ?? '', ...failures.map((event) => event.message)].join('\n');
  const why = imageProblem(container.waiting?.reason ?? '', detail);
  const waited = between(target.object.metadata.creationTimestamp ?? null, io.now);
  const pulls = failures.find((event) => event.message.startsWith('Failed to pull image'));
  const tries = pulls === undefined ? '' : ` ${plural(pulls.count, 'pull')} failed.`;
  return {
    category: 'image-pull',
    severity: 'high',
    object: `pod/${target.namespace}/${target.name}`,
    description: `${container.init ? 'Init container' : 'Container'} ${container.name} of pod ${target.name} cannot pull image ${container.image} (${container.waiting?.reason}): ${why}.${tries}${waited === null ? '' : ` The pod was created ${waited} earlier.`}`,
    cause: `Image ${container.image} of container ${container.name} cannot be pulled: ${why}.`,
    decisive: why !== unknownImageProblem,
    when: sinceCreation(target),
    facts: {
      ...podFacts(target.object),
      container: container.name,
      image: container.image,
      reason: container.waiting?.reason ?? '',
      problem: why,
    },
    evidence: [podEvidence(target), ...(failures.length > 0 ? [eventsEvidence(target, events)] : [])],
  };
}

const unknownImageProblem = 'the registry gave no reason that is known here';

/** Messages of containerd, CRI-O and the kubelet, most telling first. */
function imageProblem(reason: string, message: string): string {
  if (reason === 'InvalidImageName') return 'the image name is invalid';
  if (reason === 'ErrImageNeverPull') return 'the image is not on the node and the pull policy is Never';
  const known: readonly (readonly [RegExp, string])[] = [
    [
      /unauthorized|authentication required|access denied|403 Forbidden|401 Unauthorized|denied: /i,
      'the registry refuses access (credentials, imagePullSecrets, or no such repository)',
    ],
    [/toomanyrequests|429 Too Many Requests|rate limit/i, 'the registry limits the rate of pulls'],
    [
      /no match for platform|no matching manifest|exec format/i,
      'the image has no variant for the platform of the node',
    ],
    [/not found|manifest unknown|does not exist|NotFound/i, 'not found in the registry (a wrong name or tag)'],
    [/no such host|lookup .* on |server misbehaving/i, 'the name of the registry cannot be resolved'],
    [
      /i\/o timeout|deadline exceeded|connection refused|connection reset|TLS handshake|no route to host/i,
      'the registry cannot be reached',
    ],
    [/x509|certificate/i, 'the certificate of the registry is not trusted'],
    [/no space left/i, 'the disk of the node is full'],
  ];
  return known.find(([pattern]) => pattern.test(message))?.[1] ?? unknownImageProblem;
}

async function configError(
  io: AnalyzerIo,
  target: Target,
  container: ContainerView,
  reason: string,
  message: string,
): Promise<Draft> {
  const missing = await missingConfig(io, target, message);
  const text = quote(message, 300) || 'no message';
  return {
    category: 'config-error',
    severity: 'high',
    object: `pod/${target.namespace}/${target.name}`,
    description: `${container.init ? 'Init container' : 'Container'} ${container.name} of pod ${target.name} cannot be started (${reason}): ${text}.${missing.note}`,
    cause: `Container ${container.name} cannot be started: ${text}.`,
    decisive: message !== '',
    when: sinceCreation(target),
    facts: { ...podFacts(target.object), container: container.name, reason, message: text },
    evidence: [podEvidence(target), ...missing.evidence],
  };
}

/** Looks a config map up that the message names: does it exist, and which keys does it have? Secrets are never read. */
async function missingConfig(
  io: AnalyzerIo,
  target: Target,
  message: string,
): Promise<{ readonly note: string; readonly evidence: readonly EvidenceDraft[] }> {
  const named = /configmap "([^"]{1,253})" not found|in ConfigMap ([^/\s]{1,63})\/([^\s,]{1,253})/i.exec(message);
  const name = named?.[1] ?? named?.[3];
  if (name === undefined) return { note: '', evidence: [] };
  const result = await io.get('configmap', target.namespace, name);
  if (result.kind !== 'ok') return { note: '', evidence: [] };
  if (result.value === null) return { note: ` There is no config map ${name}.`, evidence: [] };
  const keys = Object.keys({
    ...(result.value['data'] as object | undefined),
    ...(result.value['binaryData'] as object | undefined),
  });
  return {
    note: ` Config map ${name} has the keys: ${keys.join(', ') || 'none'}.`,
    evidence: [
      {
        read: { kind: 'object', of: 'configmap', namespace: target.namespace, name },
        excerpt: `keys: ${keys.join(', ') || 'none'}`,
      },
    ],
  };
}

/** Scheduled, but its containers are not created: volumes that do not mount, sandboxes that fail. */
function stuckCreating(io: AnalyzerIo, target: Target, events: readonly EventView[]): readonly Draft[] {
  const pod = target.object;
  if (conditionOf(pod, 'PodScheduled')?.status !== 'True' || textAt(pod, 'status', 'phase') !== 'Pending') return [];
  const failures = recentWarnings(events, ['FailedMount', 'FailedAttachVolume', 'FailedCreatePodSandBox'], io.now);
  const last = failures.at(-1);
  if (last === undefined) return [];
  const config = /(?:secret|configmap) "[^"]+" not found|references non-existent (?:secret|config) key/i.test(
    last.message,
  );
  const text = quote(last.message, 300);
  const what =
    last.reason === 'FailedCreatePodSandBox'
      ? 'the sandbox of the pod cannot be created'
      : 'a volume cannot be mounted';
  const volumes = listAt(pod, 'spec', 'volumes')
    .map((volume) => textAt(volume, 'name'))
    .filter((name) => name !== '' && last.message.includes(`"${name}"`));
  return [
    {
      category: config ? 'config-error' : last.reason === 'FailedCreatePodSandBox' ? 'sandbox-error' : 'volume-mount',
      severity: 'high',
      object: `pod/${target.namespace}/${target.name}`,
      description: `Pod ${target.name} is scheduled and does not start: ${what} (${last.reason}, ${plural(last.count, 'time')}): ${text}.`,
      cause: `Pod ${target.name} cannot start: ${what}: ${text}.`,
      decisive: true,
      when: { from: last.first, until: null, source: `event ${last.reason}` },
      facts: {
        ...podFacts(pod),
        reason: last.reason,
        message: text,
        ...(volumes[0] === undefined ? {} : { volume: volumes[0] }),
      },
      evidence: [eventsEvidence(target, events), podEvidence(target)],
    },
  ];
}
