import type { KubernetesObject } from '../../core/cluster.ts';
import { commandLineOf } from '../reading/command-line.ts';
import { at, listAt, numberAt, textAt } from '../reading/fields.ts';
import { hasName } from '../reading/names.ts';
import type { TellingLine } from '../log/telling.ts';
import type { ContainerView } from './pod-status.ts';

/** What the spec of the pod says about the reason that a line of the log names; empty where it says nothing of it. */
export function specNote(pod: KubernetesObject, container: ContainerView, telling: TellingLine | null): string {
  if (telling?.kind === 'port-in-use') return portNote(pod, container, telling.text);
  if (telling?.kind === 'missing-variable') return variableNote(container, telling.text);
  if (telling?.kind === 'read-only') return readOnlyNote(container, telling.text);
  if (telling?.kind === 'memory') return heapNote(container);
  return telling?.kind === 'permission' ? userNote(pod, container) : '';
}

/** How much memory the program is told to use: `-Xmx512m`, `--max-old-space-size=400`. */
const heapOption =
  /(?:-Xmx\d{1,12}[kmgt]?|-XX:(?:MaxRAMPercentage|MaxHeapSize|MaxMetaspaceSize|MaxDirectMemorySize)=[\d.]{1,12}[kmgt]?|--max[-_]old[-_]space[-_]size[= ]\d{1,12}|(?<=^memory_limit=)\d{1,12}[KMG]?)(?![\w.])/i;

/** The option that bounds the memory of the program, and the limit of its container. */
function heapNote(container: ContainerView): string {
  const places = [
    ...listAt(container.spec, 'env').map((one) => ({
      value: textAt(one, 'value'),
      of: `variable ${textAt(one, 'name')}`,
    })),
    { value: commandLineOf(container.spec).join(' '), of: 'its command' },
  ];
  const [told] = places.flatMap(({ value, of }) => {
    const option = heapOption.exec(value)?.[0];
    return option === undefined ? [] : [` It is started with ${option} (${of}).`];
  });
  const limit = container.limits['memory'];
  return `${told ?? ''}${limit === undefined ? '' : ` The memory limit of the container is ${limit}.`}`;
}

/** Who else in the pod, or on the node, may hold the port. */
function portNote(pod: KubernetesObject, container: ContainerView, text: string): string {
  const port = Number(/(?:[\]:*\s]:|[Pp]ort\D{0,10}|:::?|\d:)(\d{2,5})\b/.exec(text)?.[1] ?? '0');
  if (port === 0) return '';
  const other = [...listAt(pod, 'spec', 'initContainers'), ...listAt(pod, 'spec', 'containers')].find(
    (one) =>
      textAt(one, 'name') !== container.name &&
      listAt(one, 'ports').some((declared) => numberAt(declared, 'containerPort') === port),
  );
  if (other !== undefined) return ` Container ${textAt(other, 'name')} of the same pod declares port ${port} too.`;
  return at(pod, 'spec', 'hostNetwork') === true
    ? ` The pod uses the network of its node: port ${port} may be taken there.`
    : '';
}

/** Whether the container is given the variable that it misses. */
function variableNote(container: ContainerView, text: string): string {
  const name =
    /\b[A-Z][A-Z0-9]{0,40}_[A-Z0-9_]{1,60}\b/.exec(text)?.[0] ?? /KeyError: ["']([A-Z][A-Z0-9]+)["']/.exec(text)?.[1];
  if (name === undefined) return '';
  const variable = listAt(container.spec, 'env').find((one) => textAt(one, 'name') === name);
  const sources = listAt(container.spec, 'envFrom');
  if (variable === undefined)
    return sources.length === 0
      ? ` The spec of the container sets no variable ${name}.`
      : ` The spec of the container sets no variable ${name} by name; ${sources.map(sourceName).join(', ')} may.`;
  const reference = at(variable, 'valueFrom', 'secretKeyRef') ?? at(variable, 'valueFrom', 'configMapKeyRef');
  if (reference !== undefined && at(reference, 'optional') === true)
    return ` Variable ${name} comes from the optional key ${textAt(reference, 'key')} of ${textAt(reference, 'name')}.`;
  return textAt(variable, 'value') === '' && reference === undefined && at(variable, 'valueFrom') === undefined
    ? ` The spec of the container sets variable ${name} to nothing.`
    : '';
}

function sourceName(source: unknown): string {
  const map = textAt(source, 'configMapRef', 'name');
  return map === '' ? `secret ${textAt(source, 'secretRef', 'name')}` : `config map ${map}`;
}

/** The mount or the setting that makes it read-only. */
function readOnlyNote(container: ContainerView, text: string): string {
  const mount = listAt(container.spec, 'volumeMounts').find((one) => {
    const path = textAt(one, 'mountPath').replace(/\/+$/, '');
    return at(one, 'readOnly') === true && hasName(text, path);
  });
  if (mount !== undefined)
    return ` Volume ${textAt(mount, 'name')} is mounted at ${textAt(mount, 'mountPath')} with readOnly.`;
  return at(container.spec, 'securityContext', 'readOnlyRootFilesystem') === true
    ? ' The container has a read-only root file system (readOnlyRootFilesystem).'
    : '';
}

/** As whom the process runs. */
function userNote(pod: KubernetesObject, container: ContainerView): string {
  const context = at(pod, 'spec', 'securityContext');
  const user = numberAt(container.spec, 'securityContext', 'runAsUser') ?? numberAt(context, 'runAsUser');
  const group = numberAt(context, 'fsGroup');
  if (user === null) return '';
  return ` It runs as user ${user}, ${group === null ? 'and no fsGroup is set for its volumes' : `with fsGroup ${group}`}.`;
}
