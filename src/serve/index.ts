export { createServer, type Server, type ServerOptions } from './api/create-server.ts';
export type { PipelineService, SubmitRequest } from './api/pipeline-service.ts';
export { createToken, getAuthenticationHeader, type NewToken } from './auth/token.ts';
export {
  createScoringServer,
  type ScoringServer,
  type ScoringServerOptions,
} from './scoring/create-scoring-server.ts';
