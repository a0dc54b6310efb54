import { unwrapped } from './runtime-words.ts';

/** Kinds of failed pulls, as far as what to do about them differs. */
export type PullCategory =
  | 'image-pull'
  | 'image-access'
  | 'image-pull-secret'
  | 'image-unusable'
  | 'image-not-on-node'
  | 'registry-unreachable'
  | 'registry-trust'
  | 'registry-limit'
  | 'node-disk-full'
  | 'image-pull-failed';

/** The words of a pull that found no variant for the node. */
export const noPlatform = 'it has no variant for the platform (operating system, architecture) of the node';

export interface PullProblem {
  readonly category: PullCategory;
  /** A clause: `the registry has no such image or tag`. */
  readonly words: string;
}

/**
 * Words of registries, containerd, CRI-O, Docker and the kubelet; the first that fits holds. What is about the way to the
 * registry comes before what it answers, because the name of a host may hold any word.
 */
const problems: readonly (readonly [RegExp, PullCategory, string])[] = [
  [/no space left on device|not enough (?:disk )?space/i, 'node-disk-full', 'the disk of the node is full'],
  [
    /pull QPS exceeded/i,
    'registry-limit',
    'the kubelet itself holds pulls back, because it was asked for too many at a time (registryPullQPS)',
  ],
  [
    /toomanyrequests|429 Too Many Requests|\b429\b|pull rate limit|rate exceeded|rate limit/i,
    'registry-limit',
    'the registry limits the rate of pulls (429, too many requests)',
  ],
  [
    /server gave HTTP response to HTTPS client|malformed HTTP response|HTTP request to an HTTPS server/i,
    'registry-trust',
    'the registry speaks plain HTTP, and the container runtime expects HTTPS',
  ],
  [
    /certificate has expired|certificate is not yet valid/i,
    'registry-trust',
    'the certificate of the registry is expired, or the clock of the node is wrong',
  ],
  [
    /x509|unknown certificate authority|failed to verify certificate/i,
    'registry-trust',
    'the container runtime does not trust the certificate of the registry',
  ],
  [
    /\bproxyconnect\b|\bproxy(?:connect)? (?:error|authentication required)|407 Proxy/i,
    'registry-unreachable',
    'the node asks the registry through a proxy, and the proxy does not do it',
  ],
  [
    /no such host|server misbehaving|Temporary failure in name resolution|lookup \S{1,300}(?: on \S{1,100})?: /i,
    'registry-unreachable',
    'the name of the registry cannot be resolved (DNS)',
  ],
  [
    /Accept header does not support/i,
    'image-unusable',
    'its manifest is of a type (OCI) for which the container runtime does not ask',
  ],
  [
    /manifest\.v1\+(?:json|prettyjws)|schema ?(?:version )?1\b|DEPRECATION NOTICE.{0,80}schema/i,
    'image-unusable',
    'its manifest has the old format (schema 1), which the container runtime no longer supports: the image has to be rebuilt',
  ],
  [
    /no match(?:ing)? (?:manifest )?for (?:platform|\w+\/\w+)|no image found in (?:manifest list|image index)|cannot be used on this platform|does not match the specified platform/i,
    'image-unusable',
    noPlatform,
  ],
  [
    /(?:unsupported|unknown|unexpected|invalid) (?:image |manifest )?media ?type|unsupported manifest|mediatype.{0,60}(?:not supported|should be)|unsupported (?:OCI|docker) (?:layer|image)/i,
    'image-unusable',
    'its manifest or a layer is of a type that the container runtime does not support',
  ],
  [
    /signature (?:was )?required|no signature exists|signature.{0,40}(?:invalid|fail|reject)|source image rejected|SignatureValidationFailed/i,
    'image-unusable',
    'its signature is missing or refused by the policy of the node',
  ],
  [
    /couldn't parse image|invalid reference format|InvalidImageName|invalid image name/i,
    'image-unusable',
    'the image name is invalid',
  ],
  [
    /short[- ]name|unqualified-search/i,
    'image-unusable',
    'its name has no registry, and the container runtime of the node has no default one for it',
  ],
  [
    /not present with pull policy of Never|ErrImageNeverPull/i,
    'image-not-on-node',
    'it is not on the node, and the pull policy Never forbids to pull it',
  ],
  [
    /pull access denied, repository does not exist|may require (?:authorization|'docker login')|repository \S{1,300} not found: does not exist or no pull access/i,
    'image-access',
    'the registry refuses access: there is no such repository, or credentials for it are missing',
  ],
  [
    /no basic auth credentials|pull access denied|authentication required|authenticate|\b401\b|unauthorized|invalid username\/password|incorrect username or password|no credentials|AADSTS/i,
    'image-access',
    'the registry refuses access: credentials are missing, wrong or expired',
  ],
  [
    /\b403\b|forbidden|denied|insufficient_scope|not authorized|AccessDenied/i,
    'image-access',
    'the registry refuses access: there are no credentials, or they do not allow to pull this image',
  ],
  [
    /digest (?:mismatch|did not match|does not match|verification)|(?:wrong|invalid|unexpected) digest|unexpected commit|failed precondition|short read|unexpected EOF.{0,40}layer|failed to (?:extract|register) layer|archive\/tar|corrupt/i,
    'image-unusable',
    'a layer of it is damaged or cannot be unpacked',
  ],
  [
    /not found|manifest[ _]unknown|name[ _]unknown|\b404\b|repository does not exist|no such (?:image|manifest)|does not exist|not known to registry/i,
    'image-pull',
    'the registry has no such image or tag (not found: a wrong name or tag)',
  ],
  [
    /i\/o timeout|deadline exceeded|Client\.Timeout|TLS handshake timeout|timed? ?out/i,
    'registry-unreachable',
    'the registry does not answer in time',
  ],
  [
    /connection refused|connection reset|no route to host|network is unreachable|\bEOF\b|broken pipe|dial tcp/i,
    'registry-unreachable',
    'the connection to the registry fails',
  ],
  [
    /\b50[0234]\b|internal server error|bad gateway|service unavailable|RegistryUnavailable/i,
    'registry-unreachable',
    'the registry has a fault of its own (a 5xx answer)',
  ],
  [/anonymous token/i, 'image-access', 'the registry gives no access without credentials'],
];

const digestGone = 'the registry has no image with this digest (not found: it was removed there, or never pushed)';

/** The proxy that a failed pull went through; null where its words name none. */
export function proxyOf(message: string): string | null {
  const found =
    /proxyconnect \w{1,10}: dial \w{1,5}:? (?:lookup )?(\[[\da-f:]{2,60}\](?::\d{1,5})?|[\w.-]{1,200}(?::\d{1,5})?)/i;
  return found.exec(message)?.[1] ?? null;
}

/** What a failed pull comes to. `image-pull-failed`: known only in the runtime's own words. */
export function pullProblem(message: string, image: string): PullProblem {
  // The name of the image may itself look like an answer (`not-found:404`).
  const text = unwrapped(message).replaceAll(image, '');
  const found = problems.find(([pattern]) => pattern.test(text));
  if (found?.[1] === 'image-pull' && /@sha\d{3}:/.test(image)) return { category: 'image-pull', words: digestGone };
  return found === undefined
    ? { category: 'image-pull-failed', words: 'the container runtime could not pull it' }
    : { category: found[1], words: found[2] };
}
