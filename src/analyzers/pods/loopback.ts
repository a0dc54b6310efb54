import type { Target } from '../define.ts';
import { at, listAt, numberAt } from '../reading/fields.ts';
import type { TellingLine } from '../log/telling.ts';
import { containersOf } from './pod-status.ts';
import type { ContainerView } from './pod-status.ts';

const loopback = /(?<![\w.:-])(127(?:\.\d{1,3}){3}|localhost|\[?::1\]?|0\.0\.0\.0)[:/](\d{2,5})(?!\d)/i;
const anyPeer = /(?<![\w.:-])[a-z0-9][\w-]{0,62}(?:\.[\w-]{1,63}){1,8}:\d{2,5}(?!\d)/gi;

/** The address of the pod itself that a line names as the other end; null where it names another one too, or none. */
export function loopbackOf(text: string): { readonly address: string; readonly port: number } | null {
  const [, host = '', port = ''] = loopback.exec(text) ?? [];
  const others = [...text.matchAll(anyPeer)].filter(([peer]) => !loopback.test(peer) && !place.test(peer));
  return host === '' || others.length > 0 ? null : { address: `${host}:${port}`, port: Number(port) };
}

const place = /\.(?:java|kt|scala|go|rs|py|rb|php|[cm]?[jt]sx?|cs|exs?|erl|cpp|cc|c|h|pl):\d/i;

/** What refuses at the address of the pod itself: which of its containers does not run, or that none listens there. */
export function loopbackNote(target: Target, container: ContainerView, telling: TellingLine): string {
  const peer = telling.kind === 'refused' ? loopbackOf(telling.text) : null;
  if (peer === null) return '';
  const whose = at(target.object, 'spec', 'hostNetwork') === true ? 'its node' : 'the pod itself';
  const others = containersOf(target.object).filter(({ name }) => name !== container.name);
  const down = others.filter(({ running, init, ready }) => !running && !(init && ready));
  const server =
    others.find(({ spec }) => listAt(spec, 'ports').some((port) => numberAt(port, 'containerPort') === peer.port)) ??
    (down.length === 1 ? down[0] : undefined);
  if (server !== undefined && down.includes(server))
    return ` ${peer.address} is ${whose}: container ${server.name} of the pod is not running.`;
  return server === undefined
    ? ` ${peer.address} is ${whose}.`
    : ` ${peer.address} is container ${server.name} of the same pod.`;
}

/** Whether what a container has, is given or says names a port. */
export function namesPort({ spec }: ContainerView, lines: readonly string[], port: number): boolean {
  const named = new RegExp(`(?<!\\d)${port}(?!\\d)`);
  return named.test(JSON.stringify(spec)) || lines.some((line) => named.test(line));
}
