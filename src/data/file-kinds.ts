const pictures = /\.(png|jpe?g|webp|gif)$/i;
const sounds = /\.(wave?|flac|og[ga]|mp3)$/i;

/** Whether a file's name is that of a PNG, JPEG, WebP or GIF. */
export function isPictureName(name: string): boolean {
  return pictures.test(name);
}

/** Whether a file's name is that of a WAV, FLAC, Ogg Vorbis or MP3. */
export function isSoundName(name: string): boolean {
  return sounds.test(name);
}
