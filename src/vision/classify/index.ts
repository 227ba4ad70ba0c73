export type { ClassifierMetadata, PictureResize } from './classifier-metadata.ts';
export {
  type BrokenInput,
  type ClassifiedInput,
  type ClassifyInputsOptions,
  classifyInputs,
  type LabelProbability,
  topLabels,
} from './classify-inputs.ts';
export { type ClassifySettings, defaultSettings, type WatchName } from './classify-settings.ts';
export {
  type ClassifierEvaluation,
  type EvaluateClassifierOptions,
  evaluateClassifier,
} from './evaluate-classifier.ts';
export { type EvaluationReportOptions, renderEvaluationReport } from './evaluation-report.ts';
export { type ExportClassifierOptions, exportClassifier } from './export-classifier.ts';
export { formatJudgement } from './format-judgement.ts';
export { ImageClassifier } from './image-classifier.ts';
export {
  type ClassifierJudgement,
  type ClassifierMetrics,
  type ClassJudgement,
  type JudgePredictionsInput,
  judgePredictions,
  type Mistake,
} from './judge-predictions.ts';
export type { PictureData, WorkListener, WorkStage } from './open-pictures.ts';
export { parseSettings } from './parse-settings.ts';
export { PictureSource, type PictureSourceOptions } from './picture-source.ts';
export { decodeClassifierInput, type InputPictures } from './read-classifier-inputs.ts';
export { mistakePicture } from './report/mistake-picture.ts';
export { renderClassifierReport } from './report/render-classifier-report.ts';
export type { ClassifierReportDocument } from './report/report-document.ts';
export {
  type TrainClassifierOptions,
  type TrainedClassifier,
  type TrainingFacts,
  trainClassifier,
} from './train-classifier.ts';
