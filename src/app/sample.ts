import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../core/errors.ts';
import type { ServeFlags } from './options.ts';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const secretName = 'alertmanager-token';
const usualPort = 8080;
const portsTried = 20;

/** Flags of `fist serve` before the sample fills in what was not given. */
export type StartFlags = Omit<ServeFlags, 'resources'> & { readonly resources?: string };

/** What a server without `--resources` runs on; paths are relative to the folder where it was started. */
export interface Sample {
  readonly flags: ServeFlags;
  /** The recorded cluster; null where another one was named. */
  readonly dump: string | null;
  /** A recorded notification, for the webhook. */
  readonly alertFile: string;
  /** The token of the Source. */
  readonly tokenFile: string;
  /** The port that was wanted and is in use; null where it was free, or another was asked for. */
  readonly busyPort: number | null;
}

/**
 * Completes the flags with the Source, Workflow and Sink of `examples/connect`, a recorded cluster where none was named, a
 * token for the Source (made once), and the first free port of the loopback address. Throws InvalidInput where
 * the examples are not there or no port is free.
 */
export async function prepareSample(
  flags: StartFlags,
  environment: Readonly<Record<string, string | undefined>>,
  firstPort = usualPort,
): Promise<Sample> {
  const resources = shortest(join(examples, 'connect'));
  if (!existsSync(resources))
    throw new AppError('InvalidInput', 'no resources were named, and the examples are not installed here', {
      field: '--resources',
      next: 'fist serve --resources DIR',
    });
  const secretsDir = flags.secretsDir ?? 'secrets';
  const hasCluster = [flags.dump, flags.kubeconfig, flags.context].some((flag) => flag !== undefined);
  const recorded = shortest(join(examples, 'oom-crash-loop'));
  const isAddressGiven = flags.listen !== undefined || environment['SERVER_ADDR'] !== undefined;
  const port = isAddressGiven ? null : await firstFreePort(firstPort);
  return {
    flags: {
      ...flags,
      resources,
      secretsDir,
      ...(hasCluster ? {} : { dump: join(recorded, 'dump') }),
      ...(port === null ? {} : { listen: `127.0.0.1:${port}` }),
    },
    dump: hasCluster ? null : join(recorded, 'dump'),
    alertFile: join(recorded, 'alert.json'),
    tokenFile: keepToken(secretsDir),
    busyPort: port === null || port === firstPort ? null : firstPort,
  };
}

/** For people: relative where that is shorter. */
function shortest(path: string): string {
  const short = relative('.', path);
  return short.length < path.length ? short : path;
}

/** The file of the Source's token, which is made where there is none. */
function keepToken(secretsDirectory: string): string {
  const file = join(secretsDirectory, secretName, 'token');
  if (!existsSync(file)) {
    mkdirSync(join(secretsDirectory, secretName), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
  }
  return file;
}

async function firstFreePort(firstPort: number): Promise<number> {
  for (let port = firstPort; port < firstPort + portsTried; port += 1) if (await isFree(port)) return port;
  throw new AppError('InvalidInput', `the ports ${firstPort} to ${firstPort + portsTried - 1} are all in use`, {
    field: '--listen',
    next: '--listen 127.0.0.1:0 (any free port)',
  });
}

/** Whether nobody listens there. A reason of any other kind is told by the server's own start. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}
