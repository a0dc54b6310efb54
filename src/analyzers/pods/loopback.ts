import type { Target } from '../define.ts';
import { at, listAt, numberAt, textAt } from '../reading/fields.ts';
import { commandLineOf } from '../reading/command-line.ts';
import { sourceEnds } from '../log/source-place.ts';
import type { TellingLine } from '../log/telling.ts';
import { listens, portPattern } from './listening.ts';
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

const place = new RegExp(sourceEnds, 'i');

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

/** Whether a container has a port: it declares it, its probes ask it, it is told to use it, or it says that it listens there. */
export function hasPort({ spec }: ContainerView, lines: readonly string[], port: number): boolean {
  const named = portPattern(port);
  const probes = ['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap((probe) =>
    ['httpGet', 'tcpSocket', 'grpc'].map((how) => at(spec, probe, how, 'port')),
  );
  const variables = listAt(spec, 'env').filter((one) => namesListener.test(textAt(one, 'name')));
  return (
    listAt(spec, 'ports').some((one) => numberAt(one, 'containerPort') === port) ||
    probes.some((one) => one === port || one === String(port)) ||
    commandLineOf(spec).some((word) => named.test(word)) ||
    variables.some((one) => named.test(textAt(one, 'value'))) ||
    lines.some((line) => listens.test(line) && named.test(line))
  );
}

/** Variables that name a port or an address at which a program listens. */
const namesListener = /(?:^|_)(?:PORTS?|LISTEN\w*|BIND\w*|ADDR(?:ESS)?)$|PORT$/i;
