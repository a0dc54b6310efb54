import type { KubernetesObject } from '../../core/cluster.ts';
import { change, look } from '../advice.ts';
import { defineAnalyzer, lasting, objectName } from '../define.ts';
import type { FindingDraft, Target } from '../define.ts';
import { at, controllerOf, listAt, mapAt, numberAt, textAt } from '../reading/fields.ts';
import { isReady } from '../pods/pod-status.ts';
import { labelText, selectsLabels } from '../reading/selectors.ts';
import { templateOwner } from '../reading/template-owner.ts';

type Draft = FindingDraft<'service-port' | 'service-mixed-pods'>;

/** A port of a service. */
interface ServicePort {
  /** For people: `Port grpc (5050)`, `Port 80`. */
  readonly label: string;
  readonly port: number;
  readonly target: number | string;
  readonly protocol: string;
}

/** A port that a container says it listens on. */
interface ContainerPort {
  readonly container: string;
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
}

/** Services whose target port is none that the selected pods listen on. */
export const servicePort = defineAnalyzer({
  name: 'service-port',
  kinds: ['service'],
  explains: [],
  categories: {
    'service-port': {
      meaning: 'A Service sends its traffic to a port on which its pods do not listen.',
      happened: 'sent its traffic to a port where nothing listened',
      nearness: 80,
      answers: ['service'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        look(
          `kubectl -n ${namespace} describe service ${name}`,
          `Shows its ports and endpoints; the pods declare ${draft.facts['declared']}.`,
        ),
        change(
          `Correct the targetPort of service ${name} in namespace ${namespace} (kubectl -n ${namespace} edit service ${name}), or the ports of the pods' template.`,
          'Requests go to a port on which nothing listens.',
        ),
      ],
    },
    'service-mixed-pods': {
      meaning: 'A Service selects pods of another workload too, which do not listen on its port.',
      happened: 'sent traffic to pods of another workload',
      nearness: 64,
      answers: ['service'],
      changes: null,
      advice: (draft, { namespace }) => [
        look(
          `kubectl -n ${namespace} get pods -l ${draft.facts['selector']} -o wide --show-labels`,
          'Shows all pods that the service selects: those of another workload take a part of its traffic.',
        ),
      ],
    },
  },
  async run(io, target) {
    const selector = mapAt(target.object, 'spec', 'selector');
    if (Object.keys(selector).length === 0 || textAt(target.object, 'spec', 'type') === 'ExternalName') return [];
    const pods = await io.list('pods', target.namespace);
    if (pods.kind !== 'ok') return [];
    const picked = pods.value.filter((pod) => selectsLabels(selector, pod.metadata.labels ?? {}));
    if (picked.length === 0) return [];
    const ports = portsOf(target.object);
    const services = await io.list('services', target.namespace);
    const others = (services.kind === 'ok' ? services.value : []).filter(
      ({ metadata }) => metadata.name !== target.name,
    );
    const served = others.some((other) => serves(other, picked));
    const nameless = target.relation !== 'alert' && lacksNames(others, pods.value);
    const mixed = ports.flatMap((port) => mixedPods(target, port, picked.filter(isReady))).slice(0, 1);
    const missed = ports
      .filter((port) => !nameless || typeof port.target === 'number')
      .flatMap((port) => mismatch(target, port, served || ports.length > 1, picked));
    return [...missed, ...mixed];
  },
});

function portsOf(service: KubernetesObject): readonly ServicePort[] {
  return listAt(service, 'spec', 'ports').flatMap((item) => {
    const port = numberAt(item, 'port');
    if (port === null) return [];
    const name = textAt(item, 'name');
    const target = numberAt(item, 'targetPort') ?? (textAt(item, 'targetPort') || port);
    const protocol = textAt(item, 'protocol') || 'TCP';
    return [{ label: name === '' ? `Port ${port}` : `Port ${name} (${port})`, port, target, protocol }];
  });
}

/**
 * Whether other services go by name too and no container port at all has one: then what was read lacks the names, and
 * says nothing about one of these services.
 */
function lacksNames(services: readonly KubernetesObject[], pods: readonly KubernetesObject[]): boolean {
  return (
    services.some((service) => portsOf(service).some(({ target }) => typeof target === 'string')) &&
    pods.every((pod) => declaredBy(pod).every(({ name }) => name === ''))
  );
}

/** Whether a service reaches one of these pods on a port that it declares. */
function serves(service: KubernetesObject, pods: readonly KubernetesObject[]): boolean {
  const selector = mapAt(service, 'spec', 'selector');
  return pods.some(
    (pod) =>
      selectsLabels(selector, pod.metadata.labels ?? {}) &&
      portsOf(service).some((port) => declaredBy(pod).some((one) => isMeant(port, one))),
  );
}

const containersIn = (pod: KubernetesObject): readonly unknown[] => [
  ...listAt(pod, 'spec', 'containers'),
  ...listAt(pod, 'spec', 'initContainers').filter((one) => textAt(one, 'restartPolicy') === 'Always'),
];

function declaredBy(pod: KubernetesObject): readonly ContainerPort[] {
  return containersIn(pod).flatMap((container) =>
    listAt(container, 'ports').flatMap((item) => {
      const port = numberAt(item, 'containerPort');
      if (port === null) return [];
      const protocol = textAt(item, 'protocol') || 'TCP';
      return [{ container: textAt(container, 'name'), name: textAt(item, 'name'), port, protocol }];
    }),
  );
}

/** Ports that the readiness, liveness and startup probes of a pod ask. */
function probedIn(pod: KubernetesObject): readonly number[] {
  const declared = declaredBy(pod);
  return containersIn(pod).flatMap((container) =>
    ['readinessProbe', 'livenessProbe', 'startupProbe'].flatMap((probe) =>
      ['httpGet', 'tcpSocket', 'grpc'].flatMap((how) => {
        const port = at(container, probe, how, 'port');
        if (typeof port === 'number') return [port];
        return declared.find(({ name }) => name !== '' && name === port)?.port ?? [];
      }),
    ),
  );
}

function mismatch(
  target: Target,
  port: ServicePort,
  isOneOfSeveral: boolean,
  picked: readonly KubernetesObject[],
): readonly Draft[] {
  const named = typeof port.target === 'string';
  const hits = picked.filter((pod) => declaredBy(pod).some((one) => isMeant(port, one)));
  if (hits.length > 0) return [];
  const declared = picked.flatMap(declaredBy);
  if (!named && (declared.length === 0 || picked.some((pod) => probedIn(pod).includes(Number(port.target))))) return [];
  const otherProtocol = declared.find(
    (one) => (named ? one.name : one.port) === port.target && one.protocol !== port.protocol,
  );
  // A declared port is only information, and a port beside others may well go undeclared: what proves the number wrong is
  // the service's own port, or the probe of the only port.
  const certain = named || otherProtocol !== undefined || declared.some((one) => one.port === port.port);
  if (!certain && isOneOfSeveral) return [];
  const proven =
    certain || picked.some((pod) => probedIn(pod).some((probed) => declared.some((one) => one.port === probed)));
  const listens = listText(declared);
  const where = named ? `"${port.target}"` : String(port.target);
  const but =
    otherProtocol !== undefined
      ? `which the pods have as ${otherProtocol.protocol}, not ${port.protocol}`
      : named
        ? 'and no container of the pods that it selects has a port of this name'
        : 'and the pods that it selects do not declare it';
  const text = `${port.label} of service ${target.name} goes to targetPort ${where}, ${but}: they declare ${listens}.`;
  return [
    {
      category: 'service-port',
      severity: 'high',
      object: objectName('service', target.namespace, target.name),
      description: text,
      cause: text,
      decisive: proven,
      when: lasting,
      facts: { target_port: String(port.target), declared: listens },
      evidence: [
        {
          read: { kind: 'object', of: 'service', namespace: target.namespace, name: target.name },
          excerpt: `${port.label}: ${port.protocol}, targetPort ${port.target}`,
        },
        {
          read: { kind: 'list', resource: 'pods', namespace: target.namespace },
          excerpt: picked
            .slice(0, 10)
            .map((pod) => `${pod.metadata.name}: declares ${listText(declaredBy(pod))}`)
            .join('\n'),
        },
      ],
    },
  ];
}

/** Ready pods of another workload than those that listen on the port: a part of the traffic goes to them. */
function mixedPods(target: Target, port: ServicePort, ready: readonly KubernetesObject[]): readonly Draft[] {
  const listens = ready.filter((pod) => declaredBy(pod).some((one) => isMeant(port, one)));
  const owners = new Set(listens.map(makerOf));
  const others = ready.filter(
    (pod) => declaredBy(pod).length > 0 && !listens.includes(pod) && !owners.has(makerOf(pod)),
  );
  const [other] = others;
  // By name only the pods that have the port are endpoints.
  if (listens.length === 0 || other === undefined || typeof port.target === 'string') return [];
  const selector = labelText(mapAt(target.object, 'spec', 'selector'));
  const text = `Service ${target.name} selects ${selector}, and ${others.length} of its ${ready.length} ready pods ${others.length === 1 ? 'belongs' : 'belong'} to another workload: pod ${other.metadata.name} declares ${listText(declaredBy(other))}, not port ${port.target}, and a part of the traffic goes there.`;
  return [
    {
      category: 'service-mixed-pods',
      severity: 'medium',
      object: objectName('service', target.namespace, target.name),
      description: text,
      cause: text,
      decisive: false,
      when: lasting,
      facts: { selector },
      evidence: [
        {
          read: { kind: 'list', resource: 'pods', namespace: target.namespace },
          excerpt: ready
            .slice(0, 20)
            .map((pod) => `${pod.metadata.name}: declares ${listText(declaredBy(pod))}`)
            .join('\n'),
        },
      ],
    },
  ];
}

/** What makes a pod: a rollout has pods of two replica sets of one deployment. */
function makerOf(pod: KubernetesObject): string {
  const owner = controllerOf(pod);
  if (owner === null) return pod.metadata.name;
  const { kind, name } = templateOwner(owner, pod.metadata.labels?.['pod-template-hash']);
  return kind === 'ReplicaSet' ? name.replace(generatedEnd, '') : name;
}

/** What Kubernetes appends to names: letters and digits of which no words can come. */
const generatedEnd = /-[bcdfghjklmnpqrstvwxz2456789]{5,10}$/;

/** Whether a container port is the one that a service's port goes to, as the endpoints controller looks for it. */
function isMeant(port: ServicePort, { name, port: number, protocol }: ContainerPort): boolean {
  return (
    protocol === port.protocol && (typeof port.target === 'number' ? number === port.target : name === port.target)
  );
}

function listText(ports: readonly ContainerPort[]): string {
  const texts = ports.map(({ name, port, protocol }) => `${name === '' ? '' : `${name} `}${port}/${protocol}`);
  return [...new Set(texts)].join(', ') || 'no ports';
}
