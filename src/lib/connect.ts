import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { AppError } from '../core/errors.ts';
import { checkAddress, checkedLookup, defaultPolicy, systemAddresses } from './checked-lookup.ts';
import type { DestinationOptions } from './checked-lookup.ts';
import { exhaustion } from './exhaustion.ts';

/**
 * Opens a TCP connection to a checked address, for protocols other than HTTP. `signal` ends the attempt to connect, not what was
 * opened. Throws `Forbidden` for a destination that the policy refuses, `Unreachable`, `ResourcesExhausted`; nothing was sent then.
 */
export type Connect = (host: string, port: number, signal: AbortSignal) => Promise<Socket>;

/** The one way to a plain socket, under the same policy as {@link createHttpClient}. */
export function createConnect({ policy = defaultPolicy, lookup = systemAddresses }: DestinationOptions = {}): Connect {
  const checked = checkedLookup(lookup, policy);
  return async (host, port, signal) => {
    checkAddress(host, policy);
    const socket = connect({ host, port, lookup: checked });
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch (thrown) {
      socket.destroy();
      throw failure(thrown, `${host}:${port}`, signal);
    }
  };
}

function failure(thrown: unknown, peer: string, signal: AbortSignal): AppError {
  if (thrown instanceof AppError) return thrown;
  const exhausted = exhaustion(thrown, `${peer} could not be reached`);
  if (exhausted !== null) return exhausted;
  // Where all addresses of a name failed, the error has a code and no words.
  const { message, code } = thrown as NodeJS.ErrnoException;
  const reason = signal.aborted ? 'it did not answer in time' : message || code;
  return new AppError('Unreachable', `${peer} could not be reached: ${reason}`, { cause: thrown });
}
