import { quote } from '../reading/quote.ts';

/** What wraps the words that tell something: of the kubelet, of gRPC, of containerd, CRI-O and Docker. */
const wrappings: readonly RegExp[] = [
  /^\(combined from similar events\): /,
  /^Error: /,
  /^(?:Failed to pull image|Failed to inspect image) "[^"]{0,300}": /,
  /^(?:Failed to create pod sandbox|Failed create pod sandbox): /,
  /^(?:ErrImagePull|ImageInspectError|RunContainerError|CreateContainerError): /,
  /^rpc error: code = \w+ desc = /,
  /^Error response from daemon: /,
  /^failed to pull and unpack image "[^"]{0,300}": /,
  /^failed to resolve reference "[^"]{0,300}": /,
  /^(?:initializing source|reading manifest \S{1,200} in) \S{1,300}: /,
  /^unable to retrieve auth token: /,
  /^failed to (?:create containerd (?:task|container)|create shim task|start container(?: "[^"]{0,100}")?): /,
  /^(?:container_linux\.go:\d+|process_linux\.go:\d+|standard_init_linux\.go:\d+): /,
  /^OCI runtime (?:create|exec|start) failed: /,
  /^(?:runc|crun) (?:create|exec|start)(?: failed)?: /,
  /^(?:unable to start container process|starting container process caused): /,
  /^error during container init: /,
  /^(?:failed to exec in container|error while executing command|command error|exec failed)(?: "[^"]{0,100}")?: /,
  /^failed to start exec "[^"]{0,100}": /,
];

/** A message of a runtime without what wraps it: the words that tell something. */
export function unwrapped(message: string): string {
  let text = message.slice(0, 8000).replace(/\s+/g, ' ').trim();
  for (let before = ''; before !== text;) {
    before = text;
    for (const wrapping of wrappings) text = text.replace(wrapping, '');
  }
  return text.replace(/(?:: unknown)?\.?$/, '');
}

/** The runtime's own words for a sentence: quoted; of long ones the end, because what is at fault comes last. */
export function ownWords(message: string, limit = 260): string {
  const text = unwrapped(message);
  if (text.length <= limit) return `"${quote(text, limit)}"`;
  const end = text.slice(-limit);
  const start = end.search(/(?<=[:;,] )/);
  return `"… ${quote(start > 0 && start < limit / 2 ? end.slice(start) : end, limit)}"`;
}
