import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { version } from '#core';
import type { ApiApp } from './api-app.ts';

/** Collects the schemas of the routes that are added after it, for `/openapi.json` and the page at `/docs`. */
export async function describeApi(app: ApiApp): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Trainyard',
        version,
        description:
          'Experiments, runs, artefacts, datasets, models and published pipelines of a workspace. Lists come in pages: ' +
          '`next` of one is the `cursor` of the following. Errors are `{ "error": { "code", "message", "field" } }`.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
  });
  app.addHook('onRoute', (route) => {
    const scope = route.config?.scope;
    if (scope === undefined || route.schema === undefined) return;
    const description = [route.schema.description, `Scope of the token: \`${scope}\`.`];
    route.schema = { ...route.schema, description: description.filter(Boolean).join(' ') };
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
}
