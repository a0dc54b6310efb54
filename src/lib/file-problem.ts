const texts: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ELOOP: 'it is a symbolic link',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'it may not become that large',
  EROFS: 'the file system is read-only',
};

/** Why a file could not be read, in words of a person; the system's own text where there are none better. */
export function fileProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return ('code' in error && typeof error.code === 'string' ? texts[error.code] : undefined) ?? error.message;
}
