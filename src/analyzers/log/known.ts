/** What a line of a log names as the reason of a failure. */
export type FailureKind =
  | 'config-changed'
  | 'leader-lost'
  | 'dns-loop'
  | 'exec-format'
  | 'missing-definition'
  | 'forbidden'
  | 'child-killed'
  | 'memory'
  | 'certificate-expired'
  | 'certificate'
  | 'denied'
  | 'too-many-connections'
  | 'login-refused'
  | 'missing-database'
  | 'unresolved'
  | 'port-in-use'
  | 'read-only'
  | 'disk-full'
  | 'permission'
  | 'open-files'
  | 'locked'
  | 'damaged-data'
  | 'other-version'
  | 'missing-variable'
  | 'unknown-option'
  | 'missing-setting'
  | 'refused'
  | 'timeout'
  | 'unreachable'
  | 'missing-file'
  | 'broken-config'
  | 'program-error';

export interface KnownFailure {
  readonly kind: FailureKind;
  readonly pattern: RegExp;
  /** A plain sentence to stand behind the quoted line; empty where the line says it all. */
  readonly says: string;
}

/** One pattern of several, in any case of letters. */
export const join = (...parts: readonly string[]): RegExp => new RegExp(parts.join('|'), 'i');
