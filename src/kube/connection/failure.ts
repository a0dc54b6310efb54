import { AppError } from '../../core/errors.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { retryAfterMs } from '../../lib/retry-after.ts';
import { resourceOf } from '../kinds/kinds.ts';
import type { ObjectKind } from '../kinds/kinds.ts';
import { boundTo } from './remedies.ts';
import { parseStatus, undeclaredFields } from './response.ts';
import type { StatusCause } from './response.ts';
import type { KubeAnswer, KubeTransport } from './transport.ts';

/** Why an API server did not do what it was asked, and what that is to people and programs. */
const reasons = {
  NotFound: { code: 'NotFound', retryable: false },
  /** The server does not have such a kind: a CustomResourceDefinition is missing. */
  NotServed: { code: 'NotFound', retryable: true },
  AlreadyExists: { code: 'Conflict', retryable: false },
  /** Others own fields that were to be set (server-side apply). */
  FieldConflict: { code: 'Conflict', retryable: false },
  /** It has changed since it was read. */
  VersionConflict: { code: 'Conflict', retryable: true },
  /** No rule allows it. */
  Forbidden: { code: 'Forbidden', retryable: false },
  QuotaExceeded: { code: 'Forbidden', retryable: true },
  /** Pod security, a LimitRange, a webhook or a policy says no. */
  AdmissionRefused: { code: 'Forbidden', retryable: false },
  NamespaceTerminating: { code: 'Forbidden', retryable: false },
  Invalid: { code: 'InvalidInput', retryable: false },
  /** The schema that the server has, as of an older CustomResourceDefinition, lacks a field that was to be applied. */
  FieldNotDeclared: { code: 'InvalidInput', retryable: false },
  TooLarge: { code: 'InvalidInput', retryable: false },
  /** Logs, and positions of the past. */
  Gone: { code: 'NotFound', retryable: false },
  Unauthenticated: { code: 'ClusterUnavailable', retryable: true },
  Busy: { code: 'ClusterUnavailable', retryable: true },
  Broken: { code: 'ClusterUnavailable', retryable: true },
} as const satisfies Readonly<Record<string, { readonly code: ErrorCode; readonly retryable: boolean }>>;

/** One of the reasons of {@link KubeFailure}. */
export type KubeReason = keyof typeof reasons;

/** A field that somebody else set and has not given up. */
export interface FieldOwner {
  /** `kubectl-client-side-apply`. */
  readonly manager: string;
  /** `.spec.replicas`. */
  readonly field: string;
}

interface FailureDetails {
  readonly status: number;
  readonly next: string | undefined;
  readonly owners: readonly FieldOwner[];
  readonly undeclared?: readonly string[];
  readonly afterMs: number | null;
}

/** A refusal of the API server, explained. */
export class KubeFailure extends AppError {
  override readonly name: string = 'KubeFailure';
  override readonly reason: KubeReason;
  readonly status: number;
  /** Of a FieldConflict. */
  readonly owners: readonly FieldOwner[];
  /** Of a FieldNotDeclared: `.status.addresses`. */
  readonly undeclared: readonly string[];
  /** How long the server asks to wait; null = it does not say. */
  readonly afterMs: number | null;

  constructor(reason: KubeReason, message: string, { status, next, owners, undeclared = [], afterMs }: FailureDetails) {
    const { code, retryable } = reasons[reason];
    super(code, message, { reason, retryable, ...(next === undefined ? {} : { next }) });
    this.reason = reason;
    this.status = status;
    this.owners = owners;
    this.undeclared = undeclared;
    this.afterMs = afterMs;
  }
}

/** What was tried. */
export interface Tried {
  /** As rules of roles name it, `create`; or `apply`, which needs two of them. */
  readonly verb: string;
  readonly kind: ObjectKind;
  readonly namespace: string | null;
  /** Empty: the collection. */
  readonly name: string;
  readonly subresource?: string;
}

/** Admission answers with whole objects now and then. */
const mostMessageCharacters = 1000;

/** Explains an answer that is none of 2xx. */
export function explainFailure(
  transport: Pick<KubeTransport, 'server' | 'kubectl'>,
  tried: Tried,
  answer: KubeAnswer,
): KubeFailure {
  const { message, causes } = parseStatus(answer.body);
  const reason = reasonOf(answer, tried);
  const owners = reason === 'FieldConflict' ? ownersOf(causes) : [];
  const why = whyOf(reason, transport.server, tried, answer, owners) ?? message.slice(0, mostMessageCharacters);
  return new KubeFailure(reason, `could not ${tried.verb} ${nameOf(tried)}: ${why}`, {
    status: answer.status,
    owners,
    undeclared: undeclaredFields(message),
    afterMs: retryAfterMs(answer.retryAfter, answer.date, Date.now()),
    next: nextOf(reason, transport.kubectl, tried, message),
  });
}

function nameOf({ kind, namespace, name, subresource }: Tried): string {
  const place = [namespace, name].filter((part) => part !== null && part !== '').join('/');
  return `${subresource === undefined ? '' : `${subresource} of `}${kind.kind} ${place}`.trimEnd();
}

/** By status and reason, as apimachinery's api/errors does it; admission says it in words alone. */
function reasonOf({ status, body }: KubeAnswer, { kind, name }: Tried): KubeReason {
  const { reason, message, causes, name: named } = parseStatus(body);
  const byStatus: Readonly<Record<number, KubeReason>> = {
    401: 'Unauthenticated',
    // The path of a kind that is not there is answered without a name, by a text alone.
    404: named === '' && name !== '' ? 'NotServed' : named === '' && kind.group !== '' ? 'NotServed' : 'NotFound',
    409: reason === 'AlreadyExists' ? 'AlreadyExists' : 'VersionConflict',
    410: 'Gone',
    413: 'TooLarge',
    429: 'Busy',
  };
  const has = (cause: string): boolean => causes.some((one) => one.reason === cause);
  if (status === 409 && has('FieldManagerConflict')) return 'FieldConflict';
  if (has('NamespaceTerminating') || message.includes('because it is being terminated')) return 'NamespaceTerminating';
  if (undeclaredFields(message).length > 0) return 'FieldNotDeclared';
  const known = status >= 500 ? 'Broken' : byStatus[status];
  return known ?? kubeReasonOf(status, message);
}

/** Of 403 and other refusals that only their words tell apart; the Job controller cites them. */
export function kubeReasonOf(status: number, message: string): KubeReason {
  if (message.includes('because it is being terminated')) return 'NamespaceTerminating';
  if (/\b(?:exceeded|failed) quota: /.test(message)) return 'QuotaExceeded';
  if (/admission webhook "|ValidatingAdmissionPolicy '/.test(message)) return 'AdmissionRefused';
  if (status !== 403) return 'Invalid';
  return /\bcannot \S+ resource "/.test(message) ? 'Forbidden' : 'AdmissionRefused';
}

/** What the server does not say as well as can be; undefined = it does. */
function whyOf(
  reason: KubeReason,
  server: string,
  { kind }: Tried,
  { status, body }: KubeAnswer,
  owners: readonly FieldOwner[],
): string | undefined {
  if (reason === 'NotServed') return `the server has no ${resourceOf(kind)} of version ${kind.version}`;
  if (reason === 'Unauthenticated') return `${server} does not accept these credentials (401)`;
  if (reason === 'Busy' || reason === 'Broken')
    return `${server} answered ${status}: ${parseStatus(body).message.slice(0, 200)}`;
  if (reason !== 'FieldConflict' || owners.length === 0) return undefined;
  return `others own fields of it: ${owners.map(({ field, manager }) => `${field} (${manager})`).join(', ')}`;
}

function nextOf(reason: KubeReason, kubectl: string, tried: Tried, message: string): string | undefined {
  const { kind, namespace, name } = tried;
  const where = namespace === null ? '' : ` -n ${namespace}`;
  const get = `${kubectl} get ${resourceOf(kind)}${name === '' ? '' : ` ${name}`}${where}`;
  const next: Partial<Readonly<Record<KubeReason, string>>> = {
    NotFound: `${kubectl} get ${resourceOf(kind)}${where}`,
    NotServed: `${kubectl} api-resources`,
    AlreadyExists: get,
    FieldConflict: `${get} -o yaml --show-managed-fields`,
    FieldNotDeclared: `${kubectl} explain ${resourceOf(kind)}`,
    VersionConflict: get,
    Forbidden: `allow it: ${ruleFor(tried)}${boundTo(message)}`,
    QuotaExceeded: `${kubectl} describe resourcequotas${where}`,
    NamespaceTerminating: `${kubectl} get namespace ${namespace ?? ''}`.trimEnd(),
    Busy: `${kubectl} get --raw /readyz`,
    Broken: `${kubectl} get --raw /readyz`,
  };
  return next[reason];
}

/** The server says it in a sentence: `conflict with "kubectl" using apps/v1`. */
function ownersOf(causes: readonly StatusCause[]): readonly FieldOwner[] {
  return causes.map(({ message, field }) => ({
    manager: /conflicts? with "([^"]+)"/.exec(message)?.[1] ?? 'unknown',
    field,
  }));
}

/** The rule of a role that allows it, as YAML on one line. */
function ruleFor({ verb, kind, namespace, name, subresource }: Tried): string {
  const resource = subresource === undefined ? kind.plural : `${kind.plural}/${subresource}`;
  const role = kind.namespaced && namespace !== null ? `a Role in namespace ${namespace}` : 'a ClusterRole';
  const verbs = verb === 'apply' ? (subresource === undefined ? ['create', 'patch'] : ['patch']) : [verb];
  // What is made is not there yet and has no name; what is made of it has the name of what is there.
  const names = verb === 'create' && subresource !== undefined ? `, resourceNames: ["${name}"]` : '';
  return `${role} with the rule {apiGroups: ["${kind.group}"], resources: ["${resource}"]${names}, verbs: [${verbs.map((one) => `"${one}"`).join(', ')}]}`;
}
