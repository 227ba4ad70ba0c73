/**
 * The names of the outermost object of a JSON text, in order and with repetitions, which `JSON.parse` hides.
 * @param text what `JSON.parse` has accepted and found to be an object
 */
export function jsonObjectKeys(text: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  let isName = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') {
      const start = i;
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
      if (depth === 1 && isName) keys.push(JSON.parse(text.slice(start, i + 1)) as string);
      isName = false;
    } else if (char === '{' || char === '[') {
      depth++;
      isName = char === '{';
    } else if (char === '}' || char === ']') depth--;
    else if (char === ',') isName = true;
  }
  return keys;
}
