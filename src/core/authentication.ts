import type { SecretReference } from './catalog.ts';

/** A request, as far as it says who sends it. */
export interface Caller {
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** What the TLS handshake proved, by an authority that the server was started with; null = nothing. */
  readonly certificate: () => CallerCertificate | null;
  /** Wall clock, milliseconds. */
  readonly nowMs: number;
}

/** A client certificate. */
export interface CallerCertificate {
  /** Its distinguished name, `CN=alertmanager,O=ops`, with a backslash before signs within a value. */
  readonly subject: string;
  /** Null where it has none, or several. */
  readonly commonName: string | null;
  /** Alternative names: of hosts, URIs, addresses. */
  readonly names: readonly string[];
}

/** Why a caller is kept out: 401. */
export interface AuthenticationFailure {
  readonly message: string;
  /** What whoever runs the sender does next. */
  readonly next: string;
  /** Value of WWW-Authenticate. */
  readonly challenge: string;
}

/** Who sent a body. */
export type SignatureVerdict =
  | {
      readonly ok: true;
      /** Names the delivery, where the name is signed with the body; null = it has none. */
      readonly signedId: string | null;
    }
  | ({ readonly ok: false } & AuthenticationFailure);

/** How the callers of a Source prove who they are. */
export interface CatalogAuthentication {
  readonly type: string;
  /** The first must be there; each line of each of them is valid. */
  readonly secrets: readonly SecretReference[];
  /** Lets everybody in. */
  readonly isOpen: boolean;
  /** Wants a certificate, so the server must listen with TLS and know authorities. */
  readonly needsCertificate: boolean;
  /** The cluster says who calls and whether they may, by their bearer token; null = it is not asked. */
  readonly cluster: { readonly audience: string | null } | null;
  /** All that is known before the body is read, but of what the cluster says; null = nothing keeps the caller out. `secrets` has one at least, if any is named. */
  readonly check: (caller: Caller, secrets: readonly string[]) => AuthenticationFailure | null;
  /** What the body proves, as it came, in pieces because a body may be large; null where it proves nothing. */
  readonly verify:
    | ((caller: Caller, secrets: readonly string[], body: Buffer) => Generator<undefined, SignatureVerdict, undefined>)
    | null;
}
