/** Reads at most `maxBytes` of a body and lets go of the rest. */
export async function readBounded(
  body: AsyncIterable<Uint8Array> & { destroy(): unknown },
  maxBytes: number,
): Promise<{ readonly body: string; readonly truncated: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) {
      chunks.push(chunk.subarray(0, chunk.length - (size - maxBytes)));
      body.destroy();
      return { body: Buffer.concat(chunks).toString('utf8'), truncated: true };
    }
    chunks.push(chunk);
  }
  return { body: Buffer.concat(chunks).toString('utf8'), truncated: false };
}

/** The parts of a `Status` answer that tell one refusal from another. */
export interface StatusAnswer {
  readonly message: string;
  readonly reason: string;
  /** Name of the object that was not found; empty where it was the collection. */
  readonly name: string;
  /** Where to go on with a list whose snapshot is gone (410). */
  readonly continueToken: string;
  readonly causes: readonly StatusCause[];
}

/** A reason of a refusal; empty texts where the server does not say. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** Reads a `Status`; a body that is none gives its text as the message. */
export function parseStatus(body: string): StatusAnswer {
  const empty = { message: body.trim().slice(0, 300), reason: '', name: '', continueToken: '', causes: [] };
  let status: {
    kind?: unknown;
    message?: unknown;
    reason?: unknown;
    details?: { name?: unknown; causes?: unknown };
    metadata?: { continue?: unknown };
  } | null;
  try {
    status = JSON.parse(body) as typeof status;
  } catch {
    return empty;
  }
  if (status?.kind !== 'Status') return empty;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    message: text(status.message),
    reason: text(status.reason),
    name: text(status.details?.name),
    continueToken: text(status.metadata?.continue),
    causes: (Array.isArray(status.details?.causes)
      ? (status.details.causes as Readonly<Record<string, unknown>>[])
      : []
    ).map((cause) => ({ reason: text(cause['reason']), message: text(cause['message']), field: text(cause['field']) })),
  };
}

/**
 * Fields that were to be applied and that the schema of the server does not have, `.status.addresses`; empty where that is not what a
 * refusal says. It comes as 500, whatever `fieldValidation` asks for, and names one of several.
 */
export function undeclaredFields(message: string): readonly string[] {
  if (!message.includes('typed patch object')) return [];
  return [...message.matchAll(/(?:^|\s)(\.\S+): field not declared in schema/g)].map(([, field = '']) => field);
}
