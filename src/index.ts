export * from '#core';
export * from '#data';
export * from '#engine';
export * from '#metrics';
export * from '#tabular';
export * from '#tune';
