import { AppError } from '../core/errors.ts';

const codes: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM']);

/** Whether the system ran out of open files, processes or memory. */
export function isExhaustion(thrown: unknown): boolean {
  return thrown instanceof Error && codes.has((thrown as NodeJS.ErrnoException).code ?? '');
}

/** For an attempt of which nothing has run: it is made again after a pause. */
export function exhausted(cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AppError('ResourcesExhausted', `the command could not be started now: ${reason}`, {
    cause,
    next: 'it is tried again after a pause; if it stays so, raise the limits of open files, processes and memory (ulimit -a)',
  });
}
