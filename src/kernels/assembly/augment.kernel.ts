// Changes pictures: RGB, 8 bits a channel, pixel after pixel. Reads up to 16 bytes beyond a picture's end.
export { resample } from "./augment-resample";
export { warp } from "./augment-warp";
export {
  addNoise, copyRectangle, fillRectangle, flipRows, lookUp, mirrorColumns, mix, sum, toPlanes,
} from "./augment-pixels";
export { blendGrey, fromLab, greySum, shiftHsv, toLab } from "./augment-colour";
export { boxBlur, equalise } from "./augment-filter";
