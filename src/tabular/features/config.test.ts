import { describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import { dateColumn, numberColumn, stringColumn, Table } from '#data';
import { parseFeaturizationConfig } from './config.ts';

const table = new Table([
  numberColumn('age', [1.5, 2]),
  stringColumn('job', ['a', 'b']),
  dateColumn('since', [0, 1]),
]);

function faultsOf(json: unknown): string[] {
  try {
    parseFeaturizationConfig(json, table);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { details, message } = error as ConfigError;
    return (details['faults'] as string[] | undefined) ?? [message];
  }
  return [];
}

describe('parseFeaturizationConfig', () => {
  it('takes auto, off and full settings as they are', () => {
    const settings = {
      columnPurposes: { job: 'Text', since: 'Ignore' },
      dropColumns: ['age'],
      blockedSteps: ['CharTfIdf', 'TargetEncoder'],
      imputation: { '*': 'median', age: { constant: 0 }, job: { constant: 'none' }, since: 'mostFrequent' },
      targetEncoding: true,
      integersAsNumbers: false,
    };
    for (const config of ['auto', 'off', {}, settings]) {
      expect(parseFeaturizationConfig(config, table)).toEqual(config);
    }
  });

  it('names all faults at once, with the nearest names', () => {
    const faults = faultsOf({
      dropColumn: ['age'],
      dropColumns: ['agee'],
      columnPurposes: { jobb: 'Text', job: 'Categoric', since: 'Numeric' },
      blockedSteps: ['OneHotEncodr', 'NumericImputer'],
      imputation: { ages: 'mean', job: 'mean', age: 'avg', since: { constant: 3 } },
      targetEncoding: 'yes',
    });
    const expected = [
      /settings.*"dropColumn"\. Did you mean "dropColumns"\?/,
      /dropColumns.*"agee"\. Did you mean "age"\?/,
      /"jobb"\. Did you mean "job"\?/,
      /purpose of column "job".*"Categoric"\. Did you mean "Categorical"\?/,
      /column "since" holds dates and can be DateTime or Ignore, but got Numeric/,
      /blockedSteps.*Did you mean "OneHotEncoder"\?/,
      /blockedSteps cannot hold "NumericImputer"/,
      /imputation.*"ages"\. Did you mean "age"\?/,
      /imputation of "job" must be mostFrequent, category/,
      /imputation of "age" must be mean, median.*but got "avg"/,
      /imputation of "since".*constant/,
      /targetEncoding must be true or false, but got "yes"/,
    ];
    expect(faults).toHaveLength(expected.length);
    faults.forEach((fault, i) => {
      expect(fault).toMatch(expected[i]);
    });
  });

  it('refuses values of the wrong shape', () => {
    expect(faultsOf('of')[0]).toMatch(/must be "auto", "off" or an object of settings, but got "of"/);
    expect(faultsOf(null)[0]).toMatch(/but got null/);
    expect(
      faultsOf({ dropColumns: 'age', columnPurposes: [], imputation: 1, blockedSteps: [1] }),
    ).toHaveLength(4);
    expect(faultsOf({ imputation: { age: { constant: 'x' } } })[0]).toMatch(
      /a number as constant, but got "x"/,
    );
  });
});
