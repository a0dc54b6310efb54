import type { ObjectKind, Target } from '../../analyzers/define.ts';
import { templateSpec } from '../../analyzers/pods/placement.ts';
import { podEvidence } from '../../analyzers/pods/pod-status.ts';
import { numbersOf, probeOf } from '../../analyzers/pods/probe.ts';
import type { ProbeKind } from '../../analyzers/pods/probe.ts';
import { commandLineOf } from '../../analyzers/reading/command-line.ts';
import { at, conditionLine, listAt, mapAt, numberAt, textAt } from '../../analyzers/reading/fields.ts';
import { replicasOf } from '../../analyzers/reading/replicas.ts';
import { labelText } from '../../analyzers/reading/selectors.ts';
import { taintText } from '../../analyzers/reading/taints.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { printableYaml } from '../../lib/printable.ts';
import { maskNamedValue, redact } from '../../lib/redact.ts';
import { isSecretName } from '../../lib/secret-names.ts';
import { shownManifest } from './objects.ts';

// Our own rendering of an object: what an engineer looks for first, in few words.

const withReplicas: ReadonlySet<ObjectKind> = new Set(['deployment', 'replicaset', 'statefulset', 'daemonset']);

/** State and spec of an object, without its events. */
export async function describeObject(target: Target): Promise<readonly string[]> {
  const { kind, object } = target;
  const head = headLines(object);
  if (kind === 'pod') return [...head, podEvidence(target).excerpt, ...podSpecLines(object.spec, false)];
  if (templateSpec(object) !== undefined)
    return [...head, ...replicaLines(target), ...conditionLines(object), ...podSpecLines(templateSpec(object), true)];
  if (kind === 'node') return [...head, ...conditionLines(object), ...nodeLines(object)];
  return [...head, ...conditionLines(object), await restOf(object)];
}

function headLines({ kind, metadata }: KubernetesObject): readonly string[] {
  const { labels = {}, annotations = {}, ownerReferences = [], creationTimestamp, deletionTimestamp } = metadata;
  const names = Object.keys(annotations).filter((name) => !name.startsWith('kubectl.kubernetes.io/'));
  return [
    ...(kind === 'Pod' ? [] : [`created: ${creationTimestamp ?? 'unknown'}`]),
    ...(deletionTimestamp === undefined ? [] : [`being deleted since: ${deletionTimestamp}`]),
    ...(ownerReferences.length === 0
      ? []
      : [`owner: ${ownerReferences.map((owner) => `${owner.kind}/${owner.name}`).join(', ')}`]),
    ...(Object.keys(labels).length === 0 ? [] : [`labels: ${labelText(labels)}`]),
    ...(names.length === 0 ? [] : [`annotations: ${names.join(', ')}`]),
  ];
}

function replicaLines({ kind, object }: Target): readonly string[] {
  if (!withReplicas.has(kind)) return [];
  const { wanted, current, updated, ready, available } = replicasOf({ kind, object });
  const selector = mapAt(object, 'spec', 'selector', 'matchLabels');
  const strategy = textAt(object, 'spec', 'strategy', 'type') || textAt(object, 'spec', 'updateStrategy', 'type');
  return [
    `replicas: ${wanted} wanted, ${current} there, ${updated} updated, ${ready} ready, ${available} available`,
    `selector: ${labelText(selector)}${strategy === '' ? '' : `; strategy: ${strategy}`}`,
  ];
}

function conditionLines(object: KubernetesObject): readonly string[] {
  return listAt(object, 'status', 'conditions').map(conditionLine);
}

function nodeLines(node: KubernetesObject): readonly string[] {
  const taints = listAt(node, 'spec', 'taints').map(taintText);
  const amounts = (field: string): string => labelText(mapAt(node, 'status', field));
  return [
    `schedulable: ${String(node.spec?.['unschedulable'] !== true)}`,
    `taints: ${taints.length === 0 ? 'none' : taints.join('; ')}`,
    `capacity: ${amounts('capacity')}`,
    `allocatable: ${amounts('allocatable')}`,
    `kubelet: ${textAt(node, 'status', 'nodeInfo', 'kubeletVersion')}, ${textAt(node, 'status', 'nodeInfo', 'osImage')}, ${textAt(node, 'status', 'nodeInfo', 'containerRuntimeVersion')}`,
  ];
}

/** What else its spec and status say. */
async function restOf(object: KubernetesObject): Promise<string> {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, status, ...rest } = shownManifest(object);
  const { conditions: _conditions, ...told } = (status ?? {}) as { readonly conditions?: unknown };
  return (await printableYaml({ ...rest, ...(status === undefined ? {} : { status: told }) })).trimEnd();
}

/**
 * What a pod is made of: for each container how it is started, given its settings and probed. The evidence of a pod's state has
 * images and amounts already.
 */
function podSpecLines(spec: unknown, withImages: boolean): readonly string[] {
  const account = textAt(spec, 'serviceAccountName');
  const selector = mapAt(spec, 'nodeSelector');
  const volumes = listAt(spec, 'volumes').flatMap(volumeText);
  return [
    ...(account === '' ? [] : [`service account: ${account}`]),
    ...(Object.keys(selector).length === 0 ? [] : [`node selector: ${labelText(selector)}`]),
    ...listAt(spec, 'initContainers').flatMap((one) => containerLines('init container', one, withImages)),
    ...listAt(spec, 'containers').flatMap((one) => containerLines('container', one, withImages)),
    ...(volumes.length === 0 ? [] : [`volumes: ${volumes.join('; ')}`]),
  ];
}

const probes: readonly ProbeKind[] = ['startup', 'liveness', 'readiness'];

function containerLines(noun: string, spec: unknown, withImages: boolean): readonly string[] {
  const command = commandLineOf(spec);
  const ports = listAt(spec, 'ports').map((port) => `${numberAt(port, 'containerPort') ?? ''}`);
  const environment = [...listAt(spec, 'env').map(variableText), ...listAt(spec, 'envFrom').map(sourceText)];
  const mounts = listAt(spec, 'volumeMounts').flatMap((mount) =>
    textAt(mount, 'name').startsWith('kube-api-access-')
      ? []
      : [`${textAt(mount, 'mountPath')} (${textAt(mount, 'name')})`],
  );
  const line = (name: string, texts: readonly string[]): readonly string[] =>
    texts.length === 0 ? [] : [`  ${name}: ${texts.join(', ')}`];
  return [
    `spec of ${noun} ${textAt(spec, 'name')}:`,
    ...(withImages ? imageLines(spec) : []),
    ...(command.length === 0 ? [] : [`  command: ${shownCommand(command)}`]),
    ...line('ports', ports),
    ...line('environment', environment),
    ...line('mounts', mounts),
    ...probes.flatMap((kind) => {
      const probe = probeOf(spec, kind);
      return probe === null ? [] : [`  ${kind} probe: ${probe.what}; ${numbersOf(probe)}`];
    }),
  ];
}

function imageLines(spec: unknown): readonly string[] {
  const amounts = (kind: string): string => labelText(mapAt(spec, 'resources', kind));
  return [`  image: ${textAt(spec, 'image')}`, `  requests ${amounts('requests')}; limits ${amounts('limits')}`];
}

/** What follows an option with a secret-like name is hidden. */
function shownCommand(words: readonly string[]): string {
  const shown = words.map((word, index) => {
    const option = words[index - 1] ?? '';
    return option.startsWith('-') && isSecretName(option) && !word.startsWith('-') ? maskNamedValue(word) : word;
  });
  return JSON.stringify(shown);
}

function variableText(variable: unknown): string {
  const name = textAt(variable, 'name');
  const from = at(variable, 'valueFrom');
  // Before its lines are joined: what is a secret may be known by them.
  if (from === undefined)
    return `${name}=${isSecretName(name) ? maskNamedValue(textAt(variable, 'value')) : redact(textAt(variable, 'value'))}`;
  const [kind = 'something', reference] = Object.entries(from ?? {})[0] ?? [];
  const where = textAt(reference, 'name') || textAt(reference, 'fieldPath') || textAt(reference, 'resource');
  const key = textAt(reference, 'key');
  return `${name} from ${kindsOfReferences[kind] ?? kind} ${where}${key === '' ? '' : `/${key}`}`;
}

const kindsOfReferences: Readonly<Record<string, string>> = {
  secretKeyRef: 'secret',
  configMapKeyRef: 'config map',
  fieldRef: 'field',
  resourceFieldRef: 'resource',
};

function sourceText(source: unknown): string {
  const map = textAt(source, 'configMapRef', 'name');
  return map === '' ? `all of secret ${textAt(source, 'secretRef', 'name')}` : `all of config map ${map}`;
}

function volumeText(volume: unknown): readonly string[] {
  const name = textAt(volume, 'name');
  if (name.startsWith('kube-api-access-')) return [];
  const [kind = 'unknown', source] = Object.entries(volume ?? {}).find(([key]) => key !== 'name') ?? [];
  const of =
    textAt(source, 'claimName') || textAt(source, 'secretName') || textAt(source, 'name') || textAt(source, 'path');
  return [`${name} (${kind}${of === '' ? '' : ` ${of}`})`];
}
