import type {} from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { DataError } from '#core';
import { ScoringRefusal } from './scoring-service.ts';

/** A picture or sound as it came. */
export interface ImagePart {
  readonly bytes: Uint8Array;
  /** Names it in errors. */
  readonly where: string;
}

/** Bytes, forms and JSON all end here; a form's files may have any field name. */
export async function readImageRequest(request: FastifyRequest, maxBodyBytes: number): Promise<ImagePart[]> {
  if (request.isMultipart()) return readForm(request, maxBodyBytes);
  if (request.body instanceof Uint8Array) return [{ bytes: request.body, where: 'the body' }];
  return readJson(request.body);
}

async function readForm(request: FastifyRequest, maxBodyBytes: number): Promise<ImagePart[]> {
  const parts: ImagePart[] = [];
  let total = Number(request.headers['content-length'] ?? 0);
  checkSize(total, maxBodyBytes);
  total = 0;
  try {
    for await (const part of request.parts()) {
      if (part.type !== 'file') continue;
      const bytes = await part.toBuffer();
      total += bytes.length;
      checkSize(total, maxBodyBytes);
      const name = part.filename ? ` (${part.filename})` : '';
      parts.push({ bytes, where: `part ${parts.length + 1}, "${part.fieldname}"${name},` });
    }
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error) throw error;
    throw new DataError(
      `score: the body must be whole multipart/form-data, but is not: ${(error as Error).message}. Send it with the boundary that its content-type names.`,
      {},
      { cause: error },
    );
  }
  if (parts.length > 0) return parts;
  throw new DataError('score: the form must have at least one file, but has none. Add one as "image".');
}

function checkSize(bytes: number, maxBodyBytes: number): void {
  if (bytes <= maxBodyBytes) return;
  throw new ScoringRefusal(
    413,
    `score: a body may have at most ${maxBodyBytes} bytes, but has more. Send fewer or smaller files.`,
  );
}

/** `{"Inputs":{"images":[BASE64, …]}}`; data: addresses are taken too. */
function readJson(body: unknown): ImagePart[] {
  const inputs = isObject(body) ? body['Inputs'] : undefined;
  const images = isObject(inputs) ? inputs['images'] : undefined;
  if (!Array.isArray(images) || images.length === 0) {
    throw new DataError(
      'score: the body must be a form with files, a picture itself, or {"Inputs":{"images":[BASE64, …]}}, but is none of them. See /swagger.json.',
      { field: 'Inputs.images' },
    );
  }
  return images.map((text: unknown, i) => {
    const where = `Inputs.images[${i}]`;
    const base64 =
      typeof text === 'string' ? text.replace(/^data:[^,]*;base64,/, '').replace(/\s+/g, '') : '';
    if (base64 === '' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(base64)) {
      throw new DataError(`score: ${where} must be a file as base64 text, but is not. Encode its bytes.`, {
        field: where,
      });
    }
    return { bytes: Buffer.from(base64, 'base64'), where };
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
