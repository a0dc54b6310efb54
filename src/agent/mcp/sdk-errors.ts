import { AppError } from '../../core/errors.ts';
import { McpFailure } from './failure.ts';
import type { McpFailureReason } from './failure.ts';

/** What was thrown while a server was asked, as one of our reasons. What the server said goes with it. */
export async function failureOf(thrown: unknown): Promise<McpFailure> {
  if (thrown instanceof McpFailure) return thrown;
  if (thrown instanceof AppError) return new McpFailure(ofAppError(thrown), thrown.message, thrown);
  const { ProtocolError, SdkError, SdkErrorCode, SdkHttpError, UnauthorizedError } =
    await import('@modelcontextprotocol/client');
  if (thrown instanceof SdkHttpError) {
    const { status } = thrown.data;
    const isDenied = status === 401 || status === 403;
    return new McpFailure(isDenied ? 'McpUnauthorized' : 'McpUnreachable', `HTTP status ${status}`, thrown);
  }
  if (thrown instanceof UnauthorizedError) return new McpFailure('McpUnauthorized', 'HTTP status 401', thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (thrown instanceof ProtocolError) return new McpFailure('McpError', `${thrown.code} ${message}`, thrown);
  if (!(thrown instanceof SdkError)) return new McpFailure('McpGarbage', message, thrown);
  // The first question could not be sent.
  if (thrown.code === SdkErrorCode.EraNegotiationFailed && thrown.cause instanceof AppError)
    return failureOf(thrown.cause);
  if (thrown.code === SdkErrorCode.EraNegotiationFailed && /connection closed/i.test(message))
    return new McpFailure('McpEnded', '', thrown);
  const reason = (
    {
      [SdkErrorCode.RequestTimeout]: 'McpTimeout',
      [SdkErrorCode.ConnectionClosed]: 'McpEnded',
      [SdkErrorCode.NotConnected]: 'McpEnded',
    } as Partial<Record<string, McpFailureReason>>
  )[thrown.code];
  return new McpFailure(reason ?? 'McpGarbage', message, thrown);
}

function ofAppError({ code }: AppError): McpFailureReason {
  if (code === 'ExecNotAllowed') return 'McpNotAllowed';
  if (code === 'SecretMissing') return 'McpSecretMissing';
  if (code === 'CommandFailed' || code === 'ResourcesExhausted' || code === 'InvalidInput') return 'McpNotStarted';
  return code === 'Timeout' ? 'McpTimeout' : 'McpUnreachable';
}
