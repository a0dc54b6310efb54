import { z } from 'zod';
import type { CatalogAuthentication } from '../../core/authentication.ts';
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import type { AuthenticationWay } from './define.ts';
import { hmac } from './hmac.ts';
import { mtls } from './mtls.ts';
import { none } from './none.ts';

/** Every way in which callers of a Source prove who they are. */
export const authenticationWays: readonly AuthenticationWay[] = [bearer, basic, hmac, mtls, none];

const types = authenticationWays.map(({ type }) => type);
const meanings = authenticationWays.map(({ type, description }) => `${type}: ${description}`);

/** How the callers of a Source prove who they are: the fields of all ways, of which each takes its own. */
export const authentication = z
  .strictObject({
    type: z.enum(types).meta({ description: `What the caller sends. ${meanings.join(' ')}` }),
    ...bearer.config.partial().shape,
    ...basic.config.partial().shape,
    ...hmac.config.partial().shape,
    ...mtls.config.partial().shape,
  })
  .superRefine((value, context) => {
    for (const { path, message } of problemsOf(value)) context.addIssue({ code: 'custom', path: [...path], message });
  })
  .meta({ description: 'How callers prove who they are.' });

type Given = Readonly<Record<string, unknown>>;

interface FieldProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function problemsOf({ type, ...given }: Given): readonly FieldProblem[] {
  const way = authenticationWays.find((candidate) => candidate.type === type);
  if (way === undefined) return [];
  const used = Object.keys(way.config.shape);
  const unused = Object.keys(given)
    .filter((name) => given[name] !== undefined && !used.includes(name))
    .map((name) => ({ path: [name], message: `is not used by type ${way.type}` }));
  const required = used
    .filter((name) => given[name] === undefined && !way.config.shape[name]?.safeParse(undefined).success)
    .map((name) => ({ path: [], message: `needs ${name}` }));
  return [...unused, ...required, ...missingSecret(used, given), ...missingNames(used, given)];
}

function missingSecret(used: readonly string[], given: Given): readonly FieldProblem[] {
  if (!used.includes('secretRef')) return [];
  const isOne = (given['secretRef'] === undefined) !== (given['secretKeyRef'] === undefined);
  return isOne ? [] : [{ path: [], message: 'needs exactly one of secretRef and secretKeyRef' }];
}

function missingNames(used: readonly string[], given: Given): readonly FieldProblem[] {
  if (!used.includes('subjects') || given['subjects'] !== undefined || given['names'] !== undefined) return [];
  return [{ path: [], message: 'needs subjects or names' }];
}

/** What the server asks of callers. From a config that {@link authentication} accepted. */
export function compileAuthentication(
  config: z.output<typeof authentication> | undefined,
): CatalogAuthentication | null {
  if (config === undefined) return null;
  const { type, ...own } = config;
  return authenticationWays.find((way) => way.type === type)?.compile(own) ?? null;
}
