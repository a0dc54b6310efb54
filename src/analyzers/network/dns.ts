import { look, podQuestions } from '../advice.ts';
import { defineAnalyzer, nameOf } from '../define.ts';
import type { AnalyzerIo, FindingDraft, Target } from '../define.ts';
import { clusterDns } from '../reading/cluster-dns.ts';
import { at, listAt, textAt } from '../reading/fields.ts';
import { isReady, podFacts } from '../pods/pod-status.ts';
import { replicasOf } from '../reading/replicas.ts';

/** Address of the node-local DNS cache, the same in every cluster that has one. */
const nodeLocalAddress = '169.254.20.10';

/** Pods that resolve names with servers of their own (`dnsPolicy: None`), which know no Services, and do not run. */
export const dns = defineAnalyzer({
  name: 'dns',
  kinds: ['pod', 'deployment', 'statefulset', 'daemonset'],
  explains: [],
  categories: {
    'dns-config': {
      meaning: 'The pods ask name servers of their own, not the DNS of the cluster.',
      happened: 'asked name servers outside the cluster',
      nearness: 77,
      answers: podQuestions,
      changes: /^(?:dns policy|dns config)$/,
      advice: (draft, { namespace }) => [
        look(
          `kubectl -n ${namespace} get ${draft.object.split('/')[0]} ${draft.object.split('/').at(-1)} -o yaml`,
          'Shows dnsPolicy and dnsConfig: with policy None only the servers named there are asked.',
        ),
      ],
    },
  },
  async run(io, target) {
    const spec = target.kind === 'pod' ? at(target.object, 'spec') : at(target.object, 'spec', 'template', 'spec');
    const servers = listAt(spec, 'dnsConfig', 'nameservers').filter((one): one is string => typeof one === 'string');
    if (textAt(spec, 'dnsPolicy') !== 'None' || servers.length === 0 || isWell(target)) return [];
    const own = await clusterAddresses(io);
    if (servers.some((server) => own.includes(server))) return [];
    return [finding(target, servers, own)];
  },
});

function isWell(target: Target): boolean {
  if (target.kind === 'pod') return isReady(target.object);
  const { ready, wanted } = replicasOf(target);
  return ready >= wanted;
}

/** Where the DNS of the cluster answers, as far as its Services can be read. */
async function clusterAddresses(io: AnalyzerIo): Promise<readonly string[]> {
  const services = await clusterDns(io);
  return [nodeLocalAddress, ...services.flatMap((service) => textAt(service, 'spec', 'clusterIP') || [])];
}

function finding(target: Target, servers: readonly string[], own: readonly string[]): FindingDraft<'dns-config'> {
  const asked = servers.join(', ');
  const known = own.filter((address) => address !== nodeLocalAddress);
  const cluster = known.length === 0 ? '' : ` (${known.join(', ')})`;
  const what = `${target.kind} ${target.name}`;
  return {
    category: 'dns-config',
    severity: 'high',
    object: nameOf(target),
    description: `The pods of ${what} resolve names only with ${asked} (dnsPolicy None), not with the DNS of the cluster${cluster}, and are not ready.`,
    cause: `The pods of ${what} resolve names only with ${asked} (dnsPolicy None) and not with the DNS of the cluster${cluster}: names of Services cannot be resolved there.`,
    decisive: false,
    when: { from: null, until: null, source: '' },
    facts: { ...(target.kind === 'pod' ? podFacts(target.object) : {}), nameservers: asked },
    evidence: [
      {
        read: { kind: 'object', of: target.kind, namespace: target.namespace, name: target.name },
        excerpt: `dnsPolicy: None\ndnsConfig.nameservers: ${asked}`,
      },
    ],
  };
}
