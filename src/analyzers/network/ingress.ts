import type { KubernetesObject } from '../../core/cluster.ts';
import { look } from '../advice.ts';
import { defineAnalyzer, lasting, objectName } from '../define.ts';
import type { FindingDraft, Target } from '../define.ts';
import { at, listAt, numberAt, textAt } from '../reading/fields.ts';

type Draft = FindingDraft<'ingress-backend'>;

/** A backend of an Ingress: the part of the traffic that goes to one port of one service. */
interface Backend {
  /** For people: `shop.example.com/api`; `everything else` for the default. */
  readonly route: string;
  readonly service: string;
  readonly port: string | number | null;
}

/** Ingresses that send traffic to a Service, or to a port of one, that does not exist. */
export const ingress = defineAnalyzer({
  name: 'ingress',
  kinds: ['ingress'],
  explains: [],
  categories: {
    'ingress-backend': {
      meaning: 'An Ingress sends traffic to a Service, or to a port of one, that does not exist.',
      happened: 'sent traffic to a Service that does not exist',
      nearness: 84,
      answers: ['service'],
      changes: null,
      advice: (_, { namespace, pod: name }) => [
        look(
          `kubectl -n ${namespace} describe ingress ${name}`,
          'Shows each route with its service and port, and the endpoints behind them.',
        ),
        look(`kubectl -n ${namespace} get services`, 'Shows which services and ports there are.'),
      ],
    },
  },
  async run(io, target) {
    const backends = backendsOf(target.object);
    if (backends.length === 0) return [];
    const services = await io.list('services', target.namespace);
    if (services.kind !== 'ok' || services.isPartial === true) return [];
    return backends.flatMap((backend) => fault(target, backend, services.value));
  },
});

/**
 * The backends of an Ingress, of networking.k8s.io/v1 and of the versions before. Those that the AWS controller reads from an
 * annotation (port `use-annotation`: a redirect, a fixed answer) are none: they name an action, and no Service.
 */
export function backendsOf(object: KubernetesObject): readonly Backend[] {
  const rules = listAt(object, 'spec', 'rules').flatMap((rule) =>
    listAt(rule, 'http', 'paths').map((path) => ({
      route: `${textAt(rule, 'host')}${textAt(path, 'path') || '/'}`,
      backend: at(path, 'backend'),
    })),
  );
  const rest = at(object, 'spec', 'defaultBackend') ?? at(object, 'spec', 'backend');
  return [...rules, { route: 'everything else', backend: rest }].flatMap(({ route, backend }) => {
    const service = textAt(backend, 'service', 'name') || textAt(backend, 'serviceName');
    const old = at(backend, 'servicePort');
    const port =
      numberAt(backend, 'service', 'port', 'number') ??
      (textAt(backend, 'service', 'port', 'name') || (typeof old === 'number' || typeof old === 'string' ? old : null));
    return service === '' || port === 'use-annotation' ? [] : [{ route, service, port }];
  });
}

function fault(target: Target, backend: Backend, services: readonly KubernetesObject[]): readonly Draft[] {
  const service = services.find(({ metadata }) => metadata.name === backend.service);
  const sends = `Ingress ${target.name} sends ${backend.route} to`;
  if (service === undefined)
    return [draft(target, backend, `${sends} service ${backend.service}, which does not exist in its namespace.`)];
  const ports = listAt(service, 'spec', 'ports');
  // The ports of an alias are those of the host behind it.
  if (backend.port === null || textAt(service, 'spec', 'type') === 'ExternalName') return [];
  const exists = ports.some((one) => numberAt(one, 'port') === backend.port || textAt(one, 'name') === backend.port);
  if (exists) return [];
  const has = ports.map((one) => `${textAt(one, 'name')} ${numberAt(one, 'port') ?? ''}`.trim()).join(', ');
  return [
    draft(
      target,
      backend,
      `${sends} port ${backend.port} of service ${backend.service}, which has no such port: it has ${has || 'none'}.`,
    ),
  ];
}

function draft(target: Target, backend: Backend, text: string): Draft {
  return {
    category: 'ingress-backend',
    severity: 'high',
    object: objectName('ingress', target.namespace, target.name),
    description: text,
    cause: text,
    decisive: true,
    when: lasting,
    facts: { service: backend.service, route: backend.route },
    evidence: [
      {
        read: { kind: 'object', of: 'ingress', namespace: target.namespace, name: target.name },
        excerpt: `${backend.route}: service ${backend.service}, port ${backend.port ?? 'none'}`,
      },
      { read: { kind: 'list', resource: 'services', namespace: target.namespace }, excerpt: text },
    ],
  };
}
