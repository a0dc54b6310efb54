import { z } from 'zod';
import type { CatalogAuthentication } from '../../core/authentication.ts';
import { celList, rule, rulesOfType } from '../../lib/rule.ts';
import type { DeclaredCheck } from '../../lib/rule.ts';
import { basic } from './basic.ts';
import { bearer } from './bearer.ts';
import type { AuthenticationWay } from './define.ts';
import { hmac } from './hmac.ts';
import { kubernetes } from './kubernetes.ts';
import { mtls } from './mtls.ts';
import { none } from './none.ts';

/** Its fields, of which a value of another way has none. */
function optional({ config }: AuthenticationWay) {
  return z.object(config.shape).partial().shape;
}

/** Every way in which callers of a Source prove who they are. */
export const authenticationWays: readonly AuthenticationWay[] = [bearer, basic, hmac, kubernetes, mtls, none];

const types = authenticationWays.map(({ type }) => type);
const meanings = authenticationWays.map(({ type, description }) => `${type}: ${description}`);

/** How the callers of a Source prove who they are: the fields of all ways, of which each takes its own. */
export const authentication = z
  .strictObject({
    type: z.enum(types).meta({ description: `What the caller sends. ${meanings.join(' ')}` }),
    ...optional(bearer),
    ...optional(basic),
    ...optional(hmac),
    ...optional(kubernetes),
    ...optional(mtls),
  })
  .check(...fieldRules(), ...authenticationWays.flatMap(({ type, config }) => rulesOfType(type, config)))
  .meta({ description: 'How callers prove who they are.' });

type Given = Readonly<Record<string, unknown>>;

/** Each field belongs to those ways that have it, and to some of them without exception. */
function fieldRules(): readonly DeclaredCheck<Given>[] {
  const names = new Set(authenticationWays.flatMap(({ config }) => Object.keys(config.shape)));
  return [...names].flatMap((name) => {
    const users = authenticationWays.filter(({ config }) => Object.hasOwn(config.shape, name));
    const usedBy = users.map((way) => way.type);
    const requiredBy = users.filter(({ config }) => !config.shape[name]?.safeParse(undefined).success).map(typeOf);
    return [
      rule<Given>(
        `self.type in ${celList(usedBy)} || !has(self.${name})`,
        `is used by type ${usedBy.join(' and ')} only`,
        (given) => usedBy.includes(String(given['type'])) || given[name] === undefined,
        [name],
      ),
      ...(requiredBy.length === 0 ? [] : [requiredRule(name, requiredBy)]),
    ];
  });
}

function typeOf({ type }: AuthenticationWay): string {
  return type;
}

function requiredRule(name: string, requiredBy: readonly string[]): DeclaredCheck<Given> {
  return rule(
    `!(self.type in ${celList(requiredBy)}) || has(self.${name})`,
    `needs ${name} where type is ${requiredBy.join(' or ')}`,
    (given) => !requiredBy.includes(String(given['type'])) || given[name] !== undefined,
  );
}

/** What the server asks of callers. From a config that {@link authentication} accepted. */
export function compileAuthentication(
  config: z.output<typeof authentication> | undefined,
): CatalogAuthentication | null {
  if (config === undefined) return null;
  const { type, ...own } = config;
  return authenticationWays.find((way) => way.type === type)?.compile(own) ?? null;
}
