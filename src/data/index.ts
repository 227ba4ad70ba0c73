export type { AudioSignal } from './audio/audio-signal.ts';
export { mixDown } from './audio/audio-signal.ts';
export type { ConvertedSounds, ConvertSoundsOptions } from './audio/convert-sounds.ts';
export { convertSounds } from './audio/convert-sounds.ts';
export { decodeAudio } from './audio/decode-audio.ts';
export type { MelFilter, MelFilterOptions, MelScale } from './audio/mel-filters.ts';
export { hzToMel, melFilters, melFrequencies, melToHz } from './audio/mel-filters.ts';
export type { MelSpectrogramOptions } from './audio/mel-spectrogram.ts';
export { melSpectrogram } from './audio/mel-spectrogram.ts';
export type { PcenOptions } from './audio/pcen.ts';
export { pcen } from './audio/pcen.ts';
export type { PowerToDbOptions } from './audio/power-to-db.ts';
export { powerToDb } from './audio/power-to-db.ts';
export type { ReadAudioOptions } from './audio/read-audio.ts';
export { readAudio } from './audio/read-audio.ts';
export type { BrokenSound } from './audio/read-sounds.ts';
export { RealFft } from './audio/real-fft.ts';
export type { ResampleOptions } from './audio/resample.ts';
export { resample } from './audio/resample.ts';
export type { SoundFolderOptions } from './audio/sound-folder.ts';
export { SoundFolderDataset } from './audio/sound-folder.ts';
export type { SoundSpectrogramOptions, SoundWindowsOptions } from './audio/sound-spectrogram.ts';
export { soundSpectrogram, soundWindows, writeSpectrograms } from './audio/sound-spectrogram.ts';
export type { SpecAugmentMasks, SpecAugmentOptions } from './audio/spec-augment.ts';
export { specAugment, specAugmentBatches } from './audio/spec-augment.ts';
export type { SpectrogramOptions } from './audio/spectrogram.ts';
export { spectrogram } from './audio/spectrogram.ts';
export type { SpectrogramPixelsOptions, WriteSpectrogramOptions } from './audio/spectrogram-pixels.ts';
export { spectrogramPixels, writeSpectrogram } from './audio/spectrogram-pixels.ts';
export type { AudioWindow, SplitWindowsOptions, WindowPadding } from './audio/split-windows.ts';
export { splitWindows } from './audio/split-windows.ts';
export type { WavEncoding, WriteWavOptions } from './audio/write-wav.ts';
export { encodeWav, writeWav } from './audio/write-wav.ts';
export type { ColumnKind } from './column-reading.ts';
export type { ColumnSummary, DescribeOptions, TopValue } from './describe-table.ts';
export { describeTable, formatDate, quantile } from './describe-table.ts';
export { Dictionary } from './dictionary.ts';
export { fingerprintTable } from './fingerprint.ts';
export type { Alignment } from './format-table.ts';
export { formatDescribe, formatHead, formatNumber, formatTable, tableRecords } from './format-table.ts';
export type { BankRow, GenerateBankOptions } from './generators/bank.ts';
export { bankProbability, generateBank } from './generators/bank.ts';
export type { BinaryTruth } from './generators/binary-truth.ts';
export type { BirdSong, BirdSongOptions } from './generators/bird-songs.ts';
export { generateBirdSongs } from './generators/bird-songs.ts';
export type { BirdSpecies, Syllable, SyllableKind } from './generators/bird-species.ts';
export { birdSpecies } from './generators/bird-species.ts';
export type { DigitOptions } from './generators/digits.ts';
export { drawDigits } from './generators/digits.ts';
export type { FeatureTable } from './generators/lecture-tables.ts';
export { diabetesModel, generateDiabetes, generateOtto } from './generators/lecture-tables.ts';
export type { GenerateMulticlassOptions, MulticlassTruth } from './generators/multiclass.ts';
export { generateMulticlass } from './generators/multiclass.ts';
export type { GenerateRegressionOptions, RegressionTruth } from './generators/regression.ts';
export { generateRegression } from './generators/regression.ts';
export type { WriteBirdSongsOptions, WrittenBirdSongs } from './generators/write-bird-songs.ts';
export { writeBirdSongs } from './generators/write-bird-songs.ts';
export type { DecodePixelsOptions } from './images/decode-pixels.ts';
export { decodePixels } from './images/decode-pixels.ts';
export type { Pixels } from './images/pixels.ts';
export type { ReadOptions } from './open-relation.ts';
export type { ColumnFacts, ReadReport } from './read-table.ts';
export { readTable } from './read-table.ts';
export { ArrayDataset } from './samples/array-dataset.ts';
export { checkLabels } from './samples/check-labels.ts';
export { collate } from './samples/collate.ts';
export { ConcatDataset } from './samples/concat-dataset.ts';
export type { BatchContext, DataLoaderOptions } from './samples/data-loader.ts';
export { DataLoader } from './samples/data-loader.ts';
export type { Dataset, Sample } from './samples/dataset.ts';
export type { DecodeOptions } from './samples/decode-image.ts';
export { decodeImage } from './samples/decode-image.ts';
export type { ReadIdxOptions } from './samples/idx.ts';
export { readIdx, writeIdx } from './samples/idx.ts';
export type { ImageFolderListing, ImageFolderOptions } from './samples/image-folder.ts';
export { ImageFolderDataset } from './samples/image-folder.ts';
export type { LabelledImages, Mnist } from './samples/mnist.ts';
export { loadMnist } from './samples/mnist.ts';
export type { DatasetDescription } from './samples/open-dataset.ts';
export { openDataset } from './samples/open-dataset.ts';
export type { AffineRange } from './samples/random-affine.ts';
export { randomAffine } from './samples/random-affine.ts';
export type { SampleOrder } from './samples/sample-order.ts';
export { randomSplit, Subset } from './samples/subset.ts';
export { TensorDataset } from './samples/tensor-dataset.ts';
export type { Transform } from './samples/transforms.ts';
export { compose, flattenFrom, normalize, toTensor } from './samples/transforms.ts';
export type { ScanColumn, ScanOptions } from './scan-table.ts';
export { scanTable } from './scan-table.ts';
export type { TableFormat, TableSource } from './source-files.ts';
export type { FoldOptions, ShareOptions, Split } from './splits.ts';
export {
  groupKFold,
  holdOut,
  kFold,
  largestStratifiedFolds,
  monteCarlo,
  predefinedFolds,
  stratifiedGroupKFold,
  stratifiedKFold,
  timeSeriesSplit,
} from './splits.ts';
export type { Column, DateColumn, NumberColumn, SharedTable, StringColumn } from './table.ts';
export { dateColumn, numberColumn, stringColumn, Table } from './table.ts';
export type { WriteOptions } from './table-writer.ts';
export { TableWriter, writeTable } from './table-writer.ts';
export { writeFailure } from './write-failure.ts';
