import { AppError } from '../../core/errors.ts';
import { oneLine } from '../../lib/printable.ts';
import { redact } from '../../lib/redact.ts';

/** Why an MCP server gave no answer. Words of our own: a model and a report are told of them. */
export const mcpFailureReasons = {
  McpNotAllowed: 'fist may not run its program here',
  McpSecretMissing: 'a Secret that it needs is missing',
  McpNotStarted: 'its program could not be started',
  McpUnreachable: 'it could not be reached',
  McpUnauthorized: 'it refused the credentials',
  McpTimeout: 'it did not answer in time',
  McpEnded: 'the connection to it ended',
  McpGarbage: 'it does not answer as MCP asks',
  McpFlooded: 'it sent more than is read of it',
  McpTooLarge: 'its answer is larger than is read of one',
  McpError: 'it answered with an error',
} as const;
export type McpFailureReason = keyof typeof mcpFailureReasons;

/** Reasons after which a server is not asked again in the same step. */
const lasting: ReadonlySet<McpFailureReason> = new Set(['McpEnded', 'McpGarbage', 'McpFlooded']);

/** What a server did instead of answering. */
export class McpFailure extends AppError {
  override readonly name = 'McpFailure';
  override readonly reason: McpFailureReason;
  /** What the other side said, redacted and on one line: text from outside. Empty = nothing. */
  readonly detail: string;
  readonly isLasting: boolean;

  constructor(reason: McpFailureReason, detail = '', cause?: unknown) {
    super('Unreachable', mcpFailureReasons[reason], { cause });
    this.reason = reason;
    this.detail = oneLine(redact(detail.slice(0, 2000)), 300);
    this.isLasting = lasting.has(reason);
  }
}
