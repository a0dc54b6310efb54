import type { KubernetesObject } from '../core/cluster.ts';
import { change, look, podQuestions } from './advice.ts';
import { defineAnalyzer, lasting, objectName } from './define.ts';
import type { FindingDraft, Target } from './define.ts';
import { at, controllerOf, listAt, numberAt, textAt } from './fields.ts';
import { isAlike } from './selector-nearest.ts';

type Draft = FindingDraft<'env-address'>;

/** An address that a variable holds. */
interface Address {
  readonly container: string;
  readonly variable: string;
  readonly host: string;
  readonly port: number | null;
}

/** A variable that names an address holds one even where its value has no port. */
const addressNames = /(?:HOST|HOSTNAME|ADDR|ADDRESS|SERVER|ENDPOINT|URL|URI|SERVICE)S?$/i;
/** Longer values are no addresses. */
const maxAddress = 300;
const addressForm =
  /^(?:[a-z][a-z0-9+.-]{1,20}:\/\/(?:[^@/\s]{0,200}@)?)?([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*)(?::(\d{2,5}))?(?:[/?].*)?$/i;

/** Workloads whose environment names a Service that does not exist, or a port that it does not have. */
export const envAddress = defineAnalyzer({
  name: 'env-address',
  kinds: ['deployment', 'statefulset', 'daemonset', 'pod'],
  explains: [],
  categories: {
    'env-address': {
      meaning: 'An environment variable holds the address of a Service, or of a port of one, that does not exist.',
      nearness: 78,
      answers: podQuestions,
      changes: /^(?:environment|container)$/,
      advice: (draft, { namespace }) => [
        look(
          `kubectl -n ${namespace} get services`,
          `Shows which services and ports there are; ${draft.facts['variable']} names ${draft.facts['address']}.`,
        ),
        change(
          `Correct ${draft.facts['variable']} in the template of ${draft.object.split('/')[0]} ${draft.object.split('/').at(-1)} in namespace ${namespace}.`,
          'Its value is the address of nothing.',
        ),
      ],
    },
  },
  async run(io, target) {
    // The template of the owner says it for all of its pods.
    const owner = target.kind === 'pod' ? (controllerOf(target.object)?.kind ?? '') : '';
    if (['ReplicaSet', 'StatefulSet', 'DaemonSet'].includes(owner)) return [];
    const spec = target.kind === 'pod' ? at(target.object, 'spec') : at(target.object, 'spec', 'template', 'spec');
    const addresses = addressesIn(spec, target.namespace ?? '');
    if (addresses.length === 0) return [];
    const services = await io.list('services', target.namespace);
    if (services.kind !== 'ok') return [];
    return addresses.flatMap((address) => fault(target, address, services.value)).slice(0, 3);
  },
});

/** Addresses of Services of the namespace among the values of variables, without those that the pod itself resolves. */
function addressesIn(spec: unknown, namespace: string): readonly Address[] {
  const ownNames = listAt(spec, 'hostAliases').flatMap((alias) => listAt(alias, 'hostnames'));
  return [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')].flatMap((container) =>
    listAt(container, 'env').flatMap((variable): readonly Address[] => {
      const name = textAt(variable, 'name');
      return textAt(variable, 'value')
        .split(/[,;\s]+/)
        .flatMap((value) => {
          const [, host = '', port] = value.length > maxAddress ? [] : (addressForm.exec(value) ?? []);
          const short = serviceName(host.toLowerCase(), namespace);
          const isAddress = port !== undefined || value.includes('://') || addressNames.test(name);
          if (short === null || !isAddress || ownNames.includes(host)) return [];
          return [
            {
              container: textAt(container, 'name'),
              variable: name,
              host: short,
              port: port === undefined ? null : Number(port),
            },
          ];
        });
    }),
  );
}

/** The Service of this namespace that a host names; null where it names anything else. */
function serviceName(host: string, namespace: string): string | null {
  const [short = '', second, third] = host.split('.');
  if (!/[a-z]/.test(short) || short === 'localhost') return null;
  if (second === undefined) return short;
  return second === namespace && (third === undefined || third === 'svc') ? short : null;
}

function fault(target: Target, address: Address, services: readonly KubernetesObject[]): readonly Draft[] {
  const { host, port, variable, container } = address;
  const service = services.find(({ metadata }) => metadata.name === host);
  const text = port === null ? host : `${host}:${port}`;
  const holds = `Environment variable ${variable} of container ${container} in ${target.kind} ${target.name} holds the address ${text}`;
  if (service === undefined) {
    // Of a name that is near to none, it is not known whether it is needed.
    const near = services.find(({ metadata }) => isNear(metadata.name, host));
    if (near === undefined) return [];
    const cause = `${holds}, and there is no service ${host} in its namespace: ${near.metadata.name} is near to it.`;
    return [draft(target, address, text, cause)];
  }
  const ports = listAt(service, 'spec', 'ports').map((one) => numberAt(one, 'port'));
  // Behind a headless service and an alias any port may be asked.
  const isOpen = textAt(service, 'spec', 'clusterIP') === 'None' || textAt(service, 'spec', 'type') === 'ExternalName';
  if (port === null || isOpen || ports.length === 0 || ports.includes(port)) return [];
  const cause = `${holds}, but service ${host} has no port ${port}: it has ${ports.join(', ')}.`;
  return [draft(target, address, text, cause)];
}

function isNear(name: string, host: string): boolean {
  const [short, long] = name.length < host.length ? [name, host] : [host, name];
  return isAlike(name, host) && short.length * 2 > long.length;
}

function draft(target: Target, { container, variable }: Address, address: string, cause: string): Draft {
  return {
    category: 'env-address',
    severity: 'high',
    object: objectName(target.kind, target.namespace, target.name),
    description: cause,
    cause,
    decisive: true,
    when: lasting,
    facts: { container, variable, address },
    evidence: [
      {
        read: { kind: 'object', of: target.kind, namespace: target.namespace, name: target.name },
        excerpt: `container ${container}: ${variable} names ${address}`,
      },
      { read: { kind: 'list', resource: 'services', namespace: target.namespace }, excerpt: cause },
    ],
  };
}
