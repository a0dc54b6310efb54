import { isDeepStrictEqual } from 'node:util';
import { isSecretName } from '../../lib/secret-names.ts';
import type { TemplateChange } from '../define.ts';
import { at, listAt, mapAt, textAt } from '../reading/fields.ts';

/**
 * What changed between two pod templates, for people. Values of environment variables are never told, only their
 * names; labels and annotations are left out.
 */
export function diffTemplates(before: unknown, after: unknown): readonly TemplateChange[] {
  const changes: TemplateChange[] = [];
  for (const list of ['initContainers', 'containers'] as const) {
    const [old, fresh] = [byName(listAt(before, 'spec', list)), byName(listAt(after, 'spec', list))];
    const noun = list === 'containers' ? 'container' : 'init container';
    for (const [name, container] of fresh) {
      const previous = old.get(name);
      if (previous === undefined) changes.push({ container: name, field: 'container', text: `${noun} ${name} added` });
      else changes.push(...diffContainer(`${noun} ${name}`, name, previous, container));
    }
    for (const name of old.keys())
      if (!fresh.has(name)) changes.push({ container: name, field: 'container', text: `${noun} ${name} removed` });
  }
  changes.push(...diffResources('the pod', '', at(before, 'spec', 'resources'), at(after, 'spec', 'resources')));
  if (mounts(before) !== mounts(after))
    changes.push({
      container: '',
      field: 'service account token',
      text: `service account token of the pod ${mounts(after) ? 'mounted' : 'not mounted any more'}`,
    });
  for (const [field, path] of podFields) {
    if (!isDeepStrictEqual(plain(at(before, 'spec', path)), plain(at(after, 'spec', path))))
      changes.push({ container: '', field, text: `${field} of the pod changed` });
  }
  return changes;
}

const mounts = (template: unknown): boolean => at(template, 'spec', 'automountServiceAccountToken') !== false;

const podFields = [
  ['volumes', 'volumes'],
  ['node selector', 'nodeSelector'],
  ['affinity', 'affinity'],
  ['topology spread constraints', 'topologySpreadConstraints'],
  ['tolerations', 'tolerations'],
  ['scheduler', 'schedulerName'],
  ['runtime class', 'runtimeClassName'],
  ['readiness gates', 'readinessGates'],
  ['service account', 'serviceAccountName'],
  ['image pull secrets', 'imagePullSecrets'],
  ['security context', 'securityContext'],
  ['priority class', 'priorityClassName'],
  ['host network', 'hostNetwork'],
  ['dns policy', 'dnsPolicy'],
  ['dns config', 'dnsConfig'],
  ['host aliases', 'hostAliases'],
] as const;

const containerFields = [
  ['liveness probe', 'livenessProbe'],
  ['readiness probe', 'readinessProbe'],
  ['startup probe', 'startupProbe'],
  ['environment sources', 'envFrom'],
  ['volume mounts', 'volumeMounts'],
  ['volume devices', 'volumeDevices'],
  ['image pull policy', 'imagePullPolicy'],
  ['working directory', 'workingDir'],
  ['restart policy', 'restartPolicy'],
  ['ports', 'ports'],
  ['lifecycle hooks', 'lifecycle'],
  ['security context', 'securityContext'],
] as const;

function diffContainer(label: string, container: string, before: unknown, after: unknown): readonly TemplateChange[] {
  const changes: TemplateChange[] = [];
  const add = (field: string, text: string): void => void changes.push({ container, field, text });
  const [oldImage, newImage] = [textAt(before, 'image'), textAt(after, 'image')];
  if (oldImage !== newImage) add('image', `image of ${label} from ${oldImage} to ${newImage}`);
  changes.push(...diffResources(label, container, at(before, 'resources'), at(after, 'resources')));
  for (const field of ['command', 'args'] as const) {
    const [old, fresh] = [listAt(before, field), listAt(after, field)];
    if (!isDeepStrictEqual(old, fresh))
      add('command', `${field} of ${label} from ${argumentsText(old)} to ${argumentsText(fresh)}`);
  }
  const environment = diffEnvironment(listAt(before, 'env'), listAt(after, 'env'));
  if (environment !== '') add('environment', `environment of ${label}: ${environment}`);
  for (const [field, path] of containerFields) {
    if (!isDeepStrictEqual(plain(at(before, path)), plain(at(after, path))))
      add(field, `${field} of ${label} ${presence(at(before, path), at(after, path))}`);
  }
  return changes;
}

function diffResources(label: string, container: string, before: unknown, after: unknown): readonly TemplateChange[] {
  return (['limits', 'requests'] as const).flatMap((kind) => {
    const [old, fresh] = [mapAt(before, kind), mapAt(after, kind)];
    const resources = [...new Set([...Object.keys(old), ...Object.keys(fresh)])];
    return resources.flatMap((resource): readonly TemplateChange[] => {
      if (old[resource] === fresh[resource]) return [];
      const field = `${resource} ${kind.slice(0, -1)}`;
      const text = `${field} of ${label} from ${old[resource] ?? 'none'} to ${fresh[resource] ?? 'none'}`;
      return [{ container, field, text }];
    });
  });
}

function presence(before: unknown, after: unknown): string {
  if (before === undefined) return 'added';
  return after === undefined ? 'removed' : 'changed';
}

function diffEnvironment(before: readonly unknown[], after: readonly unknown[]): string {
  const [old, fresh] = [byName(before), byName(after)];
  const added = [...fresh.keys()].filter((name) => !old.has(name));
  const removed = [...old.keys()].filter((name) => !fresh.has(name));
  const changed = [...fresh].flatMap(([name, value]) =>
    old.has(name) && !isDeepStrictEqual(plain(old.get(name)), plain(value)) ? [name] : [],
  );
  const parts = [
    ['added', added],
    ['removed', removed],
    ['changed', changed],
  ] as const;
  return parts.flatMap(([verb, names]) => (names.length === 0 ? [] : [`${verb} ${names.join(', ')}`])).join('; ');
}

/** Arguments for people; what follows an option with a secret-like name is hidden. */
function argumentsText(values: readonly unknown[]): string {
  if (values.length === 0) return 'none';
  const shown = values.map((value, index) => {
    const option = values[index - 1];
    return typeof option === 'string' && option.startsWith('-') && isSecretName(option) ? '[REDACTED]' : String(value);
  });
  return `[${shown.join(' ')}]`;
}

function byName(items: readonly unknown[]): ReadonlyMap<string, unknown> {
  return new Map(items.map((item) => [textAt(item, 'name'), item]));
}

/** Empty and absent are the same to the API server. */
function plain(value: unknown): unknown {
  if (value === null || value === '' || value === false) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value;
  return typeof value === 'object' && Object.keys(value).length === 0 ? undefined : value;
}
