export { createServer, type Server, type ServerOptions } from './api/create-server.ts';
export type { PipelineService, SubmitRequest } from './api/pipeline-service.ts';
