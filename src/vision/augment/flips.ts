import { defineTransform } from './transform.ts';

/** Left becomes right. */
export const HorizontalFlip = defineTransform('HorizontalFlip', 0.5, {}, (picture) =>
  picture.flipHorizontal(),
);

/** Top becomes bottom. */
export const VerticalFlip = defineTransform('VerticalFlip', 0.5, {}, (picture) => picture.flipVertical());
