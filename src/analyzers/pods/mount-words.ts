import { unwrapped } from './runtime-words.ts';

/** Kinds of volumes that cannot be attached or mounted, as far as what to do about them differs. */
export type MountCategory =
  | 'volume-in-use'
  | 'volume-attach'
  | 'volume-mount'
  | 'volume-access'
  | 'volume-damaged'
  | 'volume-driver'
  | 'claim-missing';

interface MountProblem {
  readonly category: MountCategory;
  /** A clause: `the server refuses the mount`. */
  readonly words: string;
}

/** Words of the kubelet, the attach/detach controller, CSI drivers and mount helpers; the first that fits holds. */
const problems: readonly (readonly [RegExp, MountCategory, string])[] = [
  [
    /failed to fetch token|serviceaccounts? "[^"]{1,253}" (?:not found|is forbidden)/i,
    'volume-access',
    'the token of its service account cannot be fetched',
  ],
  [
    /Multi-?Attach|already (?:exclusively )?attached to|(?:volume|disk|resource).{0,300}already (?:in use|used|attached)|still being used|in[- ]use by another|RESOURCE_IN_USE|VolumeInUse|is currently attached/i,
    'volume-in-use',
    'it is still attached to another node',
  ],
  [
    /persistentvolumeclaims? "[^"]{1,253}" not found/i,
    'claim-missing',
    'the claim that the pod refers to does not exist',
  ],
  [/PVC is not bound|is not bound/i, 'claim-missing', 'its claim is not bound'],
  [
    /not found in the list of registered CSI drivers|does not contain driver|no NodeID annotation|driver name \S{1,253} not found|no (?:such )?CSI driver|dial unix .{0,200}csi/i,
    'volume-driver',
    'the CSI driver is not registered (does not run) on the node',
  ],
  [
    /you might need a \/sbin\/mount|unknown filesystem type|mount: .{0,120}: (?:command|executable file) not found|iscsiadm.{0,80}not found/i,
    'volume-driver',
    'the node has no program or kernel module to mount this kind of volume',
  ],
  [
    /SecretProviderClass.{0,80}not found|failed to get secretproviderclass/i,
    'volume-access',
    'the SecretProviderClass that the volume names does not exist',
  ],
  [
    /failed to (?:mount secrets store|get (?:objects?|secrets?))|secrets-store|AccessDeniedException|ResourceNotFoundException|keyvault/i,
    'volume-access',
    'the secrets of an outside store cannot be fetched',
  ],
  [
    /exceed(?:ed|s)? (?:max(?:imum)?|the) .{0,40}(?:volume|attach|disk)|attachment limit|too many (?:volumes|disks)|resource limit is exceeded|maximum number of (?:data )?disks/i,
    'volume-attach',
    'the node has as many volumes as it can attach',
  ],
  [
    /wrong fs type|bad superblock|fsck.{0,60}(?:errors|exit)|structure needs cleaning|input\/output error|corrupt/i,
    'volume-damaged',
    'its file system is damaged or of another type',
  ],
  [
    /access denied by server|permission denied|forbidden|operation not permitted|unauthorized|not authorized|\b403\b|AuthorizationFailed|UnauthorizedOperation|mount error\(13\)/i,
    'volume-access',
    'access is denied (permission)',
  ],
  [
    /stale (?:NFS )?file handle|transport endpoint is not connected/i,
    'volume-mount',
    'the connection to its server broke (stale mount)',
  ],
  [
    /mount\.nfs: .{0,200}(?:timed out|refused|no route|failed to resolve|unreachable)|(?:nfs|server).{0,80}(?:connection refused|no route to host|connection timed out)|mount error\((?:110|111|113|115)\)/i,
    'volume-mount',
    'its server cannot be reached',
  ],
  [/no such host|failed to resolve|could not resolve/i, 'volume-mount', 'the name of its server cannot be resolved'],
  [
    /hostPath type check failed|is not a (?:directory|file|socket|block device)/i,
    'volume-mount',
    'the path on the node is not of the type that the volume asks for',
  ],
  [
    /no such file or directory|does not exist|path .{1,200} does not exist/i,
    'volume-mount',
    'a path or a device that it needs does not exist',
  ],
  [/attachment is being deleted/i, 'volume-attach', 'its earlier attachment is still being removed'],
  [/not found|NotFound|404/i, 'volume-attach', 'the storage that is behind it cannot be found'],
];

/** Whether a message only says that the waiting took too long. */
export function isOnlyTimeout(message: string): boolean {
  return (
    /^(?:Unable to (?:attach or )?mount volumes|timeout expired waiting for volumes)/i.test(message) &&
    !/error processing PVC|not found|failed to fetch|not bound/i.test(message)
  );
}

/** What a failed attach or mount comes to. */
export function mountProblem(reason: string, message: string): MountProblem {
  const text = unwrapped(message);
  const found = problems.find(([pattern]) => pattern.test(text));
  if (found !== undefined) return { category: found[1], words: found[2] };
  const late = /deadline exceeded|timed? ?out/i.test(text);
  return reason === 'FailedAttachVolume' || /AttachVolume/.test(text)
    ? { category: 'volume-attach', words: late ? 'the attaching takes too long' : 'it cannot be attached to the node' }
    : {
        category: 'volume-mount',
        words: late ? 'its driver or its server does not answer in time' : 'it cannot be mounted',
      };
}

/** The volume that a message names: `volume "pvc-1"`, `unmounted volumes=[data]`. Empty where it names none. */
export function volumeOf(message: string): string {
  const found = /volume "([^"]{1,253})"|unmounted volumes=\[([^\]\s,]{1,253})/.exec(message);
  return found?.[1] ?? found?.[2] ?? '';
}
