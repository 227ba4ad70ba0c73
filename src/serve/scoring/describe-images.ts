import { encodePng } from '#data';
import type { ScoringDescription } from './describe-scoring.ts';
import type { ImageScorer } from './image-scorer.ts';

/** A white pixel. */
const PIXEL = encodePng(1, 1, new Uint8Array([255, 255, 255])).toString('base64');

/** A model of pictures: files in, classes out. */
export function describeImages({ version, classes, takesSounds }: ImageScorer): ScoringDescription {
  const label = { type: 'string', enum: classes };
  const probability = { type: 'number', minimum: 0, maximum: 1 };
  const files = takesSounds ? 'pictures and sounds' : 'pictures';
  return {
    title: version,
    operation: `Classifies ${files}.`,
    payload: `${files} as base64 text`,
    answer: 'classes in the order of the files',
    files: [
      'image/png',
      'image/jpeg',
      'image/webp',
      'image/gif',
      ...(takesSounds ? ['audio/wav', 'audio/flac', 'audio/ogg', 'audio/mpeg'] : []),
    ],
    schemas: {
      ServiceInput: {
        type: 'object',
        properties: {
          Inputs: {
            type: 'object',
            properties: {
              images: { type: 'array', items: { type: 'string', format: 'byte' }, minItems: 1 },
            },
            required: ['images'],
          },
        },
        required: ['Inputs'],
        example: { Inputs: { images: [PIXEL] } },
      },
      ServiceOutput: {
        type: 'object',
        properties: {
          Results: {
            type: 'array',
            description: 'the likeliest class of each file, and the five likeliest',
            items: { $ref: '#/definitions/Classification' },
          },
        },
      },
      Classification: {
        type: 'object',
        properties: {
          label,
          probability,
          top: { type: 'array', items: { type: 'object', properties: { label, probability } } },
        },
      },
    },
  };
}
