import type { KubernetesObject } from '../../core/cluster.ts';
import { change, describeCommand, kindAndName, look, podQuestions } from '../advice.ts';
import { defineAnalyzer, nameOf } from '../define.ts';
import type { AnalyzerIo, EvidenceDraft, FindingDraft, ObjectKind, Target } from '../define.ts';
import { commandLineOf } from '../reading/command-line.ts';
import { at, controllerOf, listAt, textAt } from '../reading/fields.ts';
import { hostsIn, isInside, portOfHost, portsOf, serviceOfHost } from '../reading/hosts.ts';
import { failureKind, remoteKinds } from '../log/kinds.ts';
import { readLog } from '../log/records.ts';
import type { LogRecord } from '../log/records.ts';
import { isReady } from '../pods/pod-status.ts';
import { hasName } from '../reading/names.ts';
import { quote } from '../reading/quote.ts';
import { matchesLabels } from '../reading/selectors.ts';
import { closestName } from '../reading/similar-name.ts';

type Draft = FindingDraft<'address-without-service' | 'address-wrong-port'>;

const kinds: readonly ObjectKind[] = ['deployment', 'statefulset', 'daemonset', 'pod'];
const tailLines = 300;

/** Addresses in variables and arguments of a workload that no Service of the cluster answers to. */
export const addresses = defineAnalyzer({
  name: 'addresses',
  kinds,
  explains: [],
  categories: {
    'address-without-service': {
      meaning: 'A variable or argument of a container names a host inside the cluster, and no Service has that name.',
      happened: 'was given an address that leads nowhere',
      nearness: 78,
      answers: [...podQuestions],
      changes: /^(?:environment|environment sources|command|host aliases|container)$/,
      advice: (draft, { namespace }) => [
        look(`kubectl -n ${namespace} get services`, 'Shows the names that can be called.'),
        ...correction(draft, namespace),
      ],
    },
    'address-wrong-port': {
      meaning: 'A variable or argument of a container calls a Service on a port that it does not have.',
      happened: 'was given a port that leads nowhere',
      nearness: 78,
      answers: [...podQuestions],
      changes: /^(?:environment|environment sources|command|host aliases|container)$/,
      advice: (draft, { namespace }) => [
        look(
          `kubectl -n ${namespace} describe service ${draft.facts['service'] ?? ''}`,
          'Shows the ports of the Service.',
        ),
        ...correction(draft, namespace),
      ],
    },
  },
  async run(io, target) {
    if (target.kind === 'pod' && controllerOf(target.object) !== null) return [];
    const found = addressesOf(target);
    if (found.length === 0) return [];
    const services = await io.list('services', target.namespace);
    if (services.kind !== 'ok' || services.isPartial === true || services.value.length === 0) return [];
    const faults = found.flatMap((address) => faultOf(address, target, services.value) ?? []);
    if (faults.length === 0) return [];
    const logs = new Map<string, Promise<PodLog>>();
    return Promise.all(
      faults.map(async (fault) => {
        const { container } = fault.address;
        const log = logs.get(container) ?? logOf(io, target, container);
        logs.set(container, log);
        return draftOf(target, fault, await log);
      }),
    );
  },
});

const correction = (draft: FindingDraft, namespace: string) => {
  const variable = draft.facts['variable'];
  const object = kindAndName(draft.object);
  return variable === undefined || object.startsWith('pod/') || draft.facts['nearest'] === undefined
    ? [look(describeCommand(draft), 'Shows where the address comes from.')]
    : [
        change(
          `kubectl -n ${namespace} set env ${object} -c ${draft.facts['container']} ${variable}=<the address of ${draft.facts['nearest']}>`,
          `The value of ${variable} leads nowhere; ${draft.facts['nearest']} is the nearest that exists, if that is what is meant.`,
        ),
      ];
};

/** An address that a workload is given. */
interface Address {
  readonly container: string;
  /** `variable REDIS_ADDR`, `argument --redis`. */
  readonly where: string;
  readonly variable: string | null;
  readonly value: string;
  readonly host: string;
  readonly port: number | null;
}

const namesAddress =
  /(?:ADDR(?:ESS)?(?:ES)?|HOST(?:NAME|S)?|UR[LI]S?|SERVERS?|ENDPOINTS?|BROKERS?|DSN|UPSTREAM|BACKEND|TARGET|SERVICE|BOOTSTRAP\w*)$/i;
/** Names that are no Service of the cluster though they have no domain. */
const elsewhere =
  /^(?:localhost|host|true|false|yes|no|none|null|default|disabled|enabled|auto|kubernetes|metadata|production|staging|dev(?:elopment)?|test)$/;

function addressesOf({ kind, object }: Target): readonly Address[] {
  const spec = kind === 'pod' ? at(object, 'spec') : at(object, 'spec', 'template', 'spec');
  const aliases = new Set(listAt(spec, 'hostAliases').flatMap((alias) => listAt(alias, 'hostnames')));
  return listAt(spec, 'containers').flatMap((container) => {
    const name = textAt(container, 'name');
    const variables = listAt(container, 'env').flatMap((variable): readonly Address[] => {
      const variableName = textAt(variable, 'name');
      const value = textAt(variable, 'value');
      return partsOf(value, namesAddress.test(variableName)).map((part) => ({
        ...part,
        container: name,
        where: `variable ${variableName}`,
        variable: variableName,
        value,
      }));
    });
    const options = commandLineOf(container).flatMap((word): readonly Address[] => {
      const option = /^--?([\w.-]{2,60})=(.{1,300})$/.exec(word);
      if (option === null) return [];
      const [, flag = '', value = ''] = option;
      return partsOf(value, namesAddress.test(flag)).map((part) => ({
        ...part,
        container: name,
        where: `argument --${flag}`,
        variable: null,
        value,
      }));
    });
    return [...variables, ...options].filter(({ host }) => !aliases.has(host));
  });
}

/** Hosts with ports of a value: `redis:6379`, `http://orders/x`; a bare name only where the variable's own name says that it is one. */
function partsOf(value: string, isNamed: boolean): readonly { readonly host: string; readonly port: number | null }[] {
  const text = value.trim();
  if (text === '' || text.length > 300 || /\$\(|[{}<>\s]/.test(text)) return [];
  const isUrl = /^(?:jdbc:)?[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const isPlain = /^[a-z0-9.-]+(?::\d{2,5})?(?:,[a-z0-9.-]+(?::\d{2,5})?)*$/.test(text);
  if (/^(?:file|unix|data|s3|gs):/i.test(text) || (!isUrl && !(isPlain && (isNamed || /:\d{2,5}/.test(text)))))
    return [];
  const parts = isUrl ? [text] : text.split(',');
  return parts.flatMap((part) =>
    hostsIn(part)
      .filter((host) => isInside(host) && /[a-z]/.test(host) && !elsewhere.test(host))
      .map((host) => ({ host, port: portOfHost(part, host) })),
  );
}

interface Fault {
  readonly address: Address;
  /** The Service that is called on a port that it does not have; null where there is no Service. */
  readonly service: KubernetesObject | null;
  readonly nearest: string | undefined;
}

function faultOf(address: Address, { namespace }: Target, services: readonly KubernetesObject[]): Fault | null {
  const [name = '', place = namespace, domain] = address.host.split('.');
  // The Services of other namespaces are not known here.
  if (domain !== undefined && place !== namespace) return null;
  const service = serviceOfHost(address.host, namespace ?? '', services);
  if (service === null)
    return {
      address,
      service: null,
      nearest: closestName(
        name,
        services.map(({ metadata }) => metadata.name),
      ),
    };
  const ports = portsOf(service);
  return address.port === null || ports === null || ports.includes(address.port)
    ? null
    : { address, service, nearest: ports.join(', ') };
}

interface PodLog {
  readonly records: readonly LogRecord[];
  readonly evidence: EvidenceDraft['read'] | null;
}

/** What a container says in a pod of the workload, an unready one first. */
async function logOf(io: AnalyzerIo, { kind, namespace, name, object }: Target, container: string): Promise<PodLog> {
  const pods = kind === 'pod' ? null : await io.list('pods', namespace);
  const selector = at(object, 'spec', 'selector');
  const own = pods?.kind === 'ok' ? pods.value.filter((pod) => matchesLabels(selector, pod.metadata.labels ?? {})) : [];
  const pod = kind === 'pod' ? name : (own.find((one) => !isReady(one)) ?? own[0])?.metadata.name;
  if (pod === undefined) return { records: [], evidence: null };
  const log = await io.logs({ namespace: namespace ?? '', pod, container, previous: false, tailLines });
  if (log.kind !== 'ok' || log.value === '') return { records: [], evidence: null };
  return {
    records: readLog(log.value),
    evidence: { kind: 'logs', namespace: namespace ?? '', pod, container, previous: false },
  };
}

function draftOf(target: Target, { address, service, nearest }: Fault, log: PodLog): Draft {
  const { host, where, container, value, port, variable } = address;
  const confirmed = log.records.findLast(
    ({ lines, text }) => lines.some((line) => hasName(line, host)) && isRefusal(text, lines),
  );
  const line = confirmed?.lines.find((one) => hasName(one, host)) ?? '';
  const said = confirmed === undefined ? '' : ` Its log says: "${quote(line, 250)}".`;
  const place = `Container ${container} of ${target.kind} ${target.name} is given ${quote(value, 120)} (${where})`;
  const fault =
    service === null
      ? `there is no Service ${host} in namespace ${target.namespace}${nearest === undefined ? '' : `; the nearest name is ${nearest}`}`
      : `Service ${service.metadata.name} has no port ${port}, it has ${nearest}`;
  // An address that nothing answers to may be one that is not used.
  const isLikely = confirmed !== undefined || service !== null || nearest !== undefined;
  return {
    category: service === null ? 'address-without-service' : 'address-wrong-port',
    severity: confirmed !== undefined ? 'high' : isLikely ? 'medium' : 'low',
    object: nameOf(target),
    description: `${place}, and ${fault}.${said}`,
    cause: isLikely ? `${place}, and ${fault}: the address leads nowhere.${said}` : null,
    decisive: confirmed !== undefined,
    when: { from: null, until: null, source: '' },
    facts: {
      container,
      host,
      ...(variable === null ? {} : { variable }),
      ...(service === null ? {} : { service: service.metadata.name }),
      ...(nearest === undefined ? {} : { nearest: service === null ? nearest : `port ${nearest}` }),
    },
    evidence: [
      {
        read: { kind: 'object', of: target.kind, namespace: target.namespace, name: target.name },
        excerpt: `container ${container}: ${where} = ${quote(value, 200)}`,
      },
      ...(confirmed === undefined || log.evidence === null ? [] : [{ read: log.evidence, excerpt: line }]),
    ],
  };
}

/** Whether a record tells of a connection that does not come about. */
function isRefusal(text: string, lines: readonly string[]): boolean {
  const kind = failureKind(text) ?? failureKind(lines.slice(0, 3).join(' '));
  return kind !== null && remoteKinds.has(kind);
}
