import { AppError } from '../core/errors.ts';

/** What the system says where it has no descriptor, process or memory left: it says nothing about what was asked for. */
const texts: Readonly<Record<string, string>> = {
  EMFILE: 'this process may open no more files',
  ENFILE: 'this machine may open no more files',
  EAGAIN: 'this machine has no process or memory left',
  ENOMEM: 'this machine has no memory left',
  ENOBUFS: 'this machine has no memory left',
};

/** Whether an error, or what caused it, is a want of descriptors, processes or memory. */
export function isExhaustion(thrown: unknown): boolean {
  return exhaustedCode(thrown) !== undefined;
}

/** ResourcesExhausted for such an error; null for any other. `what` could not be done, without a full stop. */
export function exhaustion(thrown: unknown, what: string): AppError | null {
  const code = exhaustedCode(thrown);
  if (code === undefined) return null;
  return new AppError('ResourcesExhausted', `${what}: ${texts[code] ?? code}`, {
    cause: thrown,
    next: 'ulimit -n 8192 (systemd: LimitNOFILE=8192), and look at what else the machine runs; it is tried again',
  });
}

function exhaustedCode(thrown: unknown): string | undefined {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    if (Object.hasOwn(texts, code)) return code;
    const inside = error instanceof AggregateError ? (error.errors as readonly unknown[]).map(exhaustedCode) : [];
    const found = inside.find((each) => each !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}
