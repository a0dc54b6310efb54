import type { KubernetesObject } from '../../core/cluster.ts';
import type { AnalyzerIo, EventView, EvidenceDraft } from '../define.ts';
import { misfits, wantedBy, wantedText } from './claim-fit.ts';
import { listAt, textAt } from '../reading/fields.ts';
import { ownWords } from '../pods/runtime-words.ts';

/** Why a claim is not bound, as far as what to do about it differs. */
export type ClaimCategory =
  | 'claim-class-missing'
  | 'claim-no-default-class'
  | 'claim-no-volume'
  | 'claim-volume-missing'
  | 'claim-provisioning'
  | 'claim-waiting'
  | 'claim-pending';

interface ClaimProblem {
  readonly category: ClaimCategory;
  /** A clause about the claim: `it asks for the storage class "fast", which does not exist`; null where nothing says why. */
  readonly words: string | null;
  readonly decisive: boolean;
  /** The class that is meant; null where it is not known. */
  readonly className: string | null;
  readonly evidence: readonly EvidenceDraft[];
}

/** A claim, as far as it could be read: of one that could not, only its events speak. */
interface ClaimView {
  readonly namespace: string | null;
  readonly name: string;
  readonly object: KubernetesObject | null;
  readonly events: readonly EventView[];
}

/** The storage classes and volumes of the cluster; null where they could not be read. */
interface Storage {
  readonly classes: readonly KubernetesObject[] | null;
  readonly volumes: readonly KubernetesObject[] | null;
}

/** Why a claim that is not bound is not. */
export async function claimProblem(io: AnalyzerIo, claim: ClaimView): Promise<ClaimProblem> {
  const [classes, volumes] = await Promise.all([io.list('storageclasses', null), io.list('persistentvolumes', null)]);
  const storage: Storage = {
    classes: classes.kind === 'ok' && classes.isPartial !== true ? classes.value : null,
    volumes: volumes.kind === 'ok' && volumes.isPartial !== true ? volumes.value : null,
  };
  const { object, events } = claim;
  const failure = events.findLast(({ reason }) =>
    ['ProvisioningFailed', 'FailedBinding', 'VolumeMismatch'].includes(reason),
  );
  const className = object === null ? classInEvents(failure) : classOf(object, storage.classes);
  const found =
    missingVolume(object, className, storage) ??
    missingClass(className, failure, storage) ??
    (object === null ? null : byVolumes(object, className, failure, storage)) ??
    byEvents(failure, events) ??
    waiting(object, className, events, storage);
  return { ...found, className, evidence: storageEvidence(storage) };
}

type Found = Omit<ClaimProblem, 'className' | 'evidence'>;

const betaAnnotation = 'volume.beta.kubernetes.io/storage-class';
const isDefault = ({ metadata }: KubernetesObject): boolean =>
  ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'].some(
    (annotation) => metadata.annotations?.[annotation] === 'true',
  );

/** The class that a claim means: the one it names, else the default; empty for none, null where that is not known. */
function classOf(claim: KubernetesObject, classes: readonly KubernetesObject[] | null): string | null {
  const named = claim.spec?.['storageClassName'] ?? claim.metadata.annotations?.[betaAnnotation];
  if (typeof named === 'string') return named;
  return classes === null ? null : (classes.find(isDefault)?.metadata.name ?? '');
}

const missingClassPattern =
  /storageclass(?:\.storage\.k8s\.io)? "([^"]{1,253})" not found|StorageClass "?([^"\s]{1,253}?)"? not found/i;

function classInEvents(failure: EventView | undefined): string | null {
  const found = missingClassPattern.exec(failure?.message ?? '');
  return found?.[1] ?? found?.[2] ?? null;
}

/** A claim may name its volume; that one may not exist, or belong to another. */
function missingVolume(claim: KubernetesObject | null, className: string | null, { volumes }: Storage): Found | null {
  const name = textAt(claim, 'spec', 'volumeName');
  if (claim === null || name === '' || volumes === null) return null;
  const volume = volumes.find(({ metadata }) => metadata.name === name);
  const isLost = textAt(claim, 'status', 'phase') === 'Lost';
  if (volume === undefined)
    return {
      category: 'claim-volume-missing',
      words: isLost
        ? `volume ${name}, to which it was bound, does not exist any more (Lost)`
        : `it asks for volume ${name}, which does not exist`,
      decisive: true,
    };
  const holder = `${textAt(volume, 'spec', 'claimRef', 'namespace')}/${textAt(volume, 'spec', 'claimRef', 'name')}`;
  if (holder !== '/' && holder !== `${claim.metadata.namespace}/${claim.metadata.name}`)
    return {
      category: 'claim-volume-missing',
      words: `it asks for volume ${name}, which belongs to claim ${holder}`,
      decisive: true,
    };
  const wanted = wantedBy(claim, className ?? '');
  const fits = misfits([volume], claim, wanted);
  return fits === null
    ? null
    : {
        category: 'claim-no-volume',
        words: `it asks for ${wantedText(wanted)} from volume ${name}, which does not fit: ${fits.text}`,
        decisive: true,
      };
}

function missingClass(
  className: string | null,
  failure: EventView | undefined,
  { classes, volumes }: Storage,
): Found | null {
  const isSaid = classInEvents(failure) !== null;
  const exists = classes?.some(({ metadata }) => metadata.name === className) === true;
  // Volumes that somebody made by hand may carry the name of a class that is no object.
  const isByHand = volumes?.some((volume) => textAt(volume, 'spec', 'storageClassName') === className) === true;
  if (className === null || className === '' || exists || isByHand || (!isSaid && classes === null)) return null;
  return {
    category: 'claim-class-missing',
    words: `it asks for the storage class "${className}", which does not exist (not found)${classesText(classes)}`,
    decisive: true,
  };
}

/** `; there are: standard (default), slow`. */
function classesText(classes: readonly KubernetesObject[] | null): string {
  if (classes === null) return '';
  const names = classes.slice(0, 10).map((one) => `${one.metadata.name}${isDefault(one) ? ' (default)' : ''}`);
  return names.length === 0 ? '; there is no storage class at all' : `; there are: ${names.join(', ')}`;
}

/** A claim that nobody makes a volume for needs one that exists and fits. */
function byVolumes(
  claim: KubernetesObject,
  className: string | null,
  failure: EventView | undefined,
  { classes, volumes }: Storage,
): Found | null {
  const provisioner = textAt(
    classes?.find(({ metadata }) => metadata.name === className),
    'provisioner',
  );
  const isMade = provisioner !== '' && provisioner !== 'kubernetes.io/no-provisioner';
  if (className === null || isMade || (className !== '' && provisioner === '' && failure?.reason !== 'FailedBinding'))
    return null;
  const wanted = wantedBy(claim, className);
  const fits = volumes === null ? null : misfits(volumes, claim, wanted);
  const named = claim.spec?.['storageClassName'] ?? claim.metadata.annotations?.[betaAnnotation];
  if (
    named === undefined &&
    className === '' &&
    classes !== null &&
    fits?.isSize !== true &&
    (volumes === null || fits !== null)
  )
    return {
      category: 'claim-no-default-class',
      words: `it names no storage class, and no storage class is the default${classesText(classes)}${fits === null || fits.text === '' ? '' : `; ${fits.text}`}`,
      decisive: true,
    };
  if (fits === null) return null;
  const ofClass =
    className === '' ? 'without a storage class' : `of the storage class ${className}, which makes none by itself,`;
  const why = fits.text === '' ? 'there is no volume' : fits.text;
  return {
    category: 'claim-no-volume',
    words: `it asks for ${wantedText(wanted)} from a volume ${ofClass}${ofClass.endsWith(',') ? '' : ','} and none fits: ${why}`,
    decisive: true,
  };
}

/** The provisioner's own words, or the controller's. */
function byEvents(failure: EventView | undefined, events: readonly EventView[]): Found | null {
  const success = events.findLast(({ reason }) => reason === 'ProvisioningSucceeded');
  if (failure === undefined || (success?.last ?? '') > (failure.last ?? '')) return null;
  return failure.reason !== 'ProvisioningFailed'
    ? {
        category: 'claim-no-volume',
        words: `no volume can be bound to it (${ownWords(failure.message)})`,
        decisive: true,
      }
    : {
        category: 'claim-provisioning',
        words: `its volume cannot be provisioned (${ownWords(failure.message)})`,
        decisive: true,
      };
}

/** Nothing failed: it waits for a pod, for its provisioner, or nobody says for what. */
function waiting(
  claim: KubernetesObject | null,
  className: string | null,
  events: readonly EventView[],
  { classes }: Storage,
): Found {
  const storageClass = classes?.find(({ metadata }) => metadata.name === className);
  const isChosen = claim?.metadata.annotations?.['volume.kubernetes.io/selected-node'] !== undefined;
  const last = events.at(-1)?.reason ?? '';
  if (
    !isChosen &&
    (textAt(storageClass, 'volumeBindingMode') === 'WaitForFirstConsumer' || last === 'WaitForFirstConsumer')
  )
    return { category: 'claim-waiting', words: null, decisive: false };
  const asked = events.findLast(({ reason }) => reason === 'ExternalProvisioning');
  const provisioner =
    textAt(storageClass, 'provisioner') || (/provisioner ['"]([^'"]{1,253})['"]/.exec(asked?.message ?? '')?.[1] ?? '');
  if (asked === undefined && provisioner === '') return { category: 'claim-pending', words: null, decisive: false };
  return {
    category: 'claim-provisioning',
    words:
      asked === undefined
        ? null
        : `it waits for provisioner ${provisioner}, which has neither made a volume nor said why (does it run?)`,
    decisive: false,
  };
}

function storageEvidence({ classes, volumes }: Storage): readonly EvidenceDraft[] {
  return [
    ...(classes === null
      ? []
      : [
          {
            read: { kind: 'list', resource: 'storageclasses', namespace: null } as const,
            excerpt:
              classes
                .map(
                  (one) =>
                    `${one.metadata.name}: provisioner ${textAt(one, 'provisioner')}, ${textAt(one, 'volumeBindingMode') || 'Immediate'}${isDefault(one) ? ', default' : ''}`,
                )
                .join('\n') || 'there are no storage classes',
          },
        ]),
    ...(volumes === null || volumes.length === 0
      ? []
      : [
          {
            read: { kind: 'list', resource: 'persistentvolumes', namespace: null } as const,
            excerpt: volumes.slice(0, 20).map(volumeLine).join('\n'),
          },
        ]),
  ];
}

function volumeLine(volume: KubernetesObject): string {
  const text = (...path: readonly string[]): string => textAt(volume, 'spec', ...path);
  const modes = listAt(volume, 'spec', 'accessModes').join(',');
  const holder =
    text('claimRef', 'name') === '' ? '' : `, claim ${text('claimRef', 'namespace')}/${text('claimRef', 'name')}`;
  return `${volume.metadata.name}: ${textAt(volume, 'status', 'phase')}, ${text('capacity', 'storage')}, ${modes}, class ${text('storageClassName') || 'none'}${holder}`;
}
