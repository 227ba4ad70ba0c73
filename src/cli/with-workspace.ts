import type { Workspace } from '#workspace';

/** Opens the nearest workspace for as long as the action takes. The store's drivers are loaded by those who need them. */
export async function withWorkspace<T>(action: (workspace: Workspace) => Promise<T>): Promise<T> {
  const { Workspace } = await import('#workspace');
  const workspace = await Workspace.open();
  try {
    return await action(workspace);
  } finally {
    await workspace.close();
  }
}
