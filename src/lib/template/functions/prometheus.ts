import { isIP } from 'node:net';
import { compareUtf8 } from '../../hash.ts';
import { checkMembers, spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { kindOf, member } from '../values.ts';
import type { GoList, GoMap } from '../values.ts';
import { fixed, variadic } from './define.ts';
import type { FunctionTable } from './define.ts';
import { ownMap } from './own.ts';

/** Host and port as Go's net.SplitHostPort tells them apart; `undefined` where it refuses. */
function splitHostPort(text: string): { readonly host: string; readonly port: string } | undefined {
  const bracketed = /^\[([^[\]]*)\]:([^:[\]]*)$/.exec(text);
  const [, host, port] = bracketed ?? /^([^:[\]]*):([^:[\]]*)$/.exec(text) ?? [];
  return host === undefined || port === undefined ? undefined : { host, port };
}

/** `web-1.example.com:9090` becomes `web-1:9090`; an address stays. */
function stripDomain(text: string): string {
  const { host, port } = splitHostPort(text) ?? { host: text, port: '' };
  if (isIP(host) !== 0) return text;
  const [name = ''] = host.split('.');
  if (port === '') return name;
  return /[:%]/.test(name) ? `[${name}]:${port}` : `${name}:${port}`;
}

function fieldOf(object: GoMap | undefined, name: string): unknown {
  return object === undefined ? undefined : member(object, name);
}

/** A label of something that has `labels`: an alert, a sample of a metrics tool. '' where it has none. */
function labelOf(object: unknown, name: string): string {
  const labels = kindOf(object) === 'map' ? fieldOf(object as GoMap, 'labels') : undefined;
  const label = kindOf(labels) === 'map' ? member(labels as GoMap, name) : undefined;
  return typeof label === 'string' ? label : '';
}

function sortByLabel(name: string, list: GoList | undefined, runtime: Runtime): GoList {
  spend(runtime, 8);
  const keyed = (list ?? []).map((object) => ({ object, label: labelOf(object, name) }));
  const longest = keyed.reduce((most, { label }) => Math.max(most, label.length), 0);
  spend(runtime, Math.ceil(keyed.length * Math.log2(keyed.length + 1) * (1 + longest / 32)));
  return keyed.sort((left, right) => compareUtf8(left.label, right.label)).map(({ object }) => object);
}

/** What Prometheus has for hosts and for samples; a template here has no query, so samples are maps of the data. */
export const prometheusFunctions: FunctionTable = {
  stripPort: fixed(['string'], (text) => splitHostPort(text)?.host ?? text),
  stripDomain: fixed(['string'], stripDomain),
  label: fixed(['string', 'map'], (name, object) => labelOf(object, name)),
  value: fixed(['map'], (object) => fieldOf(object, 'value')),
  strvalue: fixed(['map'], (object) => labelOf(object, '__value__')),
  sortByLabel: fixed(['string', 'list'], sortByLabel),
  args: variadic([], 'any', (values, runtime) => {
    checkMembers(runtime, values.length);
    const map = ownMap();
    values.forEach((value, index) => {
      map[`arg${index}`] = value;
    });
    return map;
  }),
};
