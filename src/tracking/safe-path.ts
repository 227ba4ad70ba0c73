import { ConfigError } from '#core';

/** @throws ConfigError when a path could leave its folder */
export function checkArtifactPath(path: string): string {
  const isBad =
    path === '' ||
    /[\0\\]/.test(path) ||
    path.split('/').some((part) => part === '' || part === '.' || part === '..');
  if (!isBad) return path;
  throw new ConfigError(
    `artifact path: must be relative, with '/' and without '.', '..' and empty parts, but got ${JSON.stringify(path)}. Name a file of the run.`,
  );
}
