import { unwrapped } from './runtime-words.ts';

/** Kinds of containers that cannot be created or started, as far as what to do about them differs. */
export type StartCategory =
  | 'command-not-found'
  | 'security-refused'
  | 'mount-refused'
  | 'device-missing'
  | 'hook-failed'
  | 'start-error';

interface StartProblem {
  readonly category: StartCategory;
  /** A clause about the container: `its command /app does not exist in the image`. */
  readonly words: string;
}

type Words = (found: RegExpExecArray) => string;

/** What can stand between the quotation marks of a command. */
const command = String.raw`exec:? "?(?<command>[^":]{1,200})"?: `;

/** Words of runc, crun, containerd, CRI-O, Docker and the kubelet; the first that fits holds. */
const problems: readonly (readonly [RegExp, StartCategory, Words])[] = [
  [
    /failed to sync (?:secret|configmap) cache/i,
    'start-error',
    () => 'the kubelet does not get a config map or a secret from the API server in time',
  ],
  [
    /runAsNonRoot and image will run as root/i,
    'security-refused',
    () => 'it must not run as root (runAsNonRoot), and its image runs as root',
  ],
  [
    /runAsNonRoot and image has non-numeric user \((?<user>[^)]{1,100})\)/i,
    'security-refused',
    ({ groups }) =>
      `it must not run as root (runAsNonRoot), and whether user ${groups?.['user']} of its image is root cannot be told: give a number in runAsUser`,
  ],
  [
    /(?:unable to find user (?<user>\S{1,100}): no matching entries in passwd|no users found|unable to find group)/i,
    'security-refused',
    ({ groups }) => `the user ${groups?.['user'] ?? ''} under which it is to run does not exist in its image`,
  ],
  [
    /seccomp|apparmor|selinux|label .{0,40}relabel/i,
    'security-refused',
    () => 'a security profile (seccomp, AppArmor, SELinux) that it asks for cannot be applied',
  ],
  [/(?:forbidden|unsafe|unknown) sysctl|sysctl "?[\w./]+"? /i, 'security-refused', () => 'a sysctl of it is refused'],
  [
    /not a directory.{0,80}(?:mount a directory onto a file|vice-versa)|mount a directory onto a file/i,
    'mount-refused',
    () => 'it mounts a directory onto a file, or a file onto a directory (see subPath and mountPath)',
  ],
  [/subPath|volume-subpaths/i, 'mount-refused', () => 'the subPath of one of its volume mounts cannot be prepared'],
  [
    /nvidia-container-cli|libnvidia|CDI device|unresolvable CDI|error gathering device information|no such device/i,
    'device-missing',
    () => 'a device that it needs (a GPU or the like) is not there or its driver does not answer',
  ],
  [
    new RegExp(`${command}(?:stat [^:]{1,200}: )?(?:no such file or directory|executable file not found)`, 'i'),
    'command-not-found',
    ({ groups }) => `its command ${groups?.['command']} does not exist (is not found) in the image`,
  ],
  [
    /executable file (?:`(?<command>[^`]{1,200})` )?not found|command not found/i,
    'command-not-found',
    ({ groups }) => `its command ${groups?.['command'] ?? ''} is not found in the image`,
  ],
  [
    new RegExp(`${command}(?:is a directory: )?permission denied`, 'i'),
    'command-not-found',
    ({ groups }) => `its command ${groups?.['command']} may not be executed (permission denied: is it executable?)`,
  ],
  [
    /exec format error/i,
    'command-not-found',
    () => 'its command is not made for the architecture of the node, or has no interpreter line (exec format error)',
  ],
  [
    /no command specified|no entrypoint/i,
    'command-not-found',
    () => 'neither its image nor its spec says which command to run',
  ],
  [
    /(?:chdir to cwd|working directory) \(?"(?<directory>\/[^"]{0,200})".{0,60}(?:no such file|permission denied|not a directory)/i,
    'command-not-found',
    ({ groups }) => `its working directory ${groups?.['directory'] ?? ''} does not exist or may not be entered`,
  ],
  [
    /container init was OOM-killed|memory limit too low|Minimum memory limit|cannot allocate memory/i,
    'start-error',
    () => 'its memory limit is too small even to start it',
  ],
  [
    /error mounting|mounting .{1,300} to rootfs|cannot find volume|was not mounted|failed to (?:mkdir|mount)|read-only file system|not a shared mount|mount destination|invalid mount/i,
    'mount-refused',
    () => 'one of its volumes cannot be mounted into it',
  ],
  [
    /name .{1,200} is (?:reserved|already in use)/i,
    'start-error',
    () => 'the container runtime still holds an earlier attempt of the same name (it is slow or hangs)',
  ],
  [/no space left on device/i, 'start-error', () => 'the disk of the node is full'],
  [/cgroup/i, 'start-error', () => 'its control group cannot be set up on the node'],
  [/deadline exceeded|timed? ?out/i, 'start-error', () => 'the container runtime of the node does not answer in time'],
];

/** What a container that cannot be created or started comes to. */
export function startProblem(reason: string, message: string): StartProblem {
  if (/PostStartHook/.test(reason)) return { category: 'hook-failed', words: 'its postStart hook fails' };
  const text = unwrapped(message);
  for (const [pattern, category, words] of problems) {
    const found = pattern.exec(text);
    if (found !== null) return { category, words: words(found).replace(/ {2,}/g, ' ') };
  }
  return { category: 'start-error', words: 'the container runtime refuses it' };
}
